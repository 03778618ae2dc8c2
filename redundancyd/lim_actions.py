"""The actions that reach the LIMs without the daemon: a part of the table of actions.  Pure data."""

from collections.abc import Mapping

from redundancyd.action_kinds import Action, Argument, Choice, Kind
from redundancyd.core.systems import System

LIM_NAME = r"(primary|alternate)-[1-9][0-9]{0,2}(-standby)?"

_CONFIG = Argument(
    "config",
    Kind.TEXT,
    "The settings of redundancyd (/etc/redundancyd/redundancyd.toml).",
    most=4000,
    like="FILE",
)
_SETUP = (
    Argument(
        "lim",
        Kind.NAMES,
        "Only this LIM, such as primary-2; all of both systems otherwise.",
        most=500,
        pattern=LIM_NAME,
        like="LIM",
    ),
    Argument(
        "admin",
        Kind.TEXT,
        "The administrator who logs in on the LIMs (root); who is not root becomes it by sudo.",
        most=32,
        pattern=r"[A-Za-z_][A-Za-z0-9_.-]{0,31}",
        like="NAME",
    ),
    Argument("identity", Kind.TEXT, "The administrator's private key, instead of a password.", most=4000, like="FILE"),
    Argument("password_stdin", Kind.FLAG, "Takes the administrator's password from a line of standard input."),
    Argument(
        "fingerprint",
        Kind.NAMES,
        "A host key that was compared already, by its fingerprint SHA256:...; it is not asked about.",
        most=500,
        pattern=r"SHA256:[A-Za-z0-9+/]{43}",
        like="SHA256:...",
    ),
    _CONFIG,
)
_WHERE = (
    Argument(
        "system",
        Kind.CHOICE,
        "On every LIM of this system.",
        choices=(
            Choice(System.PRIMARY, "primary", "The primary system."),
            Choice(System.ALTERNATE, "alternate", "The alternate system."),
        ),
        made=System,
    ),
    Argument(
        "lim",
        Kind.NAMES,
        "On this LIM: primary-2; with --system its number is enough.",
        most=500,
        pattern=rf"{LIM_NAME}|[1-9][0-9]{{0,2}}",
        like="LIM",
    ),
    _CONFIG,
)
_BY_HAND = (
    "Only while system redundancy is not configured: then the supervision decides.  On a LIM that cannot be reached "
    "from here, root does the same with 'redundancy-lim {} --by-hand'."
)

LIM_GROUPS: Mapping[tuple[str, ...], str] = {
    ("lim",): "What the supervision needs on the LIMs; needs no daemon.",
    ("more_configuration",): "Maintenance without system redundancy; needs no daemon.",
    ("more_configuration", "iptables"): "Rules that block the traffic of a system: adding blocks, removing allows.",
}

LIM_ACTIONS: tuple[Action, ...] = (
    Action(
        name="lim-install",
        words=("lim", "install"),
        summary="Put what the supervision needs on every LIM of both systems.",
        help=(
            "Logs in on each LIM as an administrator, and puts redundancy-lim, its settings and units and the "
            "supervision's key there: whole, or not at all.  Host keys are shown for comparison and pinned.  "
            "Run again, it completes what is missing.  No traffic is stopped or started."
        ),
        example="redundancyctl lim install --admin mxone_admin",
        arguments=(
            *_SETUP,
            Argument(
                "renewed",
                Kind.NAMES,
                "This LIM was reinstalled: its new host key is shown, and pinned instead of the old one.",
                most=500,
                pattern=LIM_NAME,
                like="LIM",
            ),
            Argument("remove", Kind.FLAG, "Takes all of it away again, where traffic is allowed."),
        ),
        asks=True,
        local=True,
    ),
    Action(
        name="lim-check",
        words=("lim", "check"),
        summary="Hold what is on every LIM against what would be installed.",
        help=(
            "Compares versions, contents, owners and modes, and whether the units are enabled.  With --repair what "
            "differs is put right."
        ),
        example="redundancyctl lim check --admin mxone_admin --repair",
        arguments=(*_SETUP, Argument("repair", Kind.FLAG, "Puts right what differs.")),
        local=True,
    ),
    Action(
        name="lim-key",
        words=("lim", "key"),
        summary="Show the supervision's key; make it, if there is none.",
        help="The key lets the supervision run redundancy-lim on the LIMs, and nothing else.",
        example="redundancyctl lim key",
        arguments=(_CONFIG,),
        local=True,
    ),
    Action(
        name="more-configuration-iptables-add",
        words=("more_configuration", "iptables", "add"),
        summary="Add rules: block the endpoint traffic of a system, or of one LIM.",
        help=_BY_HAND.format("block"),
        example="redundancyctl more_configuration iptables add --system alternate",
        arguments=_WHERE,
        asks=True,
        local=True,
    ),
    Action(
        name="more-configuration-iptables-remove",
        words=("more_configuration", "iptables", "remove"),
        summary="Remove rules: allow the endpoint traffic of a system, or of one LIM.",
        help=_BY_HAND.format("allow"),
        example="redundancyctl more_configuration iptables remove --lim primary-2",
        arguments=_WHERE,
        asks=True,
        local=True,
    ),
    Action(
        name="more-configuration-iptables-status",
        words=("more_configuration", "iptables", "status"),
        summary="Show the traffic of every LIM, asked one by one.",
        help="Asks each LIM itself, whether the daemon runs or not.",
        example="redundancyctl more_configuration iptables status",
        arguments=_WHERE,
        local=True,
    ),
)
