"""What LIMs say, recorded and made up: everything becomes a value."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redundancyd.adapters.traffic import facts, order, parse_facts, parse_observe, parse_status
from redundancyd.core.events import Refused
from redundancyd.core.systems import Origin, Server, Status, System, Traffic, Word
from tests.adapters.neighbours import LIM, SAID, SetClock, reply


def test_a_whole_reply_becomes_a_status():
    """
    Every field that the decision uses is taken over.
    """
    assert parse_status(reply(), LIM) == Status(
        Traffic.BLOCKED, 7, Word.BLOCK, "id.run", Origin.ORDER, remembered=True, boot_id="b", policy="p"
    )


def test_a_refusal_keeps_what_the_lim_says_of_itself():
    """
    stale_number comes with the number that the LIM holds.
    """
    refused = parse_status(reply(ok=False, error="stale_number", detail="7 is newer", number=7), LIM)
    assert isinstance(refused, Refused)
    assert (refused.error, refused.detail) == ("stale_number", "7 is newer")
    assert refused.status is not None
    assert refused.status.number == 7


def test_a_refusal_without_a_status_is_one_all_the_same():
    """
    bad_request knows nothing of traffic.
    """
    assert parse_status('{"ok":false,"error":"bad_request","detail":"no such word"}', LIM) == Refused(
        "bad_request", "no such word", None
    )


@pytest.mark.S0
@pytest.mark.parametrize(("lim", "system"), [(3, "primary"), (2, "alternate"), ("2", "primary")])
def test_a_reply_of_another_lim_is_refused(lim: object, system: str):
    """
    Two addresses swapped in the settings: LIM 3 answers where LIM 2 should, and is not taken for it.
    """
    refused = parse_status(reply(lim=lim, system=system), LIM)
    assert isinstance(refused, Refused)
    assert refused.error == "wrong_server"


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{",
        "null",
        "[]",
        '"allowed"',
        "sudo: a password is required",
        "[" * 16_000,
        '{"ok":true}',
        reply(number=-1),
        reply(number=True),
        reply(number=1.5),
        reply(number=10**30),
        reply(traffic="open"),
        reply(traffic=["blocked"]),
        reply(word={}),
        reply(origin=None),
        reply(remembered="yes"),
        reply(supervisor=7),
        reply(ok="true"),
        reply(ok=1),
        reply(ok=False, error=5),
        '{"ok":true,"number":' + "9" * 5000 + "}",
    ],
)
def test_garbage_is_a_refusal(line: str):
    """
    Whatever is not as it should be is told as such; nothing is raised.
    """
    refused = parse_status(line, None)
    assert isinstance(refused, Refused)
    assert refused.error == "not_understood"
    assert len(refused.detail) < 1000


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
)


@settings(max_examples=60)
@given(st.dictionaries(st.sampled_from([*SAID, "error", "detail", "exchange", "lims", "heard"]), _JSON) | _JSON)
def test_no_json_at_all_raises(value: object):
    """
    Any JSON in any field: a Status, a Refused, or None.
    """
    line = json.dumps(value)
    assert isinstance(parse_status(line, LIM), Status | Refused)
    running, lims = parse_facts(line)
    assert running in (True, False, None)
    assert all(isinstance(lim, int) for lim in lims)
    assert parse_observe(line) in (True, False, None)


@given(st.text())
def test_no_text_at_all_raises(line: str):
    """
    Any text instead of JSON is a refusal.
    """
    assert isinstance(parse_status(line, LIM), Status | Refused)
    assert parse_observe(line) in (True, False, None)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('{"ok":true,"exchange":"running","lims":[2,1]}', (True, (1, 2))),
        ('{"ok":true,"exchange":"stopped","lims":[]}', (False, ())),
        ('{"ok":true,"exchange":"unknown"}', (None, ())),
        ('{"ok":true,"exchange":"running","lims":["1"]}', (True, ())),
        ('{"ok":true,"exchange":"running","lims":[true]}', (True, ())),
        ('{"ok":false,"exchange":"running","lims":[1]}', (None, ())),
        ("no", (None, ())),
    ],
)
def test_facts_say_what_they_know_and_no_more(line: str, expected: object):
    """
    An exchange that nobody can tell about is unknown, neither running nor stopped.
    """
    assert parse_facts(line) == expected


class Told:
    """A channel that answers from a table."""

    def __init__(self, answers: dict[str, str], server: Server = LIM) -> None:
        self.server, self.answers, self.asked = server, answers, list[str]()

    async def ask(self, line: str, deadline_ms: int, *, question: bool = False) -> str:
        """The reply in the table."""
        self.asked.append(line)
        return self.answers[line]


async def test_an_order_goes_out_with_number_and_name():
    """
    The words are those of redundancy-lim.
    """
    channel = Told({"allow 9 abc.run-1": reply(traffic="allowed", number=9, word="allow")})
    status = await order(channel, Word.ALLOW, 9, "abc.run-1", 100)  # type: ignore[arg-type]
    assert isinstance(status, Status)
    assert status.traffic is Traffic.ALLOWED


@pytest.mark.parametrize("number", [0, -1, 10**12])
async def test_a_number_that_no_lim_would_take_is_never_sent(number: int):
    """
    It raises, and nothing goes out.
    """
    channel = Told({})
    with pytest.raises(AssertionError):
        await order(channel, Word.BLOCK, number, "abc.run", 100)  # type: ignore[arg-type]
    assert channel.asked == []


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        (["true"], True),
        (["false", "true"], True),
        (["false", "false"], False),
        (["false", '"?"'], None),
        ([], None),
    ],
)
async def test_one_control_address_that_is_heard_is_enough(heard: list[str], expected: bool | None):
    """
    False only where every address was asked and none was heard.
    """
    control = tuple(f"203.0.113.{index}" for index in range(len(heard)))
    answers = {"facts": '{"ok":true,"exchange":"running","lims":[1,2]}'}
    for address, word in zip(control, heard, strict=True):
        answers[f"observe {address}"] = f'{{"ok":true,"heard":{word}}}'
    lim_1 = Server(System.PRIMARY, 1, "192.0.2.11")
    seen = await facts(Told(answers, lim_1), control, 100, SetClock(now=42))  # type: ignore[arg-type]
    assert (seen.server, seen.hears_control, seen.lims, seen.at) == (lim_1, expected, (1, 2), 42)
