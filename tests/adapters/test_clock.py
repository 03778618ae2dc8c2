"""The boot-time clock."""

import time
from pathlib import Path

from redundancyd.adapters.clock import Clock


def test_it_counts_from_boot_with_the_time_asleep():
    """
    As /proc/uptime does, which nobody can set.
    """
    uptime = float(Path("/proc/uptime").read_text().split()[0])
    assert abs(Clock().now() - uptime * 1000) < 1000
    assert Clock().boot_id() == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert abs(Clock().wall_ms() / 1000 - time.time()) < 1


async def test_it_never_wakes_early():
    """
    A sleep ends at its instant or after it; one in the past ends at once.
    """
    clock = Clock()
    for wait in (1, 3, 7, 20):
        at = clock.now() + wait
        await clock.sleep_until(at)
        assert at <= clock.now() <= at + 100
    await clock.sleep_until(clock.now() - 1000)
