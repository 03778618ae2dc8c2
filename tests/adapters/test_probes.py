"""Beats through a real kernel: live and dead hosts, our own firewall, a router's refusal, a loop that stalls."""

import asyncio
import itertools
import time
from collections.abc import Iterator

import pytest

from redundancyd.adapters.clock import Clock
from redundancyd.adapters.probes import Beats, Target, next_on_grid
from redundancyd.config import Config, parse
from redundancyd.core.events import Beat, Reply, ServersHeard
from tests.adapters.network import Network, network

FAR, DEAD, ROUTER = "192.0.2.10", "192.0.2.99", "198.51.100.1"


def settings(master: str = FAR, control: str = ROUTER, **heartbeat: int) -> Config:
    """Settings with these two addresses and one LIM a system, beats every 200 ms."""
    beat = {"interval_ms": 200, "timeout_ms": 120, "packets": 3, **heartbeat}
    lines = "\n".join(f"{key} = {value}" for key, value in beat.items())
    return parse(
        f"""
        [primary]
        master_ip = "{master}"
        lims = [{{lim = 1, address = "192.0.2.11"}}]
        [alternate]
        lims = [{{lim = 1, address = "198.51.100.11"}}]
        [network_control]
        addresses = ["{control}"]
        [heartbeat]
        {lines}
        """.encode()
    )


async def beat(config: Config, beats: int = 1, stall: float = 0) -> list[Beat | ServersHeard]:
    """What so many beats post; the loop may stall right after the first packets went out."""
    posted: list[Beat | ServersHeard] = []
    task = asyncio.create_task(Beats(config, Clock()).run(posted.append))
    if stall:
        await asyncio.sleep(0)
        time.sleep(stall)
    async with asyncio.timeout(10):
        while not task.done() and sum(isinstance(each, Beat) for each in posted) < beats:
            await asyncio.sleep(0.005)
        if beats == 1:
            await asyncio.sleep(0.13)  # ServersHeard comes at the end of the beat
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return posted


def first(posted: list[Beat | ServersHeard]) -> Beat:
    """The first beat."""
    return next(each for each in posted if isinstance(each, Beat))


@pytest.fixture(scope="module")
def _built() -> Iterator[Network]:
    """The hosts, built once."""
    with network() as names:
        yield names


@pytest.fixture
def net(_built: Network) -> Iterator[Network]:
    """The hosts, each firewall empty again after the test."""
    yield _built
    for name in (_built.us, _built.router):
        for family in ("iptables", "ip6tables"):
            _built.run(name, family, "-F")


pytestmark = pytest.mark.lab


def test_live_addresses_answer_at_once_and_the_beat_does_not_wait_for_its_deadline(net: Network):
    """
    Both answered within milliseconds; the servers that answered are named at the end of the beat.
    """
    posted = net.as_us(lambda: beat(settings()))
    now = first(posted)
    assert (now.primary, now.control) == (Reply.ANSWERED, Reply.ANSWERED)
    assert now.at - now.started_at < 60
    heard = next(each for each in posted if isinstance(each, ServersHeard))
    assert {server.name for server in heard.servers} == {"primary-1", "alternate-1"}
    assert heard.started_at == now.started_at


def test_a_dead_host_is_silent_at_the_deadline_not_before(net: Network):
    """
    Nobody has the address: silent, told when the probe deadline has passed.
    """
    now = first(net.as_us(lambda: beat(settings(master=DEAD))))
    assert (now.primary, now.control) == (Reply.SILENT, Reply.ANSWERED)
    assert 120 <= now.at - now.started_at < 220


def test_a_dead_host_in_our_own_segment_is_silent_beat_after_beat(net: Network):
    """
    Nobody answers our ARP: the kernel tells us so as an error of our own socket, and it is silence all the same.
    """
    net.run(net.us, "sysctl", "-qw", "net.ipv4.neigh.us.retrans_time_ms=50")  # three ARP requests, then the error
    posted = net.as_us(lambda: beat(settings(master="198.51.100.77"), beats=6))
    assert {each.primary for each in posted if isinstance(each, Beat)} == {Reply.SILENT}


@pytest.mark.S4
def test_our_own_firewall_is_not_silence_of_the_other_side(net: Network):
    """
    A rule of our own drops what we send to the primary: unsent, so the primary is not lost by it.
    """
    net.run(net.us, "iptables", "-A", "OUTPUT", "-d", FAR, "-j", "DROP")
    now = first(net.as_us(lambda: beat(settings())))
    assert (now.primary, now.control) == (Reply.UNSENT, Reply.ANSWERED)


@pytest.mark.S4
def test_a_host_without_a_route_has_sent_nothing(net: Network):
    """
    The default route is gone: the primary's beat was not sent; the router in our own network still answers.
    """
    net.run(net.us, "ip", "route", "del", "default")
    try:
        now = first(net.as_us(lambda: beat(settings())))
    finally:
        net.run(net.us, "ip", "route", "add", "default", "via", ROUTER)
    assert (now.primary, now.control) == (Reply.UNSENT, Reply.ANSWERED)


@pytest.mark.S4
def test_a_host_whose_link_is_down_hears_nobody(net: Network):
    """
    Our own interface is down: neither address counts as silent.
    """
    net.run(net.us, "ip", "link", "set", "us", "down")
    try:
        now = first(net.as_us(lambda: beat(settings())))
    finally:
        net.run(net.us, "ip", "link", "set", "us", "up")
        net.run(net.us, "ip", "route", "add", "default", "via", ROUTER)
        net.run(net.us, "ip", "addr", "add", "2001:db8:2::11/64", "dev", "us", "nodad")
        net.run(net.us, "ip", "route", "add", "default", "via", "2001:db8:2::1")
    assert (now.primary, now.control) == (Reply.UNSENT, Reply.UNSENT)


@pytest.mark.parametrize("how", ["icmp-admin-prohibited", "icmp-host-unreachable", "icmp-net-unreachable"])
def test_a_router_that_says_unreachable_is_silence(net: Network, how: str):
    """
    Somebody on the way answers for the primary: it did not answer itself.
    """
    net.run(net.router, "iptables", "-A", "FORWARD", "-d", FAR, "-j", "REJECT", "--reject-with", how)
    posted = net.as_us(lambda: beat(settings(), beats=3))
    beats = [each for each in posted if isinstance(each, Beat)]
    assert {each.primary for each in beats} == {Reply.SILENT}
    assert {each.control for each in beats} == {Reply.ANSWERED}


def test_one_answered_packet_of_three_is_enough(net: Network):
    """
    Two of three packets are lost on the way: the beat is answered by the third.
    """
    one_of_three = ("-m", "statistic", "--mode", "nth", "--every", "3", "--packet", "2")
    net.run(net.router, "iptables", "-A", "FORWARD", "-d", FAR, *one_of_three, "-j", "ACCEPT")
    net.run(net.router, "iptables", "-A", "FORWARD", "-d", FAR, "-j", "DROP")
    now = first(net.as_us(lambda: beat(settings())))
    assert now.primary is Reply.ANSWERED
    assert now.at - now.started_at >= 75


def test_the_answers_of_a_live_host_are_not_taken_for_those_of_a_dead_one(net: Network):
    """
    Two targets with the same identifier and sequence number, one dead, one live: only the live one answers.
    """

    async def both() -> tuple[Reply, Reply]:
        live, dead = Target(FAR, lambda: None), Target(DEAD, lambda: None)
        dead._ident, dead._sequence = live._ident, live._sequence
        for target in (live, dead):
            target.begin()
            target.send()
        await asyncio.sleep(0.1)
        replies = live.reply(), dead.reply()
        live.close()
        dead.close()
        return replies

    assert net.as_us(both) == (Reply.ANSWERED, Reply.SILENT)


@pytest.mark.S4
def test_a_loop_that_stalled_beyond_the_deadline_does_not_make_silence_of_what_arrived(net: Network):
    """
    The loop stands still for twice the deadline after sending: the replies lie in the sockets, and count.
    """
    now = first(net.as_us(lambda: beat(settings(), stall=0.3)))
    assert now.at - now.started_at >= 290
    assert (now.primary, now.control) == (Reply.ANSWERED, Reply.ANSWERED)


def test_beats_keep_to_their_grid_and_never_come_in_bursts(net: Network):
    """
    After a stall of three intervals the missed beats are left out, and the next ones are on the old grid.
    """
    posted = net.as_us(lambda: beat(settings(), beats=5, stall=0.65))
    starts = [each.started_at for each in posted if isinstance(each, Beat)]
    gaps = [later - earlier for earlier, later in itertools.pairwise(starts)]
    assert 780 <= gaps[0] <= 850
    assert all(180 <= gap <= 220 for gap in gaps[1:])


def test_a_silent_host_is_asked_every_interval_even_when_the_deadline_is_as_long(net: Network):
    """
    timeout_ms = interval_ms: no beat is left out.
    """
    posted = net.as_us(lambda: beat(settings(master=DEAD, interval_ms=100, timeout_ms=100), beats=5))
    starts = [each.started_at for each in posted if isinstance(each, Beat)]
    assert starts[4] - starts[0] <= 460


def test_a_host_that_comes_back_is_heard_with_the_next_beat(net: Network):
    """
    Our address goes and comes back under an open socket: unsent meanwhile, answered afterwards.
    """

    async def through() -> list[Reply]:
        posted: list[Beat | ServersHeard] = []
        task = asyncio.create_task(Beats(settings(), Clock()).run(posted.append))
        await asyncio.sleep(0.3)
        await asyncio.to_thread(net.run, net.us, "ip", "addr", "del", "198.51.100.11/24", "dev", "us")
        await asyncio.sleep(0.5)
        await asyncio.to_thread(net.run, net.us, "ip", "addr", "add", "198.51.100.11/24", "dev", "us")
        await asyncio.to_thread(net.run, net.us, "ip", "route", "add", "default", "via", ROUTER)
        await asyncio.sleep(0.5)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return [each.primary for each in posted if isinstance(each, Beat)]

    replies = net.as_us(through)
    assert replies[0] is Reply.ANSWERED
    assert Reply.UNSENT in replies
    assert replies[-1] is Reply.ANSWERED


@pytest.mark.parametrize(
    ("master", "expected"), [("2001:db8:1::10", Reply.ANSWERED), ("2001:db8:1::99", Reply.SILENT)], ids=["live", "dead"]
)
def test_ipv6_addresses_are_asked_alike(net: Network, master: str, expected: Reply):
    """
    A live IPv6 host answers, a dead one is silent.
    """
    now = first(net.as_us(lambda: beat(settings(master=master, control="2001:db8:2::1"))))
    assert (now.primary, now.control) == (expected, Reply.ANSWERED)


def test_our_own_firewall_is_noticed_in_ipv6_too(net: Network):
    """
    ip6tables drops what we send: unsent.
    """
    net.run(net.us, "ip6tables", "-A", "OUTPUT", "-d", "2001:db8:1::10", "-j", "DROP")
    now = first(net.as_us(lambda: beat(settings(master="2001:db8:1::10", control="2001:db8:2::1"))))
    assert (now.primary, now.control) == (Reply.UNSENT, Reply.ANSWERED)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (1000, 1200),
        (1150, 1200),
        (1200, 1200),
        (1290, 1200),
        (1301, 1400),
        (1400, 1600),
        (1650, 1800),
        (31_000, 31_200),
    ],
)
def test_the_next_beat_is_on_the_grid(now: int, expected: int):
    """
    A little late: at once.  More than half an interval late: at the next point of the grid that is still to come.
    """
    assert next_on_grid(1000, 200, now) == expected
