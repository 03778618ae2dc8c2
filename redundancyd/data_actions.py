"""The actions of exchange data: a part of the table of actions."""

from collections.abc import Mapping

from redundancyd.action_kinds import Action, Argument, Kind
from redundancyd.requests import DataCopy, DataLoad, DataVerify, SetAuto

_JSON = Argument("json", Kind.FLAG, "As JSON, for programs.")
_STAMP = Argument(
    "stamp",
    Kind.TEXT,
    "A mirror by its stamp, 14 digits, as 'data list' shows it.",
    bare=True,
    least=14,
    most=14,
    pattern=r"[0-9]{14}",
    like="[STAMP]",
    offers=("/v1/mirrors", "mirrors", "stamp"),
)
_ENDS = ("data_job_ended", "data_job_failed")


def _set_auto(at: str) -> SetAuto:
    hour, minute = at.split(":")
    return SetAuto((int(hour), int(minute)))


DATA_GROUPS: Mapping[tuple[str, ...], str] = {
    ("data",): "Copies of the primary's exchange data, and what the alternate has of them.",
    ("data", "auto"): "The daily copy.",
}

DATA_ACTIONS: tuple[Action, ...] = (
    Action(
        name="data-copy",
        words=("data", "copy"),
        summary="Copy the primary's current backup.",
        help="Makes a mirror of it, and keeps the newest ones.  Nothing is changed in either system.",
        example="redundancyctl data copy",
        request=DataCopy,
        ends_with=_ENDS,
    ),
    Action(
        name="data-load",
        words=("data", "load"),
        summary="Load a mirror into the alternate, translated; the newest one without a stamp.",
        help=(
            "The alternate reloads its exchange data: it has to be passive, and a takeover waits until it has ended.  "
            "What cannot be loaded is rolled back."
        ),
        example="redundancyctl data load",
        arguments=(_STAMP,),
        request=DataLoad,
        asks=True,
        ends_with=_ENDS,
    ),
    Action(
        name="data-list",
        words=("data", "list"),
        summary="The mirrors, the last job and how it ended, and what is going on.",
        help="Shows every mirror with its condition, findings of the last translation, and how far a copy is.",
        example="redundancyctl data list --watch",
        arguments=(_JSON, Argument("watch", Kind.FLAG, "Shows it anew every second until interrupted.")),
    ),
    Action(
        name="data-verify",
        words=("data", "verify"),
        summary="Read every byte of a mirror; of all of them without a stamp.",
        help="Holds each file against its checksum; 'data list' and the journal show what was found.",
        example="redundancyctl data verify",
        arguments=(_STAMP,),
        request=DataVerify,
        ends_with=("mirrors_verified", "data_job_failed"),
    ),
    Action(
        name="data-auto-create",
        words=("data", "auto", "create"),
        summary="Copy and load every day at this time.",
        help="The time is local, of the zone in the settings, and right across daylight saving.",
        example="redundancyctl data auto create --at 02:30",
        arguments=(
            Argument(
                "at",
                Kind.TEXT,
                "Hour and minute, such as 02:30.",
                required=True,
                least=5,
                most=5,
                pattern=r"([01][0-9]|2[0-3]):[0-5][0-9]",
                like="HH:MM",
            ),
        ),
        request=_set_auto,
    ),
    Action(
        name="data-auto-list",
        words=("data", "auto", "list"),
        summary="When the daily copy is made.",
        help="Shows the time of day, and when it comes next.",
        example="redundancyctl data auto list",
        arguments=(_JSON,),
    ),
    Action(
        name="data-auto-remove",
        words=("data", "auto", "remove"),
        summary="No daily copy any more.",
        help="'data copy' and 'data load' still work; the alternate's exchange data grows old.",
        example="redundancyctl data auto remove",
        request=lambda: SetAuto(None),
    ),
)
