"""What was configured, on disk: whole or not at all; tables put back; the state of what was removed put aside."""

import asyncio
from pathlib import Path

import pytest

from redundancyd.adapters.clock import Clock
from redundancyd.adapters.goal_file import GoalFile, StateFolder
from redundancyd.adapters.setup_file import ASIDE, LAYOUT, SetupFile
from redundancyd.adapters.slots import SlotFile
from redundancyd.adapters.table_file import SavedTable, TableFile
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


@pytest.mark.parametrize("had", ["nothing", "plain files", "a saved table"])
async def test_the_table_is_put_back_as_it_was(tmp_path: Path, had: str):
    """
    Written twice, restored once; where there was none, or only plain files, it is so again.
    """
    if had == "plain files":
        (tmp_path / "translation").write_text("old\n")
        (tmp_path / "translation-confirmed").write_text("203.0.113.7\n")
    if had == "a saved table":
        await TableFile(tmp_path).save(SavedTable("old\n", frozenset({"203.0.113.7"})))
    before, read = _texts(tmp_path), await TableFile(tmp_path).read()
    file = SetupFile(tmp_path)
    await file.write_table(SavedTable("new\n", frozenset({"203.0.113.9"})))
    newer = SavedTable("newer\n", frozenset({"203.0.113.9", "203.0.113.8"}))
    await file.write_table(newer)
    assert await TableFile(tmp_path).read() == newer
    for _ in range(2):
        await file.restore_table()
        assert _texts(tmp_path) == before
        assert await file.read_table() == read


async def test_a_table_that_is_kept_is_what_the_next_one_goes_back_to(tmp_path: Path):
    """
    The old one beside is forgotten.
    """
    file = SetupFile(tmp_path)
    first = SavedTable("first\n")
    await file.write_table(first)
    await file.keep_table()
    kept = _texts(tmp_path)
    await file.write_table(SavedTable("second\n"))
    await file.restore_table()
    assert _texts(tmp_path) == kept
    assert await file.read_table() == first


async def test_the_state_of_a_supervision_goes_aside_and_a_blank_one_does_not_replace_it(tmp_path: Path):
    """
    Again and again: the goal that was is kept.  What the systems were when they were configured goes, too.
    """
    clock = Clock()
    await asyncio.to_thread(SlotFile(tmp_path / LAYOUT, LAYOUT, 262_144).write, {"settings": "before"})
    goal = Goal(System.PRIMARY, 7, Kind.FORCED, by_operator=False, reason="configured", decided_at=1)
    await GoalFile(tmp_path, clock).save(goal)
    file = SetupFile(tmp_path)
    for _ in range(2):
        await file.put_aside()
        assert await asyncio.to_thread(GoalFile(tmp_path, clock).load) is None  # and makes blank slots
    kept = await asyncio.to_thread(GoalFile(tmp_path / ASIDE, clock).load)
    assert kept is not None
    assert kept.number == 7
    assert not (tmp_path / LAYOUT).exists()


async def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path):
    """
    The old table still stands.
    """
    file = SetupFile(tmp_path / "gone")
    with pytest.raises(NotSaved, match="translation table"):
        await file.write_table(SavedTable("new\n"))


def _texts(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(folder.iterdir()) if path.is_file()}
