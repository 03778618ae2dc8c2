"""The translation of core/translation.py, faster, and byte for byte the same (alone imports ahocorasick_rs).

Every digit of a piece of text becomes 0, and one pass finds the few shapes that an address has in its middle: `.00.0.`
and its sisters.  What stands around such a place decides what it is, and is remembered, so that the next time one look
suffices.  The same pass finds what may be an IPv6 address or a version; a line with one of these goes to the reference.
"""

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from ahocorasick_rs import BytesAhoCorasick, MatchKind

from redundancyd.core.addresses import QUAD, Found, four_at, usual
from redundancyd.core.findings import Findings, Kind, Tally
from redundancyd.core.translation import Rules, in_binary, judge, lines, new_bytes, seen_in_binary, translate_line

PIECE_BYTES = 2**16
"""pieces of about this size stay in the processor's cache, and memory for them is not fetched anew from the system"""
CACHE_MAX = 65_536

_HEX = b"0123456789abcdefABCDEF"
_CLASSES = bytes(
    ord("0") if byte in _HEX else ord(":") if byte in b"vV" else byte | 0x20 if chr(byte) in "RSION" else byte
    for byte in range(256)
)
"""hexadecimal digits are all alike; v is a colon so that every shape begins with one of two bytes, which is fast"""
_DIGITS = ("0", "00", "000")
_GROUPS = (*_DIGITS, "0000")
_MIDDLES = [f".{second}.{third}." for second, third in itertools.product(_DIGITS, repeat=2)]
_ODD = [":0rsion", "::", *(f":{':'.join(three)}:" for three in itertools.product(_GROUPS, repeat=3))]
_MAY_BE_VERSION = len(_MIDDLES)
_SHAPES = BytesAhoCorasick([shape.encode() for shape in (*_MIDDLES, *_ODD)], matchkind=MatchKind.LeftmostLongest)
_VERSION = re.compile(rb"(?:[vV]ersion|VERSION)[^0-9A-Za-z\n]{0,8}[0-9]")

_MARGIN = 5  # three digits, and the two bytes that show whether there is one number more
_PAD = b"\n" * _MARGIN
_FIRST = re.compile(rb"(?<![0-9.])[0-9]{1,3}\Z")
_LAST = re.compile(rb"[0-9]{1,3}(?![0-9./])")
_ONE_BEFORE = re.compile(rb"[0-9]\.[0-9]{1,3}\Z")
_ONE_BEHIND = re.compile(rb"[0-9]{1,3}\.[0-9]")
_RUN = re.compile(rb"[0-9A-Fa-f.]*")
_DIGIT_BYTES = frozenset(b"0123456789")
_RUN_BYTES = frozenset(_HEX + b".")

Piece = bytes | memoryview
"""bytes that are only read"""

_Seen = tuple[int, int, bytes | None, list[int]]
"""what stands around a middle: digits before it, digits behind it, what takes its place, and how often it was met"""


@dataclass(slots=True)
class Source:
    """The file that is being read."""

    file: str
    text: bool
    wide: bool = False
    at: int = 0
    """where the next piece begins"""
    told: list[tuple[int, Tally, int]] = field(default_factory=list)
    """places that were told: where in the file, and where its line is to be written"""


class FastTranslation:
    """Translates pieces of files, each made of whole lines."""

    def __init__(self, rules: Rules, findings: Findings) -> None:
        self._rules = rules
        self._findings = findings
        self._seen: dict[bool, dict[bytes, _Seen]] = {True: {}, False: {}}
        """what needs no second look, by whether the file is text: nothing, or of a subject that is only counted"""
        self._counts: dict[tuple[Kind, str], list[int]] = {}

    def piece(self, piece: Piece, source: Source) -> Piece:
        """What becomes of some whole lines; what was found goes to the findings."""
        new = self._read(bytes(piece), source, 0) if source.wide else self._lines(piece, source, 0)
        source.at += len(piece)
        return new

    def end(self, source: Source, count: Callable[[int, int], int]) -> None:
        """The file is at its end: its findings get their lines; `count` counts its line ends from here to there."""
        self._count()
        line, at = 1, 0
        for place, tally, index in sorted(source.told, key=lambda told: told[0]):
            line, at = line + count(at, place), place
            tally.places[index] = (source.file, line)
        source.told.clear()

    def _lines(self, data: Piece, source: Source, offset: int) -> Piece:
        """Some lines; they begin `offset` bytes behind the beginning of the piece."""
        padded = b"".join((_PAD, data, _PAD))
        found = _SHAPES.find_matches_as_indexes(padded.translate(_CLASSES))
        if not found:
            return data
        offset -= _MARGIN
        if max(found)[0] >= _MAY_BE_VERSION:
            hints = [
                start
                for shape, start, _ in found
                if shape > _MAY_BE_VERSION or (shape == _MAY_BE_VERSION and _VERSION.match(padded, start))
            ]
            if odd := list(_odd_lines(padded, hints)):
                return b"".join(self._mixed(padded, odd, source, offset))
            found = [middle for middle in found if middle[0] < _MAY_BE_VERSION]
        return self._plain(padded, found, source, offset)

    def _mixed(self, padded: bytes, odd: Sequence[tuple[int, int]], source: Source, offset: int) -> Iterator[Piece]:
        """Lines of which the reference has to read some."""
        done, last = _MARGIN, len(padded) - _MARGIN
        for start, end in odd:
            if done < start:
                yield self._lines(padded[done:start], source, offset + done)
            yield self._read(padded[start:end], source, offset + start)
            done = end
        if done < last:
            yield self._lines(padded[done:last], source, offset + done)

    def _read(self, data: bytes, source: Source, offset: int) -> bytes:
        """Lines as the reference reads them."""
        parts = []
        for line in lines(data):
            seen = line if source.text else seen_in_binary(line, wide=source.wide)
            new, found = translate_line(seen, self._rules)
            for kind, address in found:
                if (told := kind if source.text else in_binary(kind)) is not None:
                    self._tell(told, address, source, offset)
            parts.append(new if source.text else line)
            offset += len(line)
        return b"".join(parts)

    def _plain(self, data: bytes, found: Sequence[tuple[int, int, int]], source: Source, offset: int) -> bytes:
        """Padded lines with no other addresses than those of IPv4."""
        remembered = self._seen[source.text].get
        parts: list[bytes] = []
        put = parts.append
        done = _MARGIN
        passed = 0  # nothing before this is looked at again
        for _, start, end in found:
            if start < passed:
                continue
            seen = remembered(data[start - _MARGIN : end + _MARGIN])
            if seen is None:
                seen = self._look(data, start, end, source, offset)
                if seen is None:
                    passed, changes = self._run(data, start, passed, source, offset)
                    for changed, new in changes:
                        parts += (data[done : changed.start], new)
                        done = changed.end
                    continue
            passed = end
            left, right, new_here, count = seen
            count[0] += 1
            if new_here is not None:
                put(data[done : start - left])
                put(new_here)
                done = end + right
        put(data[done:-_MARGIN])
        return b"".join(parts)

    def _look(self, data: bytes, start: int, end: int, source: Source, offset: int) -> _Seen | None:
        """What stands around a middle, remembered for the next time; None if it takes more bytes to tell."""
        window = data[start - _MARGIN : end + _MARGIN]
        before, middle, behind = window[:_MARGIN], window[_MARGIN:-_MARGIN], window[-_MARGIN:]
        if not middle.replace(b".", b"").isdigit():
            return None
        first, last = _FIRST.search(before), _LAST.match(behind)
        if first and last:
            return self._judged(
                window, first[0] + middle + last[0], (len(first[0]), len(last[0])), source, offset + start
            )
        if before[-1] in _DIGIT_BYTES and behind[0] in _DIGIT_BYTES and _is_fifth(before, behind):
            return self._remember(window, (0, 0), None, None, source)
        return None

    def _judged(self, window: bytes, quad: bytes, around: tuple[int, int], source: Source, place: int) -> _Seen:
        found = four_at(quad, 0, len(quad))
        kind, new = (None, None) if found is None else self._verdict(found, source)
        if found is None or kind is None:
            return self._remember(window, around, None, None, source)
        subject = (kind, usual(found.value))
        if not self._findings.has_room(*subject):
            return self._remember(window, around, new, subject, source)
        self._tell(*subject, source, place - around[0])
        return (*around, new, [0])

    def _remember(
        self,
        window: bytes,
        around: tuple[int, int],
        new: bytes | None,
        subject: tuple[Kind, str] | None,
        source: Source,
    ) -> _Seen:
        """From now on one look suffices, and the subject is only counted."""
        if len(self._seen[source.text]) >= CACHE_MAX:
            self._count()
            self._counts.clear()
            for each in self._seen.values():
                each.clear()
        count = [0] if subject is None else self._counts.setdefault(subject, [0])
        seen = (*around, new, count)
        self._seen[source.text][window] = seen
        return seen

    def _count(self) -> None:
        """What was only counted goes to the findings."""
        for subject, count in self._counts.items():
            if count[0]:
                self._findings.add_many(*subject, count[0])
                count[0] = 0

    def _verdict(self, found: Found, source: Source) -> tuple[Kind | None, bytes | None]:
        """What an address is, and what takes its place."""
        kind = judge(found.value, self._rules)
        if kind is None or not source.text:
            return None if kind is None else in_binary(kind), None
        return kind, new_bytes(found, self._rules) if kind is Kind.TRANSLATED else None

    def _run(
        self, data: bytes, start: int, passed: int, source: Source, offset: int
    ) -> tuple[int, list[tuple[Found, bytes]]]:
        """A run of digits and dots as the reference reads it: where it ends, and what changes in it."""
        run = _RUN.match(data, start)
        assert run, "it matches everywhere"
        end = run.end()
        while start > passed and data[start - 1] in _RUN_BYTES:
            start -= 1
        changes = []
        for quad in QUAD.finditer(data, start, end):
            found = four_at(data, quad.start(), quad.end())
            kind, new = (None, None) if found is None else self._verdict(found, source)
            if found is None or kind is None:
                continue
            self._tell(kind, usual(found.value), source, offset + found.start)
            if new is not None:
                changes.append((found, new))
        return end, changes

    def _tell(self, kind: Kind, address: str, source: Source, place: int) -> None:
        tally = self._findings.add(kind, address, source.file, 0)
        if tally is not None:
            source.told.append((source.at + place, tally, len(tally.places) - 1))


def _is_fifth(before: bytes, behind: bytes) -> bool:
    """Whether the four numbers around a middle have a neighbour."""
    return bool(_ONE_BEFORE.search(before) or _ONE_BEHIND.match(behind))


def _odd_lines(padded: bytes, hints: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Where lines begin and end that the reference has to read."""
    end = 0
    for hint in hints:
        if hint < end:
            continue
        start = padded.rfind(b"\n", 0, hint) + 1
        end = min(padded.find(b"\n", hint) + 1, len(padded) - _MARGIN)
        yield start, end
