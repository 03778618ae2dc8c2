"""Speaks the words of install-lim: what of ours is on a LIM, put it there, take it away.  Parsing is pure and first.

An answer that does not end with done= or refused= was cut on the way, and is none.
"""

import asyncio
import base64
import hashlib
import io
import re
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from redundancyd.adapters.admin_ssh import Printed
from redundancyd.errors import LimRefused, OutOfReach
from redundancyd.lim.texts import File, shipped, with_key

NOBODY = "-"
_LOCAL_S = 120.0
_TOLD_MAX = 300
_KEYS = "authorized_keys"
_OCTAL = re.compile(r"[0-7]{3,4}")


class Runner(Protocol):
    """Where root's commands can be run."""

    async def as_root(self, words: Sequence[str], text: bytes = b"") -> Printed:
        """Run a command as root with this on its standard input."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """All of ours that belongs on one server."""

    files: tuple[File, ...]
    started: tuple[str, ...]
    user: str = NOBODY  # the account that our key opens; nobody on this host
    public_key: str = ""
    programs: str = NOBODY  # folder of the utility's programs, where it is installed itself


@dataclass(frozen=True, slots=True)
class Looked:
    """What of ours is on a server."""

    files: Mapping[str, tuple[int, str, str]] = field(default_factory=dict)  # path: mode, owner, SHA-256
    enabled: frozenset[str] = frozenset()
    active: frozenset[str] = frozenset()
    systemd: bool = False
    keys: str | None = None
    keys_are: str = ""
    version: str = ""
    status: str = ""

    @property
    def is_empty(self) -> bool:
        """Nothing of ours is there."""
        return not self.files


def parse_look(text: str, where: str) -> Looked:
    """What `look` printed; LimRefused with what it said, OutOfReach when it was cut."""
    pairs = _pairs(text, where)
    files = {}
    for value in pairs.get("file", []):
        path, mode, owner, sha256 = (*value.split(" "), "", "", "")[:4]
        files[path] = (int(mode, 8) if _OCTAL.fullmatch(mode) else 0, owner, sha256)
    keys = "".join(pairs.get("keys", []))
    try:
        told = base64.b64decode(keys, validate=True).decode("utf-8", "surrogateescape")
    except ValueError as error:
        raise LimRefused(where, f"its authorized_keys came as no base64: {keys[:60]!a}") from error
    return Looked(
        files,
        frozenset(pairs.get("enabled", [])),
        frozenset(pairs.get("active", [])),
        "systemd" in pairs,
        told if "keys" in pairs else None,
        "".join(pairs.get("keys_are", [])),
        "".join(pairs.get("version", [])).removeprefix("redundancy-lim "),
        "".join(pairs.get("status", [])),
    )


def _pairs(text: str, where: str) -> dict[str, list[str]]:
    pairs: dict[str, list[str]] = {}
    for line in text.splitlines():
        name, _, value = line.partition("=")
        pairs.setdefault(name, []).append(value)
    if why := pairs.get("refused"):
        raise LimRefused(where, why[0][:_TOLD_MAX])
    if "done" not in pairs:
        raise OutOfReach(where, f"its answer was cut; the end of it: {text.strip()[-100:]!r}")
    return pairs


def differences(wanted: Wanted, looked: Looked) -> tuple[str, ...]:
    """What on a server is not as it would be installed, a few words each; nothing when all is."""
    found = []
    for file in wanted.files:
        there = looked.files.get(file.path)
        if there is None:
            found.append(f"{file.path} is missing")
        elif there[2] != file.sha256:
            found.append(f"{file.path} is not what would be installed")
        elif there[:2] != (file.mode, "root"):
            found.append(f"{file.path} has mode {there[0]:04o} and belongs to {there[1]}: {file.mode:04o}, root")
    if wanted.user != NOBODY:
        found += _key_differences(wanted, looked)
    found += [f"{unit} is not enabled" for unit in wanted.started if unit not in looked.enabled]
    running = [unit for unit in wanted.started if looked.systemd and not unit.endswith(".service")]
    return (*found, *(f"{unit} does not run" for unit in running if unit not in looked.active))


def _key_differences(wanted: Wanted, looked: Looked) -> list[str]:
    if looked.keys is None or with_key(looked.keys, wanted.public_key) != looked.keys:
        return [f"the key of the supervision is not in authorized_keys of {wanted.user}"]
    if looked.keys_are != f"600 {wanted.user}":
        return [f"authorized_keys of {wanted.user} has mode and owner {looked.keys_are}: 600 {wanted.user}"]
    return []


def packed(wanted: Wanted, looked: Looked) -> bytes:
    """Everything that is to be put there, as a tar; what else stands in authorized_keys stays in it."""
    files = list(wanted.files)
    if wanted.user != NOBODY:
        files.append(File(f"/{_KEYS}", with_key(looked.keys or "", wanted.public_key), 0o600))
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for file in files:
            data = file.text.encode("utf-8", "surrogateescape")
            entry = tarfile.TarInfo(file.path.lstrip("/"))
            entry.size, entry.mode = len(data), file.mode
            tar.addfile(entry, io.BytesIO(data))
    return out.getvalue()


async def look(runner: Runner, wanted: Wanted, name: str) -> Looked:
    """What of this is there now."""
    where = f"looking what is installed on {name}"
    said = await _say(runner, ["look", wanted.user, *(file.path for file in wanted.files)])
    return parse_look(said, where)


async def put(runner: Runner, wanted: Wanted, looked: Looked, name: str) -> tuple[str, ...]:
    """Put all of it there, whole or not at all; what the operator should know besides."""
    data = packed(wanted, looked)
    words = ["put", wanted.user, wanted.programs, hashlib.sha256(data).hexdigest()]
    return tuple(_pairs(await _say(runner, words, data), f"installing on {name}").get("note", []))


async def take(runner: Runner, wanted: Wanted, name: str) -> None:
    """Take all of it away; LimRefused while traffic there is not allowed."""
    _pairs(await _say(runner, ["take", wanted.user, wanted.programs]), f"removing from {name}")


async def _say(runner: Runner, words: Sequence[str], text: bytes = b"") -> str:
    """What install-lim prints.  It is handed over as a word of its own shell: nothing of it is left on the LIM."""
    done = await runner.as_root(["sh", "-c", shipped("install-lim"), "install-lim", *words], text)
    return done.out or f"refused={(done.err.strip() or f'ended with status {done.status}')[:_TOLD_MAX]}"


class Here:
    """This host, when we are root already."""

    async def as_root(self, words: Sequence[str], text: bytes = b"") -> Printed:
        """Run a command with this on its standard input."""
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*words, stdin=pipe, stdout=pipe, stderr=pipe)
        try:
            async with asyncio.timeout(_LOCAL_S):
                out, err = await process.communicate(text)
        except TimeoutError:
            process.kill()
            raise OutOfReach(f"`{' '.join(words[:1])}` on this host", f"no end within {_LOCAL_S:.0f} s") from None
        return Printed(process.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"))
