"""Orders over the socket: done, refused, not understood, not allowed."""

import asyncio
import json
from pathlib import Path

import pytest

from redundancyd.api import Api
from redundancyd.client import Client, Refusal
from redundancyd.core.systems import Direction, Method, Server, System
from redundancyd.errors import DaemonNotReached, RedundancyError, WrongWords
from redundancyd.requests import AcknowledgeAlarm, ManualTakeover, SetMethod, SetPause
from tests.api.real_desk import RealDesk
from tests.api.wire import exchange


async def act(client: Client, action: str, **arguments: object):
    """Have something done, beside the loop that answers."""
    return await asyncio.to_thread(client.act, action, arguments)


async def test_a_manual_takeover_moves_the_traffic_and_answers_with_its_number(client: Client, desk: RealDesk):
    """
    The answer comes when the goal is saved; here the LIMs obey at once, so it is done, too.
    """
    answer = await act(client, "manual-takeover", active="alternate")
    goal = desk.state().goal
    assert goal is not None
    assert answer == {"detail": "takeover 2 is saved", "takeover": 2}
    assert (goal.active, goal.number, goal.done, goal.by_operator) == (System.ALTERNATE, 2, True, True)


async def test_the_name_of_who_ordered_stands_in_the_reason(client: Client, desk: RealDesk):
    """
    The kernel says who is at the other end of the socket.
    """
    await act(client, "manual-takeover", active="alternate")
    assert desk.asked[0][2] == "root"
    assert (await asyncio.to_thread(client.get, "/v1/status"))["goal"]["reason"] == "ordered by root"


async def test_arguments_reach_the_desk_understood(client: Client, desk: RealDesk):
    """
    Spans are milliseconds, choices are the core's own words.
    """
    await act(client, "manual-takeover", active="alternate", revert_after="15m", accept=["alternate-2", "control"])
    await act(client, "settings-takeover", direction="primary-from-alternate", method="automatic")
    await act(client, "pause", **{"for": "2h", "reason": "work on the routers"})
    assert [asked[1] for asked in desk.asked] == [
        ManualTakeover(System.ALTERNATE, 900_000, ("alternate-2", "control")),
        SetMethod(Direction.PRIMARY_FROM_ALTERNATE, Method.AUTOMATIC),
        SetPause(7_200_000, "work on the routers"),
    ]
    page = await asyncio.to_thread(client.get, "/v1/status")
    assert page["pause"]["reason"] == "work on the routers"
    await act(client, "resume")
    assert (await asyncio.to_thread(client.get, "/v1/status"))["pause"] is None


async def test_a_takeover_that_would_revert_can_be_confirmed(client: Client, desk: RealDesk):
    """
    Until it is confirmed the status says when it reverts; afterwards there is nothing to confirm.
    """
    await act(client, "manual-takeover", active="alternate", revert_after="10m")
    assert (await asyncio.to_thread(client.get, "/v1/status"))["goal"]["revert_in_ms"] == 600_000
    await act(client, "manual-takeover-confirm")
    assert (await asyncio.to_thread(client.get, "/v1/status"))["goal"]["revert_at"] is None
    with pytest.raises(Refusal) as refused:
        await act(client, "manual-takeover-confirm")
    assert refused.value.page["code"] == "nothing_to_confirm"


async def test_what_the_core_refuses_comes_back_with_its_word_and_its_reason(client: Client, desk: RealDesk):
    """
    409, the core's own word, and what to do.
    """
    desk.lose(System.ALTERNATE)
    with pytest.raises(Refusal) as refused:
        await act(client, "manual-takeover", active="alternate")
    page = refused.value.page
    assert (page["status"], page["code"]) == (409, "not_ready")
    assert page["type"] == "urn:redundancyd:problem:not_ready"
    assert "alternate-1 is out of reach" in page["detail"]
    assert page["remedy"]


async def test_an_alarm_is_acknowledged_by_its_handle(client: Client, desk: RealDesk):
    """
    The handle that alarms shows is the one that is taken.
    """
    with pytest.raises(Refusal, match="not held"):
        await act(client, "alarms-acknowledge", handle="latched:takeovers")
    assert desk.asked[0][1] == AcknowledgeAlarm("latched:takeovers")


async def test_every_mistake_in_a_body_is_named_at_once(api: object, folder: Path, desk: RealDesk):
    """
    An unknown argument, a wrong word and a bad span: three mistakes, one answer, and nothing reaches the desk.
    """
    body = json.dumps({"active": "both", "revert_after": "soon", "force": True}).encode()
    status, page = await exchange(folder / "s", "POST", "/v1/actions/manual-takeover", body)
    assert (status, page["code"]) == (400, "wrong_arguments")
    assert {mistake["argument"] for mistake in page["mistakes"]} == {"active", "revert_after", "force"}
    assert "redundancyctl manual-takeover" in page["remedy"]
    assert desk.asked == []


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff\xfe",
        b'{"active": "alternate", "active": "primary"}',
        b'{"active": NaN}',
        b"[" * 10_000,
        b"9" * 10_000,
    ],
)
async def test_what_is_not_json_is_said_to_be_none(api: object, folder: Path, desk: RealDesk, body: bytes):
    """
    Broken, not UTF-8, a name twice, NaN, nested without end, a number without end: 400 each.
    """
    status, page = await exchange(folder / "s", "POST", "/v1/actions/manual-takeover", body)
    assert status == 400
    assert page["code"] in {"not_json", "wrong_arguments"}
    assert desk.asked == []


@pytest.mark.parametrize("body", [b"[]", b"null", b'"alternate"', b'{"active": ["alternate"]}', b'{"active": {}}'])
async def test_json_of_the_wrong_shape_is_a_wrong_argument(api: object, folder: Path, body: bytes):
    """
    The body has to be an object, and each argument what the table says.
    """
    status, page = await exchange(folder / "s", "POST", "/v1/actions/manual-takeover", body)
    assert (status, page["code"]) == (400, "wrong_arguments")


async def test_an_unknown_action_and_an_unknown_page_are_not_found(client: Client):
    """
    Looking is no action, either: nothing is posted to `status`.
    """
    for action in ("force", "status", "a" * 1000):
        with pytest.raises(WrongWords, match="no such action"):
            await act(client, action)
    with pytest.raises(WrongWords, match="no such page"):
        await asyncio.to_thread(client.get, "/v2/status")
    with pytest.raises(WrongWords, match="no preview"):
        await asyncio.to_thread(client.get, "/v1/preview/resume")


async def test_a_wrong_method_says_which_one_is_right(api: object, folder: Path):
    """
    405 with the methods that are known.
    """
    status, page = await exchange(folder / "s", "DELETE", "/v1/status")
    assert (status, page["code"]) == (405, "wrong_method")
    assert "GET" in page["detail"]


async def test_a_daemon_that_is_stopping_takes_no_order(client: Client, desk: RealDesk, api: Api):
    """
    503; the desk hears nothing of it.
    """
    api._stopping.set()
    with pytest.raises(DaemonNotReached, match="stopping"):
        await act(client, "resume")
    assert desk.asked == []


async def test_a_desk_that_does_not_decide_in_time_is_given_up(
    client: Client, desk: RealDesk, monkeypatch: pytest.MonkeyPatch
):
    """
    504: nobody knows whether it was done, and the remedy says so.
    """
    monkeypatch.setattr("redundancyd.api.ACT_S", 0.05)
    desk.slow_s = 5
    with pytest.raises(RedundancyError, match="look at the status") as failed:
        await act(client, "resume")
    assert failed.value.exit_code == 1


async def test_a_mistake_of_ours_is_a_problem_too(
    client: Client, desk: RealDesk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """
    500 without a traceback on the wire; the traceback is in the log.
    """

    def broken() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(desk, "status", broken)
    with pytest.raises(RedundancyError, match="a mistake of ours") as failed:
        await asyncio.to_thread(client.get, "/v1/status")
    assert "ZeroDivisionError" not in str(failed.value)
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.S5
async def test_a_takeover_that_a_lim_refuses_is_undone_and_the_status_says_why(client: Client, desk: RealDesk):
    """
    The order was taken; a LIM of the alternate refuses to allow, and the traffic is back in the primary.
    """
    desk.refusing = {Server(System.ALTERNATE, 2, "198.51.100.12")}
    assert (await act(client, "manual-takeover", active="alternate"))["takeover"] == 2
    page = await asyncio.to_thread(client.get, "/v1/status")
    assert page["goal"]["active"] == "primary"
    assert "alternate-2 refused (iptables_failed" in page["goal"]["reason"]
    assert page["systems"]["primary"]["traffic"] == "allowed"


async def test_an_order_under_way_is_answered_before_the_socket_goes(client: Client, desk: RealDesk, api: Api):
    """
    Stopping waits for what was begun, and only so long.
    """
    desk.slow_s = 0.2
    ordering = asyncio.create_task(act(client, "manual-takeover", active="alternate"))
    while not desk.asked:
        await asyncio.sleep(0.01)
    await api.stop()
    assert (await ordering)["takeover"] == 2


async def test_an_order_that_never_ends_does_not_keep_the_daemon_from_stopping(
    desk: RealDesk, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    """
    The client is cut off; nobody told him that it was done.
    """
    monkeypatch.setattr("redundancyd.api.SHUTDOWN_S", 0.1)
    desk.slow_s = 60
    api = Api(desk, str(folder / "s"), "nogroup")
    await api.start()
    ordering = asyncio.create_task(act(Client(str(folder / "s")), "resume"))
    while not desk.asked:
        await asyncio.sleep(0.01)
    async with asyncio.timeout(2):
        await api.stop()
    with pytest.raises(DaemonNotReached):
        await ordering
