"""The words of `settings translation`: what is shown, which files are read, and a round trip through an editor."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import click
import pytest

from redundancyd.client import Client, Refusal
from redundancyd.errors import RedundancyError
from redundancyd.requests import ConfirmAddresses, ImportTable, SetEntry
from redundancyd.utility import translation, translation_screens
from redundancyd.utility.text import PLAIN, WIDTH
from tests.api.real_desk import RealDesk
from tests.utility.conftest import Run
from tests.utility.golden import compare


def listed(kind: str, address: str, becomes: str | None = None, count: int = 1) -> dict[str, Any]:
    """One address of a page."""
    places = [{"lim": 1, "file": "cql/sip_route.csv", "line": line} for line in range(2, 2 + min(count, 10))]
    return {"address": address, "kind": kind, "becomes": becomes, "count": count, "places": places}


def page(*addresses: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The page of a daemon."""
    kinds = ("translated", "missing", "untouched", "new", "foreign")
    told = {
        "table": "192.0.2.11 -> 198.51.100.11\n",
        "mark": "ab" * 32,
        "unread": "",
        "mirror": "20260309031502",
        "addresses": list(addresses),
        "counts": {kind: sum(each["kind"] == kind for each in addresses) for kind in kinds},
        "not_shown": 0,
        "left_out": 0,
        "gone": [],
        "missing": [],
        "unconfirmed": [],
        "differences": [],
    }
    return told | changes


HELD = page(
    listed("missing", "192.0.2.12", count=12),
    listed("untouched", "192.0.2.11"),
    listed("new", "203.0.113.9"),
    listed("foreign", "2001:db8:3::40", count=2),
    listed("translated", "192.0.2.11", "198.51.100.11", 40),
    gone=["192.0.2.98", "203.0.113.77"],
    not_shown=3,
    left_out=17,
)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("translation-held", HELD),
        ("translation-calm", page(listed("translated", "192.0.2.11", "198.51.100.11", 40))),
        ("translation-never", page(mirror=None)),
        ("translation-unread", page(unread="reading /var/lib/redundancyd/translation: it is not UTF-8.")),
    ],
)
def test_the_screen_of_the_table(name: str, told: dict[str, Any]):
    """
    What holds back a load, with what to type, then the rest; within 80 columns.
    """
    text = translation_screens.table(told)
    assert all(len(line) <= WIDTH for line in text.split("\n"))
    compare(name, text)


async def test_the_table_is_shown_by_the_bare_word_and_by_list(api: object, ctl: Run, desk: RealDesk):
    """
    As text, and as JSON for programs.
    """
    desk.translation_page = HELD
    for words in (("settings", "translation"), ("settings", "translation", "list")):
        status, out, _ = await ctl(*words)
        assert (status, "HELD BACK" in out) == (0, True)
    assert json.loads((await ctl("settings", "translation", "list", "--json"))[1]) == HELD


async def test_a_table_is_exported_and_imported_as_it_is(api: object, ctl: Run, desk: RealDesk, tmp_path: Path):
    """
    A file that is there is not overwritten; one that can't be read is named.
    """
    desk.translation_page = HELD
    file = tmp_path / "table.txt"
    assert (await ctl("settings", "translation", "export", str(file)))[0] == 0
    assert file.read_text() == HELD["table"]
    status, _, err = await ctl("settings", "translation", "export", str(file))
    assert (status, "is there already" in err) == (2, True)
    assert (await ctl("settings", "translation", "export"))[1] == HELD["table"]
    await ctl("settings", "translation", "import", str(file))
    assert desk.asked[-1][1] == ImportTable(HELD["table"])
    status, _, err = await ctl("settings", "translation", "import", str(tmp_path / "none"))
    assert (status, "No such file" in err) == (2, True)
    file.write_bytes(b"1\n\xff\n")
    status, _, err = await ctl("settings", "translation", "import", str(file))
    assert (status, "line 2: it is not UTF-8" in err) == (2, True)


async def test_one_entry_is_set_by_its_two_addresses(api: object, ctl: Run, desk: RealDesk):
    """
    What is no address is named before anything is asked.
    """
    await ctl("settings", "translation", "set", "192.0.2.11", "198.51.100.11")
    assert desk.asked[-1][1] == SetEntry("192.0.2.11", "198.51.100.11")
    status, _, err = await ctl("settings", "translation", "set", "lim-1", "198.51.100.11")
    assert (status, "A: 'lim-1' is not understood" in err) == (2, True)
    assert len(desk.asked) == 1


async def test_a_bare_confirm_shows_the_new_addresses_and_means_these(api: object, ctl: Run, desk: RealDesk):
    """
    Without a terminal it wants --yes; one that comes meanwhile is not confirmed by it.
    """
    desk.translation_page = HELD
    assert (await ctl("settings", "translation", "confirm"))[0] == 2
    _, out, _ = await ctl("settings", "translation", "confirm", "--yes")
    assert "203.0.113.9" in out
    assert "192.0.2.12" not in out
    assert desk.asked[-1][1] == ConfirmAddresses(("203.0.113.9",))
    await ctl("settings", "translation", "confirm", "203.0.113.8", "2001:db8::9", "--yes")
    assert desk.asked[-1][1] == ConfirmAddresses(("203.0.113.8", "2001:db8::9"))


class Daemon:
    """Takes what is sent, or refuses it so many times."""

    def __init__(self, refusals: int = 0) -> None:
        self.refusals = refusals
        self.sent: list[Mapping[str, object]] = []

    def get(self, _: str) -> dict[str, Any]:
        """The page."""
        return HELD

    def act(self, _: str, body: Mapping[str, object]) -> dict[str, Any]:
        """What is done with it."""
        self.sent.append(body)
        if len(self.sent) <= self.refusals:
            mistakes = [{"argument": "line 4", "text": "not two addresses"}]
            raise Refusal("asking", {"title": "no", "detail": "1 mistake", "mistakes": mistakes})
        return {"detail": "the table has 2 entries", "takeover": None}


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The editor of somebody at a terminal: a script that each test writes."""
    script = tmp_path / "editor"
    monkeypatch.setenv("EDITOR", f"sh {script}")
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(translation, "on_terminal", lambda: True)
    return script


def left(editor: Path) -> list[Path]:
    """The texts that stayed behind."""
    return list(editor.parent.glob("translation-*.txt"))


def test_what_was_edited_is_taken_and_no_file_stays_behind(editor: Path):
    """
    Own addresses without an entry stood in it as hints; the mark tells which table was edited.
    """
    editor.write_text('sed -i "s/^#? 192.0.2.12 -> /192.0.2.12 198.51.100.12 /" "$1"')
    daemon = Daemon()
    assert translation.edit(cast("Client", daemon), PLAIN) == 0
    (body,) = daemon.sent
    assert "\n192.0.2.12 198.51.100.12" in str(body["text"])
    assert body["was"] == HELD["mark"]
    assert left(editor) == []


def test_nothing_is_sent_when_nothing_was_changed(editor: Path):
    """
    Looking is not changing.
    """
    editor.write_text("true")
    daemon = Daemon()
    assert translation.edit(cast("Client", daemon), PLAIN) == 0
    assert daemon.sent == []
    assert left(editor) == []


def test_mistakes_are_told_and_what_was_written_is_edited_again(
    editor: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """
    The second time it is right.
    """
    editor.write_text('echo "once more" >> "$1"')
    monkeypatch.setattr(click, "confirm", lambda *_, **__: True)
    daemon = Daemon(refusals=1)
    assert translation.edit(cast("Client", daemon), PLAIN) == 0
    assert "line 4: not two addresses" in capsys.readouterr().err
    assert str(daemon.sent[1]["text"]).endswith("once more\nonce more\n")


def test_what_is_given_up_stays_in_its_file(
    editor: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """
    Nothing that somebody wrote is lost.
    """
    editor.write_text('echo "192.0.2.12" >> "$1"')
    monkeypatch.setattr(click, "confirm", lambda *_, **__: False)
    assert translation.edit(cast("Client", Daemon(refusals=9)), PLAIN) == 3
    (file,) = left(editor)
    assert file.read_text().endswith("192.0.2.12\n")
    assert str(file) in capsys.readouterr().out


@pytest.mark.parametrize("command", ["exit 3", None])
def test_an_editor_that_fails_changes_nothing(editor: Path, monkeypatch: pytest.MonkeyPatch, command: str | None):
    """
    It is named, and so is the file.
    """
    if command is None:
        monkeypatch.setenv("EDITOR", "no-such-editor")
    else:
        editor.write_text(command)
    daemon = Daemon()
    with pytest.raises(RedundancyError, match=r"translation-.*\.txt"):
        translation.edit(cast("Client", daemon), PLAIN)
    assert daemon.sent == []


def test_without_a_terminal_edit_names_the_words_that_do_it():
    """
    Export, change, import.
    """
    with pytest.raises(click.UsageError, match="translation import FILE"):
        translation.edit(cast("Client", Daemon()), PLAIN)
