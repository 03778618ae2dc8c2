"""States as values: everybody heard, connected, ready and as the goal wants it, but for what a test changes."""

from collections.abc import Mapping
from dataclasses import replace

from redundancyd.core.heartbeat import Heartbeat
from redundancyd.core.seen import View
from redundancyd.core.state import Operation, Phase, State
from redundancyd.core.systems import Goal, Methods, Origin, Server, Settings, Status, Word
from tests.core.table_top import PRIMARY, SETTINGS, US, first_goal

Change = Mapping[str, object]
"""What a test makes different of a view, a state or a status."""

Views = Mapping[Server, Change]

NOW = 1_000_000
HEARD = Heartbeat(heard=True, control_answers=True)
LOST = Heartbeat(missed=3, missed_since=NOW - 3000, control_answers=True)
UNSURE = Heartbeat(control_answers=True)
CONTROL_MISSED = replace(HEARD, control_answers=False, control_silent=1)
CONTROL_SILENT = replace(HEARD, control_answers=False, control_silent=3)


def status_of(goal: Goal, server: Server, **changes: object) -> Status:
    """What a LIM says that follows the goal."""
    word = goal.wanted(server)
    return replace(Status(word.traffic, goal.number, word, US.name, Origin.ORDER), **changes)  # type: ignore[arg-type]


def state(
    goal: Goal | None = None,
    *,
    settings: Settings = SETTINGS,
    views: Views | None = None,
    **changes: object,
) -> State:
    """A state at rest; `views` changes what is known of single servers."""
    goal = goal or first_goal()
    seen = tuple(_view(goal, server, (views or {}).get(server, {})) for server in settings.servers)
    made = State(settings, US, Methods(), Phase.RESTING, goal, seen, HEARD, NOW - 100_000, NOW, NOW + 5000)
    return replace(made, **changes)  # type: ignore[arg-type]


def _view(goal: Goal, server: Server, changes: Change) -> View:
    seen = View(
        server,
        connected=True,
        fresh=True,
        status=status_of(goal, server),
        contact_at=NOW,
        heard_at=NOW,
        exchange_running=True,
        hears_control=True if server.system is PRIMARY and server.lim == 1 and not server.standby else None,
        facts_at=NOW,
        lims=(1, 2),
    )
    return replace(seen, **changes)  # type: ignore[arg-type]


def under_way(word: Word, *waiting: Server, tried: tuple[Server, ...] = (), deadline_at: int = NOW) -> Operation:
    """An order under way, whose time is up unless a test says otherwise."""
    return Operation(7, word, frozenset(waiting), frozenset(waiting), deadline_at, frozenset(tried))
