"""Scenario pages: what they may say, what is refused, and that all that ship can be read."""

import re

import pytest

from redundancyd.lab.faults import DOES
from redundancyd.scenarios.links import ALL_WAYS, Site, Way, ways
from redundancyd.scenarios.pages import FACTS, PROMISES, VERBS, Do, Expect, Fact, Page, PageError, Repeat, Until, Wait
from redundancyd.scenarios.reading import load, names, read
from redundancyd.scenarios.spans import Span, symbols

BOUNDS = {"i": 1000, "k": 3, "w": 3000, "t": 800, "F": 1000, "U": 3000, "R": 900_000, "l": 5000}


def page(*lines: str) -> Page:
    """A page with these lines, the first of which is line 3."""
    return read("test", "\n".join(["What it is about.", "", *lines]))


def test_a_page_says_what_it_is_about_what_is_set_and_what_it_exercises():
    """
    The first paragraph is the sentence; settings and promises stand apart from the steps.
    """
    found = read("x", "The primary is lost,\nsilently.\n\nset heartbeat.missed 4\npromise S0 L1\npower-off primary\n")
    assert found.about == "The primary is lost, silently."
    assert found.settings == (("heartbeat.missed", "4"),)
    assert found.promises == ("S0", "L1")
    assert found.steps == (Do(6, "power-off", ("primary",)),)


def test_comments_and_empty_lines_mean_nothing():
    """
    What is behind a # is for the reader.
    """
    assert page("# a comment", "", "kill daemon   # now").steps == (Do(5, "kill", ("daemon",)),)


def test_an_expectation_may_come_true_in_time_stay_true_or_be_true_now():
    """
    Three forms of expect, with or without the promise it stands for.
    """
    steps = page(
        "expect L1: active alternate within ki+t", "expect S4: no-takeover for 5s", "expect never-both-active"
    ).steps
    assert steps == (
        Expect(3, Fact("active", ("alternate",)), "L1", Span("ki+t"), None),
        Expect(4, Fact("no-takeover", ()), "S4", None, Span("5s")),
        Expect(5, Fact("never-both-active", ()), None, None, None),
    )


def test_a_wait_is_a_span_one_by_lot_or_until_a_fact():
    """
    Waiting until something has a deadline of its own.
    """
    assert page("wait 3s", "wait 0s..2i", "wait until event takeover_done lim=1 within 9s").steps == (
        Wait(3, Span("3s"), None),
        Wait(4, Span("0s"), Span("2i")),
        Until(5, Fact("event", ("takeover_done", "lim=1")), Span("9s")),
    )


def test_steps_are_repeated_and_may_be_nested():
    """
    `repeat` goes up to its own `end`.
    """
    (outer,) = page("repeat 2", "repeat 3", "kill daemon", "end", "start daemon", "end").steps
    assert outer == Repeat(3, 2, (Repeat(4, 3, (Do(5, "kill", ("daemon",)),)), Do(7, "start", ("daemon",))))


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("explode primary", "explode"),
        ("power-off", "power-off takes"),
        ("power-off tertiary", "power-off takes"),
        ("cut nowhere", "no link is called 'nowhere'"),
        ("cut phones-control", "no link is called"),
        ("kill primary", "kill takes"),
        ("wait soon", "no span of time"),
        ("wait until active alternate", "needs `within SPAN`"),
        ("expect S9: active alternate", "no promise is called 'S9'"),
        ("expect sunshine", "nothing that can be seen"),
        ("expect active everybody", "nothing that can be seen"),
        ("expect both-active-at-most never", "no span of time"),
        ("repeat 0", "repeat"),
        ("end", "end"),
        ("set missed 3", "set"),
        ("promise S77", "promise"),
        ("step-clock 1h", "step-clock takes"),
        ("by-hand unplug primary-1", "by-hand takes"),
        ("move-master primary", "move-master takes"),
        ("keep diary", "keep takes"),
        ("restore", "restore takes"),
        ("unplug alternate-control", "unplug takes"),
        ("next-reload explodes alternate", "no span of time"),
        ("next-reload fails", "next-reload takes"),
        ("save-backup alternate-2", "save-backup takes"),
        ("untranslate somebody", "untranslate takes"),
        ("expect runs alternate theirs", "nothing that can be seen"),
        ("expect mirrors few", "nothing that can be seen"),
        ("expect row 22", "nothing that can be seen"),
        ("expect row T22 often", "nothing that can be seen"),
        ("expect no-row T22 1", "nothing that can be seen"),
    ],
)
def test_a_line_that_cannot_be_played_is_named_with_what_would_be_right(line: str, told: str):
    """
    The mistake is told with page, line number and a hint.
    """
    with pytest.raises(PageError, match="test, line 3: ") as refused:
        page(line)
    assert told in str(refused.value)


@pytest.mark.parametrize("line", ["upgrade alternate", "expect untouched primary", "wait until mirrors 1 within 9s"])
def test_a_page_that_speaks_of_exchange_data_says_that_it_needs_some(line: str):
    """
    In its head, so that whoever has none can refuse it by name.
    """
    with pytest.raises(PageError, match="needs exchange-data"):
        page(line)
    assert page("needs exchange-data", line).needs == ("exchange-data",)


@pytest.mark.parametrize("text", ["", "Only a sentence.\n", "A sentence.\n\n# nothing happens\n"])
def test_a_page_without_anything_that_happens_is_refused(text: str):
    """
    A sentence alone is no scenario.
    """
    with pytest.raises(PageError):
        read("test", text)


def test_a_repeat_without_end_is_refused():
    """
    The line of the open repeat is named.
    """
    with pytest.raises(PageError, match="line 4: repeat without end"):
        page("kill daemon", "repeat 3", "start daemon")


def test_a_page_that_is_not_there_is_refused_with_those_that_are():
    """
    A wrong name is answered with the right ones; a path is no name.
    """
    with pytest.raises(PageError, match="primary_lost"):
        load("primary_found")
    with pytest.raises(PageError):
        load("../secret")


def test_every_page_that_ships_can_be_read():
    """
    Each page has a sentence and promises that exist.
    """
    assert {"primary_lost", "alternate_isolated", "daemon_frozen"} <= set(names())
    for name in names():
        assert set(load(name).promises) <= set(PROMISES)


@pytest.mark.parametrize("name", names())
def test_a_promise_without_a_law_of_its_own_is_expected_somewhere_on_the_page(name: str):
    """
    A page that claims to exercise S4, S6, L2 or L3 has an expectation under that name.
    """
    found = load(name)
    tagged = {step.promise for step in found.flat() if isinstance(step, Expect)}
    assert set(found.promises) & {"S4", "S6", "L2", "L3"} <= tagged


@pytest.mark.parametrize("name", names())
def test_a_row_that_the_sentence_of_a_page_names_is_looked_for_on_it(name: str):
    """
    Who says which row answers an accident shows it.
    """
    found = load(name)
    looked_for = {
        word for step in found.flat() if isinstance(step, Expect | Until) for word in step.fact.words[:1] if "T" in word
    }
    assert set(re.findall(r"T\d\d", found.about)) <= looked_for


@pytest.mark.parametrize(
    "line",
    ["fleet lims 0", "fleet standby primary", "fleet colour red", "fleet loss 2", "at noon", "slow primary-1", "stop"],
)
def test_what_only_the_simulator_knows_has_its_exact_form_too(line: str):
    """
    The mistake is told with its line.
    """
    with pytest.raises(PageError, match="test, line 3: "):
        page(line)


@pytest.mark.parametrize("line", ["fleet lims 3", "at 15s", "slow 300ms primary-1", "mend-everything"])
def test_a_page_for_the_simulator_alone_is_known(line: str):
    """
    The lab says what it can't do.
    """
    assert page(line, "kill daemon").only_simulated in line
    assert page("kill daemon").only_simulated == ""


def test_the_lab_can_do_everything_a_page_can_say():
    """
    No verb without a deed, no deed without a verb.
    """
    assert set(DOES) == set(VERBS)


def test_every_fact_and_verb_is_explained():
    """
    `redundancy-lab pages --words` has a line for each.
    """
    assert all(text for text in (*VERBS.values(), *FACTS.values()))


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("3s", 3000),
        ("500ms", 500),
        ("2m", 120_000),
        ("1.5s", 1500),
        ("ki+t+F+U", 7800),
        ("2i+F", 3000),
        ("w+R", 903_000),
        ("l", 5000),
        ("w+1s", 4000),
    ],
)
def test_spans_are_written_in_units_or_in_the_contracts_symbols(text: str, ms: int):
    """
    A bound of the contract is written as the contract writes it.
    """
    assert Span(text).ms(BOUNDS) == ms


@pytest.mark.parametrize("text", ["", "3", "s", "3x", "2q", "i++t", "-3s"])
def test_what_is_no_span_is_refused(text: str):
    """
    A span without a unit or with an unknown symbol never reaches a run.
    """
    with pytest.raises(ValueError, match="no span of time"):
        Span(text)


def test_the_symbols_come_from_the_settings():
    """
    The bounds of a page follow its own settings.
    """
    settings = {
        "heartbeat.interval_ms": 200,
        "heartbeat.missed": 4,
        "heartbeat.timeout_ms": 150,
        "takeover.block_deadline_ms": 1000,
        "takeover.allow_deadline_ms": 3000,
        "takeover.look_interval_ms": 5000,
        "takeover.reload_deadline": "2m",
    }
    bounds = {"i": 200, "k": 4, "w": 800, "t": 150, "F": 1000, "U": 3000, "R": 120_000, "l": 5000}
    assert symbols(settings) == bounds


def test_a_link_is_both_ways_a_way_is_one_and_a_place_is_all_its_links():
    """
    The phones and the control address share a net and have no link between them.
    """
    there, back = Way(Site.PRIMARY, Site.ALTERNATE), Way(Site.ALTERNATE, Site.PRIMARY)
    assert ways("inter-site") == ways("primary-alternate") == {there, back}
    assert ways("primary>alternate") == {there}
    assert ways("alternate") == {way for way in ALL_WAYS if Site.ALTERNATE in {way.source, way.target}}
    assert len(ways("alternate")) == 6
