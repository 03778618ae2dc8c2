"""The translation of core/translation.py, faster, and byte for byte the same (alone imports ahocorasick_rs).

Most lines of exchange data have no other addresses than those of IPv4 hosts.  In these, all old addresses are found in
one pass, each is looked at left and right, and one regular expression finds the foreign ones in what is left.  A line
with anything else, several colons, a mask, the word version before numbers, goes to the reference.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from ahocorasick_rs import BytesAhoCorasick, MatchKind

from redundancyd.core.addresses import QUAD
from redundancyd.core.findings import Findings, Kind
from redundancyd.core.translation import Rules, in_binary, judge, lines, seen_in_binary, translate_line
from redundancyd.core.translation_table import parse_address

CACHE_MAX = 65_536
_AT_DOT = (
    rb"\.(?<=[0-9]\.)(?<![0-9]\.[0-9]\.)(?<![0-9]\.[0-9]{2}\.)(?<![0-9]\.[0-9]{3}\.)(?<![0-9]{4}\.)"
    rb"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}(?!\.?[0-9])"
)
_QUAD_FROM_DOT = re.compile(_AT_DOT)
"""an address from its first dot on: a pattern that begins with a plain byte is searched for ten times as fast"""
_ODD = (
    re.compile(rb":(?::|[0-9A-Fa-f]{1,4}:[0-9A-Fa-f]{1,4}:[0-9A-Fa-f]{1,4}:)"),  # any IPv6 address has one of these
    re.compile(rb"/(?:(?<=\.[0-9]/)|(?<=\.[0-9]{2}/)|(?<=\.[0-9]{3}/))[0-9]"),  # a mask
    re.compile(rb"ersion[^0-9A-Za-z\n]{0,8}[0-9]{1,3}\."),  # a version
    re.compile(rb"ERSION[^0-9A-Za-z\n]{0,8}[0-9]{1,3}\."),
)
_DIGITS = frozenset(b"0123456789")
_EDGES = bytes(byte in b"0123456789." for byte in range(256))
_GAP = b"~"
"""stands for a translated address in what is left: neither digit nor dot"""


@dataclass(slots=True)
class Source:
    """The file that is being read."""

    file: str
    text: bool
    wide: bool = False
    line: int = 1
    """number of the first line of the next piece"""


@dataclass(slots=True)
class _Left:
    """What is left of some lines without their translated addresses."""

    data: bytes
    line: int
    at: int = 0
    """lines are counted up to here"""

    def line_at(self, place: int) -> int:
        """The number of the line there; places come in order."""
        self.line += self.data.count(b"\n", self.at, place)
        self.at = place
        return self.line


@dataclass(slots=True)
class FastTranslation:
    """Translates pieces of files, each made of whole lines."""

    rules: Rules
    findings: Findings
    _old: list[str] = field(init=False)
    _new: list[bytes] = field(init=False)
    _matcher: BytesAhoCorasick | None = field(init=False)
    _hungry: set[int] = field(init=False)
    """entries whose first places are still told"""
    _judged: dict[bytes, tuple[Kind, str] | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Build the automaton of all IPv4 hosts."""
        entries = {old: new for old, new in self.rules.table.hosts.items() if old.version == 4}  # noqa: PLR2004
        self._old = [str(old) for old in entries]
        self._new = [str(new).encode() for new in entries.values()]
        patterns = [old.encode() for old in self._old]
        self._matcher = BytesAhoCorasick(patterns, matchkind=MatchKind.LeftmostLongest) if patterns else None
        self._hungry = set(range(len(patterns)))

    def piece(self, piece: bytes, source: Source) -> bytes:
        """What becomes of some whole lines; what was found goes to the findings."""
        seen = piece if source.text else seen_in_binary(piece, wide=source.wide)
        parts: list[bytes] = []
        done = 0
        for start, end in _odd_lines(seen):
            if done < start:
                parts.append(self._plain(seen[done:start], source))
            parts.extend(self._reference(line, source) for line in lines(seen[start:end]))
            done = end
        if done < len(seen):
            parts.append(self._plain(seen[done:] if done else seen, source))
        return b"".join(parts) if source.text else piece

    def _reference(self, line: bytes, source: Source) -> bytes:
        new, found = translate_line(line, self.rules)
        for kind, address in found:
            if (told := kind if source.text else in_binary(kind)) is not None:
                self.findings.add(told, address, source.file, source.line)
        source.line += line.endswith(b"\n")
        return new

    def _plain(self, data: bytes, source: Source) -> bytes:
        """Lines with nothing but IPv4 hosts."""
        if self._matcher is None or not source.text:
            self._foreign(_Left(data, source.line), source)
            source.line += data.count(b"\n")
            return data
        parts, rest = self._translated(data, source)
        left = _GAP.join([*parts[::2], rest]) if parts else data
        self._foreign(_Left(left, source.line), source)
        source.line += data.count(b"\n")
        return b"".join([*parts, rest]) if parts else data

    def _translated(self, data: bytes, source: Source) -> tuple[list[bytes], bytes]:
        """What stands before each address of the table and what takes its place, in turn; and the rest."""
        assert self._matcher is not None
        padded = data if data.endswith(b"\n") else data + b"\n"  # so that every address has a left and a right
        new, hungry = self._new, self._hungry
        told = _Left(data, source.line)
        parts: list[bytes] = []
        put = parts.append
        counted: list[int] = []
        count = counted.append
        done = 0
        for entry, start, end in self._matcher.find_matches_as_indexes(padded):
            if (_EDGES[padded[start - 1]] or _EDGES[padded[end]]) and not _is_whole(padded, start, end):
                continue
            put(padded[done:start])
            put(new[entry])
            done = end
            if entry in hungry:
                self._tell(entry, told.line_at(start), source)
            else:
                count(entry)
        for entry, times in Counter(counted).items():
            self.findings.add_many(Kind.TRANSLATED, self._old[entry], times)
        return parts, data[done:]

    def _tell(self, entry: int, line: int, source: Source) -> None:
        self.findings.add(Kind.TRANSLATED, self._old[entry], source.file, line)
        if not self.findings.has_room(Kind.TRANSLATED, self._old[entry]):
            self._hungry.discard(entry)

    def _foreign(self, left: _Left, source: Source) -> None:
        """Tell what is not in the table, or in a file that is not text, what is own."""
        data, findings = left.data, self.findings
        for found in _QUAD_FROM_DOT.finditer(data):
            start = found.start() - 1
            while start and data[start - 1] in _DIGITS:
                start -= 1
            judged = self._judge(data[start : found.end()])
            if judged is None:
                continue
            kind, address = judged
            assert kind is not Kind.TRANSLATED or not source.text, address
            told = kind if source.text else in_binary(kind)
            if told is None:
                continue
            if findings.has_room(told, address):
                findings.add(told, address, source.file, left.line_at(start))
            else:
                findings.add_many(told, address, 1)

    def _judge(self, quad: bytes) -> tuple[Kind, str] | None:
        """What four numbers are; None for no address, and for what means the same everywhere."""
        if quad in self._judged:
            return self._judged[quad]
        if len(self._judged) >= CACHE_MAX:
            self._judged.clear()
        judged = None
        try:
            address = parse_address(quad.decode("ascii"))
        except ValueError:
            pass
        else:
            kind = judge(address, self.rules)
            judged = None if kind is None else (kind, str(address))
        self._judged[quad] = judged
        return judged


def _is_whole(data: bytes, start: int, end: int) -> bool:
    """Whether the numbers there are not a part of more."""
    quad = QUAD.match(data, start)
    return quad is not None and quad.end() == end


def _odd_lines(data: bytes) -> Iterator[tuple[int, int]]:
    """Where lines begin and end that the reference has to read, in order."""
    odd: set[tuple[int, int]] = set()
    for pattern in _ODD:
        place = 0
        while found := pattern.search(data, place):
            start = data.rfind(b"\n", 0, found.start()) + 1
            place = data.find(b"\n", found.end()) + 1 or len(data)
            odd.add((start, place))
    yield from sorted(odd)
