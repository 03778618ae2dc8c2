"""Three hosts of our own: us, a router, and the far side.

    us 198.51.100.11 ── 198.51.100.1 router 192.0.2.1 ── 192.0.2.10, .11 far

They are network namespaces; nothing links them to the machine's own network.
"""

import asyncio
import ctypes
import os
import subprocess
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

_Result = TypeVar("_Result")
_CLONE_NEWNET = 0x40000000
_numbers = count(1)

_LAYOUT = """
link add us netns {us} type veth peer name us netns {router}
link add far netns {router} type veth peer name far netns {far}
-n {us} link set lo up
-n {us} addr add 198.51.100.11/24 dev us
-n {us} addr add 2001:db8:2::11/64 dev us nodad
-n {us} link set us up
-n {us} route add default via 198.51.100.1
-n {us} route add default via 2001:db8:2::1
-n {router} addr add 198.51.100.1/24 dev us
-n {router} addr add 2001:db8:2::1/64 dev us nodad
-n {router} addr add 192.0.2.1/24 dev far
-n {router} addr add 2001:db8:1::1/64 dev far nodad
-n {router} link set us up
-n {router} link set far up
-n {far} addr add 192.0.2.10/24 dev far
-n {far} addr add 192.0.2.11/24 dev far
-n {far} addr add 2001:db8:1::10/64 dev far nodad
-n {far} link set far up
-n {far} route add default via 192.0.2.1
-n {far} route add default via 2001:db8:1::1
"""


@dataclass(frozen=True)
class Network:
    """The names of the three namespaces, and what can be done in them."""

    us: str
    router: str
    far: str

    def run(self, where: str, *words: str) -> None:
        """Run a command in one of them."""
        subprocess.run(["ip", "netns", "exec", where, *words], check=True, capture_output=True)

    def as_us(self, work: Callable[[], Coroutine[Any, Any, _Result]]) -> _Result:
        """Run a coroutine on a loop whose sockets are ours; only this one thread goes there."""
        with ThreadPoolExecutor(1, initializer=_enter, initargs=(self.us,)) as thread:
            return thread.submit(lambda: asyncio.run(work())).result()


def _enter(namespace: str) -> None:
    """Move this thread into a network namespace."""
    with Path(f"/run/netns/{namespace}").open() as file:
        if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")


@contextmanager
def network() -> Iterator[Network]:
    """The three hosts, gone afterwards."""
    prefix = f"rdp{os.getpid()}n{next(_numbers)}"
    names = Network(f"{prefix}-us", f"{prefix}-router", f"{prefix}-far")
    every = (names.us, names.router, names.far)
    try:
        for name in every:
            subprocess.run(["ip", "netns", "add", name], check=True)
        for family in ("ipv4.ip_forward", "ipv6.conf.all.forwarding"):
            names.run(names.router, "sysctl", "-qw", f"net.{family}=1")
        batch = _LAYOUT.format(us=names.us, router=names.router, far=names.far)
        for line in batch.strip().splitlines():
            subprocess.run(["ip", *line.split()], check=True, capture_output=True)
        yield names
    finally:
        for name in every:
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)
