"""An administrator's ordinary SSH login to a LIM, for `lim install` alone; and the keys that belong to it.

Beside ssh.py the one file that imports asyncssh: that one keeps channels open with the supervision's own key, this one
comes once, with a person's password or key, and goes.  Host keys are pinned here too: a key is fetched to be shown, and
nothing is sent before it has been confirmed.
"""

import asyncio
import shlex
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import asyncssh

from redundancyd.core.systems import Server
from redundancyd.errors import HostKeyRefused, LoginRefused, OutOfReach

CONNECT_S = 15.0
COMMAND_S = 120.0
_KINDS = ("ssh-ed25519", "ecdsa-sha2-nistp256", "rsa-sha2-512", "rsa-sha2-256")
_PRINTED_MAX = 200_000
_TOLD_MAX = 300
_NOT_ROOT = (
    "Name an administrator who may become root: --admin NAME; --password-stdin takes the password sudo asks for."
)


@dataclass(frozen=True, slots=True)
class HostKey:
    """What a server says it is."""

    line: str  # as in known_hosts, without the host
    fingerprint: str  # SHA256:...

    @property
    def kind(self) -> str:
        """ssh-ed25519, say."""
        return self.line.split(" ", 1)[0]


@dataclass(frozen=True, slots=True)
class Administrator:
    """Who logs in.  The password is kept in memory only, and never shown."""

    name: str
    password: str | None = field(default=None, repr=False)
    identity: str | None = None  # file of a private key
    agent: str | None = None  # socket of a running agent


@dataclass(frozen=True, slots=True)
class Printed:
    """How a command ended."""

    status: int | None
    out: str
    err: str


async def host_key(server: Server, port: int) -> HostKey:
    """The key that the server shows now; OutOfReach when it shows none."""
    tried = f"asking {server.name} at {server.address} port {port} for its host key"
    try:
        async with asyncio.timeout(CONNECT_S):
            found = await asyncssh.get_server_host_key(
                server.address, port, config=None, server_host_key_algs=list(_KINDS)
            )
    except TimeoutError:
        raise OutOfReach(tried, f"no answer within {CONNECT_S:.0f} s") from None
    except (OSError, asyncssh.Error) as error:
        raise OutOfReach(tried, _words(error)) from error
    if found is None:
        raise OutOfReach(tried, "it has none of the kinds that we know")
    return as_host_key(found.export_public_key().decode())


def as_host_key(line: str) -> HostKey:
    """The key in a line `kind base64`; asyncssh.KeyImportError when there is none."""
    key = asyncssh.import_public_key(line)
    kind, data, *_ = key.export_public_key().decode().split()
    return HostKey(f"{kind} {data}", key.get_fingerprint())


def pinned(known_hosts: str, server: Server, port: int) -> tuple[HostKey, ...]:
    """The keys that a known_hosts has for this server; ValueError when it cannot be understood."""
    keys, _, revoked, *_ = asyncssh.match_known_hosts(
        asyncssh.import_known_hosts(known_hosts), server.address, "", port
    )
    return tuple(as_host_key(key.export_public_key().decode()) for key in keys if key not in revoked)


def make_key(comment: str) -> tuple[bytes, str]:
    """A new ed25519 key: its private part for the file, and its public line."""
    key = asyncssh.generate_private_key("ssh-ed25519", comment)
    return key.export_private_key(), key.export_public_key().decode().strip()


def public_line(private: bytes) -> str:
    """The public line of a private key; asyncssh's own ValueError when it is none, or has a passphrase."""
    return asyncssh.import_private_key(private).export_public_key().decode().strip()


class Session:
    """A login that stands; `as_root` runs a command with what rights it takes."""

    def __init__(self, server: Server, who: Administrator, connection: asyncssh.SSHClientConnection) -> None:
        self._server, self._who, self._connection = server, who, connection
        self._sudo: list[str] = []
        self._before = b""

    async def become_root(self) -> None:
        """Find out how: root needs nothing, others sudo; LoginRefused when sudo does not let them."""
        if (await self._run(["id", "-u"])).out.strip() == "0":
            return
        if (await self._run(["sudo", "-k", "-n", "true"])).status == 0:
            self._sudo = ["sudo", "-n"]
            return
        word = (self._who.password or "").encode() + b"\n"
        # Asked for this alone first: of a wrong password nothing else may be taken for the next try.
        said = await self._run(["sudo", "-k", "-S", "-p", "", "true"], word)
        if said.status != 0:
            tried = f"sudo as {self._who.name} on {self._server.name}"
            why = said.err.strip().splitlines()[-1:] or ["it does not let us"]
            raise LoginRefused(tried, why[0][:_TOLD_MAX], _NOT_ROOT)
        self._sudo, self._before = ["sudo", "-k", "-S", "-p", ""], word

    async def as_root(self, words: Sequence[str], text: bytes = b"") -> Printed:
        """Run a command as root with this on its standard input."""
        return await self._run([*self._sudo, *words], self._before + text)

    async def _run(self, words: Sequence[str], text: bytes = b"") -> Printed:
        tried = f"`{' '.join(words[:3])}` on {self._server.name}"[:_TOLD_MAX]
        try:
            async with asyncio.timeout(COMMAND_S):
                done = await self._connection.run(shlex.join(words), input=text, encoding=None, check=False)
        except TimeoutError:
            raise OutOfReach(tried, f"no end within {COMMAND_S:.0f} s") from None
        except (OSError, asyncssh.Error) as error:
            raise OutOfReach(tried, _words(error)) from error
        return Printed(done.exit_status, _text(done.stdout), _text(done.stderr))


@asynccontextmanager
async def login(server: Server, port: int, who: Administrator, known_hosts: str) -> AsyncIterator[Session]:
    """A login as this administrator; HostKeyRefused, LoginRefused or OutOfReach when there is none."""
    where = f"logging in as {who.name} on {server.name} at {server.address} port {port}"
    try:
        async with asyncio.timeout(CONNECT_S):
            connection = await asyncssh.connect(
                server.address,
                port,
                config=None,
                username=who.name,
                password=who.password,
                client_keys=[who.identity] if who.identity else () if who.password is None else None,
                agent_path=who.agent,
                known_hosts=asyncssh.import_known_hosts(known_hosts),
                preferred_auth="publickey,keyboard-interactive,password",
                compression_algs=None,
            )
    except TimeoutError:
        raise OutOfReach(where, f"no session within {CONNECT_S:.0f} s") from None
    except asyncssh.HostKeyNotVerifiable as error:
        raise HostKeyRefused(where, "its host key is not the pinned one") from error
    except (asyncssh.PermissionDenied, asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
        remedy = "Name an administrator with --admin, a key with --identity; --password-stdin takes a password."
        raise LoginRefused(where, _words(error), remedy) from error
    except (OSError, asyncssh.Error) as error:
        raise OutOfReach(where, _words(error)) from error
    async with connection:
        yield Session(server, who, connection)


def _text(printed: object) -> str:
    return bytes(printed)[:_PRINTED_MAX].decode("utf-8", "backslashreplace") if isinstance(printed, bytes) else ""


def _words(error: Exception) -> str:
    said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return (said or type(error).__name__)[:_TOLD_MAX]
