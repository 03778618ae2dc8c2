"""When both systems are asked what they are made of, and what is remembered of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from redundancyd.adapters.clock import Clock
from redundancyd.adapters.files import Files
from redundancyd.adapters.lim_wire import AskLim
from redundancyd.core.systems import Server, System
from redundancyd.errors import FarDataRefused, OutOfReach
from redundancyd.layout_watch import AGAIN_MS, DAILY_MS, FIRST_MS, LayoutWatch

P, A = System.PRIMARY, System.ALTERNATE
SERVERS = (Server(P, 1, "192.0.2.11"), Server(P, 1, "192.0.2.21", standby=True), Server(A, 1, "198.51.100.11"))


class Time:
    """Moved by hand."""

    at = 1000

    def now(self) -> int:
        """The instant."""
        return self.at


class FakeLim:
    """Answers what the test says, or nothing."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.answer: Mapping[str, Any] | None = {"lims": ["1"], "gateways": ["1A"]}
        self.asked = 0

    async def ask(self, _: str) -> Mapping[str, Any]:
        """One reply."""
        self.asked += 1
        if self.answer is None:
            raise OutOfReach("`layout`", "gone")
        return self.answer


class Watched:
    """A watch, its LIMs, and its clock; `again` is the same after a restart."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.time = folder, Time()
        self.lims = [FakeLim(server) for server in SERVERS]
        self.watch = self.again()

    def again(self, servers: tuple[Server, ...] = SERVERS) -> LayoutWatch:
        """A new run of the daemon."""
        lims, time = cast("list[AskLim]", self.lims), cast("Clock", self.time)
        self.watch = LayoutWatch(lims, servers, self.folder, time)
        return self.watch


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    """Nothing was asked yet."""
    return Watched(tmp_path)


async def test_the_systems_are_asked_a_minute_after_the_start_and_then_daily(watched: Watched):
    """
    Alike: nothing to tell.
    """
    assert not watched.watch.is_due()
    watched.time.at += FIRST_MS
    assert watched.watch.is_due()
    await watched.watch.look()
    assert watched.watch.found == ()
    watched.time.at += DAILY_MS - 1
    assert not watched.watch.is_due()
    watched.time.at += 1
    assert watched.watch.is_due()


async def test_a_system_that_gives_no_answer_is_asked_again_soon_and_nothing_is_concluded(watched: Watched):
    """
    What was found before stands.
    """
    watched.lims[0].answer = watched.lims[1].answer = {"lims": ["1"], "gateways": ["1A", "1B"]}
    await watched.watch.look()
    assert watched.watch.found == ("media gateway 1B is in the primary alone",)
    watched.lims[2].answer = None
    watched.time.at += DAILY_MS
    await watched.watch.look()
    assert watched.watch.found == ("media gateway 1B is in the primary alone",)
    watched.time.at += AGAIN_MS
    assert watched.watch.is_due()
    with pytest.raises(OutOfReach):
        await watched.watch.ask()


async def test_where_lim_1_has_two_servers_the_one_that_answers_tells(watched: Watched):
    """
    The regular one first.
    """
    await watched.watch.ask()
    assert [lim.asked for lim in watched.lims] == [1, 0, 1]
    watched.lims[0].answer = None
    assert await watched.watch.ask() == ()
    assert watched.lims[1].asked == 1


async def test_what_was_configured_outlives_the_daemon_and_ends_with_the_configuration(watched: Watched):
    """
    A gateway in both systems more is noticed by the next run too; settings of other servers are a new configuration.
    """
    await watched.watch.ask()
    for lim in watched.lims:
        lim.answer = {"lims": ["1"], "gateways": ["1A", "1B"]}
    assert len(await watched.again().ask()) == 2
    assert len(await watched.again().ask()) == 2
    assert await watched.again((*SERVERS[:2], Server(A, 1, "198.51.100.12"))).ask() == ()


async def test_a_damaged_file_and_a_full_disk_do_not_hide_a_difference(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
):
    """
    The systems are compared with each other all the same.
    """
    (watched.folder / "layout").write_bytes(b"x" * 100)
    watched.lims[2].answer = {"lims": ["1"], "gateways": []}

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Files, "replace", full)
    assert await watched.watch.ask() == ("media gateway 1A is in the primary alone",)


async def test_an_answer_that_makes_no_sense_is_refused(watched: Watched):
    """
    By the LIM's name.
    """
    watched.lims[2].answer = {"lims": 7}
    with pytest.raises(FarDataRefused, match="alternate-1"):
        await watched.watch.ask()
    assert watched.watch.page()["systems"] == {}
