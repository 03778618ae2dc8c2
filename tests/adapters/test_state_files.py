"""Methods, pause and who we are, on a real disk; one daemon a folder."""

import asyncio
from pathlib import Path

import pytest

from redundancyd.adapters.goal_file import StateFolder
from redundancyd.adapters.slots import SlotFile
from redundancyd.adapters.state_files import RUNS_KEPT, StateFiles
from redundancyd.core.systems import Fallback, Method, Methods, Pause
from redundancyd.errors import AlreadyRunning, StateUnreadable
from tests.adapters.neighbours import SetClock


@pytest.fixture
def clock() -> SetClock:
    """A clock that stands still."""
    return SetClock()


def test_each_start_is_a_new_run_of_the_same_supervisor(tmp_path: Path, clock: SetClock):
    """
    The id stays, the run is new and on disk with the earlier ones, so that their orders are known as our own.
    """
    files = StateFiles(tmp_path, clock)
    first, second = files.begin_run(), files.begin_run()
    assert first.id == second.id
    assert second.runs == (*first.runs, second.runs[-1])
    assert second.is_own(first.name)
    assert files.load_supervisor() == second


def test_the_last_thousand_runs_are_kept(tmp_path: Path, clock: SetClock):
    """
    A daemon that is restarted for ever does not outgrow its file: the oldest run goes, the newest comes.
    """
    runs = [f"{number:012x}" for number in range(RUNS_KEPT)]
    SlotFile(tmp_path / "supervisor", "supervisor", 65_536).write({"id": "0123456789abcdef", "runs": runs})
    files = StateFiles(tmp_path, clock)
    first, second = files.begin_run(), files.begin_run()
    assert first.runs[:-1] == tuple(runs[1:])
    assert second.runs[:-2] == tuple(runs[2:])
    assert len(second.runs) == RUNS_KEPT == 1000


async def test_what_the_operator_said_of_the_clusters_is_kept_and_asked_again_when_it_cannot_be_read(
    tmp_path: Path, clock: SetClock
):
    """
    Not known is not the same as manual; a damaged file does not keep the daemon from starting.
    """
    folder = StateFolder(tmp_path, clock)
    assert (await folder.load()).fallback is None
    await folder.save_fallback(Fallback.AUTOMATIC)
    assert (await folder.load()).fallback is Fallback.AUTOMATIC
    (tmp_path / "cluster-fallback").write_bytes(b"x" * 100)
    assert (await folder.load()).fallback is None
    folder.close()


async def test_methods_and_pause_are_kept_and_a_pause_ends_across_a_reboot(tmp_path: Path, clock: SetClock):
    """
    What the operator set is there after a restart; a pause keeps its end.
    """
    files = StateFiles(tmp_path, clock)
    assert await asyncio.to_thread(files.load_methods) is None
    assert await asyncio.to_thread(files.load_pause) is None
    methods = Methods(Method.MANUAL, Method.AUTOMATIC)
    await files.save_methods(methods)
    await files.save_pause(Pause(clock.time + 60_000, "maintenance"))
    assert await asyncio.to_thread(files.load_methods) == methods
    assert await asyncio.to_thread(files.load_pause) == Pause(clock.time + 60_000, "maintenance")
    rebooted = SetClock(now=5_000, wall_ms=clock.wall + 20_000, boot_id="another boot")
    assert await asyncio.to_thread(StateFiles(tmp_path, rebooted).load_pause) == Pause(45_000, "maintenance")
    rebooted.time, rebooted.wall = 46_000, rebooted.wall + 41_000
    assert await asyncio.to_thread(StateFiles(tmp_path, rebooted).load_pause) is None
    await files.save_pause(None)
    assert await asyncio.to_thread(files.load_pause) is None


def test_garbage_in_a_small_file_is_a_clear_error(tmp_path: Path, clock: SetClock):
    """
    The file is named, and what is wrong in it.
    """
    SlotFile(tmp_path / "methods", "methods").write({"alternate_from_primary": "perhaps"})
    with pytest.raises(StateUnreadable, match=r"methods.*alternate_from_primary"):
        StateFiles(tmp_path, clock).load_methods()


async def test_a_second_daemon_does_not_get_the_folder(tmp_path: Path, clock: SetClock):
    """
    Two that write one goal would be worse than none.
    """
    one, two = StateFolder(tmp_path, clock), StateFolder(tmp_path, clock)
    mine = await one.load()
    with pytest.raises(AlreadyRunning):
        await two.load()
    assert (await one.load()).supervisor == mine.supervisor
    one.close()
    assert (await two.load()).supervisor.runs[:-1] == mine.supervisor.runs


async def test_a_folder_that_is_not_there_is_named(tmp_path: Path, clock: SetClock):
    """
    The error has the path in it.
    """
    with pytest.raises(StateUnreadable, match="nowhere"):
        await StateFolder(tmp_path / "nowhere", clock).load()
