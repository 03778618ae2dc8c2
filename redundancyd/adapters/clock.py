"""Alone reads a clock.  The simulator puts its own in this place."""

import asyncio
import time
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()  # never changes while we run
_SLICE_MS = 1000  # the loop's timer stands still while the machine is suspended, so no sleep is longer than this


class Clock:
    """The boot-time clock, which no one can set, and the wall clock for people and the daily job."""

    def now(self) -> int:
        """Milliseconds since boot, suspension included."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000

    def wall_ms(self) -> int:
        """Milliseconds since 1970, as far as anybody has set the clock."""
        return time.time_ns() // 1_000_000

    def monotonic_us(self) -> int:
        """What systemd compares a reload with; nothing of ours is timed by it."""
        return time.monotonic_ns() // 1000

    def boot_id(self) -> str:
        """Which boot `now` counts from."""
        return _BOOT_ID

    async def sleep_until(self, at: int) -> None:
        """Return at `at`, never before; at once if that has passed."""
        while (left := at - self.now()) > 0:  # noqa: ASYNC110 - there is no event to wait for: time is what comes
            await asyncio.sleep(min(left, _SLICE_MS) / 1000)
