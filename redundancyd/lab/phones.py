"""The phones of a bed: one light process, told what to do over a socket file.

state          where each phone is registered, and when each system last answered
save FILE      writes every answered packet so far into FILE
"""

import contextlib
import json
import os
import selectors
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from redundancyd.lab.phone import MS, SYSTEMS, Log, Phone, TcpPhone, UdpPhone, boot_now

STEP = 5 * MS
PRIORITY = -10  # the phones measure: they must not wait for a busy machine longer than they have to


class Phones:
    """All phones of a bed, the clock that drives them, and the socket that asks about them."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.log = Log()
        kinds: dict[str, type[Phone]] = {"udp": UdpPhone, "tcp": TcpPhone}
        self.phones = [
            kinds[entry["transport"]](entry["number"], entry["address"], entry["servers"], self.log)
            for entry in settings["phones"]
        ]
        self.selector = selectors.DefaultSelector()
        self._listened: dict[socket.socket, tuple[Phone, int, int]] = {}
        self._control = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._control.bind(settings["socket"])
        self._control.listen(8)
        self._control.setblocking(False)
        self.selector.register(self._control, selectors.EVENT_READ, self._accept)
        self._stagger(boot_now())

    def _stagger(self, now: int) -> None:
        """Spread the phones, so that they don't ask in one burst."""
        for place, phone in enumerate(self.phones):
            phone.next_register = now + place * 1000 * MS // len(self.phones)
            if isinstance(phone, UdpPhone):
                phone.next_options = now + place * 20 * MS // len(self.phones)

    def run(self) -> None:
        """Be phones, until killed."""
        while True:
            started = boot_now()
            for phone in self.phones:
                phone.tick(started)
            self._listen()
            wait_s = max(0, STEP - (boot_now() - started)) / 1e9
            for key, events in self.selector.select(wait_s):
                act: Callable[[int], None] = key.data
                act(events)

    def _listen(self) -> None:
        """Listen on exactly the sockets that the phones have now."""
        wanted = {}
        for phone in self.phones:
            for opened, system in phone.sockets():
                connecting = isinstance(phone, TcpPhone) and phone.is_connecting(system)
                events = selectors.EVENT_READ | (selectors.EVENT_WRITE if connecting else 0)
                wanted[opened] = (phone, system, events)
        if wanted == self._listened:
            return
        for gone in self._listened.keys() - wanted.keys():
            with contextlib.suppress(KeyError, ValueError):
                self.selector.unregister(gone)
        for opened, (phone, system, events) in wanted.items():
            if self._listened.get(opened) != (phone, system, events):
                act = self._reader(phone, system)
                if opened in self._listened:
                    self.selector.modify(opened, events, act)
                else:
                    self.selector.register(opened, events, act)
        self._listened = wanted

    @staticmethod
    def _reader(phone: Phone, system: int) -> Callable[[int], None]:
        def act(events: int) -> None:
            if events & selectors.EVENT_WRITE and isinstance(phone, TcpPhone):
                phone.connected(system)
            if events & selectors.EVENT_READ:
                phone.readable(system)

        return act

    def _accept(self, _events: int) -> None:
        """One question a connection, answered at once."""
        with contextlib.suppress(OSError):
            asked, _ = self._control.accept()
            with asked:
                asked.settimeout(0.2)
                words = asked.recv(4096).decode().split(maxsplit=1)
                asked.sendall((json.dumps(self._answer(words)) + "\n").encode())

    def _answer(self, words: list[str]) -> dict[str, object]:
        match words:
            case ["state"]:
                return self.state()
            case ["save", name]:
                return self.save(Path(name))
            case _:
                return {"error": f"unknown words {words}"}

    def state(self) -> dict[str, object]:
        """Where the phones are, and when each system last answered."""
        return {
            "at_ns": boot_now(),
            "last_ns": dict(zip(SYSTEMS, self.log.last, strict=True)),
            "phones": [
                {
                    "number": phone.number,
                    "transport": phone.transport,
                    "registered": phone.registered,
                    "since_ns": phone.since,
                }
                for phone in self.phones
            ],
            "moves": self.log.moves,
            "answers": len(self.log.at),
        }

    def save(self, path: Path) -> dict[str, object]:
        """Write every answered packet: a line of JSON, then the columns as they lie in memory."""
        log = self.log
        head = {"answers": len(log.at), "moves": log.moves, "systems": SYSTEMS}
        beside = path.with_name(f"{path.name}.new")
        with beside.open("wb") as file:
            file.write((json.dumps(head) + "\n").encode())
            for column in (log.at, log.system, log.phone, log.kind):
                file.write(column.tobytes())
        beside.replace(path)
        return {"answers": len(log.at)}


if __name__ == "__main__":
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, PRIORITY)
    Phones(json.loads(Path(sys.argv[1]).read_text())).run()
