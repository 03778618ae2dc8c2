"""The line to the phones' process: what they see now, and every packet that was answered."""

import json
import socket
import time
from array import array
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redundancyd.core.systems import System
from redundancyd.lab.system import LabError

LARGEST_REPLY = 4_000_000


@dataclass(frozen=True, slots=True)
class PhoneState:
    """What the phones see at one instant; instants in nanoseconds of the boot-time clock."""

    at: int
    last: dict[System, int]  # when each system last answered; 0 for never
    registered: dict[int, System | None]  # phone number -> who serves it
    moves: tuple[tuple[int, int, System | None], ...]  # every change: when, which phone, to whom

    def is_answering(self, system: System, within_ms: int = 150) -> bool:
        """The system answered just now."""
        return self.at - self.last[system] <= within_ms * 1_000_000


@dataclass(frozen=True, slots=True)
class Answers:
    """Every answered packet of a bed, by system, and every move of a phone."""

    at: dict[System, list[int]]
    moves: tuple[tuple[int, int, System | None], ...]


class PhoneLine:
    """Asks the phones' process."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def ask(self, words: str, deadline_s: float = 3) -> dict[str, Any]:
        """One question, one answer."""
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
                line.settimeout(deadline_s)
                line.connect(str(self.path))
                line.sendall(words.encode())
                data = b""
                while not data.endswith(b"\n") and len(data) < LARGEST_REPLY:
                    part = line.recv(65_536)
                    if not part:
                        break
                    data += part
            reply = json.loads(data)
        except (OSError, ValueError) as error:
            raise LabError(f"the phones do not answer on {self.path}: {error}") from error
        assert isinstance(reply, dict)
        return reply

    def wait_there(self, deadline_s: float) -> None:
        """Return when the phones' process listens."""
        give_up = time.monotonic() + deadline_s
        while True:
            try:
                self.ask("state")
            except LabError:
                if time.monotonic() > give_up:
                    raise
                time.sleep(0.02)
            else:
                return

    def state(self) -> PhoneState:
        """What the phones see now."""
        reply = self.ask("state")
        return PhoneState(
            at=reply["at_ns"],
            last={System(name): at for name, at in reply["last_ns"].items()},
            registered={phone["number"]: _system(phone["registered"]) for phone in reply["phones"]},
            moves=_moves(reply["moves"]),
        )

    def answers(self) -> Answers:
        """Every answered packet so far."""
        saved = self.path.with_name("answers")
        self.ask(f"save {saved}")
        return read_answers(saved.read_bytes())


def read_answers(data: bytes) -> Answers:
    """What the phones' process saved."""
    line, _, columns = data.partition(b"\n")
    head = json.loads(line)
    count = head["answers"]
    at, system = array("q"), array("b")
    at.frombytes(columns[: 8 * count])
    system.frombytes(columns[8 * count : 9 * count])
    found: dict[System, list[int]] = {System(name): [] for name in head["systems"]}
    names = [System(name) for name in head["systems"]]
    for instant, which in zip(at, system, strict=True):
        found[names[which]].append(instant)
    return Answers(found, _moves(head["moves"]))


def _system(name: str | None) -> System | None:
    return System(name) if name else None


def _moves(rows: list[list[Any]]) -> tuple[tuple[int, int, System | None], ...]:
    return tuple((at, phone, _system(name)) for at, phone, name in rows)
