"""What whoever may open the socket sees there."""

import asyncio

import pytest

from redundancyd.client import Client
from redundancyd.core.systems import System
from redundancyd.errors import RedundancyError
from tests.api.real_desk import RealDesk


async def get(client: Client, page: str, **query: object):
    """A page, asked for beside the loop that answers."""
    return await asyncio.to_thread(client.get, page, query)


async def test_the_status_of_a_calm_pair_says_who_is_active_and_that_nothing_would_go_wrong(client: Client):
    """
    The primary is allowed, the alternate blocked, both are ready, and the list of what would go wrong is empty.
    """
    page = await get(client, "/v1/status")
    assert page["goal"]["active"] == "primary"
    assert {name: system["traffic"] for name, system in page["systems"].items()} == {
        "primary": "allowed",
        "alternate": "blocked",
    }
    assert page["unfenced"] == page["would_go_wrong"] == page["alarms"] == []
    assert page["methods"] == {"alternate-from-primary": "automatic", "primary-from-alternate": "manual"}


@pytest.mark.S2
async def test_a_lost_primary_stands_as_unfenced_in_the_status(client: Client, desk: RealDesk):
    """
    After an automatic takeover the LIMs that could not be blocked are named UNFENCED, with an alarm each.
    """
    desk.lose(System.PRIMARY)
    desk.beats(4)
    page = await get(client, "/v1/status")
    assert page["goal"]["active"] == "alternate"
    assert page["unfenced"] == ["primary-1", "primary-2"]
    assert page["systems"]["primary"]["traffic"] == "unknown"
    assert {lim["last_traffic"] for lim in page["systems"]["primary"]["lims"]} == {"allowed"}
    assert "unfenced:primary-1" in {alarm["handle"] for alarm in page["alarms"]}
    assert any("UNFENCED" in reason for reason in page["would_go_wrong"])


async def test_readiness_fails_with_the_reasons_that_the_status_shows(client: Client, desk: RealDesk):
    """
    With a LIM of the alternate out of reach the pair is not ready, and the LIM is named.
    """
    assert await get(client, "/readyz") == {"ready": True}
    desk.lose(System.ALTERNATE)
    with pytest.raises(RedundancyError, match="alternate-1 is out of reach"):
        await get(client, "/readyz")


async def test_health_fails_when_the_loop_is_late(client: Client, desk: RealDesk):
    """
    What makes the loop late is what healthz says; readiness fails with it.
    """
    assert await get(client, "/healthz") == {"healthy": True}
    desk.late = ["the last beat is 4 s late"]
    for page in ("/healthz", "/readyz"):
        with pytest.raises(RedundancyError, match="4 s late"):
            await get(client, page)


async def test_events_begin_after_the_number_that_is_asked_for(client: Client, desk: RealDesk):
    """
    Records are numbered; a program asks for those it has not seen.
    """
    for count in range(5):
        desk.records_kept.put("beat_missed", count, {"primary": "silent"})
    events = (await get(client, "/v1/events"))["events"]
    later = (await get(client, "/v1/events", since=events[2]["seq"]))["events"]
    assert [line["at_ms"] for line in events][-5:] == [0, 1, 2, 3, 4]
    assert later == events[3:]


async def test_the_configuration_and_the_alarms_have_pages_of_their_own(client: Client, desk: RealDesk):
    """
    Alarms are those of the status, gravest first.
    """
    assert (await get(client, "/v1/configuration"))["primary"]["master_ip"] == "192.0.2.10"
    desk.lose(System.PRIMARY)
    desk.beats(4)
    alarms = (await get(client, "/v1/alarms"))["alarms"]
    assert alarms == (await get(client, "/v1/status"))["alarms"]
    assert [alarm["severity"] for alarm in alarms] == sorted((alarm["severity"] for alarm in alarms), reverse=True)


async def test_the_mirrors_are_listed(client: Client):
    """
    As the daemon last looked at them.
    """
    (mirror,) = (await get(client, "/v1/mirrors"))["mirrors"]
    assert (mirror["stamp"], mirror["condition"]) == ("20260309031502", "whole")


async def test_a_preview_shows_now_will_do_and_afterwards_and_changes_nothing(client: Client, desk: RealDesk):
    """
    The core itself says what it would do; the goal stays as it is.
    """
    before = desk.state()
    page = await get(
        client, "/v1/preview/manual-takeover", active="alternate", revert_after="15m", accept=["2", "control"]
    )
    assert page["refused"] == ""
    assert any("block primary-1, primary-2" in line for line in page["will_do"])
    assert any("alternate-1 allowed" in line for line in page["afterwards"])
    assert desk.state() is before


async def test_a_preview_of_what_would_be_refused_says_why(client: Client, desk: RealDesk):
    """
    The alternate is out of reach: nothing would be done, and the reason is there.
    """
    desk.lose(System.ALTERNATE)
    page = await get(client, "/v1/preview/manual-takeover", active="alternate")
    assert "alternate-1 is out of reach" in page["refused"]
    assert page["will_do"] == []


async def test_openapi_describes_every_action_with_its_arguments(client: Client):
    """
    The page is made from the table of actions.
    """
    paths = (await get(client, "/openapi.json"))["paths"]
    takeover = paths["/v1/actions/manual-takeover"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert takeover["required"] == ["active"]
    assert takeover["properties"]["active"]["enum"] == ["alternate", "primary"]
    assert {path for path in paths if "actions" in path} == {
        f"/v1/actions/{name}"
        for name in (
            "manual-takeover",
            "manual-takeover-confirm",
            "settings-takeover",
            "cluster-fallback",
            "pause",
            "resume",
            "settings-adopt",
            "alarms-acknowledge",
            "data-copy",
            "data-load",
            "data-verify",
            "data-auto-create",
            "data-auto-remove",
            "translation-set",
            "translation-import",
            "translation-confirm",
        )
    }


async def test_a_record_with_something_that_has_no_json_is_shown_all_the_same(client: Client, desk: RealDesk):
    """
    A set, a path: as text, and no error.
    """
    desk.records_kept.put("odd", 1, {"lims": frozenset({1}), "server": System.PRIMARY})
    line = (await get(client, "/v1/events"))["events"][-1]
    assert line["lims"] == "frozenset({1})"
    assert line["server"] == "primary"
