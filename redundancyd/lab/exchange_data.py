"""What stands in a backup of exchange data, as far as the field is known: made up, and the same every time.

Program units are text with a long header and records in brackets and quotes; the snapshot of the system database is CSV
as the Cassandra Query Language writes it, with quotes, line ends inside of fields, addresses and SIP URIs; a few files
are no text at all.  Some words only look like addresses: versions, and an address with a digit more.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

UNITS = ("AHP", "ASP", "CDP", "CFP", "DBP", "EDP", "GCP", "HUP", "ICP", "KSP", "LSP", "MIP", "NSP", "OPP", "PDP", "RO")
PROXY, DIRECTORY, STREAMER = "203.0.113.9", "203.0.113.40", "2001:db8:3::40"
FOREIGN = (PROXY, DIRECTORY, STREAMER)
"""Addresses that belong to neither system."""
BINARIES = 3
TOUCHED = ("ASTAT.D", "cql/extension.csv")
"""The files that differ from one backup to the next."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """What a system calls its own."""

    lims: tuple[str, ...]
    lims6: tuple[str, ...]
    master: str
    net: str
    net6: str
    router: str


@lru_cache(maxsize=4)
def contents(own: Addresses, files: int, size_bytes: int) -> dict[str, bytes]:
    """The files of a backup by their names, so many of them and about so large together."""
    made = dict(_tables(own))
    made["ASTAT.D"] = _unit("ASTAT", 40)
    for number in range(BINARIES):
        made[f"TONES{number}.BIN"] = b"\0\1" + random.Random(number).randbytes(4_000)
    units = max(1, files - len(made) - 1)
    left = max(0, size_bytes - sum(map(len, made.values())))
    # A quarter in one large table, the rest in program units of one size.
    made["cql/extension.csv"] = _extensions(own, left // 4)
    for number in range(units):
        name = UNITS[number % len(UNITS)] + (str(number // len(UNITS)) if number >= len(UNITS) else "")
        made[f"{name}.D"] = _unit(name, left * 3 // 4 // units)
    return made


def touched(whole: dict[str, bytes], stamp: str) -> dict[str, bytes]:
    """The few files of a backup of that instant that are its own; all others are as they were before."""
    return {name: whole[name] + _last_words(name, stamp) for name in TOUCHED}


def _last_words(name: str, stamp: str) -> bytes:
    line = f"{stamp},changed,,\n" if name.endswith(".csv") else f'("{stamp}","SAVED")\n'
    return line.encode()


def _tables(own: Addresses) -> Iterator[tuple[str, bytes]]:
    """The tables of the database in which addresses stand, a file each."""
    lims = "".join(
        f"{number},regular,{v4},lim-{number},{v6}\n"
        for number, (v4, v6) in enumerate(zip(own.lims, own.lims6, strict=True), 1)
    )
    first, first6 = own.lims[0], own.lims6[0]
    yield "cql/lim_server.csv", f"lim,kind,ip_address,dns_name,ip_address6\n{lims}".encode()
    yield "cql/system.csv", f"name,version,master\nlab,17.8.1.0.19,{own.master}/24\n".encode()
    yield "cql/ip_domain.csv", f'domain,network,text\n1,{own.net},Office\n2,{own.net6},"Office, IPv6"\n'.encode()
    gateways = "".join(f"{lim}A,{address},255.255.255.0,{own.router}\n" for lim, address in enumerate(own.lims, 1))
    yield "cql/media_gateway_config.csv", f"mgw,ip_address,mask,gateway\n{gateways}".encode()
    interfaces = "".join(f"{lim}A,LAN0,{address}/24\n" for lim, address in enumerate(own.lims, 1))
    yield "cql/media_gateway_interface.csv", f"mgw,name,address\n{interfaces}".encode()
    yield (
        "cql/sip_route.csv",
        (
            "route,uristring0,uristring1,fromuri,proxyip,match,text\n"
            f'1,sip:?@{PROXY},,sip:?@{own.master},{PROXY},,"Trunk ""North""\nsecond line, {first}:5060"\n'
            f"2,sip:?@[{first6}]:5060,sip:?@{first};transport=tcp,,{first}:5060,{first}0,no address: 1{first}\n"
        ).encode(),
    )
    yield "cql/csta_server.csv", f"server,ip_address,port\n1,{first},8882\n2,{first6},8883\n".encode()
    yield "cql/information_computer.csv", f"number,ip_address,port\n1,{DIRECTORY},998\n".encode()
    yield (
        "cql/wav_server.csv",
        f"number,url\n1,http://[{STREAMER}]:8080/music.wav\n2,http://{DIRECTORY}/a.wav\n".encode(),
    )


def _extensions(own: Addresses, size_bytes: int) -> bytes:
    """One large table; now and then a line has an address of a LIM."""
    head = "number,name,lim,comment\n"
    lines, length, number = [head], len(head), 0
    while length < size_bytes:
        number += 1
        address = own.lims[number % len(own.lims)] if number % 50 == 0 else ""
        lines.append(f'{10_000 + number},"User {number}, ""{number:x}""",{number % len(own.lims) + 1},{address}\n')
        length += len(lines[-1])
    return "".join(lines).encode()


def _unit(name: str, size_bytes: int) -> bytes:
    """A program unit: a header of two hundred lines, then records."""
    lines = [f"%{name} PROGRAM UNIT DATA\n", *(f"%H {line:03d} R17.8.1.0.19 {name}\n" for line in range(200))]
    length, number = sum(map(len, lines)), 0
    while length < size_bytes:
        number += 1
        lines.append(f'({number},"{name}{number:06d}",("{number * 7919:x}",{number % 13},""),"")\n')
        length += len(lines[-1])
    return "".join(lines).encode()
