"""Does what the core asks for: each effect once, each server at once, and one answer for each.

No failure is lost: what a LIM or a disk does is an answer, and a mistake of our own is an answer too, with its
traceback in the journal, because traffic is moved on by answers.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from functools import partial
from typing import Protocol, assert_never

from redundancyd.adapters import traffic
from redundancyd.adapters.channel import Channel
from redundancyd.adapters.clock import Clock
from redundancyd.adapters.journal import record
from redundancyd.config import Config
from redundancyd.core.effects import Look, Order, SaveGoal
from redundancyd.core.events import Answered, FactsSeen, GoalNotSaved, GoalSaved, Refused, Unreached
from redundancyd.core.systems import Goal, Server, Status, Supervisor, System
from redundancyd.errors import NotSaved, OutOfReach

Answer = Answered | FactsSeen | GoalSaved | GoalNotSaved
_GRACE_S = 0.25
_FACTS_PAUSE_MS = 30_000
_FACTS_DEADLINE_MS = 12_000  # the exchange's own commands have 2 s each on the LIM


class Shelf(Protocol):
    """Where the goal is kept."""

    async def save(self, goal: Goal) -> None:
        """On disk when it returns; NotSaved otherwise."""


class Perform:
    """Starts effects as tasks; each posts its answer."""

    def __init__(
        self,
        channels: Mapping[Server, Channel],
        shelf: Shelf,
        clock: Clock,
        post: Callable[[Answer], None],
        config: Config,
        tasks: asyncio.TaskGroup,
    ) -> None:
        self._channels = channels
        self._shelf = shelf
        self._clock = clock
        self._post = post
        self._control = tuple(config.network_control.addresses)
        self._tasks = tasks
        self._under_way: set[asyncio.Task[None]] = set()
        self._asked: set[Server] = set()
        """Servers whose facts are under way."""
        self._quiet_until: dict[Server, int] = {}
        """Servers whose facts ran out of time: each such question may have left a process behind on the LIM."""

    def start(self, effect: SaveGoal | Order | Look, us: Supervisor) -> None:
        """Begin this effect; returns at once."""
        match effect:
            case SaveGoal():
                self._begin(self._save(effect), f"save goal {effect.goal.number}")
            case Order(word=word, number=number):
                for server in effect.servers:
                    order = partial(
                        traffic.order, word=word, number=number, supervisor=us.name, deadline_ms=effect.deadline_ms
                    )
                    self._begin(self._answer(effect, server, order), f"{word} {number} on {server.name}")
            case Look():
                for server in effect.servers:
                    look = partial(traffic.look, deadline_ms=effect.deadline_ms)
                    self._begin(self._answer(effect, server, look), f"look at {server.name}")
                    self._ask_facts(server)
            case _:
                assert_never(effect)

    def _begin(self, work: Coroutine[None, None, None], name: str) -> None:
        task = self._tasks.create_task(work, name=name)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def finish(self, grace_s: float) -> None:
        """Return when every effect under way has been answered, or the time is over."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=grace_s)

    async def _save(self, effect: SaveGoal) -> None:
        try:
            await self._shelf.save(effect.goal)
        except NotSaved as error:
            self._post(GoalNotSaved(effect.op, str(error), self._clock.now()))
        except Exception as error:  # noqa: BLE001 - an unanswered goal would stop every takeover
            self._tell(error, "goal_not_saved")
            self._post(GoalNotSaved(effect.op, repr(error), self._clock.now()))
        else:
            self._post(GoalSaved(effect.op, self._clock.now()))

    async def _answer(
        self, effect: Order | Look, server: Server, ask: Callable[[Channel], Awaitable[Status | Refused]]
    ) -> None:
        """Post exactly one answer, whatever happens."""
        answer: Status | Refused | Unreached
        try:
            async with asyncio.timeout(effect.deadline_ms / 1000 + _GRACE_S):  # its own deadline comes first
                answer = await ask(self._channels[server])
        except OutOfReach as error:
            answer = Unreached(error.came_back)
        except TimeoutError:  # a stall of our own has let both deadlines pass
            answer = Unreached(f"no answer within {effect.deadline_ms} ms")
        except Exception as error:  # noqa: BLE001 - an unanswered order would stop every takeover
            self._tell(error, "effect_failed", server)
            answer = Unreached(repr(error))
        self._post(Answered(effect.op, server, answer, self._clock.now()))

    def _ask_facts(self, server: Server) -> None:
        """Beside a look, at most once at a time for each server: facts may take seconds."""
        channel = self._channels.get(server)
        if channel is None or not channel.connected or server in self._asked:
            return
        if self._clock.now() < self._quiet_until.get(server, 0):
            return
        self._asked.add(server)
        self._tasks.create_task(self._facts(server), name=f"facts of {server.name}")

    async def _facts(self, server: Server) -> None:
        listens = server.system is System.PRIMARY and server.lim == 1
        try:
            channel, control = self._channels[server], self._control if listens else ()
            self._post(await traffic.facts(channel, control, _FACTS_DEADLINE_MS, self._clock))
        except OutOfReach as error:
            if self._channels[server].connected:  # a channel that broke left nothing running there
                self._quiet_until[server] = self._clock.now() + _FACTS_PAUSE_MS
            record("facts_missing", level="debug", lim=server.lim, system=server.system, why=error.came_back)
        except Exception as error:  # noqa: BLE001 - the next look asks again
            self._tell(error, "facts_failed", server)
        finally:
            self._asked.discard(server)

    @staticmethod
    def _tell(error: Exception, event: str, server: Server | None = None) -> None:
        where = {} if server is None else {"lim": server.lim, "system": server.system}
        record(event, level="error", exc_info=error, **where)
