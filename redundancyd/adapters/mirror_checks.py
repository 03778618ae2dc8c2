"""The files of a mirror beside its manifest: what is missing, what differs, what has no place there.

Everything here waits for the disk and belongs into a thread.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from redundancyd.adapters import mirror_files as files
from redundancyd.core.manifest import Entry
from redundancyd.core.mirror_manifest import Manifest
from redundancyd.core.mirrors import Condition, examine
from redundancyd.core.paths import name_of, quoted

MANIFEST = "manifest.json"


def lim_folder(lim: int) -> str:
    """Name of the folder of a LIM's files in a mirror."""
    return f"lim-{lim}"


def condition_of(folder: Path, manifest: Manifest, check: files.Check, *, deep: bool) -> tuple[Condition, str]:
    """What the files of a mirror are to its manifest, by size, or by contents."""
    wanted = [
        Entry(f"{lim_folder(lim.lim)}/{entry.path}", entry.size_bytes, entry.sha256)
        for lim in manifest.lims
        for entry in lim.files
    ]
    found: dict[str, tuple[int, str | None]] = {}
    for top in folder.iterdir():
        if top.name != MANIFEST:
            found |= {path: (size, None) for path, size in _sizes(top).items()}
    condition, detail = examine(wanted, found)
    if condition is not Condition.WHOLE or not deep:
        return condition, detail
    sums = files.share_out(lambda entry: files.sha256(folder / entry.name, check), wanted)
    for entry, sha256 in zip(wanted, sums, strict=True):
        if sha256 != entry.sha256:
            files.doubt(folder / entry.name)
    return examine(wanted, {entry.path: (entry.size_bytes, sha256) for entry, sha256 in zip(wanted, sums, strict=True)})


def _sizes(top: Path) -> dict[str, int]:
    """What lies at the top of a mirror, or below it."""
    name = quoted(os.fsencode(top.name))
    if top.is_dir() and not top.is_symlink():
        return {f"{name}/{path}": size for path, size in files.walk(top).items()}
    return {name: files.NOT_A_FILE}


def tidy(folder: Path, manifest: Manifest) -> None:
    """Nothing is left in an incoming mirror that its manifest does not name."""
    named = {lim_folder(lim.lim): {entry.path for entry in lim.files} for lim in manifest.lims}
    for top in folder.iterdir():
        if top.name not in named or top.is_symlink() or not top.is_dir():
            files.remove(top)
            continue
        for path, size in files.walk(top).items():
            if path not in named[top.name] or size == files.NOT_A_FILE:
                files.remove(top / name_of(path))
        files.remove_empty(top)


def verify(folder: Path, manifest: Manifest, check: files.Check) -> tuple[list[str], list[Entry]]:
    """What is wrong in an incoming mirror, and which files are right but not sealed yet, by their paths in it.

    What cannot become right by sending the rest is removed.  What is linked to a file that was verified, and not
    written to since then, is not read again.
    """
    wrong: list[str] = []
    read: list[Entry] = []
    for lim in manifest.lims:
        place = folder / lim_folder(lim.lim)
        there = files.walk(place) if place.is_dir() else {}
        for entry in lim.files:
            path = f"{place.name}/{entry.path}"
            size = there.get(entry.path)
            if size is None:
                wrong.append(f"{Condition.FILE_MISSING}: {path}")
            elif size != entry.size_bytes:
                if size > entry.size_bytes or not files.is_only_ours(place / entry.name):
                    files.remove(place / entry.name)
                wrong.append(f"{Condition.FILE_DIFFERS}: {path}: {size} bytes, not {entry.size_bytes}")
            elif not files.is_sealed(place / entry.name, entry.sha256):
                read.append(Entry(path, size, entry.sha256))
    sums = files.share_out(lambda entry: files.sha256(folder / entry.name, check), read)
    right = []
    for entry, sha256 in zip(read, sums, strict=True):
        if sha256 == entry.sha256:
            right.append(entry)
            continue
        files.doubt(folder / entry.name)  # where it is linked to a mirror, the next try must not link it again
        files.remove(folder / entry.name)
        wrong.append(f"{Condition.FILE_DIFFERS}: {entry.path}: other contents of the same size")
    return wrong, right


def seal(folder: Path, entries: Sequence[Entry], check: files.Check) -> None:
    """These files are on disk, and nobody writes to them any more."""

    def one(entry: Entry) -> None:
        check()
        files.seal(folder / entry.name, entry.sha256)

    files.share_out(one, entries)
