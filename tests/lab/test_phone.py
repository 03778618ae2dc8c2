"""A phone prefers the primary, turns to the alternate when it must, and goes back at the first answer."""

import pytest

from redundancyd.lab.phone import MS, PATIENCE, REGISTER_EVERY, Log, Phone


class Paper(Phone):
    """A phone whose packets go nowhere: the test answers in the network's place."""

    transport = "UDP"

    def __init__(self) -> None:
        super().__init__(1, "203.0.113.21", {"primary": "192.0.2.11", "alternate": "198.51.100.11"}, Log())
        self.sent: list[tuple[int, bytes]] = []
        self.refused: set[int] = set()

    def send(self, system: int, data: bytes, now: int) -> bool:
        """Keep what was sent."""
        self.sent.append((system, data))
        return system not in self.refused

    def answer(self, system: int, at: int) -> None:
        """The system answers the last REGISTER it was sent."""
        number = next(data for to, data in reversed(self.sent) if to == system).split(b"CSeq: ")[1].split(b" ")[0]
        self.answered(system, b"SIP/2.0 200 OK\r\nCSeq: " + number + b" REGISTER\r\n\r\n", at)


@pytest.fixture
def phone() -> Paper:
    """A phone that has just asked the primary."""
    made = Paper()
    made.next_register = 0
    made.tick(0)
    return made


def test_it_asks_the_primary_first_and_stays_there(phone: Paper):
    """
    One REGISTER a second, none to the alternate.
    """
    phone.answer(0, 1 * MS)
    phone.tick(REGISTER_EVERY)
    assert [system for system, _ in phone.sent] == [0, 0]
    assert phone.registered == "primary"


def test_it_turns_to_the_alternate_when_the_primary_stays_silent(phone: Paper):
    """
    Not before its patience is over.
    """
    phone.tick(PATIENCE)
    assert [system for system, _ in phone.sent] == [0]
    phone.tick(PATIENCE + 1)
    phone.answer(1, PATIENCE + 2)
    assert phone.registered == "alternate"


def test_it_turns_to_the_alternate_at_once_when_the_network_refuses(phone: Paper):
    """
    An ICMP message does what silence does, only sooner.
    """
    phone.unanswered(0, 1 * MS)
    assert [system for system, _ in phone.sent] == [0, 1]


def test_it_goes_back_as_soon_as_the_primary_answers(phone: Paper):
    """
    One answered packet is enough, even one that comes late.
    """
    phone.unanswered(0, 1 * MS)
    phone.answer(1, 2 * MS)
    phone.answer(0, 3 * MS)
    assert phone.registered == "primary"
    assert [system for _, _, system in phone.log.moves] == ["alternate", "primary"]


def test_it_is_served_by_nobody_when_neither_answers(phone: Paper):
    """
    The registration that was is noted as lost.
    """
    phone.answer(0, 1 * MS)
    phone.refused = {0, 1}
    phone.tick(REGISTER_EVERY)
    assert phone.registered is None


def test_every_answer_is_logged_refusals_are_not(phone: Paper):
    """
    Only what is answered with 200 counts as activity.
    """
    phone.answered(0, b"SIP/2.0 200 OK\r\nCSeq: 9 OPTIONS\r\n\r\n", 5 * MS)
    phone.answered(0, b"SIP/2.0 503 Service Unavailable\r\nCSeq: 10 OPTIONS\r\n\r\n", 6 * MS)
    assert list(phone.log.at) == [5 * MS]
    assert phone.log.last == [5 * MS, 0]
