"""What is known of each server, and what the servers of a system amount to together.

Facts shrink here: many servers become one answer before the table is asked.  A *view* is what one server last said
and when it was last heard; a LIM number counts as soon as one of its servers (regular or standby) does.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from redundancyd.core.events import Answered, Refused, Unreached
from redundancyd.core.systems import Goal, Origin, Server, Settings, Status, Supervisor, System, Traffic, Word


@dataclass(frozen=True, slots=True)
class View:
    """What is known of one server."""

    server: Server
    connected: bool = False  # its channel is open
    fresh: bool = False  # `status` was read since the channel opened, and nothing was ordered since
    status: Status | None = None  # the last one it gave, however old
    status_op: int = 0  # the operation that brought it; an older answer that comes later is no news
    deaf: bool = False  # it left the last look or order unanswered
    contact_at: int | None = None  # when it last answered over its channel
    heard_at: int | None = None  # last sign of life, by channel or own address
    doubtful: bool = False  # an order was sent since, and its outcome is not known
    refused: str = ""  # why it did not follow the last order
    unread: str = ""  # why it could not say what its rules do
    unreached: str = ""  # why it was last out of reach
    exchange_running: bool | None = None
    hears_control: bool | None = None
    facts_at: int | None = None
    lims: tuple[int, ...] = ()

    def is_as_wanted(self, goal: Goal, us: Supervisor) -> bool:
        """Whether its traffic was last seen where the goal wants it, by our order of this number."""
        status = self.status
        if status is None or status.number != goal.number or status.origin is not Origin.ORDER:
            return False
        word = goal.wanted(self.server)
        return status.word is word and status.traffic is word.traffic and us.is_own(status.supervisor)

    def is_known_otherwise(self, goal: Goal, us: Supervisor) -> bool:
        """Whether it can be ordered, and a fresh look, or none that is ever answered, says that it should be."""
        return self.connected and self.needs_order(goal, us) and (self.fresh or self.deaf)

    def needs_order(self, goal: Goal, us: Supervisor) -> bool:
        """Whether it is not as wanted, or is to be blocked and leaves looks unanswered, whatever it was before."""
        wanted = goal.wanted(self.server)
        return not self.is_as_wanted(goal, us) or (self.deaf and wanted is Word.BLOCK)

    def is_fenced(self) -> bool:
        """Whether it was last seen blocked by our order, and no order since has an unknown outcome."""
        status = self.status
        return (
            status is not None
            and not self.doubtful
            and (status.traffic, status.word) == (Traffic.BLOCKED, Word.BLOCK)
            and status.origin is Origin.ORDER
        )

    def heard_since(self, at: int | None) -> bool:
        """Whether it gave a sign of life at or after this instant."""
        return at is not None and self.heard_at is not None and self.heard_at >= at


Views = tuple[View, ...]


def first_views(settings: Settings) -> Views:
    """Views of all servers before anything was heard."""
    return tuple(View(server) for server in settings.servers)


def update(views: Views, server: Server, change: Callable[[View], View]) -> Views:
    """The views with one server's changed; a server that is not listed changes nothing."""
    return tuple(change(view) if view.server == server else view for view in views)


def take_answer(view: View, event: Answered, *, looked: bool) -> View:
    """The view after an answer; `looked` tells a look from an order."""
    if event.op < view.status_op:
        return view
    match event.answer:
        case Status() as status:
            refused = view.refused if looked else ""
            return replace(
                view,
                status=status,
                status_op=event.op,
                heard_at=event.at,
                fresh=looked,
                doubtful=False,
                deaf=False,
                contact_at=event.at,
                refused=refused,
                unread="",
                unreached="",
            )
        case Refused(error, detail, status):
            said = f"{error}: {detail}" if detail else error
            return replace(
                view,
                status=status or view.status,
                status_op=event.op,
                heard_at=event.at,
                contact_at=event.at,
                fresh=looked and status is not None,
                deaf=False,
                refused=view.refused if looked else said,
                unread=said if looked else view.unread,
                unreached="",
            )
        case Unreached(why):
            return replace(view, unreached=why, fresh=False, deaf=True, doubtful=view.doubtful or not looked)


def of(views: Views, system: System) -> Views:
    """The views of one system."""
    return tuple(view for view in views if view.server.system is system)


def lims_with(views: Views, holds: Callable[[View], bool]) -> frozenset[int]:
    """The LIM numbers of which at least one server holds."""
    return frozenset(view.server.lim for view in views if holds(view))


def in_reach(views: Views, system: System, since: int | None) -> frozenset[int]:
    """The LIM numbers of a system that gave a sign of life since this instant."""
    return lims_with(of(views, system), lambda view: view.heard_since(since))


def any_allowed(views: Views, system: System) -> bool:
    """Whether any server of the system was last seen with its traffic not wholly blocked."""
    return any(view.status is not None and view.status.traffic is not Traffic.BLOCKED for view in of(views, system))


def answers(views: Views, system: System) -> bool:
    """Whether any server of the system can be ordered now."""
    return any(view.connected for view in of(views, system))


def strangers(views: Views, system: System) -> tuple[int, ...]:
    """LIM numbers that the exchange of a system knows and the settings do not list."""
    own = of(views, system)
    listed = {view.server.lim for view in own}
    return tuple(sorted({lim for view in own for lim in view.lims} - listed))


def contradicts(view: View, goal: Goal) -> bool:
    """Whether a server holds an order that this goal cannot overrule: a higher number, or the other word."""
    status = view.status
    if status is None or not status.number:
        return False
    if status.number == goal.number:
        return status.word is not goal.wanted(view.server)
    return status.number > goal.number


def is_foreign(view: View, us: Supervisor) -> bool:
    """Whether a server holds an order that none of our runs gave."""
    return view.status is not None and bool(view.status.number) and not us.is_own(view.status.supervisor)


def highest_number(views: Views) -> int:
    """The highest takeover number that any server holds."""
    return max((view.status.number for view in views if view.status is not None), default=0)


def active_by_words(views: Views, number: int) -> System | None:
    """Which system the orders of this number made active."""
    for view in views:
        status = view.status
        if status is not None and status.number == number and status.word is not Word.NONE:
            return view.server.system if status.word is Word.ALLOW else view.server.system.other
    return None


def the_one_allowed(views: Views) -> System | None:
    """The one system that was seen allowed, if it is one."""
    allowed = {view.server.system for view in views if view.status and view.status.traffic is Traffic.ALLOWED}
    return allowed.pop() if len(allowed) == 1 else None


def allowed_by_hand(views: Views, system: System) -> Views:
    """The servers of a system whose traffic somebody allowed on the spot."""
    return tuple(
        view
        for view in of(views, system)
        if view.status and view.status.origin is Origin.HAND and view.status.traffic is Traffic.ALLOWED
    )
