"""Run in the phones' namespace: asks addresses by SIP OPTIONS over UDP every few milliseconds, and says who answers.

Words: EVERY_MS, then the addresses.  A line of JSON on standard output for each answer that comes after silence:
`{"address", "at_ns", "silent_ns"}`, instants of the boot-time clock.  It ends when its standard input does.
Standard library only, so that it starts at once.
"""

import contextlib
import json
import os
import select
import socket
import sys
import time

SILENCE_NS = 50_000_000
PORT = 5060
PRIORITY = -10  # it measures: it must not wait for a busy machine longer than it has to


def now() -> int:
    """Nanoseconds of the boot-time clock."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def options(address: str, number: int, local: str) -> bytes:
    """One OPTIONS request."""
    lines = [
        f"OPTIONS sip:{address} SIP/2.0",
        f"Via: SIP/2.0/UDP {local};branch=z9hG4bKbench{number}",
        "Max-Forwards: 70",
        f"From: <sip:bench@{local}>;tag=b",
        f"To: <sip:{address}>",
        f"Call-ID: bench-{address}@{local}",
        f"CSeq: {number} OPTIONS",
        "Content-Length: 0",
        "",
        "",
    ]
    return "\r\n".join(lines).encode()


class Prober:
    """One socket, all addresses."""

    def __init__(self, addresses: list[str]) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("", 0))
        self.socket.setblocking(False)
        self.last = dict.fromkeys(addresses, 0)
        self.number = 0

    def ask(self) -> None:
        """One request to each."""
        self.number += 1
        local = f"bench:{self.socket.getsockname()[1]}"
        for address in self.last:
            with contextlib.suppress(OSError):  # an answer that has not come is what we measure
                self.socket.sendto(options(address, self.number, local), (address, PORT))

    def hear(self) -> None:
        """Every answer that has come."""
        while True:
            try:
                data, (address, _) = self.socket.recvfrom(65_536)
            except BlockingIOError:
                return
            except OSError:  # refused by ICMP: no answer
                continue
            if address in self.last and data.startswith(b"SIP/2.0 200 "):
                self.heard(address, now())

    def heard(self, address: str, at: int) -> None:
        """An answer; told if it ends a silence."""
        silent = at - self.last[address]
        self.last[address] = at
        if silent > SILENCE_NS:
            print(json.dumps({"address": address, "at_ns": at, "silent_ns": silent}), flush=True)


def main(every_ns: int, addresses: list[str]) -> None:
    """Ask on a fixed grid until standard input ends."""
    prober = Prober(addresses)
    due = now()
    while True:
        if now() >= due:
            prober.ask()
            due = max(due + every_ns, now())
        ready, _, _ = select.select([prober.socket, sys.stdin], [], [], max(0, due - now()) / 1e9)
        if sys.stdin in ready:
            return
        if ready:
            prober.hear()


if __name__ == "__main__":
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, PRIORITY)
    main(round(float(sys.argv[1]) * 1e6), sys.argv[2:])
