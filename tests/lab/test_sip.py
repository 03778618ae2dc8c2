"""SIP as the lab speaks it: parsing, answering, and cutting a stream."""

import pytest

from redundancyd.lab.sip import Malformed, address_of, answer, cut, parameter, parse

OPTIONS = (
    b"OPTIONS sip:192.0.2.11 SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 203.0.113.21:5060;branch=z9hG4bK-1;rport\r\n"
    b"Via: SIP/2.0/UDP 203.0.113.99;branch=z9hG4bK-0\r\n"
    b"f: <sip:1001@192.0.2.11>;tag=p1\r\n"
    b"t: <sip:1001@192.0.2.11>\r\n"
    b"i: call-1@203.0.113.21\r\n"
    b"CSeq: 7 OPTIONS\r\n"
    b"l: 0\r\n\r\n"
)


def test_an_answer_carries_back_what_names_the_request():
    """
    All Vias in order, From, Call-ID and CSeq as they were, To with a tag, and where the request came from.
    """
    said = parse(answer(parse(OPTIONS), 200, ("203.0.113.21", 5060), tag="x").pack())
    assert (said.status, said.method) == (200, "OPTIONS")
    assert said.all("via") == [
        "SIP/2.0/UDP 203.0.113.21:5060;branch=z9hG4bK-1;rport=5060;received=203.0.113.21",
        "SIP/2.0/UDP 203.0.113.99;branch=z9hG4bK-0",
    ]
    assert said.header("from") == "<sip:1001@192.0.2.11>;tag=p1"
    assert said.header("to") == "<sip:1001@192.0.2.11>;tag=x"
    assert (said.header("call-id"), said.header("cseq")) == ("call-1@203.0.113.21", "7 OPTIONS")


def test_trying_has_no_tag_and_a_tag_that_is_there_stays():
    """
    100 creates no dialog; within a dialog the tag is the one both know.
    """
    request = parse(OPTIONS)
    assert answer(request, 100, ("203.0.113.21", 5060), tag="x").header("to") == "<sip:1001@192.0.2.11>"
    tagged = parse(OPTIONS.replace(b"t: <sip:1001@192.0.2.11>", b"t: <sip:1001@192.0.2.11>;tag=old"))
    assert answer(tagged, 200, ("203.0.113.21", 5060), tag="x").header("to").endswith(";tag=old")


def test_the_branch_is_that_of_the_topmost_via():
    """
    It names the transaction.
    """
    assert parse(OPTIONS).branch == "z9hG4bK-1"


def test_a_request_from_elsewhere_than_its_via_says_is_noted():
    """
    Without rport a Via gets `received` only when its name differs from the source.
    """
    plain = parse(OPTIONS.replace(b";rport", b""))
    assert "received" not in answer(plain, 200, ("203.0.113.21", 5060), tag="x").all("via")[0]
    assert answer(plain, 200, ("198.51.100.9", 5060), tag="x").all("via")[0].endswith(";received=198.51.100.9")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        OPTIONS.replace(b"i: call", b"j: call"),
        OPTIONS[:40],
        b"\x00" * 500,
    ],
)
def test_what_is_no_sip_is_malformed(data: bytes):
    """
    Garbage, another protocol, a header too few, half a message.
    """
    with pytest.raises(Malformed):
        parse(data)


def test_a_stream_is_cut_into_whole_messages():
    """
    Two messages and a half: two come out, the half waits for its rest.
    """
    buffer = bytearray(b"\r\n\r\n" + OPTIONS + OPTIONS.replace(b"l: 0\r\n\r\n", b"l: 3\r\n\r\nabc") + OPTIONS[:30])
    assert cut(buffer) == OPTIONS
    assert (cut(buffer) or b"").endswith(b"abc")
    assert cut(buffer) is None
    buffer += OPTIONS[30:]
    assert cut(buffer) == OPTIONS


def test_a_stream_that_never_ends_a_message_is_given_up():
    """
    Headers without end and a body beyond all bounds are refused before they fill memory.
    """
    with pytest.raises(Malformed):
        cut(bytearray(b"x" * 70_000))
    with pytest.raises(Malformed):
        cut(bytearray(OPTIONS.replace(b"l: 0", b"l: 999999")))


def test_addresses_and_parameters_are_found_with_and_without_brackets():
    """
    Both spellings of a contact.
    """
    assert address_of('"A" <sip:1@192.0.2.1;transport=udp>;expires=5') == "sip:1@192.0.2.1;transport=udp"
    assert address_of("sip:1@192.0.2.1;expires=5") == "sip:1@192.0.2.1"
    assert parameter("<sip:1@192.0.2.1>;expires=5", "expires") == "5"
    assert parameter("<sip:1@192.0.2.1>", "expires") is None
