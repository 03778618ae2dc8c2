"""The one table of what an operator can do: socket, command line, help and openapi.json are made from it.

Pure data.  `Action.words` is the path that is typed, `Action.name` is what stands in the address.  An action without
a request only shows something.
"""

from collections.abc import Mapping

from redundancyd.action_kinds import DAY_MS, HOUR_MS, SECOND_MS, Action, Argument, Choice, Kind
from redundancyd.core.systems import Direction, Fallback, Method, System
from redundancyd.data_actions import DATA_ACTIONS, DATA_GROUPS
from redundancyd.lim_actions import LIM_ACTIONS, LIM_GROUPS
from redundancyd.requests import (
    AcknowledgeAlarm,
    Adopt,
    ConfirmTakeover,
    ManualTakeover,
    Resume,
    SetFallback,
    SetMethod,
    SetPause,
)
from redundancyd.setup_actions import SETUP_ACTIONS
from redundancyd.translation_actions import TRANSLATION_ACTIONS

__all__ = ["ACTIONS", "DAY_MS", "GROUPS", "HOUR_MS", "SECOND_MS", "Action", "Argument", "Choice", "Kind", "find"]


def find(name: str) -> Action | None:
    """The action that changes things and has this name in the address."""
    return next((action for action in ACTIONS if action.name == name and action.changes), None)


_JSON = Argument("json", Kind.FLAG, "As JSON, for programs.")
_DIRECTIONS = (
    Choice(Direction.ALTERNATE_FROM_PRIMARY, "alternate-from-primary", "At failure of the primary system."),
    Choice(Direction.PRIMARY_FROM_ALTERNATE, "primary-from-alternate", "At recovery of the primary system."),
)
_METHODS = (
    Choice(Method.MANUAL, "manual", "A takeover waits for the operator."),
    Choice(Method.AUTOMATIC, "automatic", "A takeover begins by itself."),
)
_FALLBACKS = (
    Choice(Fallback.MANUAL, "manual", "Somebody moves a LIM back from its standby server."),
    Choice(Fallback.AUTOMATIC, "automatic", "Each cluster goes back to its regular server by itself."),
)
_TRAFFIC_IN = (
    Choice(System.ALTERNATE, "traffic-in-alternate", "Block the primary system, allow the alternate."),
    Choice(System.PRIMARY, "traffic-in-primary", "Block the alternate system, allow the primary."),
)

GROUPS: Mapping[tuple[str, ...], str] = {
    (): "Operates the redundancy of two telephone systems.",
    ("settings",): "What the supervision does by itself, and what waits for the operator.",
    ("manual-takeover",): "Move the traffic to the other system, by order.",
    **DATA_GROUPS,
    **LIM_GROUPS,
    ("inspect",): "Look behind the decision; always safe.",
}

ACTIONS: tuple[Action, ...] = (
    Action(
        name="list",
        words=("list",),
        summary="The configuration: systems, LIMs, addresses, and what the supervision does by itself.",
        help="Shows the settings in force, and what the operator has set since: methods, pause, daily copy.",
        example="redundancyctl list",
        arguments=(_JSON,),
    ),
    Action(
        name="status",
        words=("status",),
        summary="Traffic in both systems, the heartbeat, and what would go wrong in a takeover now.",
        help="Shows which system is active, the traffic of every LIM as it was last read, and the heartbeat.",
        example="redundancyctl status --watch",
        arguments=(_JSON, Argument("watch", Kind.FLAG, "Shows it anew every second until interrupted.")),
    ),
    Action(
        name="settings-takeover",
        words=("settings", "takeover"),
        summary="Set the takeover method of one direction.",
        help=(
            "Manual: a takeover in this direction waits for the operator.  Automatic: it begins by itself.  "
            "Recommended: automatic at failure, manual at recovery."
        ),
        example="redundancyctl settings takeover alternate-from-primary automatic",
        arguments=(
            Argument(
                "direction",
                Kind.CHOICE,
                "Which takeover.",
                required=True,
                bare=True,
                choices=_DIRECTIONS,
                made=Direction,
            ),
            Argument("method", Kind.CHOICE, "How it begins.", required=True, bare=True, choices=_METHODS, made=Method),
        ),
        request=SetMethod,
    ),
    Action(
        name="cluster-fallback",
        words=("settings", "cluster-fallback"),
        summary="Say whether the primary's clusters (1+1) fall back by themselves.",
        help=(
            "No command tells it for certain, so it is asked and remembered.  While it is manual, or not known, "
            "primary-from-alternate can't be automatic in a primary with standby servers."
        ),
        example="redundancyctl settings cluster-fallback automatic",
        arguments=(
            Argument(
                "fallback",
                Kind.CHOICE,
                "The fallback type of all clusters of the primary.",
                required=True,
                bare=True,
                choices=_FALLBACKS,
                made=Fallback,
            ),
        ),
        request=SetFallback,
    ),
    Action(
        name="pause",
        words=("settings", "pause"),
        summary="No automatic takeover for a while.",
        help="Pauses automatic takeovers, during work on the network, say.  Looking and repairing go on.",
        example='redundancyctl settings pause --for 2h --reason "work on the routers"',
        arguments=(
            Argument(
                "for",
                Kind.SPAN,
                "How long; it ends by itself.",
                required=True,
                least=SECOND_MS,
                most=30 * DAY_MS,
                like="2h",
            ),
            Argument("reason", Kind.TEXT, "Why, for whoever looks next.", required=True, most=200, like="TEXT"),
        ),
        request=SetPause,
    ),
    Action(
        name="resume",
        words=("settings", "resume"),
        summary="End the pause.",
        help="Automatic takeovers are possible again at once, where the takeover method says so.",
        example="redundancyctl settings resume",
        request=Resume,
    ),
    Action(
        name="settings-adopt",
        words=("settings", "adopt"),
        summary="Become the supervisor of LIMs that another one ordered.",
        help=(
            "Needed when status says that another supervisor orders these LIMs.  Make sure that the other one is "
            "stopped: two that adopt in turn would fight."
        ),
        example="redundancyctl settings adopt",
        request=Adopt,
        asks=True,
    ),
    Action(
        name="manual-takeover",
        words=("manual-takeover",),
        summary="Make one system the active one.",
        help="Shows now, will do and afterwards; asks; then blocks one system, reads back, and allows the other.",
        example="redundancyctl manual-takeover traffic-in-alternate --revert-after 15m",
        arguments=(
            Argument(
                "active",
                Kind.CHOICE,
                "Which system is to carry the traffic.",
                required=True,
                bare=True,
                choices=_TRAFFIC_IN,
                made=System,
            ),
            Argument(
                "revert_after",
                Kind.SPAN,
                "Take it back by itself after so long, unless confirmed.",
                least=SECOND_MS,
                most=30 * DAY_MS,
                like="15m",
            ),
            Argument(
                "accept",
                Kind.NAMES,
                "Go on without this LIM (2, alternate-2), or without the network control address (control).",
                most=500,
                pattern=r"((primary|alternate)-)?[1-9][0-9]{0,2}|control",
                like="LIM",
            ),
        ),
        request=ManualTakeover,
        asks=True,
        previewed=True,
        followed=True,
    ),
    Action(
        name="manual-takeover-confirm",
        words=("manual-takeover", "confirm"),
        summary="Keep a takeover that would revert by itself.",
        help="What was ordered with --revert-after stays as it is.",
        example="redundancyctl manual-takeover confirm",
        request=ConfirmTakeover,
    ),
    *SETUP_ACTIONS,
    *TRANSLATION_ACTIONS,
    *DATA_ACTIONS,
    *LIM_ACTIONS,
    Action(
        name="alarms",
        words=("alarms",),
        summary="What is wrong now, gravest first.",
        help="Shows every alarm that stands.  An alarm goes by itself when its cause has gone.",
        example="redundancyctl alarms --all",
        arguments=(_JSON, Argument("all", Kind.FLAG, "Those too that came and went since the daemon started.")),
    ),
    Action(
        name="alarms-acknowledge",
        words=("alarms", "acknowledge"),
        summary="Say that an alarm was seen; releases the latch of automatic takeovers.",
        help="Too many automatic takeovers within an hour hold further ones until their alarm is acknowledged.",
        example="redundancyctl alarms acknowledge latched:takeovers",
        arguments=(
            Argument(
                "handle",
                Kind.TEXT,
                "The alarm's handle, as alarms shows it.",
                required=True,
                bare=True,
                most=100,
                pattern=r"[A-Za-z0-9_.:-]+",
                like="HANDLE",
                offers=("/v1/alarms", "alarms", "handle"),
            ),
        ),
        request=AcknowledgeAlarm,
    ),
    Action(
        name="explain",
        words=("explain",),
        summary="Why a takeover was made, or why none is made now.",
        help=(
            "Shows the beats that were seen, the rows that were taken, and what came of it; without a number why the "
            "traffic stays where it is, and the latest takeover that this daemon knows of."
        ),
        example="redundancyctl explain",
        arguments=(
            Argument(
                "takeover",
                Kind.TEXT,
                "The takeover's number, as status and the journal name it.",
                bare=True,
                most=9,
                pattern=r"[0-9]{1,9}",
                like="[TAKEOVER]",
            ),
            _JSON,
        ),
    ),
    Action(
        name="events",
        words=("events",),
        summary="What happened since the daemon started.",
        help="Shows the latest lines of the daemon's journal: rows of the takeover table, orders, answers, alarms.",
        example="redundancyctl events --follow",
        arguments=(_JSON, Argument("follow", Kind.FLAG, "Goes on showing what happens until interrupted.")),
    ),
    Action(
        name="inspect-table",
        words=("inspect", "table"),
        summary="The takeover table, row by row; needs no daemon.",
        help="Shows every row: in which phase it applies, what leads to it, what is asked for, and why.",
        example="redundancyctl inspect table",
        arguments=(_JSON,),
    ),
    Action(
        name="inspect-state",
        words=("inspect", "state"),
        summary="All that the daemon knows, one fact a line.",
        help="Shows the whole status page with the names that programs use.",
        example="redundancyctl inspect state",
        arguments=(_JSON,),
    ),
    Action(
        name="inspect-row",
        words=("inspect", "row"),
        summary="One row of the takeover table; needs no daemon.",
        help="Shows one row by its number, as the journal and events name it.",
        example="redundancyctl inspect row T07",
        arguments=(
            Argument(
                "row",
                Kind.TEXT,
                "The row's number.",
                required=True,
                bare=True,
                most=5,
                pattern=r"T[0-9]{2,4}",
                like="T07",
            ),
            _JSON,
        ),
    ),
)
