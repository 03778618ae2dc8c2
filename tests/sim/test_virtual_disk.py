"""The simulator's disk: what was synced stays, what was under way may be torn, and it fails as it is told."""

from pathlib import Path
from random import Random

import pytest

from redundancyd.adapters.slots import SlotFile
from redundancyd.errors import NotSaved
from redundancyd.sim.timeline import SECOND, Timeline
from redundancyd.sim.virtual_disk import VirtualDisk

PLACE = Path("/var/lib/redundancyd/goal")


def disk_with(value: int) -> tuple[Timeline, VirtualDisk, SlotFile]:
    """A disk on which this was saved."""
    timeline = Timeline()
    disk = VirtualDisk(timeline, Random(1))
    slots = SlotFile(PLACE, "goal", 512, files=disk)
    slots.write({"number": value})
    return timeline, disk, slots


def number(slots: SlotFile) -> object:
    """What is read."""
    return (slots.read() or {}).get("number")


def test_the_products_slots_lie_on_it_as_on_a_real_one():
    """
    Written, read, written again.
    """
    _, _, slots = disk_with(1)
    slots.write({"number": 2})
    assert number(slots) == 2


@pytest.mark.parametrize("fault", ["fails", "read_only"])
def test_a_disk_that_fails_says_so_and_the_older_value_or_the_new_one_is_there(fault: str):
    """
    NotSaved; nothing else was lost.
    """
    _, disk, slots = disk_with(1)
    setattr(disk, fault, True)
    with pytest.raises(NotSaved):
        slots.write({"number": 2})
    assert number(slots) in {1, 2}


def test_a_full_disk_takes_what_has_its_place_already():
    """
    Slots that are there can be written, new ones cannot be made.
    """
    _, disk, slots = disk_with(1)
    disk.full = True
    slots.write({"number": 2})
    assert number(slots) == 2
    with pytest.raises(NotSaved, match="No space left"):
        SlotFile(PLACE.with_name("pause"), "pause", 512, files=disk).write({})


def test_a_power_cut_finds_the_old_value_or_the_new_one_never_neither():
    """
    Whatever the fate of the write under way: not begun, done, torn.
    """
    found = set()
    for lot in range(30):
        timeline = Timeline()
        disk = VirtualDisk(timeline, Random(lot))
        slots = SlotFile(PLACE, "goal", 512, files=disk)
        slots.write({"number": 1})

        def save(slots: SlotFile = slots) -> None:
            try:
                slots.write({"number": 2})
            except NotSaved:
                found.add("torn")

        disk.begin(save)
        disk.crash(power=True)
        found.add(str(number(slots)))
    assert found == {"1", "2", "torn"}


def test_a_disk_that_hangs_does_its_work_when_it_wakes():
    """
    Not before, and then once.
    """
    timeline, disk, _ = disk_with(1)
    done: list[int] = []
    disk.hangs = True
    disk.begin(lambda: done.append(timeline.now_us))
    assert timeline.next_at() is None
    timeline.now_us = 5 * SECOND
    disk.wake()
    while timeline.next_at() is not None:
        timeline.step()
    assert len(done) == 1
    assert done[0] > 5 * SECOND


def test_an_older_copy_can_be_brought_back():
    """
    As from last month's backup.
    """
    _, disk, slots = disk_with(1)
    slots.write({"number": 2})
    slots.write({"number": 3})
    assert disk.bring_back("goal")
    assert number(slots) != 3


def test_the_lock_is_one_processs_until_it_is_killed():
    """
    A second taker is told so.
    """
    _, disk, _ = disk_with(1)
    disk.lock(PLACE)
    with pytest.raises(BlockingIOError):
        disk.lock(PLACE)
    disk.crash(power=False)
    disk.unlock(disk.lock(PLACE))
    disk.lock(PLACE)
