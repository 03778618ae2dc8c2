"""manifest.json of a mirror: why it exists, what must be there, and a checksum of its own.

Without a whole manifest there is no mirror.  It is written last, in one canonical text, so one byte that is not as it
was written is noticed before anything in it is believed.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from redundancyd.core.manifest import LimManifest, ManifestNotUnderstood, Reader, json_object
from redundancyd.core.paths import shown
from redundancyd.core.stamps import is_stamp

FILES_MAX = 100_000
"""of all LIMs together: reading their manifest holds up other threads for a tenth of a second"""
LIM_MAX = 999
TEXT_MAX = 60
"""characters of a version, a date, a zone"""
FORMAT = 1
_KIND = "redundancyd mirror"


@dataclass(frozen=True, slots=True)
class Manifest:
    """A whole backup of a system."""

    system: str
    version: str
    """of the exchange that made it"""
    stamp: str
    date: str
    """as the exchange printed it"""
    zone: str
    lims: tuple[LimManifest, ...]
    """in the order of their numbers"""

    @property
    def size_bytes(self) -> int:
        """Of all files of all LIMs."""
        return sum(lim.size_bytes for lim in self.lims)

    def lim(self, number: int) -> LimManifest | None:
        """The part of one LIM."""
        return next((lim for lim in self.lims if lim.lim == number), None)


def dump(manifest: Manifest) -> bytes:
    """The one text of this manifest, with a checksum of its own."""
    body = _body(manifest)
    return _canonical(body | {"checksum": hashlib.sha256(_canonical(body)).hexdigest()}) + b"\n"


def load(data: bytes) -> Manifest:
    """What `dump` was given; ManifestNotUnderstood when a byte is not as it was written."""
    found = dict(json_object(data, "it is torn: no JSON object"))
    if found.get("kind") != _KIND or found.get("format") != FORMAT:
        raise ManifestNotUnderstood(f"it is no {_KIND} of format {FORMAT}: {shown(found.get('format'))}")
    manifest = _manifest(found)
    if dump(manifest) != data:
        raise ManifestNotUnderstood("its checksum is not that of its contents")
    return manifest


def whole(system: str, version: str, stamp: str, when: tuple[str, str], lims: Iterable[LimManifest]) -> Manifest:
    """The manifest of a system from those of its LIMs; `when` is date and zone as printed.

    ManifestNotUnderstood for what `load` would refuse.
    """
    ordered = tuple(sorted(lims, key=lambda lim: lim.lim))
    manifest = Manifest(system, version, stamp, *when, ordered)
    return _manifest(_body(manifest))


def _body(manifest: Manifest) -> dict[str, Any]:
    lims = [
        {
            "lim": lim.lim,
            "files": [{"path": file.path, "size_bytes": file.size_bytes, "sha256": file.sha256} for file in lim.files],
        }
        for lim in manifest.lims
    ]
    texts = {name: getattr(manifest, name) for name in ("system", "version", "stamp", "date", "zone")}
    return {"kind": _KIND, "format": FORMAT, **texts, "lims": lims}


def _canonical(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def _manifest(value: Mapping[str, Any]) -> Manifest:
    texts = {name: _text(name, value.get(name)) for name in ("system", "version", "stamp", "date", "zone")}
    if texts["system"] not in {"primary", "alternate"}:
        raise ManifestNotUnderstood(f"there is no system {shown(texts['system'])}")
    if not is_stamp(texts["stamp"]):
        raise ManifestNotUnderstood(f"{shown(texts['stamp'])} is no stamp")
    lims = tuple(_lims(value.get("lims"), texts["stamp"]))
    numbers = [lim.lim for lim in lims]
    if not numbers or len(set(numbers)) != len(numbers):
        raise ManifestNotUnderstood("no LIMs" if not numbers else "a LIM twice")
    if sum(len(lim.files) for lim in lims) > FILES_MAX:
        raise ManifestNotUnderstood(f"more than {FILES_MAX} files")
    return Manifest(texts["system"], texts["version"], texts["stamp"], texts["date"], texts["zone"], lims)


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or len(value) > TEXT_MAX or not value.isprintable():
        raise ManifestNotUnderstood(f"its {name} is {shown(value)}")
    return value


def _lims(values: object, stamp: str) -> Iterator[LimManifest]:
    if not isinstance(values, list):
        raise ManifestNotUnderstood("no LIMs")
    for value in values:
        number = value.get("lim") if isinstance(value, dict) else None
        files = value.get("files") if isinstance(value, dict) else None
        if type(number) is not int or not 1 <= number <= LIM_MAX or not isinstance(files, list):
            raise ManifestNotUnderstood(f"a LIM is not understood: {shown(number)}")
        reader = Reader(number, stamp, begun=True)
        for file in files:
            if not isinstance(file, dict):
                raise ManifestNotUnderstood(f"a file of LIM {number} is not understood: {shown(file)}")
            reader.add(file)
        reader.ended = True
        yield reader.whole()
