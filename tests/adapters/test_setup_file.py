"""What was configured, on disk: whole or not at all; tables put back; the state of what was removed put aside."""

import asyncio
from pathlib import Path

import pytest

from redundancyd.adapters.clock import Clock
from redundancyd.adapters.goal_file import GoalFile, StateFolder
from redundancyd.adapters.setup_file import ASIDE, SetupFile
from redundancyd.core.site import Begun, Setup, Site
from redundancyd.core.systems import Goal, Kind, System
from redundancyd.errors import NotSaved, StateUnreadable

SITE = Site("192.0.2.10", ("203.0.113.1", "2001:db8:3::1"), ("rate",))
WHOLE = Setup(SITE, begun=Begun(table=True, number=3, blocked=("alternate-1",)), disarm=("primary-1",), aside=True)


async def test_what_was_saved_is_read_again(tmp_path: Path):
    """
    Nothing at first; then all of it, through the state folder too.
    """
    file = SetupFile(tmp_path)
    assert await asyncio.to_thread(file.load) == Setup()
    await file.save(WHOLE)
    assert await asyncio.to_thread(SetupFile(tmp_path).load) == WHOLE
    folder = StateFolder(tmp_path, Clock())
    assert (await folder.load()).setup == WHOLE
    folder.close()


def test_a_torn_file_keeps_the_daemon_from_guessing(tmp_path: Path):
    """
    Whether a pair is configured is not guessed; the remedy is said.
    """
    (tmp_path / "setup").write_bytes(b"garbage" * 20_000)
    with pytest.raises(StateUnreadable, match="neither of its two slots is sound"):
        SetupFile(tmp_path).load()


@pytest.mark.parametrize("had", [True, False])
async def test_the_table_is_put_back_as_it_was(tmp_path: Path, had: bool):
    """
    Written twice, restored once; where there was none, there is none.
    """
    if had:
        (tmp_path / "translation").write_text("old\n")
    before = _texts(tmp_path)
    file = SetupFile(tmp_path)
    await file.write_table("new\n", ["203.0.113.9"])
    await file.write_table("newer\n", ["203.0.113.9", "203.0.113.8"])
    assert (tmp_path / "translation").read_text() == "newer\n"
    assert (tmp_path / "translation-confirmed").read_text() == "203.0.113.8\n203.0.113.9\n"
    await file.restore_table()
    assert _texts(tmp_path) == before
    await file.restore_table()
    assert _texts(tmp_path) == before


async def test_a_table_that_is_kept_is_what_the_next_one_goes_back_to(tmp_path: Path):
    """
    The old ones beside are forgotten.
    """
    file = SetupFile(tmp_path)
    await file.write_table("first\n", [])
    await file.keep_table()
    kept = _texts(tmp_path)
    await file.write_table("second\n", [])
    await file.restore_table()
    assert _texts(tmp_path) == kept
    assert kept["translation"] == "first\n"


async def test_no_table_given_leaves_the_one_that_is_there(tmp_path: Path):
    """
    Confirmations alone are written.
    """
    (tmp_path / "translation").write_text("old\n")
    await SetupFile(tmp_path).write_table(None, ["203.0.113.9"])
    assert (tmp_path / "translation").read_text() == "old\n"


async def test_the_state_of_a_supervision_goes_aside_and_a_blank_one_does_not_replace_it(tmp_path: Path):
    """
    Again and again: the goal that was is kept.
    """
    clock = Clock()
    goal = Goal(System.PRIMARY, 7, Kind.FORCED, by_operator=False, reason="configured", decided_at=1)
    await GoalFile(tmp_path, clock).save(goal)
    file = SetupFile(tmp_path)
    for _ in range(2):
        await file.put_aside()
        assert await asyncio.to_thread(GoalFile(tmp_path, clock).load) is None  # and makes blank slots
    kept = await asyncio.to_thread(GoalFile(tmp_path / ASIDE, clock).load)
    assert kept is not None
    assert kept.number == 7


async def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path):
    """
    The old table still stands.
    """
    file = SetupFile(tmp_path / "gone")
    with pytest.raises(NotSaved, match="translation table"):
        await file.write_table("new\n", [])


def _texts(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(folder.iterdir()) if path.is_file()}
