"""What ignores its deadline, comes late or out of turn: neighbours that no real one can be made to be."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from redundancyd.adapters.channel import Channel, Link
from redundancyd.adapters.clock import Clock
from redundancyd.adapters.perform import Perform
from redundancyd.adapters.probes import Beats, Target
from redundancyd.adapters.serve import Serve
from redundancyd.core.effects import Effect, Look, Order
from redundancyd.core.events import Answered, Beat, Connected, Reply, ServersHeard, Unreached
from redundancyd.core.systems import Server, Supervisor, System, Word
from redundancyd.errors import OutOfReach
from tests.adapters.neighbours import SetClock
from tests.adapters.test_probes import settings

LIM = Server(System.PRIMARY, 1, "192.0.2.11")


class OneServe:
    """A link that opens one `serve` and leaves whoever wants a second one waiting."""

    def __init__(self) -> None:
        self.opened = 0

    async def serve(self) -> Serve:
        """The first, and then nothing."""
        self.opened += 1
        if self.opened > 1:
            await asyncio.Event().wait()
        return Serve(LIM.name, lambda _: None, lambda: None)

    def close(self) -> None:
        """Nothing to close."""


class OneServeChannel(Channel):
    """A channel over it."""

    async def _open(self) -> Link:
        return OneServe()

    def _explain(self, error: Exception) -> str:
        return str(error)


async def test_a_second_channel_that_never_opens_costs_one_deadline():
    """
    The LIM takes no further session: the question fails in its time, and does not hang.
    """
    channel = OneServeChannel(LIM, Clock(), retry_ms=1000, connect_timeout_ms=1000)
    posted: list[object] = []
    task = asyncio.create_task(channel.run(posted.append))
    async with asyncio.timeout(2):
        while not posted:
            await asyncio.sleep(0.005)
        with pytest.raises(OutOfReach, match="no second channel"):
            await channel.ask("facts", 50, question=True)
    assert isinstance(posted[0], Connected)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@dataclass
class Deaf:
    """A channel that ignores the deadline it is given."""

    server: Server
    connected: bool = False
    deadlines: list[int] = field(default_factory=list)

    async def ask(self, line: str, deadline_ms: int, *, question: bool = False) -> str:
        """Never."""
        self.deadlines.append(deadline_ms)
        await asyncio.Event().wait()
        return line


@pytest.mark.parametrize("effect", [Order(5, Word.BLOCK, 8, (LIM,), 30), Look(5, (LIM,), 30)])
async def test_a_channel_that_ignores_its_deadline_is_answered_for(effect: Effect):
    """
    The core waits for answers: one comes, whatever the channel does with the time it was given.
    """
    posted: list[object] = []
    channel = Deaf(LIM)
    async with asyncio.TaskGroup() as tasks, asyncio.timeout(2):
        perform = Perform(
            {LIM: channel},  # type: ignore[dict-item]
            SimpleNamespace(),
            SetClock(),
            posted.append,
            settings(),
            tasks,
        )
        assert isinstance(effect, Order | Look)
        perform.start(effect, Supervisor("id", ("run",)))
    assert channel.deadlines == [30]
    [answer] = posted
    assert isinstance(answer, Answered)
    assert isinstance(answer.answer, Unreached)


@dataclass
class Fake:
    """A target of which a test decides what it hears, and when."""

    said: Reply = Reply.SILENT
    late: bool = False  # its answer lies in the socket, and nobody has taken it yet

    @property
    def answered(self) -> bool:
        """Whether its answer was taken."""
        return self.said is Reply.ANSWERED

    def begin(self) -> None:
        """A beat begins."""

    def send(self) -> None:
        """A packet goes out."""

    def drain(self) -> None:
        """Take what lies there."""
        self.said = Reply.ANSWERED if self.late else self.said

    def reply(self) -> Reply:
        """How the beat ended."""
        return self.said


def beats_of(primary: Fake, *control: Fake) -> Beats:
    """Beats that ask these."""
    beats = Beats(settings(timeout_ms=30), Clock())
    beats._primary = primary  # type: ignore[assignment]
    beats._control = list(control)  # type: ignore[arg-type]
    beats._servers = {}
    return beats


@pytest.mark.S4
async def test_what_has_arrived_is_taken_before_a_beat_counts_as_silent():
    """
    The loop was late: the answer lies in the socket, and is no silence.
    """
    posted: list[Beat | ServersHeard] = []
    await beats_of(Fake(late=True), Fake(late=True))._beat(posted.append)
    [beat] = [each for each in posted if isinstance(each, Beat)]
    assert (beat.primary, beat.control) == (Reply.ANSWERED, Reply.ANSWERED)


@pytest.mark.S4
@pytest.mark.parametrize(
    ("replies", "expected"),
    [
        ([Reply.UNSENT, Reply.ANSWERED, Reply.SILENT], Reply.ANSWERED),
        ([Reply.UNSENT, Reply.SILENT], Reply.SILENT),
        ([Reply.UNSENT, Reply.UNSENT], Reply.UNSENT),
    ],
)
async def test_many_control_addresses_amount_to_one_reply(replies: list[Reply], expected: Reply):
    """
    Any that answers shows that we are connected; silence of one outweighs what could not be sent to another.
    """
    assert beats_of(Fake(), *(Fake(said) for said in replies))._control_reply() is expected


@pytest.mark.S4
@pytest.mark.parametrize(("behind", "counts"), [(0, True), (1, False)])
async def test_a_reply_to_the_beat_before_is_none_to_this_one(behind: int, counts: bool):
    """
    It comes in while the next beat waits: the address was heard too late.
    """
    target = Target("192.0.2.10", lambda: None)
    packets = [b"a reply"]

    def received(_: int) -> bytes:
        if not packets:
            raise BlockingIOError
        return packets.pop()

    def parsed(*_: object) -> SimpleNamespace:
        raises: Callable[[], None] = lambda: None  # noqa: E731
        return SimpleNamespace(
            id=target._ident, sequence=(target._sequence - behind) % 0x10000, raise_for_status=raises
        )

    target._icmp = SimpleNamespace(sock=SimpleNamespace(recv=received), _parse_reply=parsed)
    target.drain()
    assert target.answered == counts
