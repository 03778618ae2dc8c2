"""The path of the status socket: one daemon at a time, for one group, and only a socket is ever replaced.

asyncio would unlink a socket that a living daemon listens on, so the path is taken here: under a lock beside it, and
after asking whether anybody listens.  Where systemd hands a socket over, that one is used and nothing is touched.
"""

import errno
import fcntl
import os
import socket
import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from redundancyd.errors import AlreadyRunning, RedundancyError

MODE = 0o660
_FIRST_HANDED_OVER = 3
_LOCK_TRIES = 10


Listen = Callable[[str, int | None], "SocketFile"]
"""Makes the socket of a path for a group."""


class SocketUnusable(RedundancyError):
    """The status socket cannot be made."""

    code = "socket_unusable"


@dataclass(slots=True)
class SocketFile:
    """The bound socket; `complaints` are what an operator should hear although it works."""

    sock: socket.socket
    complaints: tuple[str, ...] = ()
    path: Path | None = None  # ours to remove; None when it was handed over
    lock: int = -1
    _made: tuple[int, int] = field(default=(0, 0))

    @classmethod
    def take(cls, path: str, group: int | None, environ: Mapping[str, str] = os.environ) -> "SocketFile":
        """The socket that was handed over, or a new one at this path; not yet listening where it is new."""
        handed_over = _handed_over(environ)
        if handed_over is not None:
            return cls(handed_over)
        place = Path(path)
        lock = _locked(place)
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            _clear(place)
            sock.bind(path)  # nobody can connect before it listens, so mode and group come in time
            place.chmod(MODE)
            complaints = _give_to(place, group)
            info = place.stat()
        except (OSError, RedundancyError) as error:
            sock.close()
            os.close(lock)
            if isinstance(error, RedundancyError):
                raise
            raise _unusable(place, error) from error
        return cls(sock, complaints, place, lock, (info.st_dev, info.st_ino))

    def give_up(self) -> None:
        """Close it; the path goes too, if it is still ours."""
        self.sock.close()
        if self.path is not None:
            with suppress(OSError):
                info = self.path.stat()
                if (info.st_dev, info.st_ino) == self._made:
                    self.path.unlink()
        if self.lock >= 0:
            os.close(self.lock)
            self.lock = -1


def _handed_over(environ: Mapping[str, str]) -> socket.socket | None:
    """The first unix stream socket that systemd passes to this process (sd_listen_fds)."""
    if environ.get("LISTEN_PID") != str(os.getpid()):
        return None
    count = int(environ.get("LISTEN_FDS", "0"))
    for fd in range(_FIRST_HANDED_OVER, _FIRST_HANDED_OVER + count):
        os.set_inheritable(fd, False)
        if stat.S_ISSOCK(os.fstat(fd).st_mode):
            sock = socket.socket(fileno=os.dup(fd))  # the one handed over stays, for a life after this one
            if sock.family == socket.AF_UNIX and sock.type == socket.SOCK_STREAM:
                sock.setblocking(False)
                return sock
            sock.close()
    return None


def _locked(path: Path) -> int:
    """The lock beside the socket, held; AlreadyRunning when another process holds it."""
    beside = path.with_name(path.name + ".lock")
    for _ in range(_LOCK_TRIES):
        try:
            fd = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise _unusable(beside, error) from error
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(fd)
            if error.errno not in {errno.EAGAIN, errno.EACCES}:
                raise _unusable(beside, error) from error
            raise _already(path, f"another process holds {beside}") from error
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(fd), os.stat(beside)):  # noqa: PTH116 - the same call for both
                return fd
        os.close(fd)  # somebody removed the file between opening and locking it
    raise _already(path, f"{beside} is removed again and again")


def _clear(path: Path) -> None:
    """Remove a socket that nobody listens on; refuse anything else."""
    try:
        info = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(info.st_mode):
        tried = f"making the status socket at {path}"
        raise SocketUnusable(tried, "something that is not a socket is there", "Remove it, or set [socket] path")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as caller:
        answer = caller.connect_ex(str(path))
    if answer in {0, errno.EAGAIN, errno.EINPROGRESS}:
        raise _already(path, "somebody listens on it")
    path.unlink()


def _give_to(path: Path, group: int | None) -> tuple[str, ...]:
    """Hand the socket to the operators' group; complaints where that is not possible."""
    if group is None:
        return (f"the operators' group does not exist, so only root and the daemon's own user may open {path}",)
    if path.stat().st_gid == group:
        return ()
    try:
        os.chown(path, -1, group)
    except OSError as error:
        why = error.strerror or str(error)
        return (f"{path} cannot be given to group {group} ({why}); run the daemon with this group (Group=)",)
    return ()


def _already(path: Path, why: str) -> AlreadyRunning:
    return AlreadyRunning(f"taking the status socket {path}", why, "Only one redundancyd runs on a host.")


def _unusable(path: Path, error: OSError) -> SocketUnusable:
    why = error.strerror or str(error)
    remedy = "The folder has to exist and belong to the daemon's user."
    return SocketUnusable(f"making the status socket at {path}", why, remedy)
