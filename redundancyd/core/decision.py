"""The front door: `step(state, event)`, `wake_at(state)`, `start(...)`.

A step learns what the event says, asks the table as often as there is a trigger, and returns the new state, the rows
it took and the effects they asked for.  It never waits, and it asks no clock: time is in the event.
"""

from dataclasses import dataclass, replace

from redundancyd.core import seen
from redundancyd.core.due import called_for, held
from redundancyd.core.effects import Effect, Look, Order, SaveGoal
from redundancyd.core.events import Event, GoalNotSaved, GoalSaved, OperatorAdopted, OperatorAsked
from redundancyd.core.fold import find, looking_until
from redundancyd.core.heartbeat import Verdict
from redundancyd.core.learn import learn
from redundancyd.core.state import Operation, Phase, State, first_state, passive
from redundancyd.core.systems import Goal, Kind, Methods, Pause, Server, Settings, Supervisor, System, Word
from redundancyd.core.takeover import TABLE, Ask, Row, Trigger, goal_for, heart_after

ROWS_AT_ONCE = 16
"""More rows in one step than any path of the table has: a loop would be a mistake of ours."""


@dataclass(frozen=True, slots=True)
class Taken:
    """One row that was taken, as the journal tells it."""

    row: Row
    trigger: Trigger
    phase: Phase  # the one it was taken from
    takeover: int
    reason: str  # the goal's own reason
    at: int


@dataclass(frozen=True, slots=True)
class Step:
    """What one event led to."""

    state: State
    rows: tuple[Taken, ...]
    effects: tuple[Effect, ...]


def start(
    settings: Settings, us: Supervisor, methods: Methods, goal: Goal | None, pause: Pause | None, at: int
) -> Step:
    """The first step of a daemon: look at everybody, order nobody."""
    state, look = _look(first_state(settings, us, methods, goal, pause, at), settings.servers)
    return Step(state, (), look)


def step(state: State, event: Event) -> Step:
    """The state after an event, the rows taken, the effects asked for."""
    before = state.verdict
    learnt = learn(state, event)
    state, effects, rows = learnt.state, list(learnt.effects), list[Taken]()
    if learnt.look_at_once:
        state, look = _look(state, learnt.look_at_once)
        effects += look
    saved = _saved_trigger(state, event)
    for _ in range(ROWS_AT_ONCE):
        found = (saved, None) if saved else find(state)
        saved = None
        if found is None:
            break
        trigger, due = found
        row = TABLE[state.phase, trigger]
        reached, asked_for = _take(state, row, trigger, goal_for(state, trigger, due) if row.ask is Ask.SAVE else None)
        goal = reached.goal
        rows.append(
            Taken(row, trigger, state.phase, goal.number if goal else 0, goal.reason if goal else "", state.now)
        )
        state = reached
        if state.phase is Phase.WATCHING:  # hands off: what this very step asked for is not sent either
            effects = [effect for effect in effects if not isinstance(effect, Order)]
        effects += asked_for
    else:
        raise AssertionError(f"the table runs in a circle at {state.phase}")
    if state.asked is not None:
        state = replace(state, asked=None)
    if state.verdict is not before:
        state = replace(state, look_at=state.now)
    if state.now >= state.look_at and not _is_taking_over(state):
        state, look = _look(state, state.settings.servers)
        state, save = _save_again(state)
        effects += look + save
    return Step(state, tuple(rows), tuple(effects))


def wake_at(state: State) -> int:
    """When the core wants a Woke, if nothing happens before."""
    instants = [state.look_at]
    if state.op is not None:
        instants.append(state.op.deadline_at)
    if state.phase is Phase.LOOKING:
        instants.append(looking_until(state))
    if state.stable_since is not None and state.goal is not None and state.goal.active is System.ALTERNATE:
        instants.append(state.stable_since + state.settings.return_after_ms)
    if state.goal is not None and state.goal.revert_at is not None:
        instants.append(state.goal.revert_at)
    if state.pause is not None:
        instants.append(state.pause.until)
    if state.reload is not None:
        instants.append(state.reload.until)
    return min([at for at in instants if at > state.now], default=state.now + state.settings.look_interval_ms)


def awaits_operator(state: State) -> str:
    """Why a takeover that the facts call for is not made; empty when none is called for, or it will be made."""
    called = called_for(state)
    return "" if called is None else held(state, called.active)


def _is_taking_over(state: State) -> bool:
    """Whether a takeover is under way: looks would stand in the way of its orders, and follow it at once."""
    under_way = state.phase in {Phase.SAVING, Phase.BLOCKING, Phase.ALLOWING}
    return under_way and state.goal is not None and not state.goal.done


def _saved_trigger(state: State, event: Event) -> Trigger | None:
    """The disk's answer, if it is the one that is waited for."""
    match event:
        case GoalSaved(op=op) if state.phase is Phase.SAVING and op == state.saving:
            return Trigger.SAVED
        case GoalNotSaved(op=op) if state.phase is Phase.SAVING and op == state.saving:
            if not state.saving_order:
                return Trigger.NOT_SAVED
            return Trigger.NOT_SAVED_ORDER if state.previous is not None else Trigger.NOT_SAVED_FIRST
        case _:
            return None


def _take(state: State, row: Row, trigger: Trigger, goal: Goal | None) -> tuple[State, tuple[Effect, ...]]:
    """The state after a row, and what it asks for."""
    request = state.asked.request if isinstance(state.asked, OperatorAsked | OperatorAdopted) else None
    before = state.op
    state = replace(state, phase=row.phase, op=None, heart=heart_after(state, trigger))
    match row.ask:
        case Ask.SAVE:
            assert goal is not None
            op = state.next_op
            ordered = state.asked is not None
            state = replace(state, next_op=op + 1, saving=op, previous=state.goal, goal=goal, asked=None)
            state = replace(state, saving_order=ordered)
            if trigger is Trigger.FAILED:
                state = replace(state, stable_since=None).noted("takeover_undone", str(goal.number), goal.reason)
            return state, (SaveGoal(op, goal, request),)
        case Ask.BLOCK:
            return _order(state, Word.BLOCK, before)
        case Ask.ALLOW:
            return _order(state, Word.ALLOW, before)
        case Ask.FINISH:
            return _finish(state)
        case Ask.LOOK:
            return _look(state, state.settings.servers) if row.phase is Phase.WATCHING else (state, ())
        case Ask.GIVE_BACK:
            return _give_back(state)


def _order(state: State, word: Word, before: Operation | None) -> tuple[State, tuple[Effect, ...]]:
    """Order every connected server that is not yet as the goal wants it; `before` is the order this one follows."""
    goal = state.goal
    assert goal is not None
    system = goal.active if word is Word.ALLOW else passive(goal)
    views = [view for view in seen.of(state.views, system) if view.needs_order(goal, state.us)]
    targets = frozenset(view.server for view in views if view.connected)
    waiting = frozenset(view.server for view in views if _is_waited_for(state, goal, view))
    tried = (before.tried if before else frozenset()) | (targets if word is Word.BLOCK else frozenset())
    limit = state.settings.allow_deadline_ms if word is Word.ALLOW else state.settings.block_deadline_ms
    deadline_at = state.now + limit
    if before is not None and before.word is word and goal.kind is Kind.AUTOMATIC:
        deadline_at = before.deadline_at  # whoever comes late does not put off a takeover of what is lost
    op = state.next_op
    state = replace(
        state,
        next_op=op + 1,
        op=Operation(op, word, targets, waiting, deadline_at, tried),
        views=tuple(replace(view, fresh=False, deaf=False) if view.server in targets else view for view in state.views),
    )
    order = Order(op, word, goal.number, tuple(sorted(targets)), limit)
    return state, (order,) if targets else ()


def _is_waited_for(state: State, goal: Goal, view: seen.View) -> bool:
    """A silent cut does not wait for the dead; a server with an order of unknown outcome is waited for while alive."""
    if goal.kind is Kind.AUTOMATIC and view.server.system is not goal.active and state.verdict is Verdict.LOST:
        return view.connected and view.heard_since(state.heart.missed_since)
    return view.connected or (view.doubtful and view.heard_since(state.now - state.settings.window_ms))


def _finish(state: State) -> tuple[State, tuple[Effect, ...]]:
    """Note on disk that the takeover was completed, once."""
    goal = state.goal
    assert goal is not None
    if goal.done:
        return state, ()
    op = state.next_op
    done = replace(goal, done=True, flips=0)
    return replace(state, goal=done, previous=None, next_op=op + 1, saving=op, trouble=""), (SaveGoal(op, done),)


def _give_back(state: State) -> tuple[State, tuple[Effect, ...]]:
    """The goal before, written again: the failed write may have reached the disk after all."""
    if state.previous is None:
        return replace(state, goal=None, saving=None), ()
    op = state.next_op
    before = state.previous
    return replace(state, goal=before, previous=None, next_op=op + 1, saving=op), (SaveGoal(op, before),)


def _save_again(state: State) -> tuple[State, tuple[Effect, ...]]:
    """A goal that the disk did not take is tried again with every look."""
    if not state.goal_unsaved or state.goal is None or state.phase is Phase.SAVING:
        return state, ()
    op = state.next_op
    return replace(state, next_op=op + 1, saving=op), (SaveGoal(op, state.goal),)


def _look(state: State, servers: tuple[Server, ...]) -> tuple[State, tuple[Effect, ...]]:
    """Read the traffic of these servers; those without a channel are looked at when it opens."""
    op = state.next_op
    everybody = servers == state.settings.servers
    reachable = tuple(server for server in servers if state.view(server).connected)
    state = replace(
        state,
        next_op=op + 1,
        looks=frozenset(old for old in state.looks if old > op - 64) | {op},
        look_at=state.now + state.settings.look_interval_ms if everybody else state.look_at,
    )
    deadline_ms = max(state.settings.block_deadline_ms, state.settings.interval_ms)
    return state, (Look(op, reachable, deadline_ms),) if reachable else ()
