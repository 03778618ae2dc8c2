"""Bodies against the table of actions: understood, or every mistake named; never anything else."""

import json
import string
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from redundancyd.actions import ACTIONS, GROUPS, Kind, find
from redundancyd.argument_check import body_of, check, span_ms
from redundancyd.core.systems import System
from redundancyd.openapi import openapi
from redundancyd.requests import ImportTable, ManualTakeover, SetPause

JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False) | some.text(),
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(some.text(), inner, max_size=4),
    max_leaves=8,
)
CHANGING = [action for action in ACTIONS if action.changes]
NAMES = sorted({argument.name for action in CHANGING for argument in action.arguments})


def action_of(name: str):
    """One that changes things."""
    action = find(name)
    assert action is not None
    return action


@given(some.sampled_from(CHANGING), some.dictionaries(some.sampled_from(NAMES) | some.text(), JSON, max_size=5) | JSON)
def test_any_json_is_a_request_or_mistakes(action: Any, body: object):
    """
    Nothing raises, nothing else comes back, and what is said of a mistake is short and can be printed.
    """
    answer = check(action, body)
    if isinstance(answer, tuple):
        assert answer
        assert all(str(mistake).isprintable() for mistake in answer)
        assert all(len(str(mistake)) < 400 for mistake in answer)


@given(some.binary(max_size=200))
def test_any_bytes_are_json_or_a_value_error(raw: bytes):
    """
    A body that is no JSON is said to be none.
    """
    with suppress(ValueError):
        json.dumps(body_of(raw))


@pytest.mark.parametrize("text", ["a\x1b[H", "a\0", 7, None, "# " * 200_000])
def test_a_text_of_several_lines_has_nothing_in_it_that_a_terminal_would_obey(text: object):
    """
    Tabs and line ends are all that is not printed; those of Windows are line ends.
    """
    assert isinstance(check(action_of("translation-import"), {"text": text}), tuple)
    assert check(action_of("translation-import"), {"text": "# \u00e9\r\n\t1\n"}) == ImportTable("# \u00e9\n\t1\n")


@given(some.integers(0, 10**9 - 1), some.sampled_from(["ms", "s", "m", "h", "d"]))
def test_a_span_is_its_number_times_its_unit(count: int, unit: str):
    """
    90s, 15m, 2h.
    """
    assert span_ms(f"{count}{unit}") == count * {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}[unit]


@pytest.mark.parametrize("text", ["", "15", "m", "-5m", "1.5h", "5 m", "٣m", "5M", "15m\n", "1" * 10 + "s"])
def test_what_is_no_span_is_refused(text: str):
    """
    A number without unit, a sign, other digits than ours.
    """
    with pytest.raises(ValueError, match="no span of time"):
        span_ms(text)


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"active": "alternate", "revert_after": "1ms"}, "revert_after"),
        ({"active": "alternate", "revert_after": "31d"}, "revert_after"),
        ({"active": "alternate", "revert_after": 900}, "revert_after"),
        ({"active": "alternate", "accept": ["0"]}, "accept"),
        ({"active": "alternate", "accept": ["alternate-2", "everything"]}, "accept"),
        ({"active": "alternate", "accept": ["2"] * 501}, "accept"),
        ({"active": "ALTERNATE"}, "active"),
        ({}, "active"),
    ],
)
def test_a_bound_of_a_manual_takeover_is_kept(body: dict[str, object], wrong: str):
    """
    The argument that is wrong is the one that is named.
    """
    answer = check(action_of("manual-takeover"), body)
    assert isinstance(answer, tuple)
    assert [mistake.argument for mistake in answer] == [wrong]


def test_what_is_optional_may_be_missing_or_null():
    """
    Null is as good as not there.
    """
    bare = ManualTakeover(System.PRIMARY)
    assert check(action_of("manual-takeover"), {"active": "primary"}) == bare
    assert check(action_of("manual-takeover"), {"active": "primary", "revert_after": None, "accept": []}) == bare


def test_a_reason_is_text_that_a_journal_can_take():
    """
    Any language, bounded, nothing that cannot be printed.
    """
    pause = action_of("pause")
    assert check(pause, {"for": "2h", "reason": "Arbeiten am Netz, é, 網"}) == SetPause(
        7_200_000, "Arbeiten am Netz, é, 網"
    )
    for reason in ("", "  ", "a" * 201, "a\nb", "\x1b[2J", "\ud800"):
        assert isinstance(check(pause, {"for": "2h", "reason": reason}), tuple)


def test_names_and_paths_of_the_table_are_unique_and_plain():
    """
    One name an action, one path of words, and every group that a path goes through has its help.
    """
    assert len({action.name for action in ACTIONS}) == len({action.words for action in ACTIONS}) == len(ACTIONS)
    plain = set(string.ascii_lowercase + "-_")
    assert all(set(word) <= plain for action in ACTIONS for word in action.words)
    paths = {action.words for action in ACTIONS}
    assert {action.words[:-1] for action in ACTIONS} - paths <= GROUPS.keys()


def test_every_example_of_the_table_is_typed_as_it_stands():
    """
    Each begins with the program and the words of its own action.
    """
    for action in ACTIONS:
        assert action.example.startswith(" ".join(("redundancyctl", *action.words)))


def test_flags_are_the_command_lines_own():
    """
    What changes something has no flags, so that a body has no booleans.
    """
    assert not [action for action in CHANGING for argument in action.arguments if argument.kind is Kind.FLAG]


def test_openapi_can_be_written_and_points_nowhere_else():
    """
    Every reference in it leads to something in it.
    """
    page = openapi("1.0")
    text = json.dumps(page)
    assert page["info"]["version"] == "1.0"
    assert text.count("$ref") == text.count("#/components/schemas/Problem")
    names = [operation["operationId"] for path in page["paths"].values() for operation in path.values()]
    assert len(names) == len(set(names))
