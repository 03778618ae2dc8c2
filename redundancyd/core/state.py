"""The frozen state of the decision: anything can branch from it, nothing can change it."""

from dataclasses import dataclass, replace
from enum import StrEnum

from redundancyd.core import heartbeat, seen
from redundancyd.core.events import OperatorAdopted, OperatorAsked
from redundancyd.core.heartbeat import Heartbeat, Verdict
from redundancyd.core.systems import Goal, Methods, Pause, Reload, Server, Settings, Supervisor, System, Word


class Phase(StrEnum):
    """Where the machine stands."""

    ASKING = "asking"  # there is no goal, and none can be told from the LIMs
    WATCHING = "watching"  # another supervisor orders these LIMs: hands off
    LOOKING = "looking"  # just started: read every LIM before the first order
    RESTING = "resting"  # the goal stands; looking goes on
    SAVING = "saving"  # a new goal is on its way to the disk
    BLOCKING = "blocking"  # the passive system is being blocked
    ALLOWING = "allowing"  # the active system is being allowed


@dataclass(frozen=True, slots=True)
class Operation:
    """An order under way."""

    op: int
    word: Word
    targets: frozenset[Server]
    waiting: frozenset[Server]  # those whose answer the takeover waits for
    deadline_at: int
    tried: frozenset[Server] = frozenset()  # passive servers that this takeover has ordered to block so far


@dataclass(frozen=True, slots=True)
class Note:
    """Something that an operator should know of and that looking has already mended."""

    name: str
    subject: str
    text: str
    at: int


@dataclass(frozen=True, slots=True)
class State:
    """All that the decision knows."""

    settings: Settings
    us: Supervisor
    methods: Methods
    phase: Phase
    goal: Goal | None
    views: seen.Views
    heart: Heartbeat
    started_at: int
    now: int  # the latest instant any event carried
    look_at: int  # when to look next
    looks: frozenset[int] = frozenset()  # the operations that were looks, while answers may come
    previous: Goal | None = None  # what the goal was before the one being saved
    pause: Pause | None = None
    reload: Reload | None = None  # the load that was granted and has not ended
    op: Operation | None = None
    next_op: int = 1
    saving: int | None = None  # the operation of the goal being saved
    before_change: Goal | None = None  # the goal before the operator's change that is being saved
    saving_order: bool = False  # it is an operator's order, which is not accepted before it is on disk
    asked: OperatorAsked | OperatorAdopted | None = None
    stable_since: int | None = None  # since when the primary is heard and ready without a break
    goal_unsaved: str = ""  # why the disk is behind
    trouble: str = ""  # why the last order of a takeover was not followed
    notes: tuple[Note, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """What the beats say of the primary."""
        return heartbeat.judge(self.heart, self.settings)

    def view(self, server: Server) -> seen.View:
        """What is known of one server; KeyError for one that is not listed."""
        for view in self.views:
            if view.server == server:
                return view
        raise KeyError(server)

    def number_after(self) -> int:
        """The takeover number that no LIM can have seen yet."""
        return max(self.goal.number if self.goal else 0, seen.highest_number(self.views)) + 1

    def noted(self, name: str, subject: str, text: str) -> "State":
        """The state with one more note; a newer one of the same name and subject replaces the older."""
        kept = tuple(note for note in self.notes if (note.name, note.subject) != (name, subject))
        return replace(self, notes=(*kept, Note(name, subject, text, self.now))[-64:])

    def unfenced(self) -> tuple[Server, ...]:
        """The passive servers that may carry traffic while the other system is active, or is being allowed."""
        goal = self.goal
        if goal is None or self.phase is Phase.WATCHING:
            return ()
        if self.phase in {Phase.SAVING, Phase.BLOCKING} and not goal.done:
            return ()  # nothing else was allowed yet
        passive_views = seen.of(self.views, passive(goal))
        return tuple(view.server for view in passive_views if not self._is_fenced(view, goal))

    def _is_fenced(self, view: seen.View, goal: Goal) -> bool:
        """Whether a passive server confirmed the goal, and cannot have allowed itself since."""
        if not view.is_as_wanted(goal, self.us):
            return False
        hold_ms = self.settings.orphan_hold_ms
        if view.connected or hold_ms is None or view.server.system is System.ALTERNATE:
            return True
        return self.now - (view.contact_at or self.started_at) < hold_ms

    def paused(self) -> bool:
        """Whether automatic takeovers are paused now."""
        return self.pause is not None and self.now < self.pause.until

    def reloading(self) -> bool:
        """Whether the alternate is loading exchange data, and its time is not over."""
        return self.reload is not None and self.now < self.reload.until

    def control_answers(self) -> bool:
        """Whether the latest beat of the network control address was answered."""
        return self.heart.control_answers


def first_state(
    settings: Settings, us: Supervisor, methods: Methods, goal: Goal | None, pause: Pause | None, at: int
) -> State:
    """The state of a daemon that has just started: it has heard nothing and ordered nothing."""
    return State(
        settings=settings,
        us=us,
        methods=methods,
        phase=Phase.LOOKING if goal else Phase.ASKING,
        goal=goal,
        views=seen.first_views(settings),
        heart=Heartbeat(),
        started_at=at,
        now=at,
        look_at=at,
        pause=pause,
    )


def passive(goal: Goal) -> System:
    """The system that the goal blocks."""
    return goal.active.other
