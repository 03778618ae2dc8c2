"""What an endpoint notices: real packets between a phone, a LIM and a container behind it."""

import contextlib
import socket
import time
from collections.abc import Iterator

import pytest

from tests.lim.bed import Lim
from tests.lim.wire import LIM, LIM_2, PHONE, Wire, a_container, a_wire, count_received, echoing, sending

pytestmark = pytest.mark.lab

TCP, UDP = socket.SOCK_STREAM, socket.SOCK_DGRAM
BOTH = pytest.mark.parametrize("version", [4, 6])


@pytest.fixture
def wire(lim: Lim) -> Iterator[Wire]:
    """A LIM on iptables-nft and a phone."""
    with a_wire(lim) as made:
        yield made


@pytest.fixture
def any_wire(on_backend: Lim) -> Iterator[Wire]:
    """A LIM on each backend and a phone."""
    with a_wire(on_backend) as made:
        yield made


def is_answered(phone: socket.socket) -> bool:
    """Whether one datagram comes back, soon."""
    phone.settimeout(0.2)
    try:
        phone.send(b"OPTIONS")
        return phone.recv(2048) == b"OPTIONS"
    except (TimeoutError, ConnectionRefusedError):
        return False


@BOTH
def test_a_phone_at_a_blocked_lim_is_refused_at_once(any_wire: Wire, version: int):
    """
    An ICMP port unreachable for UDP and a reset for TCP, before a phone would try again: the phone moves to its backup.
    """
    with any_wire.server(5060, version), any_wire.server(5060, version, TCP):
        any_wire.lim.order("block", 7)
        with any_wire.phone(5060, version) as phone:
            begun = time.monotonic()
            phone.send(b"REGISTER")
            with pytest.raises(ConnectionRefusedError):
                phone.recv(2048)
        with pytest.raises(ConnectionRefusedError):
            any_wire.phone(5060, version, TCP)
        assert time.monotonic() - begun < 0.8


@BOTH
def test_dropping_leaves_a_phone_without_any_answer(wire: Wire, version: int):
    """
    With deny = drop neither an ICMP message nor a reset comes back.
    """
    wire.lim.configure(deny="drop")
    with wire.server(5060, version) as server:
        wire.lim.order("block", 7)
        with wire.phone(5060, version) as phone:
            phone.settimeout(0.3)
            phone.send(b"REGISTER")
            with pytest.raises(TimeoutError):
                phone.recv(2048)
        assert count_received(server) == 0


@pytest.mark.S1
@BOTH
def test_traffic_follows_the_orders(any_wire: Wire, version: int):
    """
    Answered, not answered, answered: as ordered, and the server sees nothing while blocked.
    """
    with any_wire.server(5060, version) as server, echoing(server), any_wire.phone(5060, version) as phone:
        assert is_answered(phone)
        any_wire.lim.order("block", 7)
        assert not is_answered(phone)
        any_wire.lim.order("allow", 8)
        assert is_answered(phone)


@BOTH
def test_ssh_ping_and_whatever_is_not_listed_pass(any_wire: Wire, version: int):
    """
    The supervision sees and reaches a blocked LIM.
    """
    any_wire.lim.order("block", 7)
    any_wire.far.sh(f"ping -n -q -c 1 -W 1 {LIM[version]}")
    with any_wire.server(22, version, TCP), any_wire.phone(22, version, TCP):
        pass
    with any_wire.server(5678, version) as server, echoing(server), any_wire.phone(5678, version) as other:
        assert is_answered(other)
    with any_wire.server(17011, version) as server, echoing(server), any_wire.phone(17011, version) as other:
        assert is_answered(other)


@BOTH
def test_lim_to_lim_is_never_cut(wire: Wire, version: int):
    """
    The system's own LIMs reach each other on blocked ports too; with the same packets a phone does not.
    """
    wire.lim.order("block", 7)
    with wire.server(5060, version) as server, echoing(server):
        with wire.phone(5060, version, source=LIM_2[version]) as other_lim:
            assert is_answered(other_lim)
        with wire.phone(5060, version, source=PHONE[version]) as phone:
            assert not is_answered(phone)
    with wire.server(5061, version, TCP), wire.phone(5061, version, TCP, source=LIM_2[version]):
        pass


@pytest.mark.S2
@BOTH
def test_a_live_tcp_connection_is_reset(any_wire: Wire, version: int):
    """
    Not only new connections: one that stands is reset at its next packet, although replies were accepted before ours.
    """
    any_wire.lim.iptables("-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT", version)
    with any_wire.server(5060, version, TCP) as server, any_wire.phone(5060, version, TCP) as phone:
        connection, _ = server.accept()
        with connection:
            phone.send(b"REGISTER")
            assert connection.recv(2048) == b"REGISTER"
            any_wire.lim.order("block", 7)
            begun = time.monotonic()
            phone.send(b"OPTIONS")
            with pytest.raises(ConnectionResetError):
                phone.recv(2048)
            assert time.monotonic() - begun < 0.5
            connection.settimeout(0.2)
            with pytest.raises((TimeoutError, ConnectionError)):
                connection.recv(2048)


@BOTH
def test_a_server_that_writes_into_a_live_connection_reaches_nobody(wire: Wire, version: int):
    """
    A blocked server's own data on a standing connection never arrives.
    """
    with wire.server(5060, version, TCP) as server, wire.phone(5060, version, TCP) as phone:
        connection, _ = server.accept()
        with connection:
            wire.lim.order("block", 7)
            with contextlib.suppress(OSError):
                connection.send(b"NOTIFY")
            phone.settimeout(0.3)
            arrived = b""
            with contextlib.suppress(TimeoutError, ConnectionError):
                arrived = phone.recv(2048)
            assert arrived == b""


@pytest.mark.S2
@BOTH
def test_a_server_that_streams_by_itself_is_silent_within_100_ms(any_wire: Wire, version: int):
    """
    Media goes on by itself: 100 ms after the block not one packet leaves, with connection tracking in between.
    """
    any_wire.lim.iptables("-A OUTPUT -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT", version)
    with any_wire.server(17000, version) as server, any_wire.phone(17000, version) as phone:
        phone.send(b"hello")
        _, address = server.recvfrom(2048)
        server.connect(address)
        with sending(server, 0.005):
            assert count_received(phone, 0.2) > 5
            any_wire.lim.order("block", 7)
            time.sleep(0.1)
            count_received(phone)
            assert count_received(phone, 0.3) == 0
            any_wire.lim.order("allow", 8)
            assert count_received(phone, 0.3) > 5


@pytest.mark.S2
def test_a_container_behind_dnat_is_blocked(any_wire: Wire):
    """
    Packets that are only forwarded never see INPUT: new and live flows to a container stop too; its web port goes on.
    """
    with (
        a_container(any_wire, "udp:5060:15060", "udp:8080:8080") as inside,
        any_wire.server(15060, at=inside) as sip,
        any_wire.server(8080, at=inside) as web,
        echoing(sip),
        echoing(web),
        any_wire.phone(5060) as phone,
        any_wire.phone(8080) as browser,
    ):
        assert is_answered(phone)
        assert is_answered(browser)
        any_wire.lim.order("block", 7)
        assert not is_answered(phone)
        with any_wire.phone(5060) as another:
            assert not is_answered(another)
        assert is_answered(browser)
        any_wire.lim.order("allow", 8)
        assert is_answered(phone)


def test_a_container_that_streams_by_itself_is_blocked(wire: Wire):
    """
    A stream that begins inside has the service's port as its source: it stops as well.
    """
    with (
        a_container(wire) as inside,
        wire.server(17000, at=inside) as server,
        wire.far.socket(socket.AF_INET, UDP) as phone,
    ):
        phone.bind((PHONE[4], 40000))
        server.connect((PHONE[4], 40000))
        with sending(server, 0.005):
            assert count_received(phone, 0.2) > 5
            wire.lim.order("block", 7)
            time.sleep(0.1)
            count_received(phone)
            assert count_received(phone, 0.2) == 0


@pytest.mark.L3
@pytest.mark.timeout(60)
def test_a_hundred_repairs_under_traffic_let_nothing_through(any_wire: Wire):
    """
    Rules are exchanged in one transaction: a phone that never stops sending never gets one packet in between.
    """
    any_wire.lim.configure(deny="drop")
    any_wire.lim.order("block", 7)
    spoil = f"iptables-{any_wire.lim.backend} -A REDUNDANCYD-IN -p udp -j ACCEPT"
    with any_wire.server(5060) as server, any_wire.phone(5060) as phone, sending(phone, 0.0005):
        said = any_wire.lim.sh(
            "for i in $(seq 100); do "
            + spoil
            + '; redundancy-lim block 7 id.run | grep -o \'"traffic":"[a-z]*"\'; done',
            deadline_s=50,
        )
        assert said.split() == ['"traffic":"blocked"'] * 100
        assert count_received(server) == 0
    with any_wire.server(5060) as server, any_wire.phone(5060) as phone:
        any_wire.lim.order("allow", 8)
        phone.send(b"now")
        assert server.recv(2048) == b"now"
