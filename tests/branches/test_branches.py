"""What counts as entered: a branch that somebody took, or one that has a sentence why nobody can."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from branches import measure
from branches.explained import RULES
from branches.measure import FILES, Explored, Seeds, Tried, try_one
from branches.unentered import Unentered, idle_rules, measured, mistakes, unentered
from redundancyd.sim.explore import Bounds, Broken, Exploration

SOURCE = """\
def sign(number: int) -> str:
    if number < 0:
        return "-"
    return "+"


def told(number: int) -> str:
    match number:
        case 0:
            return "nothing"
        case _ if number > 0:
            return "something"


def noted(number: int, notes: list[str]) -> None:
    match number:
        case 0:
            notes.append("nothing")
        case 1:
            notes.append("one")


def ours() -> None:
    raise AssertionError
"""


@pytest.fixture
def thing(tmp_path: Path) -> ModuleType:
    """A module with a few branches."""
    path = tmp_path / "thing.py"
    path.write_text(SOURCE)
    spec = spec_from_file_location("thing", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def names(thing: ModuleType, into: Path) -> list[str]:
    """The branches of the module that nobody entered in what the folder holds."""
    assert thing.__file__ is not None
    return [each.name for each in unentered(into, [Path(thing.__file__)], RULES)[1]]


@pytest.fixture
def into(tmp_path: Path) -> Path:
    """Where measurements go."""
    folder = tmp_path / "measured"
    folder.mkdir()
    return folder


def call(thing: ModuleType, into: Path, *calls: tuple[object, ...]) -> None:
    """One measurement."""
    assert thing.__file__ is not None
    before = sys.gettrace()
    with measured(into, [Path(thing.__file__)]):
        for name, *arguments in calls:
            getattr(thing, str(name))(*arguments)
    assert sys.gettrace() is before


def test_a_branch_that_nobody_entered_is_named(thing: ModuleType, into: Path):
    """
    By its module, function and lines; what several measurements entered together counts.
    """
    call(thing, into, ("sign", 1), ("told", 0), ("told", 1), ("noted", 0, []), ("noted", 1, []), ("noted", 2, []))
    assert names(thing, into) == ['thing.sign: `if number < 0:` -> `return "-"`']
    call(thing, into, ("sign", -1))
    assert names(thing, into) == []


def test_only_a_match_that_has_to_return_is_complete(thing: ModuleType, into: Path):
    """
    What passes by the last case of the other one is a branch like any.
    """
    call(thing, into, ("sign", 1), ("sign", -1), ("told", 0), ("told", 1), ("noted", 0, []), ("noted", 1, []))
    assert names(thing, into) == ["thing.noted: `case 1:` -> its end"]


def test_a_function_that_nobody_calls_is_named(thing: ModuleType, into: Path):
    """
    Though it has no branch.
    """
    assert thing.__file__ is not None
    path = Path(thing.__file__)
    path.write_text("def lonely() -> int:\n    return 1\n\n\ndef called() -> int:\n    return 2\n")
    assert thing.__spec__ is not None
    assert thing.__spec__.loader is not None
    thing.__spec__.loader.exec_module(thing)
    call(thing, into, ("called",))
    assert "thing.lonely: `return 1` never runs" in names(thing, into)


def test_a_sentence_covers_one_branch_and_has_to_be_needed():
    """
    Without one, twice the same, one that is entered: each fails.
    """
    first, second = Unentered(Path("a.py"), 1, "a.x: one"), Unentered(Path("a.py"), 7, "a.x: one")
    assert list(mistakes([first], {"a.x: one": "so it is"})) == []
    assert list(mistakes([first], {})) == ["never entered: a.py:1: a.x: one"]
    assert list(mistakes([first, second], {"a.x: one": "so it is"})) == ["never entered: a.py:7: a.x: one"]
    assert list(mistakes([], {"a.x: one": "so"})) == ["is explained, and entered after all or gone: a.x: one"]


def test_each_rule_leaves_something_out():
    """
    One that fits no line of the decision is no rule any more.
    """
    assert list(idle_rules(RULES, FILES)) == []
    assert list(idle_rules(["no such line"], FILES)) == ["leaves nothing out: no such line"]


def test_a_law_that_breaks_meanwhile_fails_the_run():
    """
    So does an exploration that did not come to its end.
    """
    together, task = Tried(), Explored(Bounds(0, 0, 0))
    together.add(task, Exploration(broken=Broken("S1 law", "so", ()), closed=False))
    together.add(task, Exploration(closed=True))
    assert together.mistakes() == [f"{task} broke S1 law: so"]
    together.add(task, Exploration(closed=False))
    assert together.mistakes()[1:] == [f"{task} did not come to its end"]


def test_an_exploration_and_a_seed_enter_what_they_enter(into: Path, monkeypatch: pytest.MonkeyPatch):
    """
    Most of it even with one fault; what needs an operator is missing still.
    """
    monkeypatch.setattr(measure, "quicken", lambda: None)  # for a process of its own
    result = try_one(into, Explored(Bounds(1, 0, 0)))
    assert isinstance(result, Exploration)
    assert result.closed
    alone = {each.name for each in unentered(into, FILES, RULES)[1]}
    assert "fold.find: `if isinstance(state.asked, OperatorAsked):` -> `return Trigger.ASKED, None`" in alone
    assert not any("due._loss" in name for name in alone)
    try_one(into, Seeds(1, 1, 0.05))
    assert {each.name for each in unentered(into, FILES, RULES)[1]} < alone
