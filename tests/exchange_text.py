"""Exchange data made by chance, with what its translation has to be: known from how it was made, not found in it."""

import ipaddress
import random
from dataclasses import dataclass
from functools import cache

from redundancyd.core.addresses import Address, Network
from redundancyd.core.translation import Rules
from redundancyd.core.translation_table import Table

SEPARATORS = (b" ", b",", b'","', b";", b"\n", b"\r\n", b"\t", b"<", b"> ", b"|", b" = ", b"\n\n", b"')\n(")
JUNK = (b"", b"SIROU", b"v\xe4xel", "växel".encode(), b"(x)", b"2026-03-09 03:15:02", b"1A", b"-", b"5.5", b"..", b"::",
        b"\xff", b"std::move", b"00:11:22:33:44:55", b"1.2.3", b"%", b"/", b"[]", b"x@y", b"17.8.1.0.19")  # fmt: skip
AROUND_4 = ((b"", b""), (b"sip:?@", b":5060"), (b'"', b'"'), (b"", b"/24"), (b"", b"/32"), (b"[", b"]"), (b"ip", b"x"),
            (b"", b"."), (b".", b""), (b"\xe4", b"\xe4"), (b"\\n", b"\\n"), (b"", b"-"), (b"a:b:", b""))  # fmt: skip
AROUND_6 = ((b"", b""), (b"[", b"]:5060"), (b"sip:", b""), (b"id:", b""), (b"", b"/64"), (b"[", b"]/128"), (b'"', b'"'),
            (b"active:", b""), (b"version:", b""), (b"", b":udp"),
            (b"", b"."), (b"", b": "), (b"\\n", b""), (b"\xe4", b"\xe4"), (b"", b"%eth0"))  # fmt: skip
NO_WORD = (b"g", b"z", b"_", b"G")


@dataclass
class Case:
    """A table, a text, and what becomes of it."""

    table: Table
    rules: Rules
    text: bytes = b""
    wanted: bytes = b""
    whole: int = 0
    """addresses of the table in it"""

    def put(self, old: bytes, new: bytes | None = None) -> None:
        """One more piece; None for one that stays."""
        self.text += old
        self.wanted += old if new is None else new
        self.whole += new is not None


def four(chance: random.Random) -> ipaddress.IPv4Address:
    """A host of a small world, so that near misses are frequent."""
    return ipaddress.IPv4Address(f"10.0.{chance.randint(0, 1)}.{chance.choice((1, 2, 10, 11, 12, 101, 110, 121))}")


def six(chance: random.Random) -> ipaddress.IPv6Address:
    """A host with zeros to abbreviate and without."""
    middle = chance.choice((0, 0, 1, 0xABCD))
    groups = [
        0x2001,
        0xDB8,
        chance.choice((0, 0xA)),
        middle,
        0,
        chance.choice((0, 0xF00D)),
        middle,
        chance.randint(1, 9),
    ]
    return ipaddress.IPv6Address(":".join(f"{group:x}" for group in groups))


def spelled(address: ipaddress.IPv6Address, chance: random.Random) -> bytes:
    """One of the many spellings of an address."""
    numbers = [int(group, 16) for group in address.exploded.split(":")]
    words = [chance.choice((f"{number:x}", f"{number:04x}", f"{number:X}", f"{number:02X}")) for number in numbers]
    if chance.random() < 0.2:
        tail = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        words, numbers = [*words[:6], str(tail)], [*numbers[:6], -1]
    runs = [(start, end) for start in range(len(numbers)) for end in range(start + 1, len(numbers) + 1)
            if not any(numbers[start:end])]  # fmt: skip
    if runs and chance.random() < 0.7:
        start, end = chance.choice(runs)
        return f"{':'.join(words[:start])}::{':'.join(words[end:])}".encode()
    return ":".join(words).encode()


def table(chance: random.Random) -> Table:
    """Hosts that swap, move in a ring, go elsewhere, or stay; and networks."""
    return _table(chance.randrange(500))


@cache
def _table(number: int) -> Table:
    chance = random.Random(number)
    hosts: dict[Address, Address] = {}
    for make in (four, six):
        old: list[Address] = list({make(chance) for _ in range(chance.randint(0, 4))})
        new: list[Address] = [old[(place + 1) % len(old)] for place in range(len(old))]
        for place in range(len(old)):
            if chance.random() < 0.4:
                offset = ipaddress.ip_address("172.16.0.0" if old[place].version == 4 else "2001:db8:ffff::")
                new[place] = type(old[place])(int(offset) + place + 1)
        hosts |= zip(old, new, strict=True)
    networks: dict[Network, Network] = {}
    if chance.random() < 0.5:
        networks[ipaddress.ip_network("198.51.100.0/24")] = ipaddress.ip_network("203.0.113.0/24")
        networks[ipaddress.ip_network("2001:db8:5::/48")] = ipaddress.ip_network("2001:db8:6::/48")
    return Table(hosts, networks)


def case(chance: random.Random, pieces: int = 12) -> Case:
    """A table and a text for it."""
    entries = table(chance)
    made = Case(entries, Rules(entries))
    makers = (_junk, _four, _four_near, _six, _six_near, _network, _mapped)
    for _ in range(chance.randint(1, pieces)):
        chance.choice(makers)(made, chance)
        made.put(chance.choice(SEPARATORS))
    return made


def _junk(made: Case, chance: random.Random) -> None:
    made.put(chance.choice(JUNK))


def _around(
    made: Case, old: bytes, new: bytes | None, chance: random.Random, contexts: tuple[tuple[bytes, bytes], ...]
) -> None:
    before, behind = chance.choice(contexts)
    made.put(before)
    made.put(old, new)
    made.put(behind)


def _new_host(made: Case, old: Address) -> bytes | None:
    new = made.table.hosts.get(old, old)
    return None if new == old else str(new).encode()


def _four(made: Case, chance: random.Random) -> None:
    old = four(chance)
    _around(made, str(old).encode(), _new_host(made, old), chance, AROUND_4)


def _four_near(made: Case, chance: random.Random) -> None:
    before, behind = chance.choice(
        (
            (b"9", b""),
            (b"", b"99"),
            (b"", b".5"),
            (b"5.", b""),
            (b"Version: ", b""),
            (b'version","', b""),
            (b"VERSION=", b""),
        )
    )
    made.put(before + str(four(chance)).encode() + behind)


def _six(made: Case, chance: random.Random) -> None:
    old = six(chance)
    _around(made, spelled(old, chance), _new_host(made, old), chance, AROUND_6)


def _six_near(made: Case, chance: random.Random) -> None:
    word = spelled(six(chance), chance)
    before, behind = chance.choice(((b"", b":1:1:1:1:1:1:1"), (b"1:1:1:1:1:1:1:", b""), (b"00", b""), (b"fffff:", b"")))
    made.put(
        before + word + behind if word.count(b":") > 6 or b"::" in before + word else b"::" + chance.choice(NO_WORD)
    )


def _network(made: Case, chance: random.Random) -> None:
    networks = made.table.networks
    old, new, mask = chance.choice(
        (
            (b"198.51.100.0", b"203.0.113.0", b"/24"),
            (b"198.51.100.0", b"203.0.113.0", b"/255.255.255.0"),
            (b"198.51.100.0", None, b"/25"),
            (b"198.51.100.0", None, b""),
            (b"2001:DB8:5:0::", b"2001:db8:6::", b"/48"),
            (b"2001:db8:5::", None, b"/32"),
        )
    )
    made.put(old, new if networks else None)
    made.put(mask)


def _mapped(made: Case, chance: random.Random) -> None:
    old = four(chance)
    new = _new_host(made, old)
    if chance.random() < 0.5:
        made.put(chance.choice((b"::ffff:", b"0:0:0:0:0:FFFF:", b"::FFFF:")))
        made.put(str(old).encode(), new)
    else:
        number = int(old)
        made.put(f"::FFFF:{number >> 16:x}:{number & 0xFFFF:x}".encode(), None if new is None else b"::ffff:" + new)
