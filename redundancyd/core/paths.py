"""Paths of files that another machine names: one spelling for each, and none that leads out of its folder.

On the wire and in manifests a path is printable ASCII; other bytes and the percent sign are written as %XX.  So two
paths are the same file exactly when they are the same text.
"""

import re

PATH_MAX_BYTES = 1024
NAME_MAX_BYTES = 255
"""of one part of a path, as the kernel has it"""
DEPTH_MAX = 16

_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")
_SHOWN = 80


class PathRefused(ValueError):
    """A path that is not the place of a file below a folder; the message names it."""


def unquoted(path: str) -> bytes:
    """The bytes of a path in wire spelling."""
    return _ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), path.encode("ascii"))


def quoted(path: bytes) -> str:
    """A path in wire spelling."""
    return "".join(chr(byte) if 0x20 <= byte < 0x7F and byte != 0x25 else f"%{byte:02X}" for byte in path)  # noqa: PLR2004 - printable ASCII


def checked_path(path: object) -> str:
    """The path in its one wire spelling, if it is a file's place below a folder; PathRefused if not."""
    if not isinstance(path, str) or not path:
        raise PathRefused("a file without a path")
    if not path.isascii() or not path.isprintable():
        raise PathRefused(f"the path {shown(path)} has characters that should be written as %XX")
    if path.count("%") != len(_ESCAPE.findall(path.encode("ascii"))):
        raise PathRefused(f"the path {shown(path)} has a % without two hexadecimal digits")
    name = unquoted(path)
    parts = name.split(b"/")
    for wrong, why in (
        (name.startswith(b"/"), "begins at the root"),
        (any(byte < 0x20 or byte == 0x7F for byte in name), "has a control character"),  # noqa: PLR2004 - ASCII
        (len(name) > PATH_MAX_BYTES, f"is longer than {PATH_MAX_BYTES} bytes"),
        (len(parts) > DEPTH_MAX, f"is deeper than {DEPTH_MAX} folders"),
        (b"" in parts, "has an empty part"),
        (b"." in parts or b".." in parts, "has a part . or .."),
        (max(map(len, parts)) > NAME_MAX_BYTES, f"has a part of more than {NAME_MAX_BYTES} bytes"),
    ):
        if wrong:
            raise PathRefused(f"the path {shown(path)} {why}")
    return quoted(name)


def name_of(path: str) -> str:
    """A path in wire spelling as the operating system has it: bytes that are no UTF-8 as lone surrogates."""
    return unquoted(path).decode("utf-8", "surrogateescape")


def shown(value: object) -> str:
    """A value that somebody else chose, short and in printable ASCII, for a message."""
    text = ascii(value) if value is None or isinstance(value, str | int | float) else f"a {type(value).__name__}"
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
