"""Exchange data of the primary -> exchange data for the alternate: the reference, made to be read.

All entries of the table work at once, so swaps are safe.  Only whole addresses change, and every other byte stays as it
is, in whatever encoding.  A new address is written in its usual spelling (RFC 5952 for IPv6) however the old one was
spelled; mask, port and brackets around it stay (docs/decisions/0006).

What is text is decided by name and content.  Anything else is never rewritten: an address of another length would break
what counts its bytes.  An own address in it is a finding.

adapters/fast_translation.py does the same faster; tests hold the two against each other.
"""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from redundancyd.core import addresses
from redundancyd.core.addresses import Address, Found, Network, usual
from redundancyd.core.findings import Findings, Kind
from redundancyd.core.translation_table import Table, is_no_ones

TEXT_SUFFIXES = (".d", ".csv", ".cql", ".txt")
"""of names, in lower case: program units, the database's snapshot and its statements"""
HEAD_BYTES = 65_536
"""so much of a file shows whether it is text"""
LINE_MAX_BYTES = 4 * 2**20
"""a file with a longer line is not text"""
_CONTROLS = bytes({*range(32), 127} - set(b"\t\n\v\f\r"))
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Rules:
    """What is known before anything is read."""

    table: Table
    own_hosts: frozenset[Address] = frozenset()
    own_networks: tuple[Network, ...] = ()
    known: frozenset[str] = frozenset()
    """foreign addresses and networks that the operator has confirmed, in their usual spelling"""

    def is_own(self, value: Address | Network) -> bool:
        """Whether it belongs to the primary: listed, in one of its networks, or a network around one of its own.

        A network that the table changes is one of its networks; one that the table leaves as it is may be anybody's.
        """
        if isinstance(value, Address):
            return value in self.own_hosts or self._is_within(value.version, int(value))
        first, last = int(value.network_address), int(value.broadcast_address)
        place = bisect_left(self._places, (value.version, first))
        is_around = place < len(self._places) and self._places[place] <= (value.version, last)
        return is_around or self._is_within(value.version, first)

    def _is_within(self, version: int, address: int) -> bool:
        return any(
            family == version and address >> host_bits in starts for (family, host_bits), starts in self._starts.items()
        )

    @cached_property
    def _networks(self) -> tuple[Network, ...]:
        return (*self.own_networks, *(old for old, new in self.table.networks.items() if old != new))

    @cached_property
    def _places(self) -> list[tuple[int, int]]:
        """Own hosts, and where own networks begin, in order."""
        addresses = (*self.own_hosts, *self.table.hosts, *(network.network_address for network in self._networks))
        return sorted({(address.version, int(address)) for address in addresses})

    @cached_property
    def _starts(self) -> dict[tuple[int, int], set[int]]:
        """Where own networks begin, by family and number of host bits."""
        found: dict[tuple[int, int], set[int]] = {}
        for network in self._networks:
            host_bits = network.max_prefixlen - network.prefixlen
            found.setdefault((network.version, host_bits), set()).add(int(network.network_address) >> host_bits)
        return found


def judge(value: Address | Network, rules: Rules) -> Kind | None:
    """What an address is; None if it means the same to every system."""
    if value in rules.table.hosts or value in rules.table.networks:
        return Kind.TRANSLATED
    if is_no_ones(value):
        return None
    if rules.is_own(value):
        return Kind.MISSING
    return Kind.FOREIGN if usual(value) in rules.known else Kind.NEW


def new_bytes(found: Found, rules: Rules) -> bytes | None:
    """What takes the place of an address of the table; None where its bytes stay."""
    value = found.value
    if isinstance(value, Address):
        new_host = rules.table.hosts[value]
        return None if new_host == value else found.before + usual(new_host).encode("ascii")
    new_network = rules.table.networks[value]
    return None if new_network == value else found.before + usual(new_network.network_address).encode("ascii")


def translate_line(line: bytes, rules: Rules) -> tuple[bytes, list[tuple[Kind, str]]]:
    """A line for the alternate, and what was found in it from left to right."""
    parts: list[bytes] = []
    findings: list[tuple[Kind, str]] = []
    done = 0
    for found in addresses.find(line):
        kind = judge(found.value, rules)
        inner = addresses.embedded(line, found)
        if kind in {Kind.NEW, Kind.FOREIGN} and inner and (inner in rules.table.hosts or rules.is_own(inner)):
            kind = Kind.MISSING  # an own address inside another one, which no entry translates
        if kind is None:
            continue
        findings.append((kind, usual(found.value)))
        new = new_bytes(found, rules) if kind is Kind.TRANSLATED else None
        if new is not None:
            parts += [line[done : found.start], new]
            done = found.end
    return b"".join([*parts, line[done:]]), findings


def translate(file: str, data: bytes, rules: Rules, findings: Findings) -> bytes:
    """A file's contents for the alternate; what was found is added to the findings."""
    text, wide = is_text(file, data), is_wide(data)
    number = 1
    result: list[bytes] = []
    for line in lines(data):
        new, found = translate_line(line if text else seen_in_binary(line, wide=wide), rules)
        for kind, address in found:
            if (told := kind if text else in_binary(kind)) is not None:
                findings.add(told, address, file, number)
        result.append(new if text else line)
        number += line.endswith(b"\n")
    return b"".join(result)


def lines(data: bytes) -> Iterator[bytes]:
    """The lines, each with its end; a line without end in pieces of the longest there may be."""
    start = 0
    while start < len(data):
        newline = data.find(b"\n", start, start + LINE_MAX_BYTES)
        end = newline + 1 if newline >= 0 else start + LINE_MAX_BYTES
        yield data[start:end]
        start = end


def is_text(file: str, data: bytes) -> bool:
    """Whether a file is one that is translated."""
    return has_text_name(file) and is_text_head(data[:HEAD_BYTES]) and all(map(is_text_piece, lines(data)))


def has_text_name(file: str) -> bool:
    """Whether files of this name are text."""
    return file.lower().endswith(TEXT_SUFFIXES)


def is_text_head(head: bytes) -> bool:
    """Whether a file that begins so may be text: no control characters, no UTF-16."""
    return not is_wide(head) and len(head.translate(None, _CONTROLS)) == len(head)


def is_wide(head: bytes) -> bool:
    """Whether a file that begins so is UTF-16."""
    return head.startswith(_UTF_16)


def is_text_piece(piece: bytes) -> bool:
    """Whether a piece of a file, cut behind a newline or after the longest line, may be text."""
    return b"\0" not in piece and (len(piece) < LINE_MAX_BYTES or piece.endswith(b"\n"))


def seen_in_binary(piece: bytes, *, wide: bool) -> bytes:
    """What is looked at in a file that is not text; in UTF-16 every second byte of an address is zero."""
    return piece.replace(b"\0", b"") if wide else piece


def in_binary(kind: Kind) -> Kind | None:
    """What a finding is where nothing is rewritten: only what should have been is told."""
    return Kind.UNTOUCHED if kind in {Kind.TRANSLATED, Kind.MISSING} else None
