"""The LIMs of the primary are told again what they listen for: one that was reinstalled hears of it."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from redundancyd import listening
from redundancyd.adapters.channel import Channel
from redundancyd.adapters.clock import Clock
from redundancyd.adapters.goal_file import StateFolder
from redundancyd.adapters.serve import REQUEST_MAX
from redundancyd.adapters.traffic import listen
from redundancyd.config import parse
from redundancyd.core.site import NOTHING_SET_UP, Site
from redundancyd.core.systems import Server, Supervisor, System
from redundancyd.daemon import Daemon, Ending
from redundancyd.errors import OutOfReach
from redundancyd.listening import Listening
from tests.test_daemon import Lim as RealisticLim
from tests.test_daemon import outside, wait_until
from tests.test_program import SETTINGS

US = Supervisor("ours", ("run",))
STATUS = {"traffic": "allowed", "number": 3, "word": "allow", "supervisor": "ours.run", "origin": "order"}


class Lim:
    """A LIM that notes what it was told, or is not there, or refuses."""

    def __init__(self, server: Server, *, connected: bool = True, error: str = "") -> None:
        self.server, self.connected, self.error = server, connected, error
        self.told: list[str] = []

    async def ask(self, line: str, deadline_ms: int) -> str:
        """As a channel does."""
        assert deadline_ms > 0
        self.told.append(line)
        if self.error == "lost":
            raise OutOfReach(line, "no answer")
        return json.dumps({**STATUS, "ok": not self.error, "error": self.error, "detail": "why"})

    ask_apart = ask


async def told(*lims: Lim, rest: bool = True) -> None:
    """Let it come round twice."""
    channels = cast("Mapping[Server, Channel]", {lim.server: lim for lim in lims})
    task = asyncio.create_task(Listening(("203.0.113.1",), US, channels, Clock()).run(lambda: rest))
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every few milliseconds, instead of minutes."""
    monkeypatch.setattr(listening, "EVERY_MS", 10)


async def test_each_lim_of_the_primary_in_reach_is_told_again_whatever_the_others_do():
    """
    The alternate's never: it allows itself at no time.
    """
    primary = [Lim(Server(System.PRIMARY, lim, f"192.0.2.1{lim}")) for lim in (1, 2, 3, 4)]
    primary[0].error, primary[1].error, primary[2].connected = "lost", "other_supervisor", False
    alternate = Lim(Server(System.ALTERNATE, 1, "198.51.100.11"))
    await told(*primary, alternate)
    for lim in (primary[0], primary[1], primary[3]):
        assert set(lim.told) == {"listen ours.run 203.0.113.1"}
        assert len(lim.told) > 1
    assert primary[2].told == alternate.told == []


async def test_nobody_is_told_while_traffic_is_moved():
    """
    It has time.
    """
    lim = Lim(Server(System.PRIMARY, 1, "192.0.2.11"))
    await told(lim, rest=False)
    assert lim.told == []


@pytest.mark.parametrize("site", [Site("192.0.2.10", ("203.0.113.7",)), None])
async def test_a_daemon_tells_what_it_was_configured_with(tmp_path: Path, site: Site | None):
    """
    Those of the settings file stand in lim.conf: of them nobody has to be told.
    """
    (tmp_path / "state").mkdir()
    clock, lims = Clock(), dict[Server, RealisticLim]()
    folder = StateFolder(tmp_path / "state", clock)
    await folder.setup.save(replace(NOTHING_SET_UP, site=site))
    settings = parse(SETTINGS.replace("FOLDER", str(tmp_path)).encode())
    life = Daemon(settings, await folder.load(), folder, outside(lims, clock))
    running = asyncio.create_task(life.run())
    await wait_until(lambda: bool(lims) and all(lim.asked.count("status") > 1 for lim in lims.values()))
    if site is not None:
        await wait_until(lambda: any("listen" in lim.asked for lim in lims.values()))
    told_to = {server.system for server, lim in lims.items() if "listen" in lim.asked}
    assert told_to == (set() if site is None else {System.PRIMARY})
    life.end(Ending.STOP)
    async with asyncio.timeout(5):
        await running
    folder.close()


async def test_as_many_addresses_are_told_as_a_request_holds():
    """
    However long they are: a line is never as long as one that a channel does not send.
    """
    for length in range(1, 60):
        lim = Lim(Server(System.PRIMARY, 1, "192.0.2.11"))
        await listen(cast("Channel", lim), "ours.run", ("9" * length, *["2001:db8::1111"] * 30), 1000)
        assert len(lim.told[0]) < REQUEST_MAX
        assert len(lim.told[0]) + len(" 2001:db8::1111") >= REQUEST_MAX
