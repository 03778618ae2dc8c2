"""What a value in the settings file may look like: spans, addresses, ports, rates, commands.  Pure.

A value that is not understood raises PydanticCustomError with what is expected and, as context, the remedy.
"""

import ipaddress
import re
import zoneinfo
from typing import Annotated, NoReturn

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

OFF = "off"
_SPAN = re.compile(r"(\d{1,9})(ms|s|m|h|d)")
_SPAN_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_RATE = re.compile(r"(\d{1,6})(k|M|G)bit/s")
_RATE_BITS = {"k": 1000, "M": 1_000_000, "G": 1_000_000_000}
_PORTS = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?")
_TRAPS_TO = re.compile(r"([!-?A-~]{1,32})@(\[[^\]]+\]|[^:\[\]]+)(?::(\d{1,5}))?")
_SHELL = frozenset("\"'`$&|;<>(){}*?[]\\~#!")
_PORT_MAX = 65535


def _refuse(expected: str, remedy: str) -> NoReturn:
    raise PydanticCustomError("setting", "{expected}", {"expected": expected, "remedy": remedy})


def span_ms(value: object) -> int:
    """Milliseconds of "10m", "180s", "1500ms"."""
    if isinstance(value, str) and (found := _SPAN.fullmatch(value)):
        return int(found[1]) * _SPAN_MS[found[2]]
    _refuse('a span of time with its unit, such as "180s" or "10m"', "Write a number and ms, s, m, h or d, in quotes.")


def span_or_off_ms(value: object) -> int | None:
    """Milliseconds, or None for "off"."""
    return None if value == OFF else span_ms(value)


def rate_or_off(value: object) -> int | None:
    """Bits a second of "20Mbit/s", or None for "off"."""
    if value == OFF:
        return None
    if isinstance(value, str) and (found := _RATE.fullmatch(value)) and int(found[1]):
        return int(found[1]) * _RATE_BITS[found[2]]
    _refuse('a rate such as "20Mbit/s", or "off"', "Write a number and kbit/s, Mbit/s or Gbit/s, in quotes.")


def host_address(value: object) -> str:
    """One host's numeric address in its usual spelling; a mask, a name or an address that is no host's is refused."""
    if not isinstance(value, str):
        _refuse("an IP address in quotes", "Put the address in quotes.")
    if "/" in value:
        bare = value.split("/", maxsplit=1)[0]
        _refuse("an IP address without a slash and the number behind it", f'Write "{bare}".')
    if "%" in value:
        _refuse("an IP address without a zone", "Link-local addresses cannot be supervised; use a routable one.")
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        _refuse("a numeric IP address", "Names are not looked up: in an emergency the name server may be out of reach.")
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        _refuse("an IPv4 address in its own spelling", f'Write "{address.ipv4_mapped}".')
    for wrong, what in (
        (address.is_loopback, "the loopback address, which is this host wherever it is used"),
        (address.is_unspecified, "no address at all"),
        (address.is_multicast, "a multicast address"),
        (address.is_link_local, "a link-local address"),
        (str(address) == "255.255.255.255", "the broadcast address"),
    ):
        if wrong:
            _refuse("the address of one host in the network", f"{value} is {what}.")
    return str(address)


def ports(value: object) -> str:
    """One port "5060" or a range "17000-17010"."""
    if isinstance(value, str) and (found := _PORTS.fullmatch(value)):
        first, last = int(found[1]), int(found[2] or found[1])
        if 1 <= first <= last <= _PORT_MAX:
            return value
    _refuse('a port "5060" or a range "17000-17010", 1 to 65535', "Write it in quotes, the lower port first.")


def words(value: object) -> tuple[str, ...]:
    """A command as words, split on blanks; there is no shell that could understand more."""
    if not isinstance(value, str) or not value.split() or not value.isprintable():
        _refuse("a command in quotes", "Write the program and its words, separated by blanks.")
    if wrong := sorted(_SHELL.intersection(value)):
        _refuse("a command of plain words", f"There is no shell to understand {' '.join(wrong)}; put it into a script.")
    return tuple(value.split())


def words_or_off(value: object) -> tuple[str, ...]:
    """A command as words; none for "off"."""
    return () if value == OFF else words(value)


def time_or_off(value: object) -> tuple[int, int] | None:
    """Hour and minute of "02:30", or None for "off"."""
    if value == OFF:
        return None
    if isinstance(value, str) and (found := re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)", value)):
        return int(found[1]), int(found[2])
    _refuse('a time of day such as "02:30", or "off"', "Write hours and minutes with two digits each, in quotes.")


def zone(value: object) -> str:
    """The name of a time zone this host knows, or "local"."""
    if value == "local":
        return "local"
    try:
        if isinstance(value, str):
            return zoneinfo.ZoneInfo(value).key
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        pass
    _refuse('a time zone such as "Europe/Stockholm", or "local"', "`timedatectl list-timezones` lists them.")


def absolute_path(value: object) -> str:
    """A path from the root."""
    if isinstance(value, str) and value.startswith("/") and value.isprintable():
        return value
    _refuse("a path that begins with a slash", "Write the whole path: the daemon runs in no folder of its own.")


def socket_path(value: object) -> str:
    """A path that fits into a socket's address."""
    path = absolute_path(value)
    if len(path.encode()) > 107:  # noqa: PLR2004 - sun_path of the kernel, less its end
        _refuse("a path of at most 107 bytes", "The kernel takes no longer names for sockets.")
    return path


def snmp_or_off(value: object) -> str:
    """Where traps go: "community@address" or "community@address:port"; empty for "off"."""
    if value == OFF:
        return ""
    if isinstance(value, str) and (found := _TRAPS_TO.fullmatch(value)):
        host_address(found[2].strip("[]"))
        if found[3]:
            ports(found[3])
        return value
    _refuse('"community@address", "community@address:port" or "off"', 'For example "public@192.0.2.9:162".')


def webhook_or_off(value: object) -> str:
    """A web address; empty for "off"."""
    if value == OFF:
        return ""
    if isinstance(value, str) and re.fullmatch(r"https?://[!-~]{1,2000}", value):
        return value
    _refuse('a web address that begins with http:// or https://, or "off"', "Write the whole address, in quotes.")


def account(value: object) -> str:
    """The name of a user or of a group."""
    if isinstance(value, str) and re.fullmatch(r"[a-z_][a-z0-9_-]{0,31}", value):
        return value
    _refuse("the name of an account or a group", "Lower-case letters, digits, - and _; at most 32.")


Span = Annotated[int, BeforeValidator(span_ms)]
SpanOrOff = Annotated[int | None, BeforeValidator(span_or_off_ms)]
RateOrOff = Annotated[int | None, BeforeValidator(rate_or_off)]
Address = Annotated[str, BeforeValidator(host_address)]
Ports = Annotated[str, BeforeValidator(ports)]
Words = Annotated[tuple[str, ...], BeforeValidator(words)]
WordsOrOff = Annotated[tuple[str, ...], BeforeValidator(words_or_off)]
TimeOrOff = Annotated[tuple[int, int] | None, BeforeValidator(time_or_off)]
Zone = Annotated[str, BeforeValidator(zone)]
AbsolutePath = Annotated[str, BeforeValidator(absolute_path)]
SocketPath = Annotated[str, BeforeValidator(socket_path)]
SnmpOrOff = Annotated[str, BeforeValidator(snmp_or_off)]
WebhookOrOff = Annotated[str, BeforeValidator(webhook_or_off)]
Account = Annotated[str, BeforeValidator(account)]
Port = Annotated[int, Field(ge=1, le=_PORT_MAX)]


def at_least(least: int, remedy: str) -> AfterValidator:
    """A span that must not be shorter than `least` milliseconds."""

    def check(value: int | None) -> int | None:
        if value is not None and value < least:
            _refuse(f"at least {least // 1000} s", remedy)
        return value

    return AfterValidator(check)
