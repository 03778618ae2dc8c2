"""Files of mirrors: walked, hashed, linked, synced, removed.  All of it waits for the disk and belongs into a thread.

Links are never followed and never expected: whatever is neither a file nor a folder has no place in a mirror.
"""

import contextlib
import errno
import hashlib
import itertools
import os
import shutil
import stat
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from redundancyd.core.manifest import FILES_MAX
from redundancyd.core.paths import DEPTH_MAX, quoted

BLOCK_BYTES = 2**18
AT_ONCE = min(4, os.cpu_count() or 1)
"""files that are read or synced at the same time"""
NOT_A_FILE = -1
"""size of what is neither file nor folder: no manifest has it"""
_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW

Check = Callable[[], None]
"""called between two pieces of work; raises when nobody wants the rest"""
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
_IN_DOUBT = 0
"""time stamp of a file that was found wrong"""
_own = threading.local()


def walk(folder: Path) -> dict[str, int]:
    """Sizes of all files below a folder, by path in wire spelling; more than a manifest may name are not counted."""
    found: dict[str, int] = {}
    for relative, entry in _entries(folder, b""):
        status = entry.stat(follow_symlinks=False)
        found[quoted(relative)] = status.st_size if stat.S_ISREG(status.st_mode) else NOT_A_FILE
        if len(found) > FILES_MAX:
            break
    return found


def _entries(folder: Path, inside: bytes) -> Iterator[tuple[bytes, os.DirEntry[bytes]]]:
    """What lies below a folder and is no folder; a folder that is too deep counts as what it is not."""
    with os.scandir(os.fsencode(folder / os.fsdecode(inside))) as entries:
        for entry in sorted(entries, key=lambda each: each.name):
            relative = inside + b"/" + entry.name if inside else entry.name
            if entry.is_dir(follow_symlinks=False) and relative.count(b"/") < DEPTH_MAX:
                yield from _entries(folder, relative)
            else:
                yield relative, entry


def folders(folder: Path) -> list[Path]:
    """A folder and all below it, the innermost first."""
    return [Path(path) for path, _, _ in os.walk(folder, topdown=False)]


def sha256(path: Path, check: Check) -> str:
    """The checksum of a file's contents."""
    if not hasattr(_own, "block"):
        _own.block = memoryview(bytearray(BLOCK_BYTES))  # a new one for each read takes longer than the read
    block: memoryview = _own.block
    digest = hashlib.sha256()
    with _open(path) as descriptor:
        while length := os.readv(descriptor, [block]):
            digest.update(block[:length])
            check()
    return digest.hexdigest()


def share_out(work: Callable[[_Item], _Result], items: Sequence[_Item]) -> list[_Result]:
    """What the work gives for each item, several at a time; the first error ends all.

    The threads are such as nobody need join at the end of the program: one of them may wait for a dead disk.
    """
    turns = itertools.count()
    results: dict[int, _Result] = {}
    errors: list[Exception] = []

    def body() -> None:
        while not errors and (turn := next(turns)) < len(items):
            try:
                results[turn] = work(items[turn])
            except Exception as error:  # noqa: BLE001 - it is raised below
                errors.append(error)

    others = [threading.Thread(target=body, name="files", daemon=True) for _ in range(min(AT_ONCE, len(items)) - 1)]
    for other in others:
        other.start()
    body()
    for other in others:
        other.join()
    if errors:
        raise errors[0]
    return [results[turn] for turn in range(len(items))]


@contextlib.contextmanager
def _open(path: Path, flags: int = _READ) -> Iterator[int]:
    descriptor = os.open(path, flags)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def link(old: Path, new: Path) -> bool:
    """Let `new` be the same file as `old`, unless something is there.

    False where `old` is in doubt, and where there can be no link: none is left, or it is somebody else's or elsewhere.
    """
    try:
        if old.lstat().st_mtime_ns == _IN_DOUBT:
            return False
        try:
            os.link(old, new, follow_symlinks=False)
        except FileNotFoundError:  # the folder, as a rule
            make_folder(new.parent)
            os.link(old, new, follow_symlinks=False)
    except OSError as error:
        if error.errno in {errno.EMLINK, errno.ENOENT, errno.EXDEV, errno.EPERM}:
            return False
        raise
    return True


def make_folder(folder: Path) -> None:
    """It is there when this returns; nobody else may look into it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def write_new(path: Path, data: bytes) -> None:
    """A file that was not there before, on disk when this returns."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    with os.fdopen(os.open(path, flags, 0o400), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def read(path: Path, at_most: int) -> bytes:
    """A file's contents, and one byte more than there may be where there are more."""
    with os.fdopen(os.open(path, _READ), "rb") as file:
        return file.read(at_most + 1)


def seal(path: Path, sha256: str) -> None:
    """Nobody writes to this file any more, it is on disk, and its time stamp says that it had this checksum.

    What the disk did not take is gone: it would be read from memory as if it were there, and synced without an error.
    """
    with _open(path) as descriptor:
        os.fchmod(descriptor, 0o400)
        os.utime(descriptor, ns=(_mark(sha256), _mark(sha256)))
        try:
            os.fsync(descriptor)
        except OSError:
            doubt(path)  # in whichever mirrors it is
            path.unlink(missing_ok=True)
            raise


def is_sealed(path: Path, sha256: str) -> bool:
    """Whether this file is one of another mirror too, and was not written to since it had this checksum."""
    status = path.lstat()
    return stat.S_ISREG(status.st_mode) and status.st_nlink > 1 and status.st_mtime_ns == _mark(sha256)


def doubt(path: Path) -> None:
    """It is not what it was taken for, in whichever mirrors it is: it is neither believed nor linked any more."""
    with contextlib.suppress(OSError):
        os.utime(path, ns=(_IN_DOUBT, _IN_DOUBT), follow_symlinks=False)


def _mark(sha256: str) -> int:
    """An instant that stands for a checksum, in whole seconds; every write puts another one in its place."""
    return ((int(sha256[:8], 16) >> 1) + 1) * 10**9


def sync_folder(folder: Path) -> None:
    """Names in it are on disk."""
    with _open(folder, _READ | os.O_DIRECTORY) as descriptor:
        os.fsync(descriptor)


def remove(path: Path) -> None:
    """A file, or a folder with everything below it, is gone; nothing outside it is touched."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def remove_empty(folder: Path) -> None:
    """Folders below this one that hold nothing are gone."""
    for each in folders(folder):
        if each != folder and not any(each.iterdir()):
            each.rmdir()


def is_only_ours(path: Path) -> bool:
    """Whether no other mirror has this file too."""
    return path.lstat().st_nlink == 1


def room_bytes(folder: Path) -> int:
    """How much may still be written to the disk of a folder."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize
