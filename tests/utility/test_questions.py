"""No question is asked where nobody is there to answer: the words that would have answered are named, status 2.

Made from the table of actions, so that an action that is added to it is held to this, too.
"""

import asyncio
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import asyncssh
import pytest

from redundancyd.actions import ACTIONS, Action, Argument, Kind
from redundancyd.adapters import admin_ssh, by_hand
from redundancyd.adapters.admin_ssh import HostKey
from redundancyd.core.systems import Server
from redundancyd.errors import OutOfReach
from redundancyd.utility.cli import run
from redundancyd.utility.words import Node, find, option, tree

Ran = tuple[int, str]
SETTINGS = """\
[primary]
master_ip = "192.0.2.10"
lims = [{lim = 1, address = "192.0.2.11"}, {lim = 2, address = "192.0.2.12"}]
[alternate]
lims = [{lim = 1, address = "198.51.100.11"}, {lim = 2, address = "198.51.100.12"}]
[network_control]
addresses = ["203.0.113.1"]
"""
WRONG_WORDS = 2
ASKING = [action for action in ACTIONS if action.asks]
WANTING = [action for action in ACTIONS if any(argument.required for argument in action.arguments)]


@pytest.fixture
def ctl(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """
    Runs words in a folder of their own; no daemon is there, no LIM answers; exit status and all that was said.
    """
    own = f'[daemon]\nstate_folder = "{tmp_path}"\n[socket]\npath = "{tmp_path}/none"\n'
    own += f'[ssh]\nkey = "{tmp_path}/key"\nknown_hosts = "{tmp_path}/known_hosts"\n'
    (tmp_path / "toml").write_text(SETTINGS + own)
    (tmp_path / "table.txt").write_text("192.0.2.11 198.51.100.11\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["redundancyctl"])
    monkeypatch.setattr(admin_ssh, "host_key", out_of_reach)
    monkeypatch.setattr(by_hand, "ask", out_of_reach)
    monkeypatch.setattr("time.sleep", interrupted)

    def words(*typed: str) -> Ran:
        action = find(tree(), typed).action
        local = ["--config", str(tmp_path / "toml")] if action is not None and action.local else []
        status = run(["--socket", str(tmp_path / "none"), *typed, *local])
        out, err = capsys.readouterr()
        return status, " ".join((out + err).split())

    return words


@pytest.fixture
def nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A question is the end of the test.
    """
    for question in ("click.confirm", "click.prompt", "getpass.getpass", "builtins.input"):
        monkeypatch.setattr(question, ask)


def ask(*_: object, **__: object) -> NoReturn:
    """Nobody is there."""
    raise AssertionError("somebody was asked")


def interrupted(_: float) -> NoReturn:
    """What watches is left after the first look."""
    raise KeyboardInterrupt


async def out_of_reach(*_: object) -> NoReturn:
    """No LIM is there."""
    await asyncio.sleep(0)
    raise OutOfReach("asking", "no answer")


def example(action: Action, *left_out: str) -> list[str]:
    """The words of an action's example behind the program's name, but for these arguments."""
    words = iter(shlex.split(action.example)[1:])
    bare = iter([argument for argument in action.arguments if argument.bare])
    by_option = {option(argument): argument for argument in action.arguments}
    kept = [next(words) for _ in action.words]
    for word in words:
        argument = by_option.get(word) if word.startswith("--") else next(bare)
        if argument is None:  # what the command line adds: --yes
            kept += [] if word.removeprefix("--") in left_out else [word]
            continue
        said = [word] if argument.bare or argument.kind is Kind.FLAG else [word, next(words)]
        kept += [] if argument.name in left_out else said
    return kept


def answers(argument: Argument) -> list[str]:
    """The words by which this argument is told."""
    if argument.choices:
        return [choice.word for choice in argument.choices]
    return [argument.like or argument.name] if argument.bare else [option(argument)]


def wanting() -> Iterator[object]:
    """Each argument that an action cannot do without; of bare words the last is missing, whichever was left out."""
    for action in WANTING:
        bare = [argument for argument in action.arguments if argument.bare and argument.required]
        for argument in action.arguments:
            if argument.required:
                left_out = [each.name for each in bare[bare.index(argument) :]] if argument.bare else [argument.name]
                yield pytest.param(action, argument, left_out, id=f"{action.name}-{argument.name}")


@pytest.mark.parametrize(("action", "argument", "left_out"), [*wanting()])
def test_what_an_action_cannot_do_without_is_named_with_an_example(
    ctl: Callable[..., Ran], nobody_is_asked: None, action: Action, argument: Argument, left_out: list[str]
):
    """
    The example of the table without this one argument.
    """
    status, said = ctl(*example(action, *left_out))
    assert status == WRONG_WORDS, said
    assert [word for word in answers(argument) if word not in said] == []
    assert f"or example: {action.example}" in said


@pytest.mark.parametrize("action", ASKING, ids=lambda action: action.name)
def test_what_asks_before_it_does_something_names_the_word_that_answers(
    ctl: Callable[..., Ran], nobody_is_asked: None, action: Action
):
    """
    No daemon is needed to say so.
    """
    status, said = ctl(*example(action, "yes"))
    assert status == WRONG_WORDS, said
    assert "nobody is there to answer: add --yes" in said
    assert ("--preview to look" in said) == action.previewed


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
def test_no_action_asks_anything_where_nobody_is(ctl: Callable[..., Ran], nobody_is_asked: None, action: Action):
    """
    Its words alone, its example, and its example with --yes, which is as far as it comes without a daemon.
    """
    for words in (list(action.words), example(action), [*example(action, "yes"), *(["--yes"] if action.asks else [])]):
        ctl(*words)


def test_an_editor_wants_a_terminal_and_the_way_without_one_is_named(ctl: Callable[..., Ran], nobody_is_asked: None):
    """
    A file to edit, and the way back.
    """
    status, said = ctl("settings", "translation", "edit")
    assert status == WRONG_WORDS
    assert "'settings translation export FILE', change it, 'settings translation import FILE'" in said


def test_host_keys_that_nobody_compares_are_shown_with_the_words_that_confirm_them(
    ctl: Callable[..., Ran], nobody_is_asked: None, monkeypatch: pytest.MonkeyPatch
):
    """
    A word for each LIM, and no LIM is logged in to.
    """

    async def host_key(server: Server, _: int) -> HostKey:
        return HostKey(f"ssh-ed25519 {server.name}", f"SHA256:{server.name}")

    monkeypatch.setattr(admin_ssh, "host_key", host_key)
    status, said = ctl("lim", "install", "--lim", "primary-1", "--lim", "primary-2", "--yes")
    assert status == WRONG_WORDS
    assert "nobody is there to compare them" in said
    assert "--fingerprint SHA256:primary-1 --fingerprint SHA256:primary-2" in said


def test_a_login_that_a_password_would_have_opened_names_the_word_for_it(
    ctl: Callable[..., Ran], nobody_is_asked: None, monkeypatch: pytest.MonkeyPatch
):
    """
    Without a terminal it is tried by key and by agent alone.
    """
    shown = admin_ssh.as_host_key(admin_ssh.make_key("a LIM")[1])

    async def host_key(*_: object) -> HostKey:
        return shown

    def connect(*_: object, **__: object) -> NoReturn:
        raise asyncssh.PermissionDenied("no key of ours is known there")

    monkeypatch.setattr(admin_ssh, "host_key", host_key)
    monkeypatch.setattr(asyncssh, "connect", connect)
    status, said = ctl("lim", "install", "--lim", "primary-1", "--yes", "--fingerprint", shown.fingerprint)
    assert status == 1
    assert "primary-1 REFUSED: " in said
    assert "a key with --identity; --password-stdin takes a password" in said


@pytest.mark.parametrize("words", [(), ("settings",), ("data",), ("manual-takeover",), ("more_configuration",)])
def test_where_a_menu_would_open_the_words_of_the_menu_are_named(
    ctl: Callable[..., Ran], nobody_is_asked: None, words: tuple[str, ...]
):
    """
    Help of that place; exit status 2.
    """
    status, said = ctl(*words)
    assert status == WRONG_WORDS
    node: Node = find(tree(), words)
    assert [child.word for child in node.children if child.word not in said] == []
