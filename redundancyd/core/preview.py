"""What a manual takeover would do: the core itself, run ahead in a world where everybody obeys."""

from dataclasses import dataclass

from redundancyd.core import seen
from redundancyd.core.decision import step
from redundancyd.core.effects import Effect, Load, Look, Order, Refuse, SaveGoal
from redundancyd.core.events import Answered, Event, GoalSaved, OperatorAsked
from redundancyd.core.learn import refusal
from redundancyd.core.state import State
from redundancyd.core.systems import Origin, Status, System

STEPS_AHEAD = 1000
"""More effects than any takeover has; a preview that does not end would be a mistake of ours."""


@dataclass(frozen=True, slots=True)
class Preview:
    """Now, will do, afterwards; or why it would be refused."""

    now: tuple[str, ...]
    will_do: tuple[str, ...]
    afterwards: tuple[str, ...]
    refused: str = ""


def preview(state: State, asked: OperatorAsked) -> Preview:
    """What an order would lead to if every LIM in reach followed."""
    before = traffic_lines(state)
    if refused := refusal(state, asked):
        return Preview(before, (), before, refused.why)
    will_do: list[str] = []
    waiting: list[Event] = [asked]
    for _ in range(STEPS_AHEAD):
        if not waiting:
            break
        taken = step(state, waiting.pop(0))
        state = taken.state
        for effect in taken.effects:
            will_do += _told(effect)
            waiting += _obeyed(state, effect)
    if asked.revert_after_ms is not None:
        will_do.append(f"take the {asked.active.other} back after {asked.revert_after_ms // 1000} s unless confirmed")
    return Preview(before, tuple(will_do), traffic_lines(state))


def traffic_lines(state: State) -> tuple[str, ...]:
    """One line a system: what its LIMs were last seen to do."""
    return tuple(_traffic_line(state, system) for system in System)


def _traffic_line(state: State, system: System) -> str:
    told = []
    for view in seen.of(state.views, system):
        traffic = "not seen yet" if view.status is None else str(view.status.traffic)
        told.append(f"{view.server.name} {traffic}" + ("" if view.connected else " (out of reach)"))
    return f"{system}: " + ", ".join(told)


def _told(effect: Effect) -> list[str]:
    match effect:
        case SaveGoal(goal=goal) if not goal.done:
            return [f"save the goal: {goal.active} active, takeover {goal.number}"]
        case Order(word=word, servers=servers, deadline_ms=deadline_ms):
            names = ", ".join(server.name for server in servers)
            return [f"{word} {names}, read back (within {deadline_ms} ms)"]
        case _:
            return []


def _obeyed(state: State, effect: Effect) -> list[Event]:
    match effect:
        case SaveGoal(op=op):
            return [GoalSaved(op, state.now)]
        case Order(op=op, word=word, number=number, servers=servers):
            status = Status(word.traffic, number, word, state.us.name, Origin.ORDER)
            return [Answered(op, server, status, state.now) for server in servers]
        case Look() | Refuse() | Load():
            return []
