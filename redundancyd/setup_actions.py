"""The operator's way in and out: a part of the table of actions."""

from redundancyd.action_kinds import Action, Argument, Kind
from redundancyd.requests import Configure, Remove
from redundancyd.translation_actions import TEXT_MAX

SETUP_ACTIONS: tuple[Action, ...] = (
    Action(
        name="configure",
        words=("configure",),
        summary="Make a pair of the two systems: checked, shown, then step by step.",
        help=(
            "Checks every prerequisite in both systems first, and changes nothing before all are met or accepted.  "
            "Then copies the primary's exchange data, translates it, blocks the alternate, loads it (a reload: all its "
            "traffic stops; choose a time of low traffic) and starts the supervision.  What fails is undone, and "
            "'redundancyctl remove' stops it: then everything is as before."
        ),
        example="redundancyctl configure --master-ip 192.0.2.10 --network-control-address 203.0.113.1 "
        "--translation table.txt --yes",
        arguments=(
            Argument(
                "master_ip",
                Kind.TEXT,
                "The primary's master IP address, as serverConfigTool getMasterAddress prints it, without the slash.",
                required=True,
                most=64,
                pattern=r"[0-9A-Fa-f:.]+(/[0-9]+)?",
                like="ADDRESS",
            ),
            Argument(
                "network_control_address",
                Kind.NAMES,
                "An address in the endpoints' network that shows that we are connected, such as their gateway.",
                required=True,
                most=8,
                pattern=r"[0-9A-Fa-f:.]+(/[0-9]+)?",
                like="ADDRESS",
            ),
            Argument(
                "translation",
                Kind.LINES,
                "The file of the translation table: a line for each address, the primary's and ours.  "
                "Default: the saved one.",
                most=TEXT_MAX,
                like="FILE",
            ),
            Argument(
                "accept",
                Kind.NAMES,
                "Go on although this prerequisite is not met, or nothing can tell; it is remembered.",
                most=20,
                pattern=r"[a-z][a-z-]{1,30}",
                like="NAME",
            ),
        ),
        request=Configure,
        asks=True,
        previewed=True,
        followed=True,
    ),
    Action(
        name="remove",
        words=("remove",),
        summary="End the supervision, or stop a configuration under way.",
        help=(
            "Shows the traffic in both systems first.  Traffic and rules stay as they are, no LIM holds after a "
            "restart, and nobody supervises.  Works with what is left when one of the systems is dead."
        ),
        example="redundancyctl remove --yes",
        request=Remove,
        asks=True,
        previewed=True,
        followed=True,
    ),
)
