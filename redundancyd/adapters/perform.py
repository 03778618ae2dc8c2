"""Does what the core asks for: each effect once, each server at once, and one answer for each.

No failure is lost: what a LIM or a disk does is an answer, and a mistake of our own is an answer too, with its
traceback in the journal, because traffic is moved on by answers.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import assert_never

from redundancyd.adapters import traffic
from redundancyd.adapters.channel import Channel
from redundancyd.adapters.clock import Clock
from redundancyd.adapters.goal_file import GoalFile
from redundancyd.adapters.journal import record
from redundancyd.core.effects import Effect, Look, Order, Refuse, SaveGoal
from redundancyd.core.events import Answered, FactsSeen, GoalNotSaved, GoalSaved, Refused, Unreached
from redundancyd.core.systems import Server, Status, System
from redundancyd.errors import NotSaved, OutOfReach

Answer = Answered | FactsSeen | GoalSaved | GoalNotSaved
_GRACE_S = 0.25
_FACTS_DEADLINE_MS = 12_000  # the exchange's own commands have 2 s each on the LIM


class Perform:
    """Starts effects as tasks; each posts its answer."""

    def __init__(
        self,
        channels: Mapping[Server, Channel],
        goal_file: GoalFile,
        clock: Clock,
        post: Callable[[Answer], None],
        *,
        supervisor: str,
        control: tuple[str, ...],
        refuse: Callable[[Refuse], None],
    ) -> None:
        self._channels = channels
        self._goal_file = goal_file
        self._clock = clock
        self._post = post
        self._supervisor = supervisor
        self._control = control
        self._refuse = refuse
        self._asked: set[Server] = set()
        """Servers whose facts are under way."""

    def start(self, effect: Effect, tasks: asyncio.TaskGroup) -> None:
        """Begin this effect in the group; returns at once."""
        match effect:
            case SaveGoal():
                tasks.create_task(self._save(effect), name=f"save goal {effect.goal.number}")
            case Order():
                for server in effect.servers:
                    answer = self._answer(effect, server, partial(self._order, effect))
                    tasks.create_task(answer, name=f"{effect.word} {effect.number} on {server.name}")
            case Look():
                for server in effect.servers:
                    answer = self._answer(effect, server, partial(traffic.look, deadline_ms=effect.deadline_ms))
                    tasks.create_task(answer, name=f"look at {server.name}")
                    self._ask_facts(server, tasks)
            case Refuse():
                self._refuse(effect)
            case _:
                assert_never(effect)

    async def _save(self, effect: SaveGoal) -> None:
        try:
            await self._goal_file.save(effect.goal)
        except NotSaved as error:
            self._post(GoalNotSaved(effect.op, str(error), self._clock.now()))
        except Exception as error:  # noqa: BLE001 - an unanswered goal would stop every takeover
            self._tell(error, "goal_not_saved")
            self._post(GoalNotSaved(effect.op, repr(error), self._clock.now()))
        else:
            self._post(GoalSaved(effect.op, self._clock.now()))

    def _order(self, effect: Order, channel: Channel) -> Awaitable[Status | Refused]:
        return traffic.order(channel, effect.word, effect.number, self._supervisor, effect.deadline_ms)

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
        except Exception as error:  # noqa: BLE001 - an unanswered order would stop every takeover
            self._tell(error, "effect_failed", server)
            answer = Unreached(repr(error))
        self._post(Answered(effect.op, server, answer, self._clock.now()))

    def _ask_facts(self, server: Server, tasks: asyncio.TaskGroup) -> None:
        """Beside a look, at most once at a time for each server: facts may take seconds."""
        channel = self._channels.get(server)
        if channel is None or not channel.connected or server in self._asked:
            return
        self._asked.add(server)
        tasks.create_task(self._facts(server), name=f"facts of {server.name}")

    async def _facts(self, server: Server) -> None:
        listens = server.system is System.PRIMARY and server.lim == 1
        try:
            channel, control = self._channels[server], self._control if listens else ()
            self._post(await traffic.facts(channel, control, _FACTS_DEADLINE_MS, self._clock))
        except OutOfReach:
            pass  # looks say it; old facts of a server out of reach count for nothing
        except Exception as error:  # noqa: BLE001 - the next look asks again
            self._tell(error, "facts_failed", server)
        finally:
            self._asked.discard(server)

    @staticmethod
    def _tell(error: Exception, event: str, server: Server | None = None) -> None:
        where = {} if server is None else {"lim": server.lim, "system": server.system}
        record(event, level="error", exc_info=error, **where)
