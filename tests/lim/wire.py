"""A LIM, a phone and a container on a wire: real packets, real answers of the kernel."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from tests.lim.bed import Lim, Namespace, a_network

LIM = {4: "192.0.2.11", 6: "2001:db8:1::11"}
PHONE = {4: "192.0.2.21", 6: "2001:db8:1::21"}
LIM_2 = {4: "192.0.2.12", 6: "2001:db8:1::12"}
FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}


@dataclass
class Wire:
    """The LIM's network and the endpoints' one, which also has LIM 2's address."""

    lim: Lim
    far: Namespace

    def server(
        self, port: int, version: int = 4, kind: int = socket.SOCK_DGRAM, at: Namespace | None = None
    ) -> socket.socket:
        """A bound socket on the LIM, or in the container."""
        made = (at or self.lim).socket(FAMILY[version], kind)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((LIM[version] if at is None else "10.0.0.2", port))
        if kind == socket.SOCK_STREAM:
            made.listen()
        return made

    def phone(self, port: int, version: int = 4, kind: int = socket.SOCK_DGRAM, source: str = "") -> socket.socket:
        """A connected socket of a phone, or of LIM 2 when that is the source."""
        made = self.far.socket(FAMILY[version], kind)
        try:
            made.bind((source or PHONE[version], 0))
            made.connect((LIM[version], port))
        except OSError:
            made.close()
            raise
        return made


@contextlib.contextmanager
def a_wire(lim: Lim) -> Iterator[Wire]:
    """Connect the LIM to a phone."""
    with a_network() as far:
        far.sh(f"ip link add eth0 type veth peer name eth0 netns {lim.holder.pid}")
        for here, own in ((lim, [LIM]), (far, [PHONE, LIM_2])):
            here.sh("ip link set eth0 up")
            for addresses in own:
                here.sh(f"ip addr add {addresses[4]}/24 dev eth0; ip addr add {addresses[6]}/64 dev eth0 nodad")
        yield Wire(lim, far)


@contextlib.contextmanager
def a_container(wire: Wire, *ports: str) -> Iterator[Namespace]:
    """A container of the exchange: reached through DNAT on the LIM, answers through it."""
    with a_network() as inside:
        inside.sh(f"ip link add eth0 type veth peer name cont0 netns {wire.lim.holder.pid}")
        inside.sh("ip addr add 10.0.0.2/24 dev eth0; ip link set eth0 up; ip route add default via 10.0.0.1")
        wire.lim.sh("ip addr add 10.0.0.1/24 dev cont0; ip link set cont0 up; sysctl -qw net.ipv4.ip_forward=1")
        for proto_port in ports:
            proto, port, to = proto_port.split(":")
            wire.lim.iptables(f"-t nat -A PREROUTING -p {proto} --dport {port} -j DNAT --to-destination 10.0.0.2:{to}")
        wire.lim.iptables("-t nat -A POSTROUTING -s 10.0.0.2 -o eth0 -j MASQUERADE")
        yield inside


@contextlib.contextmanager
def running(step: "threading.Thread", stop: threading.Event) -> Iterator[None]:
    """Run a thread, and end it on every way out."""
    step.start()
    try:
        yield
    finally:
        stop.set()
        step.join(timeout=5)


@contextlib.contextmanager
def echoing(server: socket.socket) -> Iterator[None]:
    """Answer every datagram with itself."""
    stop = threading.Event()
    server.settimeout(0.05)

    def answer() -> None:
        while not stop.is_set():
            with contextlib.suppress(OSError):
                some, phone = server.recvfrom(2048)
                server.sendto(some, phone)

    with running(threading.Thread(target=answer), stop):
        yield


@contextlib.contextmanager
def sending(sender: socket.socket, every_s: float) -> Iterator[None]:
    """Send small datagrams, one after the other, whatever the kernel says to it."""
    stop = threading.Event()

    def send() -> None:
        while not stop.is_set():
            with contextlib.suppress(OSError):
                sender.send(b"media")
            time.sleep(every_s)

    with running(threading.Thread(target=send), stop):
        yield


def count_received(receiver: socket.socket, seconds: float = 0) -> int:
    """How many datagrams arrive within that time, or lie there already."""
    until = time.monotonic() + seconds
    count = 0
    receiver.settimeout(0.005)
    while True:
        try:
            receiver.recv(2048)
            count += 1
        except TimeoutError:
            if time.monotonic() >= until:
                return count
        except ConnectionRefusedError:
            continue
        else:
            if seconds and time.monotonic() >= until:
                return count
