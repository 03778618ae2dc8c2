"""How the LIMs of a stand-in system make, accept and reload backups together: one line of JSON each way, over TCP.

The commands on a LIM ask every LIM of the system at once, over the port of the real systems' own protocol, which is no
endpoint traffic.  How long a reload takes, and how the next ones end, stands in a file that a test may write.
"""

import asyncio
import contextlib
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from redundancyd.lab.backups import Refused, Store

PORT = 3456
LINE_MAX = 4096
DEADLINE_S = 3600.0
CONNECT_S = 2.0
SETTINGS = Path("/etc/opt/eri_sn/exchange.json")
RELOAD = Path("/etc/opt/eri_sn/reload.json")
RUN = Path("/run/eri_sn")


@dataclass(slots=True)
class Measures:
    """What `status -system` shows of the exchange's own work."""

    folder: Path
    history: list[str] = field(default_factory=lambda: ["Coordination Start      Successful"])

    def begin(self, name: str) -> None:
        """Something is being done."""
        (self.folder / "queue").write_text(f"{name:<24}Started {_now()}\n")

    def end(self, name: str, result: str) -> None:
        """It has ended, one way or the other."""
        self.history = [*self.history[-9:], f"{name:<24}{result:<14}{_now()}"]
        (self.folder / "history").write_text("\n".join([*self.history, ""]))
        (self.folder / "queue").write_text("(empty)\n")


def _now() -> str:
    """The instant, fine enough that no two lines of the history are alike."""
    nanoseconds = time.time_ns()
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(nanoseconds // 10**9)) + f".{nanoseconds % 10**9:09d}"


def next_outcome(path: Path) -> tuple[float, str]:
    """How long the next reload takes and how it ends; an outcome that was put there for it is used up."""
    try:
        said = json.loads(path.read_text())
    except (OSError, ValueError):
        return 0.5, "successful"
    outcomes = list(said.get("outcomes", []))
    outcome = outcomes.pop(0) if outcomes else "successful"
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps({**said, "outcomes": outcomes}))
    beside.replace(path)
    if isinstance(outcome, int | float):  # seconds, for this one alone
        return float(outcome), "successful"
    return float(said.get("seconds", 0.5)), str(outcome)


@dataclass(slots=True)
class Control:
    """What this LIM does when its system asks; `away` tells the exchange to let its phones go, and to come back."""

    store: Store
    measures: Measures
    away: Callable[[bool], None]
    reload_settings: Path = RELOAD
    _reloading: "asyncio.Task[None] | None" = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request of one LIM."""
        with contextlib.suppress(ConnectionError, ValueError):
            asked = json.loads(await reader.readline())
            try:
                await self._do(asked)
                said: dict[str, Any] = {"ok": True}
            except (Refused, OSError) as error:
                said = {"ok": False, "why": str(error)}
            writer.write(json.dumps(said).encode() + b"\n")
            await writer.drain()
        writer.close()

    async def _do(self, asked: dict[str, Any]) -> None:
        match asked.get("do"):
            case "backup":
                self.store.make(str(asked["stamp"]))
                self.measures.end("Data Dump", "Successful")
            case "accept":
                self.store.accept(str(asked["stamp"]))
            case "reload":
                await self._reload()
            case other:
                raise Refused(f"no such thing: {other}")

    async def _reload(self) -> None:
        """A reload that hangs is ended by the next one only."""
        if self._reloading is not None and not self._reloading.done():
            self._reloading.cancel()
            await asyncio.wait({self._reloading})
        self._reloading = asyncio.create_task(self._load())
        await asyncio.wait({self._reloading})
        if self._reloading.cancelled():
            raise Refused("ended by another reload")
        self._reloading.result()

    async def _load(self) -> None:
        seconds, outcome = next_outcome(self.reload_settings)
        self.measures.begin("Data Reload")
        self.away(True)
        try:
            await asyncio.sleep(seconds if outcome != "hangs" else DEADLINE_S)
            self._take_over(outcome)
        except (Refused, OSError, asyncio.CancelledError):
            self.measures.end("Data Reload", "Failed")
            raise
        else:
            self.measures.end("Data Reload", "Successful")
        finally:
            self.away(False)

    def _take_over(self, outcome: str) -> None:
        if outcome != "successful":
            raise Refused("the reload failed")
        self.store.load()


async def ask(address: str, asked: dict[str, str], port: int = PORT) -> str:
    """What is wrong with what a LIM says; empty when it has done it."""
    try:
        async with asyncio.timeout(CONNECT_S):
            reader, writer = await asyncio.open_connection(address, port, limit=LINE_MAX)
    except (OSError, TimeoutError) as error:
        return f"no contact with {address}: {error}"
    try:
        writer.write(json.dumps(asked).encode() + b"\n")
        async with asyncio.timeout(DEADLINE_S):
            said = json.loads(await reader.readline() or b"{}")
    except (OSError, TimeoutError, ValueError) as error:
        return f"{address}: {error}"
    finally:
        writer.close()
    return "" if said.get("ok") is True else f"{address}: {said.get('why', 'no answer')}"


async def ask_all(addresses: list[str], asked: dict[str, str]) -> int:
    """Ask every LIM of the system at once; the exit status of the command that does it."""
    wrong = [why for why in await asyncio.gather(*(ask(address, asked) for address in addresses)) if why]
    for why in wrong:
        print(why, file=sys.stderr)
    return 1 if wrong else 0


def stamp() -> str:
    """The instant, as a backup is named; AHEAD_MS says how far the clock of the whole lab is ahead of the machine's."""
    ahead_ms = int(os.environ.get("AHEAD_MS", "0"))
    return time.strftime("%Y%m%d%H%M%S", time.gmtime(time.time() + ahead_ms / 1000))


async def command(words: list[str], addresses: list[str]) -> int:
    """One of the exchange's commands, for the whole system."""
    does: Awaitable[int]
    match words:
        case ["data_backup"]:
            does = ask_all(addresses, {"do": "backup", "stamp": stamp()})
            done = "Backup of exchange data successful"
        case ["accept_backup", name]:
            does, done = ask_all(addresses, {"do": "accept", "stamp": name}), f"{name} is valid"
        case ["reload", "--system"]:
            does, done = ask_all(addresses, {"do": "reload"}), "Reload of the system successful"
        case [name, *_]:
            print(f"{name}: words that are not known here", file=sys.stderr)
            return 2
        case _:
            return 2
    status = await does
    if status == 0:
        print(done)
    return status


if __name__ == "__main__":
    sys.exit(asyncio.run(command(sys.argv[1:], json.loads(SETTINGS.read_text())["system"])))
