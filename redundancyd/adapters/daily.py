"""When the daily job is due: by a local time of day, right across daylight saving, caught up once after being down.

The arithmetic of calendars is cronsim's.  Nothing here reads a clock or sleeps: whoever asks says what time it is.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from cronsim import CronSim

JITTER_MS = 600_000
"""Within so long after a start a missed job is caught up, so that many hosts do not begin at once"""
AHEAD_MS = 86_400_000
"""An attempt further ahead was told by a clock that was wrong, and has been set back since: it counts as none"""


@dataclass(frozen=True, slots=True)
class Daily:
    """A time of day in a zone."""

    hour: int
    minute: int
    zone: str = "local"

    def __str__(self) -> str:
        return f"{self.hour:02d}:{self.minute:02d} {self.zone}"

    def last_before(self, now: int) -> int:
        """The latest instant up to now that it was this time of day; wall clock milliseconds, as all here."""
        # Backwards it gives instants strictly before, and now itself counts.
        return self._next(now + 1000, reverse=True)

    def next_after(self, now: int) -> int:
        """The first instant after now that it is this time of day."""
        return self._next(now, reverse=False)

    def _next(self, now: int, *, reverse: bool) -> int:
        begin = datetime.fromtimestamp(now / 1000, UTC).astimezone(_zone(self.zone))
        found = next(CronSim(f"{self.minute} {self.hour} * * *", begin, reverse=reverse))
        return round(found.timestamp() * 1000)

    def is_due(self, now: int, last_attempt: int | None, started: int, host: str) -> bool:
        """Whether a job is to begin now; who never ran waits for the time of day, who was down catches up once."""
        wanted = self.last_before(now)
        if last_attempt is not None and last_attempt > now + AHEAD_MS:
            last_attempt = None
        if wanted >= started:
            return last_attempt is None or last_attempt < wanted
        return last_attempt is not None and last_attempt < wanted and now >= started + jitter_ms(host)


def local_day(now: int, zone: str) -> str:
    """The date in a zone, such as 2026-03-09."""
    return datetime.fromtimestamp(now / 1000, _zone(zone)).date().isoformat()


def age_ms(stamp: str, now: int, zone: str) -> int:
    """How old a backup is, its stamp read as local time of the zone."""
    seconds = min(int(stamp[-2:]), 59)
    made = datetime.strptime(f"{stamp[:-2]}{seconds:02d}", "%Y%m%d%H%M%S").replace(tzinfo=_zone(zone))
    return now - round(made.timestamp() * 1000)


def jitter_ms(host: str) -> int:
    """How long this host waits before it catches up: always the same for the same host."""
    return int.from_bytes(hashlib.sha256(host.encode()).digest()[:4]) % JITTER_MS


def know(zone: str) -> None:
    """Read the rules of a zone, once and for all: waits for the disk, and belongs into a thread."""
    _zone(zone)


@cache
def _zone(name: str) -> tzinfo:
    if name != "local":
        return ZoneInfo(name)
    try:
        with Path("/etc/localtime").open("rb") as file:
            return ZoneInfo.from_file(file, "local")
    except (OSError, ValueError):
        return UTC  # a host without a zone lives in UTC
