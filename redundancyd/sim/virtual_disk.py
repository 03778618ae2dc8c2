"""The disk of the host that the daemon runs on: what was synced stays, and everything else may be otherwise.

Work for it is done a few milliseconds later, when the process runs.  A kill finds work under way not begun or done; a
power cut finds it torn, too.
"""

import errno
from collections import deque
from collections.abc import Callable
from pathlib import Path
from random import Random

from redundancyd.adapters.files import Files
from redundancyd.sim.timeline import MS, Timeline

TAKES_US = (1 * MS, 8 * MS)
KEPT = 12

Work = Callable[[], None]


class VirtualDisk(Files):
    """Files in memory, and what can be wrong with a disk."""

    def __init__(self, timeline: Timeline, lot: Random) -> None:
        self._timeline = timeline
        self._lot = lot
        self.files: dict[str, bytes] = {}
        self.older: dict[str, deque[bytes]] = {}
        """What each file was, so that somebody can bring it back."""
        self.full = False
        self.fails = False
        self.read_only = False
        self.hangs = False
        self.post: Callable[[Work], None] = lambda work: work()
        self._waiting: list[Work] = []
        self._torn = False
        self._locked_by: int | None = None
        self._locks = 0

    @property
    def is_well(self) -> bool:
        """Whether what is written now is kept."""
        return not (self.full or self.fails or self.read_only or self.hangs)

    def begin(self, work: Work) -> None:
        """Done after a while, in the process that asked for it."""
        self._waiting.append(work)
        if not self.hangs:
            self._timeline.plan(self._lot.randint(*TAKES_US), lambda: self._hand_over(work))

    def wake(self) -> None:
        """It hangs no more: what waited is done."""
        self.hangs = False
        for work in self._waiting:
            self._timeline.plan(self._lot.randint(*TAKES_US), lambda work=work: self._hand_over(work))  # type: ignore[misc]

    def crash(self, *, power: bool) -> None:
        """The process was killed, or its host lost its power; the work under way is done, or not, or torn."""
        waiting, self._waiting = self._waiting, []
        for work in waiting:
            fate = self._lot.randrange(3 if power else 2)
            if fate:
                self._torn = fate > 1
                work()
                self._torn = False
        self._locked_by = None

    def bring_back(self, name: str) -> bool:
        """Somebody puts an older copy of a file in its place; whether there was one."""
        for path, older in self.older.items():
            if path.endswith(f"/{name}") and older:
                self.files[path] = self._lot.choice(older)
                return True
        return False

    def remove(self, name: str) -> None:
        """Somebody removes a file."""
        for path in [path for path in self.files if path.endswith(f"/{name}")]:
            del self.files[path]

    def _hand_over(self, work: Work) -> None:
        if self.hangs or work not in self._waiting:
            return

        def done() -> None:
            if work in self._waiting:
                self._waiting.remove(work)
                work()

        self.post(done)

    # What the product asks of files.

    def read(self, path: Path, most: int) -> bytes:
        """The first bytes of a file."""
        try:
            return self.files[str(path)][:most]
        except KeyError:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", str(path)) from None

    def size(self, path: Path) -> int | None:
        """How long a file is; None where there is none."""
        data = self.files.get(str(path))
        return None if data is None else len(data)

    def put(self, path: Path, offset: int, data: bytes) -> None:
        """Write into a file that is long enough already."""
        if self.read_only:
            raise OSError(errno.EROFS, "Read-only file system")
        old = self.files[str(path)]
        if self._torn or (self.fails and self._lot.random() < 0.5):  # noqa: PLR2004 - as likely as not
            data = data[: len(data) // 2] if self._torn else data
            self.files[str(path)] = old[:offset] + data + old[offset + len(data) :]
        if self._torn or self.fails:
            raise OSError(errno.EIO, "Input/output error")
        kept = self.older.setdefault(str(path), deque(maxlen=KEPT))
        kept.append(old)
        self.files[str(path)] = old[:offset] + data + old[offset + len(data) :]

    def replace(self, path: Path, data: bytes) -> None:
        """Put a whole file in this one's place."""
        if self.read_only:
            raise OSError(errno.EROFS, "Read-only file system")
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        if self.fails or self._torn:
            raise OSError(errno.EIO, "Input/output error")
        self.files[str(path)] = data

    def lock(self, path: Path) -> int:
        """Hold the lock until unlocked or killed."""
        if self._locked_by is not None:
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable", str(path))
        self._locks += 1
        self._locked_by = self._locks
        return self._locks

    def unlock(self, descriptor: int) -> None:
        """Let another process have it."""
        if self._locked_by == descriptor:
            self._locked_by = None
