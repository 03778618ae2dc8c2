"""Where addresses stand in a line of text, and which: IPv4 and IPv6 in any spelling, hosts and networks.

Lines are bytes, since nobody says in which encoding an exchange writes; an address is ASCII in all of them.

An IPv4 address is four numbers with dots that are not part of a longer row of numbers: `10.0.0.1` is not in
`10.0.0.10`, `110.0.0.1` or `10.0.0.1.5`.  Four numbers behind the word version are a version.

An IPv6 address is a run of hexadecimal digits, colons and dots that `ipaddress` understands, once what belongs to its
neighbours is cut off: the word before it (`sip:2001:db8::9`, `id:2001:db8::9`), the word behind it, a colon or a full
stop at the end.  A word that is itself hexadecimal (`add:2001:db8::9`) cannot be told from a part of the address and
counts as one.  `::ffff:10.0.0.1`, in digits or as `::ffff:a00:1`, is the IPv4 address 10.0.0.1.

With a mask behind it (`/24`, `/255.255.255.0`) and no host bits set it is a network; otherwise it is a host.
"""

import ipaddress
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

QUAD = re.compile(rb"(?<![0-9])(?<![0-9]\.)[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?!\.?[0-9])")
_TAIL_QUAD = re.compile(rb"[0-9]{1,3}(?:\.[0-9]{1,3}){3}\Z")
_VERSION = re.compile(rb"(?:[vV]ersion|VERSION)[^0-9A-Za-z\n]{0,8}\Z")
_VERSION_BEFORE_BYTES = 16
_RUN = re.compile(rb"[0-9A-Fa-f:.]+")
_RUN_MAX_BYTES = 200
"""an address has 45 at most; a longer run is none, whatever it holds"""
_WORD = frozenset(b"GHIJKLMNOPQRSTUVWXYZghijklmnopqrstuvwxyz_")
"""what makes a hexadecimal digit next to it part of a word"""
_ESCAPES = (b"\\n", b"\\r", b"\\t")
_MASK = re.compile(rb"/(?:([0-9]{1,3})(?!\.?[0-9])|([0-9]{1,3}(?:\.[0-9]{1,3}){3})(?!\.?[0-9]))")
_MASK_6 = re.compile(rb"\]?/([0-9]{1,3})(?!\.?[0-9])")
_MAPPED_BITS = 96
_REMEMBERED = 4096
"""most addresses of an exchange stand in it many times"""


@dataclass(frozen=True, slots=True)
class Found:
    """One address in a line."""

    start: int
    end: int
    """the bytes of the address itself: no mask, port or bracket"""
    value: Address | Network
    before: bytes = b""
    """what has to stand before an IPv4 address that takes its place: it is mapped into IPv6 and spelled in colons"""


def find(line: bytes) -> tuple[Found, ...]:
    """All addresses in a line, from left to right."""
    runs = [run for run in _RUN.finditer(line) if run[0].count(b":") > 1] if line.count(b":") > 1 else []
    six = [both for run in runs if (both := _six(line, run.start(), run.end())) is not None]
    starts = [spelled.start for spelled, _ in six]
    four = []
    for each in _fours(line):
        place = bisect_right(starts, each.start) - 1  # the IPv6 address that begins last before it, if any
        if place < 0 or each.start >= six[place][0].end:
            four.append(each)
    return tuple(sorted([*(meant for _, meant in six), *four], key=lambda found: found.start))


@lru_cache(_REMEMBERED)
def usual(value: Address | Network) -> str:
    """An address or a network in its usual spelling."""
    return str(value)


def embedded(line: bytes, found: Found) -> ipaddress.IPv4Address | None:
    """The IPv4 address that the digits at the end of an IPv6 address spell (`64:ff9b::10.0.0.1`)."""
    quad = _TAIL_QUAD.search(line, found.start, found.end)
    return _ip4(quad[0]) if quad and found.value.version == 6 else None  # noqa: PLR2004 - of the Internet Protocol


# --- IPv4 ---


def _fours(line: bytes) -> Iterator[Found]:
    for quad in QUAD.finditer(line):
        found = four_at(line, quad.start(), quad.end())
        if found is not None:
            yield found


def four_at(line: bytes, start: int, end: int) -> Found | None:
    """The address that four whole numbers are, with the mask behind them; None for a version, and for no address."""
    address = _ip4(line[start:end])
    if address is None or _VERSION.search(line, max(0, start - _VERSION_BEFORE_BYTES), start):
        return None
    return Found(start, end, _masked(address, _prefix_4(line, end)))


@lru_cache(_REMEMBERED)
def _ip4(text: bytes) -> ipaddress.IPv4Address | None:
    try:
        return ipaddress.IPv4Address(text.decode("ascii"))
    except ValueError:
        return None


def _prefix_4(line: bytes, place: int) -> int | None:
    """Bits of the mask that stands here, in either of its spellings."""
    mask = _MASK.match(line, place)
    if mask is None:
        return None
    if mask[1]:
        return int(mask[1])
    address = _ip4(mask[2])
    return None if address is None else mask_bits(address)


def mask_bits(address: ipaddress.IPv4Address) -> int | None:
    """How many bits this address has as a mask; None if it is none."""
    host_bits = int(address) ^ 0xFFFFFFFF
    return 32 - host_bits.bit_length() if host_bits & (host_bits + 1) == 0 else None


@lru_cache(_REMEMBERED)
def _masked(address: Address, prefix: int | None) -> Address | Network:
    """The network, if the mask leaves no host bits; otherwise the host."""
    if prefix is None or prefix >= address.max_prefixlen:
        return address
    try:
        return ipaddress.ip_network((address, prefix))
    except ValueError:
        return address


# --- IPv6 ---


def _six(line: bytes, start: int, end: int) -> tuple[Found, Found] | None:
    """The IPv6 address in a run, as it is spelled and as what it is; None if it is none."""
    trimmed = _trimmed(line, start, end)
    if trimmed is None:
        return None
    start, end = trimmed
    address = _ip6(line[start:end])
    if address is None:
        return None
    mask = _MASK_6.match(line, end)
    prefix = int(mask[1]) if mask else None
    spelled = Found(start, end, _masked(address, prefix))
    if address.ipv4_mapped is None or (prefix is not None and prefix < _MAPPED_BITS):
        return spelled, spelled
    value = _masked(address.ipv4_mapped, None if prefix is None else prefix - _MAPPED_BITS)
    quad = _TAIL_QUAD.search(line, start, end)
    return spelled, Found(quad.start(), end, value) if quad else Found(start, end, value, before=b"::ffff:")


@lru_cache(_REMEMBERED)
def _ip6(text: bytes) -> ipaddress.IPv6Address | None:
    try:
        return ipaddress.IPv6Address(text.decode("ascii"))
    except ValueError:
        return None


def _trimmed(line: bytes, start: int, end: int) -> tuple[int, int] | None:
    """A run without what belongs to its neighbours; None when it cannot be an address."""
    if end - start > _RUN_MAX_BYTES:
        return None
    if start and line[start - 1] in _WORD and line[max(0, start - 2) : start] not in _ESCAPES:
        start = line.index(b":", start, end) + 1
    if end < len(line) and line[end] in _WORD and line[end - 1] != ord("."):
        end = line.rindex(b":", start, end)
    while end > start and (line[end - 1] == ord(".") or _is_single_colon(line, end - 1, end - 2, start, end)):
        end -= 1
    if _is_single_colon(line, start, start + 1, start, end):
        start += 1
    return start, end


def _is_single_colon(line: bytes, place: int, beside: int, start: int, end: int) -> bool:
    """Whether a colon at an end of the run stands alone there: it separates, it does not abbreviate."""
    return start <= place < end and line[place] == ord(":") and not (start <= beside < end and line[beside] == ord(":"))
