"""The whole daemon over a fleet: what an observer of the truth sees."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from redundancyd.core.systems import System
from redundancyd.sim import caller
from redundancyd.sim.deeds import do
from redundancyd.sim.fleet import Fleet
from redundancyd.sim.power import NoSuchDeed
from redundancyd.sim.setup import Setup
from redundancyd.sim.timeline import SECOND

FAST = {"heartbeat.interval_ms": 500, "heartbeat.timeout_ms": 400, "heartbeat.missed": 3}


@contextmanager
def fleet(**settings: str | int) -> Iterator[Fleet]:
    """A pair of two LIMs each, supervised and at rest, the primary active."""
    values = {**FAST, **{name.replace("__", "."): value for name, value in settings.items()}}
    made = Fleet(Setup(seed=1, settings=values))
    made.service.start()
    made.advance(10 * SECOND)
    try:
        yield made
    finally:
        made.service.kill()


def traffic(made: Fleet) -> dict[str, str]:
    """The rules of each LIM, as they are."""
    return {place.name: place.lim.traffic for place in made.places.values()}


AT_PRIMARY = {"primary-1": "allowed", "primary-2": "allowed", "alternate-1": "blocked", "alternate-2": "blocked"}
AT_ALTERNATE = {"primary-1": "blocked", "primary-2": "blocked", "alternate-1": "allowed", "alternate-2": "allowed"}


def events(made: Fleet) -> list[str]:
    """What the journal tells of, record by record."""
    return [record["event"] for record in made.service.host.book.records]


def test_the_daemon_brings_a_new_fleet_to_its_goal():
    """
    No LIM was ever ordered; ten seconds later the primary is allowed, the alternate blocked.
    """
    with fleet() as made:
        assert traffic(made) == AT_PRIMARY
        assert made.service.daemon is not None
        assert made.service.daemon.health() == []


def test_an_order_over_the_socket_moves_the_traffic():
    """
    The socket's own handlers answer 200 with the takeover's number, wrong words get a problem.
    """
    with fleet() as made:
        do(made, "order", ("manual-takeover", "traffic-in-alternate"))
        made.advance(3 * SECOND)
        assert made.orders[-1].done
        assert made.orders[-1].page["takeover"] == 2
        assert traffic(made) == AT_ALTERNATE
        wrong = caller.ask(made.service, "POST", "/v1/actions/manual-takeover", {"active": "both"})
        page = caller.ask(made.service, "GET", "/v1/status")
        made.advance(SECOND)
        assert (wrong.status, page.status) == (400, 200)
        assert page.page["goal"]["active"] == "alternate"


def test_a_power_cut_of_the_primary_is_taken_over():
    """
    Without an order, and the primary comes up blocked again.
    """
    with fleet() as made:
        do(made, "power-off", ("primary",))
        made.advance(5 * SECOND)
        assert [place.lim.traffic for place in made.of(System.ALTERNATE)] == ["allowed", "allowed"]
        do(made, "power-on", ("primary",))
        made.advance(10 * SECOND)
        assert traffic(made) == AT_ALTERNATE


def test_a_killed_daemon_knows_its_goal_again():
    """
    kill -9 right after the answer; the next process has the order, and carries it out.
    """
    with fleet() as made:
        do(made, "order", ("manual-takeover", "traffic-in-alternate"))
        while not made.orders[-1].done:
            made.advance(1000)
        do(made, "kill", ("daemon",))
        assert made.service.daemon is None
        do(made, "start", ("daemon",))
        made.advance(10 * SECOND)
        assert traffic(made) == AT_ALTERNATE


def test_a_frozen_daemon_does_nothing_and_goes_on_afterwards():
    """
    Rules flushed meanwhile stay so until it is thawed.
    """
    with fleet() as made:
        do(made, "freeze", ("daemon",))
        for place in made.of(System.ALTERNATE):
            place.frozen = place.server.lim == 2  # its own timer unit would put them back as well
        do(made, "flush-rules", ("alternate-2",))
        made.advance(20 * SECOND)
        assert traffic(made)["alternate-2"] == "mixed"
        made.places[next(server for server in made.places if server.name == "alternate-2")].frozen = False
        do(made, "thaw", ("daemon",))
        made.advance(15 * SECOND)
        assert traffic(made) == AT_PRIMARY


def test_systemd_kills_a_daemon_that_does_not_feed_its_watchdog():
    """
    Frozen for longer than WatchdogSec: another process, with a run of its own.
    """
    made = Fleet(Setup(seed=1, settings=FAST, watchdog=True))
    made.service.start()
    made.advance(5 * SECOND)
    before = made.service.process
    do(made, "freeze", ("daemon",))
    made.advance(15 * SECOND)
    assert made.service.process is not before
    assert made.service.runs
    assert events(made).count("daemon_started") == 2
    made.service.kill()


def test_an_order_that_was_held_up_on_its_way_is_refused_as_old():
    """
    `allow` of takeover 1 meets a cut way and comes after `block` of takeover 2: the LIM keeps the newer word.
    """
    with fleet() as made:
        place = made.places[next(server for server in made.places if server.name == "primary-2")]
        wire = next(wire for wire in place.wires if wire.caller_holds)
        replies: list[str] = []

        class Hearer:
            def feed(self, data: bytes) -> None:
                replies.append(data.decode())

            def end(self, why: str) -> None:
                replies.append(why)

        session = wire.attach(Hearer())
        do(made, "cut", ("alternate>primary",))
        supervisor = place.lim.last_supervisor
        wire.send(session, f"allow 1 {supervisor}\n".encode())
        place.lim.hear(f"block 2 {supervisor}")
        do(made, "heal", ("alternate>primary",))
        made.advance(SECOND)
        assert "stale_number" in replies[0]
        assert place.lim.traffic == "blocked"


def test_a_disk_that_fails_makes_an_order_refused():
    """
    503 with the reason, and the traffic stays.
    """
    with fleet() as made:
        do(made, "fail-disk", ())
        do(made, "order", ("manual-takeover", "traffic-in-alternate"))
        made.advance(3 * SECOND)
        assert made.orders[-1].refused
        assert "could not be saved" in made.orders[-1].page["detail"]
        assert traffic(made) == AT_PRIMARY


def test_signals_end_a_life_and_the_process():
    """
    SIGHUP: settings read, a second life in the same process.  SIGTERM: no process, traffic as it was.
    """
    with fleet() as made:
        process = made.service.process
        made.service.signal(signal.SIGHUP)
        made.advance(5 * SECOND)
        assert made.service.process is process
        assert "settings_read" in events(made)
        made.service.signal(signal.SIGTERM)
        made.advance(5 * SECOND)
        assert made.service.process is None
        assert made.service.crashes == []
        assert traffic(made) == AT_PRIMARY


def test_the_power_of_our_own_host_ends_the_daemon_and_brings_it_back():
    """
    The boot id and the boot clock are new; the goal is the old one.
    """
    with fleet() as made:
        do(made, "power-off", ("alternate-1",))
        assert made.service.process is None
        made.advance(5 * SECOND)
        do(made, "power-on", ("alternate-1",))
        made.advance(10 * SECOND)
        assert made.service.host.clock.boot_id() == "host-boot-2"
        assert traffic(made) == AT_PRIMARY


def test_a_deed_that_nobody_knows_is_named():
    """
    A wrong verb and a wrong place are errors with words.
    """
    with fleet() as made:
        with pytest.raises(NoSuchDeed, match="dance: known are power-off"):
            do(made, "dance", ())
        with pytest.raises(NoSuchDeed, match="primary-9: there is no such server"):
            do(made, "power-off", ("primary-9",))
        with pytest.raises(ValueError, match="is no order"):
            do(made, "order", ("make", "coffee"))


def test_settings_are_read_again_though_the_disk_hangs():
    """
    The same process supervises on, with the goal, the method and the pause that were acknowledged before.
    """
    with fleet() as made:
        do(made, "order", ("manual-takeover", "traffic-in-alternate"))
        do(made, "order", ("settings", "takeover", "alternate-from-primary", "manual"))
        do(made, "order", ("settings", "pause", "--for", "1h", "--reason", "work"))
        made.advance(5 * SECOND)
        before, process = made.service.daemon, made.service.process
        do(made, "hang-disk", ())
        do(made, "reload", ("daemon",))
        made.advance(60 * SECOND)
        after = made.service.daemon
        assert before is not None
        assert after is not None
        assert after is not before
        assert made.service.process is process
        assert after.state().goal == before.state().goal
        assert after.state().methods == before.state().methods
        assert after.state().paused()
        assert traffic(made) == AT_ALTERNATE


def test_a_goal_that_the_disk_did_not_take_is_still_owed_to_it_when_the_settings_were_read_again():
    """
    The takeover went on without the disk; the next life says so, and writes it when the disk is well.
    """
    with fleet() as made:
        do(made, "fail-disk", ())
        do(made, "power-off", ("primary",))
        made.advance(8 * SECOND)
        do(made, "reload", ("daemon",))
        made.advance(5 * SECOND)
        daemon = made.service.daemon
        assert daemon is not None
        assert daemon.state().goal_unsaved
        do(made, "mend-disk", ())
        made.advance(10 * SECOND)
        assert not daemon.state().goal_unsaved
        assert events(made)[-40:].count("goal_saved")
