"""The goal on a real disk: torn, full, hung, rebooted, from another release."""

import asyncio
import subprocess
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from redundancyd.adapters.goal_file import GoalFile, StateFolder
from redundancyd.adapters.slots import SlotFile, encode
from redundancyd.core.systems import Goal, Kind, System
from redundancyd.errors import AlreadyRunning, GoalUnreadable, NotSaved
from tests.adapters.neighbours import SetClock

FIRST = Goal(System.PRIMARY, 1, Kind.FORCED, by_operator=False, reason="the first goal", decided_at=500)
SECOND = Goal(
    System.ALTERNATE,
    2,
    Kind.AUTOMATIC,
    by_operator=True,
    reason="vid förlust → alternate",
    decided_at=900,
    other_by_operator=True,
    done=True,
    flips=1,
    accepted=("2", "control"),
    revert_at=5000,
    recent=(100, 900),
    latched=True,
)


@pytest.fixture
def clock() -> SetClock:
    """A clock that stands still."""
    return SetClock()


@pytest.mark.L2
async def test_a_saved_goal_is_read_back_whole(tmp_path: Path, clock: SetClock):
    """
    Every field comes back, by another process of the same boot.
    """
    await GoalFile(tmp_path, clock).save(SECOND)
    assert await asyncio.to_thread(GoalFile(tmp_path, clock).load) == SECOND


def test_an_empty_folder_has_no_goal_and_gets_its_slots(tmp_path: Path, clock: SetClock):
    """
    No goal is None, and the space for later goals is taken at once.
    """
    assert GoalFile(tmp_path, clock).load() is None
    assert (tmp_path / "goal").stat().st_size == 65_536
    assert GoalFile(tmp_path, clock).load() is None
    assert [path.name for path in tmp_path.iterdir()] == ["goal"]


@pytest.mark.L2
async def test_the_newest_of_many_goals_counts(tmp_path: Path, clock: SetClock):
    """
    Slots take turns; the last one saved is read.
    """
    file = GoalFile(tmp_path, clock)
    for number in range(1, 8):
        await file.save(replace(FIRST, number=number))
        loaded = await asyncio.to_thread(GoalFile(tmp_path, clock).load)
        assert loaded is not None
        assert loaded.number == number


@pytest.mark.L2
def test_a_write_torn_at_any_byte_loses_only_itself(tmp_path: Path):
    """
    Power fails after each byte of the newer slot in turn: the older value is read, or the newer one whole.
    """
    file = SlotFile(tmp_path / "goal", "goal", 512)
    file.prepare()
    file.write({"number": 1})
    before = file.path.read_bytes()
    file.write({"number": 2})
    after = file.path.read_bytes()
    (start,) = {index for index in (0, 512) if before[index : index + 512] != after[index : index + 512]}
    seen = set()
    for torn in range(513):
        file.path.write_bytes(before[:start] + after[start : start + torn] + before[start + torn :])
        value = file.read()
        assert value is not None
        seen.add(value["number"])
        file.write({"number": 3})  # and the next write works from there
        assert file.read() == {"number": 3}
    assert seen == {1, 2}


def test_a_flipped_byte_anywhere_is_noticed(tmp_path: Path):
    """
    The disk changes one byte of the only written slot: the value is never another one.
    """
    slot = encode("goal", 1, {"number": 77}, 512)
    blank = encode("goal", 0, None, 512)
    file = SlotFile(tmp_path / "goal", "goal", 512)
    for index in range(len(slot)):
        damaged = bytearray(slot)
        damaged[index] ^= 0x20
        file.path.write_bytes(bytes(damaged) + blank)
        assert file.read() in ({"number": 77}, None)


def test_two_damaged_slots_are_unreadable_not_no_goal(tmp_path: Path, clock: SetClock):
    """
    What is there and cannot be understood is said, with what to do.
    """
    (tmp_path / "goal").write_bytes(b"?" * 65_536)
    with pytest.raises(GoalUnreadable, match=r"neither of its two slots is sound.*remove it"):
        GoalFile(tmp_path, clock).load()


def test_a_goal_of_a_later_release_is_not_guessed_at(tmp_path: Path, clock: SetClock, monkeypatch: pytest.MonkeyPatch):
    """
    The newest slot is of version 2: it is neither read nor passed over for the older one.
    """
    file = SlotFile(tmp_path / "goal", "goal", 32_768)
    file.write({"goal": "old"})
    monkeypatch.setattr("redundancyd.adapters.slots.VERSION", 2)
    file.write({"goal": "in a new shape"})
    monkeypatch.undo()
    with pytest.raises(GoalUnreadable, match=r"version 2.*Install"):
        GoalFile(tmp_path, clock).load()


def test_a_goal_that_makes_no_sense_is_unreadable(tmp_path: Path, clock: SetClock):
    """
    The slot is sound but what stands in it is no goal: the field is named.
    """
    SlotFile(tmp_path / "goal", "goal", 32_768).write({"goal": {"active": "both"}, "saved": {}})
    with pytest.raises(GoalUnreadable, match=r"goal\.active"):
        GoalFile(tmp_path, clock).load()


async def test_a_goal_survives_a_reboot_with_its_instants(tmp_path: Path, clock: SetClock):
    """
    Saved 10 s before a reboot that took 50 s more: instants keep their distance from now.
    """
    clock.time, clock.wall = 100_000, 1_000_000_000
    await GoalFile(tmp_path, clock).save(replace(SECOND, decided_at=95_000, revert_at=400_000, recent=(95_000,)))
    later = SetClock(now=20_000, wall_ms=1_000_060_000, boot_id="another boot")
    goal = await asyncio.to_thread(GoalFile(tmp_path, later).load)
    assert goal is not None
    assert goal.decided_at == 20_000 - 60_000 - 5_000
    assert goal.revert_at == 20_000 - 60_000 + 300_000
    assert goal.recent == (goal.decided_at,)


async def test_a_wall_clock_set_back_during_a_reboot_puts_nothing_into_the_future(tmp_path: Path, clock: SetClock):
    """
    The machine comes up in 1970: the goal was decided no later than now.
    """
    await GoalFile(tmp_path, clock).save(replace(FIRST, decided_at=clock.time))
    later = SetClock(now=7_000, wall_ms=0, boot_id="another boot")
    goal = await asyncio.to_thread(GoalFile(tmp_path, later).load)
    assert goal is not None
    assert goal.decided_at == 7_000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 1 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], check=True)
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(disk: Path) -> None:
    """Take all the space there is."""
    with (disk / "filler").open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError:
            pass


@pytest.mark.lab
@pytest.mark.L2
async def test_a_full_disk_does_not_stop_goals_once_the_slots_exist(small_disk: Path, clock: SetClock):
    """
    The disk is full to the last block: goals are saved and read all the same.
    """
    folder = StateFolder(small_disk, clock)
    await folder.load()
    fill(small_disk)
    for number in range(1, 6):
        await folder.save(replace(FIRST, number=number))
    folder.close()
    assert (await StateFolder(small_disk, clock).load()).goal == replace(FIRST, number=5)


@pytest.mark.lab
async def test_a_disk_full_from_the_beginning_is_said_and_leaves_nothing_half_made(small_disk: Path, clock: SetClock):
    """
    No room for the slots: NotSaved with a remedy, and still no goal.
    """
    fill(small_disk)
    file = GoalFile(small_disk, clock)
    assert await asyncio.to_thread(file.load) is None
    with pytest.raises(NotSaved, match=r"No space left.*df"):
        await file.save(FIRST)
    assert await asyncio.to_thread(file.load) is None
    assert [path.name for path in small_disk.iterdir()] == ["filler"]


@pytest.mark.lab
async def test_a_disk_remounted_read_only_is_said(small_disk: Path, clock: SetClock):
    """
    The goal is not saved, and the older one still counts.
    """
    file = GoalFile(small_disk, clock)
    await file.save(FIRST)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(NotSaved, match="Read-only"):
        await file.save(SECOND)
    assert await asyncio.to_thread(file.load) == FIRST


@pytest.mark.lab
async def test_a_start_on_a_disk_that_became_read_only_supervises_all_the_same(small_disk: Path, clock: SetClock):
    """
    The goal and who we are come from the disk as it was; the last run goes on, since a new one cannot be saved.
    """
    before = StateFolder(small_disk, clock)
    supervisor = (await before.load()).supervisor
    await before.save(FIRST)
    before.close()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    after = StateFolder(small_disk, clock)
    saved = await after.load()
    assert (saved.goal, saved.supervisor) == (FIRST, supervisor)
    with pytest.raises(AlreadyRunning):
        await StateFolder(small_disk, clock).load()
    after.close()


async def test_a_disk_that_hangs_costs_its_deadline_and_the_goal_does_not_count_later(
    tmp_path: Path, clock: SetClock, monkeypatch: pytest.MonkeyPatch
):
    """
    NotSaved at the deadline; when the disk wakes up, the refused goal is taken back.
    """
    file = GoalFile(tmp_path, clock, deadline_ms=100)
    await file.save(FIRST)
    wakes = threading.Event()
    real = SlotFile.write

    def write(self: SlotFile, value: Mapping[str, object]) -> None:
        wakes.wait(5)
        real(self, value)

    monkeypatch.setattr(SlotFile, "write", write)
    with pytest.raises(NotSaved, match="has not answered within 100 ms"):
        await file.save(SECOND)
    with pytest.raises(NotSaved):
        await file.save(SECOND)
    wakes.set()
    for _ in range(100):
        await asyncio.sleep(0.01)
        if file._disk._idle.is_set():
            break
    assert await asyncio.to_thread(GoalFile(tmp_path, clock).load) == FIRST
    await file.save(SECOND)
    assert await asyncio.to_thread(GoalFile(tmp_path, clock).load) == SECOND


async def test_a_write_that_failed_on_its_way_does_not_count_later(
    tmp_path: Path, clock: SetClock, monkeypatch: pytest.MonkeyPatch
):
    """
    The bytes arrive but fsync fails: refused means refused, also for who reads the file later.
    """
    file = GoalFile(tmp_path, clock)
    await file.save(FIRST)

    def fails(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("redundancyd.adapters.files.os.fsync", fails)
    with pytest.raises(NotSaved, match="Input/output error"):
        await file.save(SECOND)
    monkeypatch.undo()
    assert await asyncio.to_thread(GoalFile(tmp_path, clock).load) == FIRST


async def test_a_goal_with_an_endless_reason_is_saved_with_a_short_one(tmp_path: Path, clock: SetClock):
    """
    Text from outside cannot make a goal too large for its slot.
    """
    await GoalFile(tmp_path, clock).save(replace(FIRST, reason="x" * 100_000))
    goal = await asyncio.to_thread(GoalFile(tmp_path, clock).load)
    assert goal is not None
    assert len(goal.reason) == 1000
