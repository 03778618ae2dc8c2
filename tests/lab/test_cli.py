"""`redundancy-lab` on the command line: teaches, refuses wrong words, and lets people walk in."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from redundancyd.core.systems import System
from redundancyd.lab import system
from redundancyd.lab.cli import main
from redundancyd.scenarios.evidence import Happened, Moved, Remembered, read_sample
from redundancyd.scenarios.telling import told_last
from redundancyd.scenarios.timeline import Timeline, entry_of, line_of

LAB = [sys.executable, "-m", "redundancyd.lab"]


def test_help_teaches_with_examples(capsys: pytest.CaptureFixture[str]):
    """
    What it is, the commands, and lines to copy.
    """
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert "redundancy-lab play primary_lost" in shown
    assert "Exit status" in shown


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["explode"],
        ["play"],
        ["play", "primary_found"],
        ["play", "primary_lost", "--lims", "many"],
        ["play", "primary_lost", "--lims", "0"],
        ["play", "primary_lost", "--prefix", "No Way"],
        ["play", "manual_takeover_undone", "--lims", "1"],
        ["play", "primary_lost", "--set", "interval=3"],
        ["play", "primary_lost", "--backend", "ebtables"],
        ["down"],
    ],
)
def test_wrong_words_end_with_status_2_and_build_nothing(words: list[str], capsys: pytest.CaptureFixture[str]):
    """
    Each says what is wrong.
    """
    try:
        status = main(words)
    except SystemExit as ended:
        status = int(str(ended.code))
    assert status == 2
    assert "redundancy-lab" in capsys.readouterr().err


def test_without_root_it_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """
    With the remedy, before anything is made.
    """
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert main(["play", "primary_lost"]) == 1
    assert "run it as root" in capsys.readouterr().err


def test_a_missing_tool_is_named_with_the_package_that_has_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """
    The remedy can be copied.
    """
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setitem(system.NEEDED, "no-such-tool", "some-package")
    assert main(["play", "primary_lost"]) == 1
    assert "apt-get install some-package" in capsys.readouterr().err


def test_the_pages_and_their_words_are_listed(capsys: pytest.CaptureFixture[str]):
    """
    Every page with its sentence; every verb and fact with what it takes.
    """
    assert main(["pages"]) == 0
    assert "primary_lost" in capsys.readouterr().out
    assert main(["pages", "--words"]) == 0
    shown = capsys.readouterr().out
    assert "power-off" in shown
    assert "never-both-active" in shown


@pytest.mark.lab
@pytest.mark.timeout(60)
def test_a_bed_stays_up_is_listed_entered_and_taken_away():
    """
    As a person would use it, without the daemon.
    """
    prefix = f"cli-{os.getpid()}"
    try:
        assert "are up" in _lab("up", "--prefix", prefix, "--lims", "1", "--without-daemon")
        assert f"{prefix} " in _lab("list")
        assert "primary-1" in _lab("shell", "--prefix", prefix, "primary-1", "hostname")
        assert "203.0.113.21" in _lab("shell", "--prefix", prefix, "phones", "ip", "-br", "address")
        assert '"traffic":"allowed"' in _lab("shell", "--prefix", prefix, "alternate-1", "redundancy-lim", "status")
    finally:
        assert "gone" in _lab("down", "--prefix", prefix)
    assert prefix not in _lab("list")


def _lab(*words: str) -> str:
    return subprocess.run([*LAB, *words], capture_output=True, text=True, check=True, timeout=40).stdout


@pytest.mark.lab
@pytest.mark.timeout(120)
def test_a_page_that_does_not_hold_ends_with_status_1_and_says_what_was_broken(tmp_path: Path):
    """
    Somebody allows the alternate by hand: both are active, and S1 comes out false.
    """
    page = tmp_path / "both_allowed.txt"
    page.write_text(
        "Both are allowed.\n\npromise S1\nby-hand allow alternate\nwait 300ms\nexpect S1: never-both-active\n"
    )
    out = tmp_path / "out.json"
    command = [*LAB, "play", str(page), "--json", str(out), "--lims", "1", "--set", "takeover.look_interval_ms=10000"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=90)
    assert done.returncode == 1, done.stdout
    told = json.loads(out.read_text())
    assert (told["scenario"], told["held"], told["promises"]["S1"]) == ("both_allowed", False, False)
    assert told["promises"]["L1"] is None
    assert told["figures"]["both_active_ms"] > 100
    assert all(set(entry) == {"at_ms", "what"} for entry in told["timeline"])
    assert "S1 BROKEN" in done.stdout


def test_a_page_for_the_simulator_alone_is_refused_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """
    Before anything is built, and with the program that can play it.
    """
    page = tmp_path / "seed.txt"
    page.write_text("What a seed did.\n\nfleet lims 3\nat 15s\n")
    assert main(["play", str(page)]) == 2
    assert "`fleet lims` is for the simulator: redundancy-sim play" in capsys.readouterr().err


def test_the_timeline_is_in_the_order_of_time_and_counts_from_the_mark(capsys: pytest.CaptureFixture[str]):
    """
    Facts that arrive late are still put in their place.
    """
    timeline = Timeline()
    timeline.mark = 1000
    timeline.add(3500, "daemon", "second")
    timeline.add(1500, "FAULT", "first")
    timeline.show(now=5000)
    assert capsys.readouterr().out.splitlines() == ["    0.500  FAULT         first", "    2.500  daemon        second"]


@pytest.mark.parametrize(
    ("fact", "told"),
    [
        (Moved(5, 2, System.ALTERNATE), "phone 2       registered at the alternate"),
        (Moved(5, 2, None), "phone 2       no system serves it"),
        (
            Remembered(5, "primary-1", System.PRIMARY, 7, "block", "order", "blocked"),
            "primary-1     blocked: took order number 7 (block)",
        ),
        (
            Happened(5, "takeover_decided", {"takeover": 2, "active": "alternate", "reason": "lost"}),
            "TAKEOVER 2 decided",
        ),
        (Happened(5, "", {"text": "Traceback"}), "Traceback"),
    ],
)
def test_facts_are_told_in_words(fact: Moved | Remembered | Happened, told: str):
    """
    Words that need nothing else to be read.
    """
    entry = entry_of(fact)
    assert entry is not None
    assert told in line_of(entry, 0)


def test_an_unknown_event_of_the_journal_is_no_error():
    """
    The daemon may learn new words; the timeline leaves them out.
    """
    assert entry_of(Happened(5, "moon_rose", {})) is None


def test_of_a_long_answer_the_end_is_shown():
    """
    What stands behind the events that the utility followed.
    """
    assert told_last("Now:\n[ 1.0] row_taken\n[ 2.0] row_taken\nTakeover 2 done.\n") == ["Takeover 2 done."]
    assert told_last("refused: not ready\n") == ["refused: not ready"]
    assert told_last("") == []


def test_a_status_is_read_whichever_way_it_names_lims():
    """
    By name or as a table; what is missing is no error.
    """
    said = {"goal": {"active": "alternate", "number": 3}, "unfenced": ["primary-1", {"system": "primary", "lim": 2}]}
    sample = read_sample(5, said)
    assert (sample.goal, sample.number) == (System.ALTERNATE, 3)
    assert sample.unfenced == {"primary-1", "primary-2"}
    assert read_sample(5, {}).goal is None
