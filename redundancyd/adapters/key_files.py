"""The supervision's key and the pinned host keys on this host: right owner, right mode, written beside and renamed."""

import os
import pwd
import stat
from pathlib import Path

from redundancyd.adapters import admin_ssh
from redundancyd.adapters.admin_ssh import HostKey
from redundancyd.config import Config
from redundancyd.core.systems import Server
from redundancyd.errors import KeysUnusable

DAEMON = "redundancyd"
"""The account that the daemon's unit names."""
_KEY_MODE, _PINS_MODE = 0o600, 0o644


class KeyFiles:
    """Both files, as the settings name them; they belong to whoever the state folder belongs to: the daemon."""

    def __init__(self, config: Config) -> None:
        self._key, self._pins = Path(config.ssh.key), Path(config.ssh.known_hosts)
        self._state = Path(config.daemon.state_folder)
        self._port = config.ssh.port

    def check_rights(self) -> None:
        """KeysUnusable unless whoever runs this may write both files and give them to the daemon."""
        tried = "preparing the supervision's key and known_hosts"
        remedy = "Run it as root: sudo redundancyctl lim ..."
        if not self._state.is_dir():
            self._make_state_folder(tried)
        for folder in dict.fromkeys((self._key.parent, self._pins.parent)):
            there = next(found for found in (folder, *folder.parents) if found.exists())
            if not os.access(there, os.W_OK | os.X_OK):
                raise KeysUnusable(tried, f"you may not write into {there}", remedy)
        if os.geteuid() not in (0, self._state.stat().st_uid):
            raise KeysUnusable(tried, "only root can give them to the daemon's account", remedy)

    def _make_state_folder(self, tried: str) -> None:
        """As systemd makes it at the daemon's first start."""
        try:
            account = pwd.getpwnam(DAEMON)
            self._state.mkdir(mode=0o700)
            os.chown(self._state, account.pw_uid, account.pw_gid)
        except (KeyError, OSError) as error:
            why = error.strerror if isinstance(error, OSError) else f"there is no account {DAEMON}"
            remedy = "Install the service first (systemd-sysusers makes the account), and run this as root."
            raise KeysUnusable(tried, f"{self._state} is not there and cannot be made: {why}", remedy) from error

    def public_key(self) -> str | None:
        """The public line of the key; None when there is none yet."""
        try:
            return admin_ssh.public_line(self._key.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            remedy = "Run it as root, or move a key that is none away: 'lim key' makes a new one."
            raise KeysUnusable(f"reading the key {self._key}", why, remedy) from error

    def ready_key(self, comment: str) -> tuple[str, bool]:
        """The public line of the key, and whether it was made now; its owner and mode are put right."""
        public = self.public_key()
        if public is not None:
            try:
                self._own(self._key, _KEY_MODE)
            except OSError as error:
                raise KeysUnusable(f"mending the key {self._key}", str(error), "Run it as root.") from error
            return public, False
        private, public = admin_ssh.make_key(comment)
        self._write(self._key, private, _KEY_MODE)
        return public, True

    def pinned(self, server: Server) -> tuple[HostKey, ...]:
        """The keys pinned for this server."""
        try:
            return admin_ssh.pinned(self.pins(), server, self._port)
        except ValueError as error:
            raise KeysUnusable(f"reading {self._pins}", str(error), "Mend that line, or move the file away.") from error

    def pin(self, server: Server, key: HostKey) -> None:
        """Pin this key for the server, and no other."""
        name = server.address if self._port == 22 else f"[{server.address}]:{self._port}"  # noqa: PLR2004 - SSH's own
        kept = (self._without(line, name, server) for line in self.pins().splitlines())
        lines = [*(line for line in kept if line is not None), f"{name} {key.line}"]
        text = "".join(f"{line}\n" for line in lines)
        self._write(self._pins, text.encode("utf-8", "surrogateescape"), _PINS_MODE)

    def _without(self, line: str, name: str, server: Server) -> str | None:
        """A line of known_hosts that says nothing of this server any more; None where nothing is left of it."""
        names, blank, rest = line.partition(" ")
        if names.startswith("|") and admin_ssh.pinned(line, server, self._port):
            return None
        others = [each for each in names.split(",") if each != name]
        return f"{','.join(others)}{blank}{rest}" if others else None

    def pins(self) -> str:
        """The text of known_hosts; empty when there is none yet."""
        try:
            return self._pins.read_text(encoding="utf-8", errors="surrogateescape")
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise KeysUnusable(f"reading {self._pins}", error.strerror or str(error), "Run it as root.") from error

    def _write(self, path: Path, data: bytes, mode: int) -> None:
        beside = path.with_name(f".{path.name}.new")
        try:
            if not path.parent.exists():
                path.parent.mkdir(mode=0o700, parents=True)
                self._own(path.parent, 0o700)
            beside.unlink(missing_ok=True)
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            self._own(beside, mode)
            beside.replace(path)
        except OSError as error:
            beside.unlink(missing_ok=True)
            raise KeysUnusable(f"writing {path}", error.strerror or str(error), "Run it as root.") from error

    def _own(self, path: Path, mode: int) -> None:
        """Mode and owner as they have to be.  The folder is the daemon's: no link of its making may be followed."""
        daemon = self._state.stat()
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            found = os.fstat(descriptor)
            if stat.S_ISREG(found.st_mode) and found.st_nlink != 1:
                raise OSError(0, f"{path} has more than one name")
            if stat.S_IMODE(found.st_mode) != mode:
                os.fchmod(descriptor, mode)
            if (found.st_uid, found.st_gid) != (daemon.st_uid, daemon.st_gid) and os.geteuid() == 0:
                os.fchown(descriptor, daemon.st_uid, daemon.st_gid)
        finally:
            os.close(descriptor)
