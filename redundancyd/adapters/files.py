"""The file system of this host: every call waits for the disk, and what it wrote is on the disk when it returns."""

import contextlib
import errno
import fcntl
import os
import threading
from collections.abc import Callable
from pathlib import Path


class Files:
    """What the daemon does with files.  The simulator puts its own disk in this place."""

    def begin(self, work: Callable[[], None]) -> None:
        """Begin work that waits for the disk, in a thread of its own that nobody joins."""
        threading.Thread(target=work, name="disk", daemon=True).start()

    def read(self, path: Path, most: int) -> bytes:
        """The first bytes of a file."""
        with path.open("rb") as file:
            return file.read(most)

    def size(self, path: Path) -> int | None:
        """How long a file is; None where there is none."""
        return path.stat().st_size if path.exists() else None

    def put(self, path: Path, offset: int, data: bytes) -> None:
        """Write into a file that is long enough already."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            if os.pwrite(descriptor, data, offset) != len(data):
                raise OSError(0, "the disk took only a part of it")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def replace(self, path: Path, data: bytes) -> None:
        """Write a whole file beside, then put it in this one's place."""
        beside = path.with_name(path.name + ".new")
        with contextlib.ExitStack() as stack:
            stack.callback(beside.unlink, missing_ok=True)
            _write_whole(beside, data)
            beside.replace(path)
            _sync_folder(path.parent)

    def lock(self, path: Path) -> int:
        """Hold a lock as long as this process lives; BlockingIOError when another one does."""
        descriptor = _open_lock(path)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise
        return descriptor

    def unlock(self, descriptor: int) -> None:
        """Let another process have it."""
        os.close(descriptor)


def _write_whole(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _open_lock(path: Path) -> int:
    """The lock's descriptor; on a disk that has become read-only the file that is there will do."""
    flags = os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | flags, 0o600)
    except OSError as error:
        if error.errno != errno.EROFS:
            raise
        return os.open(path, os.O_RDONLY | flags)
