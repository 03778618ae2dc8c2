"""`redundancy-sim play`: every page on a virtual clock, with the verdict and the JSON of the lab."""

import argparse
import json
from pathlib import Path

import pytest

from redundancyd.core.systems import System
from redundancyd.scenarios import exchange_words
from redundancyd.scenarios.pages import FACTS, FLEET, SIMULATED, VERBS
from redundancyd.scenarios.reading import load, names, read
from redundancyd.sim import play as playing
from redundancyd.sim.cli import main
from redundancyd.sim.deeds import DEEDS
from redundancyd.sim.play import other_player, play
from redundancyd.sim.stage import SimStage

OF_THE_STAGE = {"keep", "restore", "mark", "mend-everything"}


def marked() -> list[object]:
    """Each page, with the promises it exercises."""
    pages = [page for name in names() if not (page := load(name)).needs]
    return [pytest.param(page.name, marks=[getattr(pytest.mark, name) for name in page.promises]) for page in pages]


@pytest.mark.parametrize("name", marked())
@pytest.mark.parametrize("seed", range(3))
def test_a_page_holds_in_the_simulator(name: str, seed: int):
    """
    Its expectations come true whatever the lot; each promise it names is exercised and kept.
    """
    page = load(name)
    result = play(page, seed=seed, quiet=True)
    told = {promise: finding.why for promise, finding in result.promises.items() if finding and not finding.held}
    unmet = [outcome.text for outcome in result.outcomes if not outcome.met]
    assert result.held, result.error or unmet or told
    assert not [promise for promise in page.promises if result.promises[promise] is None]


@pytest.mark.parametrize("name", [name for name in names() if load(name).needs])
def test_a_page_that_needs_more_than_the_simulator_has_is_refused_by_name(
    name: str, capsys: pytest.CaptureFixture[str]
):
    """
    With what it needs, and where it can be played.
    """
    assert main(["play", name]) == 2
    assert f"{name}: `needs exchange-data`" in capsys.readouterr().err


def test_the_same_seed_is_the_same_run():
    """
    Line for line and millisecond for millisecond.
    """
    one, again, other = (play(load("primary_lost"), seed=seed, quiet=True) for seed in (5, 5, 6))
    assert one.timeline == again.timeline
    assert one.timeline != other.timeline


def test_the_json_is_that_of_the_lab(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """
    Verdict, promises, figures in milliseconds from the first fault, and the timeline.
    """
    out = tmp_path / "out.json"
    assert main(["play", "primary_lost", "--quiet", "--json", str(out)]) == 0
    told = json.loads(out.read_text())
    assert set(told) == {"scenario", "held", "promises", "figures", "timeline"}
    assert (told["scenario"], told["held"], told["promises"]["L1"], told["promises"]["S3"]) == (
        "primary_lost",
        True,
        True,
        None,
    )
    assert 2000 < told["figures"]["detected_ms"] < told["figures"]["allowed_ms"] < 4800
    assert told["figures"]["both_active_ms"] == 0
    assert all(set(entry) == {"at_ms", "what"} for entry in told["timeline"])
    assert capsys.readouterr().out.endswith("primary_lost: HELD\n")


def test_a_page_that_does_not_hold_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """
    Both systems are allowed by hand: phones are answered by both, and S1 is broken.
    """
    page = tmp_path / "both_allowed.txt"
    page.write_text(
        "Both are allowed.\n\npromise S1\nby-hand allow alternate\nwait 300ms\nexpect S1: never-both-active\n"
    )
    assert main(["play", str(page), "--lims", "1", "--set", "takeover.look_interval_ms=10000"]) == 1
    said = capsys.readouterr().out
    assert "S1 BROKEN" in said
    assert "both_allowed: NOT HELD" in said


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["primary_found"], "there is no page 'primary_found'"),
        (["primary_lost", "--set", "missed=3"], "--set missed=3"),
        (["primary_lost", "--lims", "0"], "--lims 0"),
        (["manual_takeover_undone", "--lims", "1"], "alternate-2"),
    ],
)
def test_wrong_words_are_told(words: list[str], told: str, capsys: pytest.CaptureFixture[str]):
    """
    Exit status 2, and what would be right.
    """
    assert main(["play", *words]) == 2
    assert told in capsys.readouterr().err


def test_every_page_and_every_word_can_be_listed(capsys: pytest.CaptureFixture[str]):
    """
    As `redundancy-lab pages` does.
    """
    assert main(["pages"]) == 0
    assert all(name in capsys.readouterr().out for name in names()[:1])
    assert main(["pages", "--words"]) == 0
    said = capsys.readouterr().out
    assert all(word in said for word in (*VERBS, *FACTS, *SIMULATED, *FLEET))


def test_the_simulator_can_do_everything_a_page_can_say():
    """
    No verb without a deed, and no deed that a page could not say; but for exchange data, of which it has none.
    """
    assert set(DEEDS) | OF_THE_STAGE | set(exchange_words.VERBS) == set(VERBS) | set(SIMULATED)


def test_a_file_that_is_no_page_goes_to_whom_its_first_line_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """
    What begins otherwise than with a sentence has players of its own.
    """
    seen: list[Path] = []

    def take(path: Path, _: argparse.Namespace) -> int:
        seen.append(path)
        return 7

    monkeypatch.setitem(playing.OTHERS, "# way", take)
    way = tmp_path / "way.txt"
    way.write_text("# way of the explorer\nlose primary\n")
    assert main(["play", str(way)]) == 7
    assert seen == [way]
    assert other_player("primary_lost", playing.OTHERS) is None
    assert capsys.readouterr().out == ""


def test_a_page_says_how_its_fleet_is_set_up():
    """
    The run of a seed: its LIMs, its standby servers, its chance.
    """
    text = (
        "A seed.\n\nfleet seed 7\nfleet lims 3\nfleet standby alternate-2\nfleet boot 3s 20s\nfleet loss 0.01\nat 1s\n"
    )
    with SimStage(read("x", text), seed=0) as stage:
        setup = stage.fleet.setup
    assert (setup.seed, setup.lims, setup.standby) == (7, 3, ((System.ALTERNATE, 2),))
    assert (setup.boot_us, setup.loss) == ((3_000_000, 20_000_000), 0.01)


def test_what_the_operator_is_told_is_on_the_timeline():
    """
    A takeover is followed to its end; one that is refused says why.
    """
    steps = [
        "order manual-takeover traffic-in-alternate",
        "expect order done",
        "stop-exchange primary-1",
        "wait 6s",
        "order manual-takeover traffic-in-primary",
        "expect order refused",
        "expect order said primary-1",
    ]
    page = read("x", "\n".join(["Orders.", "", *steps]))
    result = play(page, quiet=True)
    assert result.held, [outcome.text for outcome in result.outcomes if not outcome.met]
    said = " ".join(entry.what for entry in result.timeline)
    assert "Takeover 2 done: traffic in the alternate system." in said


def test_an_order_that_is_none_stops_the_page():
    """
    The page is not held, and says what nobody understood.
    """
    result = play(read("x", "An order.\n\norder make-coffee\nexpect order done\n"), quiet=True)
    assert not result.held
    assert "make-coffee" in result.error
