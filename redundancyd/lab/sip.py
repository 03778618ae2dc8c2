"""SIP as the lab speaks it (RFC 3261): messages parsed, answered and cut out of a TCP stream, purely."""

import re
from dataclasses import dataclass

CRLF = b"\r\n"
LARGEST = 65_535
COMPACT = {
    "v": "via",
    "f": "from",
    "t": "to",
    "i": "call-id",
    "m": "contact",
    "l": "content-length",
    "c": "content-type",
    "s": "subject",
    "k": "supported",
}
REASONS = {
    100: "Trying",
    180: "Ringing",
    200: "OK",
    400: "Bad Request",
    405: "Method Not Allowed",
    481: "Call/Transaction Does Not Exist",
    487: "Request Terminated",
}
ALLOWED = "REGISTER, OPTIONS, INVITE, ACK, BYE, CANCEL"


class Malformed(Exception):
    """What came is not a SIP message."""


@dataclass(frozen=True, slots=True)
class Message:
    """A request or an answer: its first line, its headers in order with their long names in small letters, its body."""

    first: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""

    @property
    def is_request(self) -> bool:
        """It asks; otherwise it answers."""
        return not self.first.startswith("SIP/2.0 ")

    @property
    def method(self) -> str:
        """What a request asks for, or what an answer is an answer to."""
        return self.first.split(" ", 1)[0] if self.is_request else self.header("cseq").rpartition(" ")[2]

    @property
    def status(self) -> int:
        """The number of an answer; 0 for a request."""
        return 0 if self.is_request else int(self.first.split(" ", 2)[1])

    def header(self, name: str) -> str:
        """The first header of that name; empty when there is none."""
        return next((value for key, value in self.headers if key == name), "")

    def all(self, name: str) -> list[str]:
        """Every header of that name, in order."""
        return [value for key, value in self.headers if key == name]

    @property
    def branch(self) -> str:
        """What names the transaction: the branch of the topmost Via."""
        found = re.search(r";\s*branch=([^;,\s]+)", self.header("via"))
        return found[1] if found else ""

    def pack(self) -> bytes:
        """The message as it goes over the wire."""
        lines = [self.first, *(f"{key.title()}: {value}" for key, value in self.headers if key != "content-length")]
        lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join([*lines, "", ""]).encode() + self.body


def parse(data: bytes) -> Message:
    """The message in a datagram, or between two cuts of a stream; Malformed when it is none."""
    head, blank, body = data.partition(CRLF + CRLF)
    if not blank:
        raise Malformed("no empty line after the headers")
    first, *lines = head.decode(errors="replace").split("\r\n")
    if " SIP/2.0" not in first and not re.match(r"SIP/2\.0 [1-6]\d\d ", first):
        raise Malformed(f"first line {first[:60]!r}")
    headers: list[tuple[str, str]] = []
    for line in lines:
        if line[:1] in {" ", "\t"} and headers:  # folded
            headers[-1] = (headers[-1][0], f"{headers[-1][1]} {line.strip()}")
            continue
        name, colon, value = line.partition(":")
        if not colon:
            raise Malformed(f"header line {line[:60]!r}")
        name = name.strip().lower()
        headers.append((COMPACT.get(name, name), value.strip()))
    message = Message(first, tuple(headers), body)
    for needed in ("via", "from", "to", "call-id", "cseq"):
        if not message.header(needed):
            raise Malformed(f"no {needed}")
    return message


def cut(buffer: bytearray) -> bytes | None:
    """Take one whole message off a stream's front; None while there is none; Malformed when there never will be."""
    while buffer[:2] == CRLF:  # keep-alive
        del buffer[:2]
    end = buffer.find(CRLF + CRLF)
    if end < 0:
        if len(buffer) > LARGEST:
            raise Malformed("headers without end")
        return None
    found = re.search(rb"(?im)^(?:content-length|l)\s*:\s*(\d{1,6})\s*$", bytes(buffer[: end + 2]))
    size = end + 4 + (int(found[1]) if found else 0)
    if size > LARGEST:
        raise Malformed(f"a message of {size} bytes")
    if len(buffer) < size:
        return None
    whole = bytes(buffer[:size])
    del buffer[:size]
    return whole


def answer(
    request: Message,
    status: int,
    source: tuple[str, int],
    *,
    tag: str,
    more: tuple[tuple[str, str], ...] = (),
    body: bytes = b"",
) -> Message:
    """The answer to a request from `source`: its Vias, From, Call-ID and CSeq as they were, To with our tag."""
    vias = request.all("via")
    vias[0] = _received(vias[0], source)
    to = request.header("to")
    if ";tag=" not in to and status > 100:
        to = f"{to};tag={tag}"
    headers = [("via", via) for via in vias]
    headers += [("record-route", route) for route in request.all("record-route")]
    headers += [("from", request.header("from")), ("to", to)]
    headers += [("call-id", request.header("call-id")), ("cseq", request.header("cseq"))]
    return Message(f"SIP/2.0 {status} {REASONS[status]}", (*headers, *more), body)


def _received(via: str, source: tuple[str, int]) -> str:
    """Add where the request really came from, as RFC 3261 18.2.1 and RFC 3581 want it."""
    host, number = source
    if re.search(r";\s*rport(?=;|$)", via):
        via = re.sub(r";\s*rport(?=;|$)", f";rport={number}", via)
        return f"{via};received={host}"
    sent_by = via.split(" ", 1)[-1].partition(";")[0].strip()
    name = sent_by[1:].partition("]")[0] if sent_by.startswith("[") else sent_by.partition(":")[0]
    return via if name == host else f"{via};received={host}"


def address_of(value: str) -> str:
    """The URI in a From, To or Contact, without name, brackets and parameters behind it."""
    found = re.search(r"<([^>]*)>", value)
    return found[1] if found else value.partition(";")[0].strip()


def parameter(value: str, name: str) -> str | None:
    """A parameter of a header value; None when it is not there."""
    found = re.search(rf";\s*{name}\s*=\s*([^;,\s>]+)", value)
    return found[1] if found else None
