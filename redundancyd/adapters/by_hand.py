"""Asks a LIM by the supervision's key and without a daemon: its status, and orders by hand.

OpenSSH's client goes to the others, the local socket to this host's own LIM.
"""

import asyncio
import contextlib

from redundancyd.adapters import traffic
from redundancyd.adapters.login import Login
from redundancyd.adapters.serve import REPLY_MAX
from redundancyd.config import Config
from redundancyd.core.events import Refused
from redundancyd.core.systems import Server, Status
from redundancyd.errors import OutOfReach

STATUS = "status"
DEADLINE_S = 20.0
_TOLD_MAX = 300


async def ask(config: Config, server: Server, words: str) -> Status | Refused:
    """What the LIM answers to `status`, `block --by-hand` or `allow --by-hand`; OutOfReach when it says nothing."""
    tried = f"`{words}` on {server.name}"
    try:
        async with asyncio.timeout(DEADLINE_S):
            if server == config.own_server():
                line, why = await _by_socket(config.ssh.local_socket, words)
            else:
                line, why = await _by_key(config, server, words)
    except TimeoutError:
        raise OutOfReach(tried, f"no answer within {DEADLINE_S:.0f} s") from None
    except OSError as error:
        raise OutOfReach(tried, error.strerror or str(error)) from error
    if not line:
        raise OutOfReach(tried, why or "it said nothing")
    return traffic.parse_status(line, server)


async def _by_socket(path: str, words: str) -> tuple[str, str]:
    try:
        reader, writer = await asyncio.open_unix_connection(path, limit=REPLY_MAX)
    except FileNotFoundError:
        return "", f"{path} is not there: systemctl start redundancy-lim.socket"
    except PermissionError:
        return "", f"you may not open {path}: root may, and the group redundancyd"
    try:
        writer.write(f"{words}\n".encode())
        return await _line(reader), "it closed the connection"
    finally:
        writer.close()


async def _by_key(config: Config, server: Server, words: str) -> tuple[str, str]:
    ssh = config.ssh
    login = Login(ssh.user, ssh.key, ssh.known_hosts, ssh.port, ssh.connect_timeout_ms)
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *login.ssh(),
        f"{ssh.user}@{server.address}",
        words,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=pipe,
        stderr=pipe,
        limit=REPLY_MAX,
    )
    assert process.stdout
    assert process.stderr
    try:
        line = await _line(process.stdout)
        if line:
            return line, ""
        said = (await process.stderr.read(_TOLD_MAX)).decode("utf-8", "replace")
        return "", " ".join(said.split()) or f"ssh ended with status {await process.wait()}"
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _line(reader: asyncio.StreamReader) -> str:
    try:
        return (await reader.readline()).decode("utf-8", "backslashreplace").strip()
    except ValueError as error:  # longer than anything it says
        raise OSError(0, "it sent a line that is too long") from error
