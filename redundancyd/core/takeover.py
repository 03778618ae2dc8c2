"""The takeover table: (phase, trigger) -> next phase, what is asked for, and why.

The goal is on disk before a server is touched.  The passive system is blocked before the active one is allowed.
Afterwards we look, and repair the difference by the same rows; a restart is the ordinary way to begin.  A takeover
that cannot be completed is undone by a goal of its own, with a number of its own: a LIM refuses an older number, and an
equal one with another word, so that two goals can never be obeyed at once.

The table is total: every pair of phase and trigger is a row, or ignored for a reason, or impossible (tests/core).
This module alone changes the goal.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from redundancyd.core import heartbeat, seen
from redundancyd.core.due import HOUR_MS, Due
from redundancyd.core.events import OperatorAsked
from redundancyd.core.state import Phase, State
from redundancyd.core.systems import Goal, Kind, System


class Trigger(StrEnum):
    """What facts and answers amount to, one at a time."""

    LOOKED = "looked"  # after a start every LIM has answered, or had its time
    SEEN_OTHERWISE = "seen_otherwise"  # traffic is not where the goal wants it
    DUE = "due"  # an automatic takeover, or the operator's own revert
    ASKED = "asked"  # a manual takeover, and nothing speaks against it
    SAVED = "saved"
    NOT_SAVED = "not_saved"  # the disk failed; the takeover goes on, the LIMs remember its number
    NOT_SAVED_ORDER = "not_saved_order"  # the disk failed; an order that could be lost is not accepted
    NOT_SAVED_FIRST = "not_saved_first"  # the same, and there was no goal before it
    BLOCKED = "blocked"  # the whole passive system confirmed
    NOT_ALL_BLOCKED = "not_all_blocked"  # what can be reached is blocked; the rest is lost, or accepted as missing
    ALLOWED = "allowed"  # every LIM number of the active system confirmed
    NOT_ALL_ALLOWED = "not_all_allowed"  # some did, and going on serves better than going back
    NONE_ALLOWED = "none_allowed"  # none did, and the other system cannot be reached either
    FAILED = "failed"  # the takeover cannot be completed, and the other system can be reached
    BEHIND = "behind"  # the LIMs hold a newer order of our own: our disk is old
    FOREIGN = "foreign"  # a LIM holds a newer order of another supervisor
    BY_HAND = "by_hand"  # somebody allowed the primary on the spot while nothing else was active
    FOUND = "found"  # no goal, but the LIMs show one system that is active by our order
    ADOPTED = "adopted"  # the operator makes us the supervisor


P, T = Phase, Trigger


class Ask(StrEnum):
    """What a row asks for."""

    SAVE = "save the goal"
    BLOCK = "block the passive system"
    ALLOW = "allow the active system"
    FINISH = "note that it is done"
    LOOK = "look"
    GIVE_BACK = "take back the goal and tell the operator"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; `why` is what the operator reads in the journal."""

    number: str
    phase: Phase
    ask: Ask
    why: str


TABLE: dict[tuple[Phase, Trigger], Row] = {
    (P.RESTING, T.DUE): Row("T01", P.SAVING, Ask.SAVE, "the active system is gone, or the preferred one is back"),
    (P.RESTING, T.ASKED): Row("T02", P.SAVING, Ask.SAVE, "the operator ordered it"),
    (P.RESTING, T.SEEN_OTHERWISE): Row("T03", P.BLOCKING, Ask.BLOCK, "traffic is not where it should be"),
    (P.SAVING, T.SAVED): Row("T04", P.BLOCKING, Ask.BLOCK, "block there before allowing here"),
    (P.SAVING, T.NOT_SAVED): Row("T05", P.BLOCKING, Ask.BLOCK, "the disk failed; the LIMs remember the number"),
    (P.SAVING, T.NOT_SAVED_ORDER): Row("T06", P.RESTING, Ask.GIVE_BACK, "an order that could be lost is not accepted"),
    (P.BLOCKING, T.BLOCKED): Row("T07", P.ALLOWING, Ask.ALLOW, "the other system is blocked"),
    (P.BLOCKING, T.NOT_ALL_BLOCKED): Row(
        "T08", P.ALLOWING, Ask.ALLOW, "out of reach; looking blocks it as soon as it answers"
    ),
    (P.BLOCKING, T.FAILED): Row("T09", P.SAVING, Ask.SAVE, "it could not be blocked, so the takeover is undone"),
    (P.BLOCKING, T.DUE): Row("T10", P.SAVING, Ask.SAVE, "what was under way is overtaken: the primary is lost"),
    (P.BLOCKING, T.ASKED): Row("T11", P.SAVING, Ask.SAVE, "the operator ordered it during a repair"),
    (P.ALLOWING, T.ALLOWED): Row("T12", P.RESTING, Ask.FINISH, "takeover done"),
    (P.ALLOWING, T.NOT_ALL_ALLOWED): Row("T13", P.RESTING, Ask.FINISH, "done in part; looking allows the rest"),
    (P.ALLOWING, T.NONE_ALLOWED): Row("T14", P.RESTING, Ask.LOOK, "nobody can be reached; looking goes on trying"),
    (P.ALLOWING, T.FAILED): Row("T15", P.SAVING, Ask.SAVE, "it could not be allowed, so the takeover is undone"),
    (P.ALLOWING, T.DUE): Row("T16", P.SAVING, Ask.SAVE, "what was under way is overtaken: the primary is lost"),
    (P.ALLOWING, T.ASKED): Row("T17", P.SAVING, Ask.SAVE, "the operator ordered it during a repair"),
    (P.LOOKING, T.LOOKED): Row("T18", P.BLOCKING, Ask.BLOCK, "a start begins with the goal, like every look"),
    (P.LOOKING, T.BEHIND): Row("T19", P.SAVING, Ask.SAVE, "our disk is behind; the LIMs remember our last goal"),
    (P.LOOKING, T.FOREIGN): Row("T20", P.WATCHING, Ask.LOOK, "another supervisor ordered these LIMs; hands off"),
    (P.LOOKING, T.BY_HAND): Row("T21", P.SAVING, Ask.SAVE, "allowed by hand while nothing was active: adopted"),
    (P.RESTING, T.BEHIND): Row("T22", P.SAVING, Ask.SAVE, "our disk is behind; the LIMs remember our last goal"),
    (P.RESTING, T.FOREIGN): Row("T23", P.WATCHING, Ask.LOOK, "another supervisor ordered these LIMs; hands off"),
    (P.RESTING, T.BY_HAND): Row("T24", P.SAVING, Ask.SAVE, "allowed by hand while nothing was active: adopted"),
    (P.BLOCKING, T.BEHIND): Row("T25", P.SAVING, Ask.SAVE, "our disk is behind; the LIMs remember our last goal"),
    (P.BLOCKING, T.FOREIGN): Row("T26", P.WATCHING, Ask.LOOK, "another supervisor ordered these LIMs; hands off"),
    (P.ALLOWING, T.BEHIND): Row("T27", P.SAVING, Ask.SAVE, "our disk is behind; the LIMs remember our last goal"),
    (P.ALLOWING, T.FOREIGN): Row("T28", P.WATCHING, Ask.LOOK, "another supervisor ordered these LIMs; hands off"),
    (P.ASKING, T.FOUND): Row("T29", P.SAVING, Ask.SAVE, "one system is active by our order: that is the goal"),
    (P.ASKING, T.ASKED): Row("T30", P.SAVING, Ask.SAVE, "there was no goal; the operator gives one"),
    (P.ASKING, T.FOREIGN): Row("T31", P.WATCHING, Ask.LOOK, "another supervisor ordered these LIMs; hands off"),
    (P.WATCHING, T.ADOPTED): Row("T32", P.SAVING, Ask.SAVE, "the operator makes us the supervisor"),
    (P.SAVING, T.NOT_SAVED_FIRST): Row("T33", P.ASKING, Ask.GIVE_BACK, "an order that could be lost is not accepted"),
    (P.RESTING, T.FAILED): Row("T34", P.SAVING, Ask.SAVE, "nobody can be allowed here, so the takeover is undone"),
    (P.BLOCKING, T.SEEN_OTHERWISE): Row("T35", P.BLOCKING, Ask.BLOCK, "a server came into reach meanwhile"),
    (P.RESTING, T.ALLOWED): Row("T36", P.RESTING, Ask.FINISH, "looking found it done after all"),
    (P.ALLOWING, T.SEEN_OTHERWISE): Row("T37", P.BLOCKING, Ask.BLOCK, "a server came into reach meanwhile"),
}

_TOLD = "told to the operator, who is refused with the reason"
_LATER = "looked for again in the phase that follows"
IGNORED: dict[tuple[Phase, Trigger], str] = {
    (P.SAVING, T.DUE): _LATER,
    (P.SAVING, T.ASKED): _TOLD,
    (P.SAVING, T.SEEN_OTHERWISE): _LATER,
    (P.SAVING, T.BEHIND): _LATER,
    (P.SAVING, T.FOREIGN): _LATER,
    (P.SAVING, T.BY_HAND): _LATER,
    (P.BLOCKING, T.BY_HAND): "the goal under way wins; looking adopts it when it is seen at rest",
    (P.ALLOWING, T.BY_HAND): "the goal under way wins; looking adopts it when it is seen at rest",
    (P.LOOKING, T.DUE): "no order before every LIM has answered or had its time",
    (P.LOOKING, T.ASKED): _TOLD,
    (P.LOOKING, T.SEEN_OTHERWISE): "no order before every LIM has answered or had its time",
    (P.WATCHING, T.DUE): "hands off",
    (P.WATCHING, T.ASKED): _TOLD,
    (P.WATCHING, T.SEEN_OTHERWISE): "hands off",
    (P.WATCHING, T.FOREIGN): "known",
    (P.WATCHING, T.BEHIND): "hands off",
    (P.WATCHING, T.BY_HAND): "hands off",
}

_ORDER_ENDS = {T.BLOCKED, T.NOT_ALL_BLOCKED, T.NOT_ALL_ALLOWED, T.NONE_ALLOWED}
_SAVE_ENDS = {T.SAVED, T.NOT_SAVED, T.NOT_SAVED_ORDER, T.NOT_SAVED_FIRST}


def impossible(phase: Phase, trigger: Trigger) -> str:
    """Why a pair cannot come about; empty for one that can."""
    if trigger in _SAVE_ENDS and phase is not P.SAVING:
        return "nothing is being saved"
    if trigger in _ORDER_ENDS and phase not in {P.BLOCKING, P.ALLOWING}:
        return "nothing is being ordered"
    if trigger in {T.FAILED, T.ALLOWED} and phase not in {P.BLOCKING, P.ALLOWING, P.RESTING}:
        return "no takeover has got so far"
    if phase is P.BLOCKING and trigger in {T.ALLOWED, T.NOT_ALL_ALLOWED, T.NONE_ALLOWED}:
        return "allowing has not begun"
    if phase is P.ALLOWING and trigger in {T.BLOCKED, T.NOT_ALL_BLOCKED}:
        return "blocking is over"
    if trigger is T.LOOKED and phase is not P.LOOKING:
        return "only a start waits for a look"
    if trigger is T.FOUND and phase is not P.ASKING:
        return "there is a goal"
    if trigger is T.ADOPTED and phase is not P.WATCHING:
        return "there is nothing to adopt"
    if phase is P.ASKING:
        return "there is no goal to compare with"
    return ""


def goal_for(state: State, trigger: Trigger, due: Due | None) -> Goal:
    """The goal that a row with Ask.SAVE puts on disk."""
    match trigger:
        case T.DUE:
            assert due is not None
            return _automatic(state, due)
        case T.ASKED:
            assert isinstance(state.asked, OperatorAsked)
            return _ordered(state, state.asked)
        case T.FAILED:
            return _undone(state)
        case T.BEHIND:
            number = seen.highest_number(state.views)
            active = seen.active_by_words(state.views, number) or _goal(state).active
            known = number if number > _goal(state).number else None  # LIMs that disagree need a new one
            # Whose order it was is not known; what may have been the operator's is not reversed by itself (S6).
            return _fresh(state, active, Kind.FORCED, "taken from the LIMs", by_operator=True, number=known)
        case T.BY_HAND:
            return _fresh(state, System.PRIMARY, Kind.FORCED, "allowed by hand", by_operator=True)
        case T.FOUND:
            active = seen.the_one_allowed(state.views) or System.PRIMARY
            return _fresh(state, active, Kind.FORCED, "the one system that was seen allowed")
        case _:
            active = _seen_or_goal(state)
            return _fresh(state, active, Kind.FORCED, "adopted by the operator", by_operator=True)


def heart_after(state: State, trigger: Trigger) -> heartbeat.Heartbeat:
    """What was counted is used up by an undone takeover; and where LIMs told the goal, they answered after it."""
    used = trigger is T.FOUND or (trigger is T.FAILED and _goal(state).kind is Kind.AUTOMATIC)
    return heartbeat.forget(state.heart) if used else state.heart


def _automatic(state: State, due: Due) -> Goal:
    goal = _goal(state)
    if due.kind is Kind.PLANNED and goal.revert_at is not None:
        return replace(_successor(state, due.active, due.kind, due.reason), by_operator=due.by_operator)
    recent = (*(at for at in goal.recent if state.now - at < HOUR_MS), state.now)
    latched = len(recent) >= state.settings.takeovers_per_hour
    return replace(_successor(state, due.active, due.kind, due.reason), recent=recent, latched=latched)


def _ordered(state: State, asked: OperatorAsked) -> Goal:
    reason = f"ordered by {asked.who}"
    if state.goal is None:
        return _fresh(state, asked.active, Kind.FORCED, reason, by_operator=True)
    revert_at = None if asked.revert_after_ms is None else state.now + asked.revert_after_ms
    stays = state.goal.active is asked.active  # nothing moves, so there is nothing to undo
    goal = _successor(state, asked.active, Kind.FORCED if stays else Kind.PLANNED, reason)
    done = stays and state.goal.done
    return replace(goal, by_operator=True, accepted=asked.accept, revert_at=revert_at, done=done)


def _undone(state: State) -> Goal:
    goal = _goal(state)
    reason = f"takeover {goal.number} could not be completed: {state.trouble or _late(state, goal)}"
    undone = _successor(state, goal.active.other, Kind.FORCED, reason)
    again_at = None  # a return that was ordered together with an earlier takeover is tried again, not at once
    if goal.former_revert_at is not None:
        again_at = max(goal.former_revert_at, state.now + state.settings.return_after_ms)
    return replace(
        undone,
        by_operator=goal.other_by_operator,
        flips=goal.flips + 1,
        revert_at=again_at,
        accepted=goal.former_accepted,
    )


def _late(state: State, goal: Goal) -> str:
    """Who was still waited for when the time was over."""
    waiting = state.op.waiting if state.op else frozenset()
    views = (view for view in state.views if view.server in waiting and not view.is_as_wanted(goal, state.us))
    return f"{', '.join(view.server.name for view in views) or 'a LIM'} did not answer in time"


def _successor(state: State, active: System, kind: Kind, reason: str) -> Goal:
    """The next goal: remembers whether the operator had ordered what it leaves."""
    goal = _goal(state)
    return Goal(
        active=active,
        number=state.number_after(),
        kind=kind,
        by_operator=False,
        reason=reason,
        decided_at=state.now,
        other_by_operator=goal.by_operator if goal.active is not active else goal.other_by_operator,
        former_revert_at=goal.revert_at,
        former_accepted=goal.accepted,
        recent=goal.recent,
        latched=goal.latched,
    )


def _fresh(
    state: State, active: System, kind: Kind, reason: str, *, by_operator: bool = False, number: int | None = None
) -> Goal:
    """A goal that follows from no other."""
    number = state.number_after() if number is None else number
    recent, latched = (state.goal.recent, state.goal.latched) if state.goal else ((), False)
    return Goal(active, number, kind, by_operator, reason, state.now, recent=recent, latched=latched)


def _goal(state: State) -> Goal:
    assert state.goal is not None, f"phase {state.phase} without a goal"
    return state.goal


def _seen_or_goal(state: State) -> System:
    return seen.the_one_allowed(state.views) or (state.goal.active if state.goal else System.PRIMARY)
