"""The mutants of the adapters: their deadlines, and who is believed when one has passed."""

from collections.abc import Iterator

from mutants.damage import Group, Mutant, of_text
from mutants.trees import Asked

FOLDER = "redundancyd/adapters/"
CHANNEL = ("deadlines", "local_channel", "ssh", "ssh_connecting")
SSH = ("ssh_connecting", "ssh")
SERVE = ("deadlines", "ssh", "local_channel")
PERFORM = ("deadlines", "perform")
TRAFFIC = ("traffic",)
PROBES = ("deadlines", "probes")

DEADLINES: tuple[tuple[str, str, tuple[str, ...], str, str], ...] = (
    (
        "channel",
        "an attempt to connect has no deadline",
        SSH,
        "asyncio.timeout(self._connect_timeout_ms / 1000):",
        "asyncio.timeout(None):",
    ),
    (
        "channel",
        "a refused key is tried again at once",
        SSH,
        "max(self._retry_ms, self.refused_retry_ms) if self._refused else self._retry_ms",
        "self._retry_ms",
    ),
    (
        "channel",
        "a broken channel is never tried again",
        CHANNEL,
        "await self._clock.sleep_until(started_at + pause_ms)",
        "return",
    ),
    ("channel", "a broken channel is not told", CHANNEL, "post(ChannelLost(", "str(ChannelLost("),
    (
        "channel",
        "a question waits for its channel without a deadline",
        SERVE,
        "async with asyncio.timeout(deadline_ms / 1000):\n                questions",
        "async with asyncio.timeout(None):\n                questions",
    ),
    (
        "channel",
        "a question stands before the orders",
        SERVE,
        "if not question:\n",
        "if True:\n",
    ),
    ("serve", "a request has no deadline", SERVE, "asyncio.timeout(deadline_ms / 1000), self._turn", "self._turn"),
    (
        "serve",
        "a late reply is taken for the next one",
        SERVE,
        'if sent:\n                self.end(f"{why} to',
        'if False:\n                self.end(f"{why} to',
    ),
    (
        "serve",
        "a request that was never sent closes the channel",
        SERVE,
        'if sent:\n                self.end(f"{why} to',
        'if True:\n                self.end(f"{why} to',
    ),
    (
        "serve",
        "a reply that nobody asked for is passed over",
        SERVE,
        'self.end(f"it said what nobody',
        'str(f"it said what nobody',
    ),
    ("serve", "a line without an end is kept for ever", SERVE, "if len(self._received) > REPLY_MAX:", "if False:"),
    (
        "serve",
        "requests are asked at once on one channel",
        SERVE,
        "asyncio.timeout(deadline_ms / 1000), self._turn",
        "asyncio.timeout(deadline_ms / 1000)",
    ),
    (
        "serve",
        "the end of a channel is not told to who waits",
        SERVE,
        "self._reply.set_exception(OutOfReach",
        "str(OutOfReach",
    ),
    (
        "ssh",
        "a host that takes no connection is waited for as long as a login",
        SSH,
        "asyncio.timeout(_TCP_S)",
        "asyncio.timeout(None)",
    ),
    ("ssh", "a silent host keeps a place for a handshake", SSH, "            await _wait_readable(sock)\n", ""),
    (
        "perform",
        "an order has no deadline beside its own",
        PERFORM,
        "asyncio.timeout(effect.deadline_ms / 1000 + _GRACE_S)",
        "asyncio.timeout(None)",
    ),
    (
        "perform",
        "servers are asked with no deadline of theirs",
        PERFORM,
        "supervisor=us.name, deadline_ms=effect.deadline_ms",
        "supervisor=us.name, deadline_ms=99_000",
    ),
    (
        "perform",
        "a look has no deadline of its own",
        PERFORM,
        "partial(traffic.look, deadline_ms=effect.deadline_ms)",
        "partial(traffic.look, deadline_ms=99_000)",
    ),
    ("perform", "a mistake of our own is no answer", PERFORM, "answer = Unreached(repr(error))", "return"),
    ("perform", "an unreached LIM is no answer", PERFORM, "answer = Unreached(error.came_back)", "return"),
    (
        "perform",
        "a goal that was not saved counts as saved",
        PERFORM,
        "self._post(GoalNotSaved(effect.op, str(error), self._clock.now()))",
        "self._post(GoalSaved(effect.op, self._clock.now()))",
    ),
    ("perform", "facts are asked again while they are under way", PERFORM, " or server in self._asked:", ":"),
    (
        "perform",
        "facts that ran out of time are asked again at once",
        PERFORM,
        "self._clock.now() + _FACTS_PAUSE_MS",
        "self._clock.now()",
    ),
    (
        "perform",
        "facts are asked without a channel",
        PERFORM,
        "channel is None or not channel.connected or",
        "channel is None or",
    ),
    ("perform", "stopping waits for ever", PERFORM, "timeout=grace_s", "timeout=None"),
    ("perform", "stopping waits for nobody", PERFORM, "if self._under_way:\n", "if False:\n"),
    (
        "traffic",
        "a reply of another LIM is believed",
        TRAFFIC,
        "return _elsewhere(reply, server) or _status(reply)",
        "return _status(reply)",
    ),
    (
        "traffic",
        "ok may be any word",
        TRAFFIC,
        'if reply.get("ok") is True:\n            return _elsewhere',
        'if reply.get("ok"):\n            return _elsewhere',
    ),
    (
        "traffic",
        "any number is believed",
        TRAFFIC,
        "type(number) is not int or not 0 <= number <= NUMBER_MAX",
        "type(number) is not int",
    ),
    (
        "traffic",
        "one silent control address outweighs one that is heard",
        TRAFFIC,
        "        if answers[-1]:\n            return True\n",
        "",
    ),
    (
        "probes",
        "a beat after a stall is made up for",
        PROBES,
        "return following if late_ms <= interval_ms // 2 else following + (late_ms // interval_ms + 1) * interval_ms",
        "return following",
    ),
    ("probes", "a beat that is a little late is skipped", PROBES, "late_ms <= interval_ms // 2", "late_ms <= 0"),
    (
        "probes",
        "a packet is waited for without a deadline",
        PROBES,
        "asyncio.timeout(max(0, until - self._clock.now()) / 1000)",
        "asyncio.timeout(None)",
    ),
    (
        "probes",
        "each packet waits for the whole time",
        PROBES,
        "self._timeout_ms * packet // self._packets",
        "self._timeout_ms * packet",
    ),
    (
        "probes",
        "a loop that was late makes silence of what has arrived",
        PROBES,
        "            target.drain()\n        self._tell()",
        "            pass\n        self._tell()",
    ),
    (
        "probes",
        "a reply to an older packet counts",
        PROBES,
        "(reply.id, reply.sequence) == (self._ident, self._sequence)",
        "reply.id == self._ident",
    ),
    (
        "probes",
        "what could not be sent counts as silence",
        PROBES,
        "return Reply.UNSENT if self.why_unsent else Reply.SILENT",
        "return Reply.SILENT",
    ),
    (
        "probes",
        "what could not be sent outweighs silence",
        PROBES,
        "(Reply.ANSWERED, Reply.SILENT, Reply.UNSENT)",
        "(Reply.ANSWERED, Reply.UNSENT, Reply.SILENT)",
    ),
)
"""File, what is damaged, who is asked, what stands there, and what is put in its place."""


def adapter_mutants() -> Iterator[Mutant]:
    """All of them."""
    for file, name, _, old, new in DEADLINES:
        yield of_text(f"{file}: {name}", Group.DEADLINE, f"{FOLDER}{file}.py", old, new)


FILES = {f"{file}: {name}": files for file, name, files, _, _ in DEADLINES}


def adapter_tests(name: str) -> Asked:
    """Who is asked about a deadline of an adapter."""
    return Asked(tuple(f"tests/adapters/test_{file}.py" for file in FILES[name]))
