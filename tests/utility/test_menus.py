"""Menus, forms and Help from the table of actions, and from tables that are made up: nothing is about one action."""

from typing import Any

import pytest

from redundancyd.action_kinds import Action, Argument, Kind
from redundancyd.actions import ACTIONS
from redundancyd.utility import cli, commands, menus
from redundancyd.utility.text import WIDTH
from redundancyd.utility.words import Node, tree, typed

WHERE = Argument("lim", Kind.TEXT, "One LIM.", like="N")
TABLE = tuple(
    Action(
        name=f"iptables-{word}",
        words=("more_configuration", "iptables", word),
        summary=f"{word} rules.",
        help="Adding blocks, removing allows.",
        example=f"redundancyctl more_configuration iptables {word}",
        arguments=(WHERE,),
    )
    for word in ("add", "remove", "status")
)
GROUPS = {(): "All.", ("more_configuration",): "More.", ("more_configuration", "iptables"): "Rules."}


def nodes() -> list[Node]:
    """Every place of the real table."""
    return list(tree().every())


def test_every_action_is_reached_by_menus():
    """
    An action is in the menus by standing in the table.
    """
    reached = {node.action.name for node in nodes() if node.action is not None}
    assert reached == {action.name for action in ACTIONS}
    for node in nodes():
        keys = [item.key for item in menus.menu(node).items]
        assert keys[-len(node.children) :] == [child.word for child in node.children] or not node.children


@pytest.mark.parametrize("node", nodes(), ids=menus.title)
def test_every_place_has_a_help_that_fits_the_screen(node: Node):
    """
    What it is, the words that do the same, the keys.
    """
    told = menus.action_help(node) if node.action is not None else menus.group_help(node)
    assert max(map(len, told.splitlines())) <= WIDTH
    assert "by words" in told
    assert "Escape" in told
    for argument in node.asked if node.action is not None else ():
        assert f"{menus.label(argument.name)}{argument.help[:3]}" not in told
    if node.action is not None:
        assert node.action.example in told.replace(f" \\\n{menus.CONTINUED}", " ")


def test_the_last_question_names_what_was_chosen_on_the_way():
    """
    Which mirror is loaded, which addresses are confirmed; nothing where nothing was chosen.
    """
    load = next(node for node in nodes() if node.words == ("data", "load"))
    assert "  stamp: 20260309031502\n" in menus.question(load, {"stamp": "20260309031502"}).text
    assert "stamp:" not in menus.question(load, {}).text
    confirm = next(node for node in nodes() if node.words == ("settings", "translation", "confirm"))
    assert "addresses: 192.0.2.1 192.0.2.2" in menus.question(confirm, {"addresses": ["192.0.2.1", "192.0.2.2"]}).text


def test_a_new_action_is_in_the_menus_under_both_names_of_the_program():
    """
    The maintenance utility has its word and nothing else.
    """
    others = tuple(action for action in ACTIONS if action.words[0] != "more_configuration")
    root = tree((*others, *TABLE), {**GROUPS}, program="mxone_maintenance")
    assert [child.word for child in root.children] == ["more_configuration"]
    words = [node.words for node in root.every() if node.action is not None]
    assert words == [action.words for action in TABLE]
    assert tree(others, program="mxone_maintenance").children == ()


def test_choices_and_known_values_are_asked_in_menus_one_by_one_and_the_rest_in_one_form():
    """
    In the order of the table; what is already given is not asked.
    """
    by_words = {node.words: node for node in nodes()}
    takeover = by_words["settings", "takeover"]
    asked = menus.steps(takeover, {})
    assert [getattr(step, "name", step) for step in asked] == ["direction", "method"]
    assert [getattr(step, "name", "") for step in menus.steps(takeover, {"direction": "x"})] == ["method"]
    (form,) = menus.steps(by_words["settings", "pause"], {})
    assert isinstance(form, tuple)
    assert [field.name for field in menus.form(by_words["settings", "pause"], form, {}).fields] == ["for", "reason"]
    assert [getattr(step, "name", "") for step in menus.steps(by_words["data", "load"], {})] == ["stamp"]


def test_what_may_be_left_out_may_be_left_out_in_its_menu():
    """
    The newest mirror without a stamp.
    """
    load = next(node for node in nodes() if node.words == ("data", "load"))
    page = {"mirrors": [{"stamp": "20260309031502", "condition": "whole", "detail": "", "size_bytes": 7}]}
    menu = menus.offered(load, load.asked[0], page)
    assert [(item.key, item.told) for item in menu.items] == [
        ("", "Goes on without it."),
        ("20260309031502", "whole"),
    ]


VALUES: dict[str, dict[str, Any]] = {
    "settings-takeover": {"direction": "alternate-from-primary", "method": "manual"},
    "pause": {"for": "2h", "reason": "work on the routers"},
    "manual-takeover": {"revert_after": "15m", "accept": ("2", "control")},
    "alarms": {"all": True},
    "explain": {"takeover": "7"},
    "inspect-row": {"row": "T07"},
    "data-auto-create": {"at": "02:30"},
}


@pytest.mark.parametrize("name", VALUES)
def test_the_words_for_what_was_answered_mean_the_same_to_the_command_line(name: str, monkeypatch: pytest.MonkeyPatch):
    """
    What a dialog says it does is what would have to be typed.
    """
    meant: list[dict[str, Any]] = []

    def perform(_: Action, values: dict[str, Any], __: str) -> int:
        meant.append({key: value for key, value in values.items() if value not in (None, False, ())})
        return 0

    monkeypatch.setattr(commands, "perform", perform)
    monkeypatch.setattr("sys.argv", ["redundancyctl"])
    node = next(node for node in nodes() if node.action is not None and node.action.name == name)
    assert cli.run(typed(node, VALUES[name])) == 0
    assert meant == [{**node.fixed, **VALUES[name]}]


def test_what_may_be_left_out_is_in_brackets_in_the_usage():
    """
    `data load` without a stamp is right: its usage must not say that one is needed.
    """
    bare = [argument for action in ACTIONS for argument in action.arguments if argument.bare and argument.like]
    assert bare
    for argument in bare:
        assert argument.like.startswith("[") == (not argument.required), argument
