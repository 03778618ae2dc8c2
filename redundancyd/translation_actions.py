"""The actions of the translation table: a part of the table of actions."""

from redundancyd.action_kinds import Action, Argument, Kind
from redundancyd.requests import ConfirmAddresses, ImportTable, SetEntry

ADDRESSES_AT_ONCE = 1000
TEXT_MAX = 200_000
"""characters of a whole table"""
_JSON = Argument("json", Kind.FLAG, "As JSON, for programs.")
_ADDRESS = r"[0-9A-Fa-f.:]{2,45}(/[0-9]{1,3})?"
_SHOWN = (
    "Shows the addresses of the newest mirror: own ones without an entry, new and foreign ones, and where they stand."
)


def _address(name: str, said: str, like: str) -> Argument:
    return Argument(name, Kind.TEXT, said, required=True, bare=True, most=64, pattern=_ADDRESS, like=like)


TRANSLATION_ACTIONS: tuple[Action, ...] = (
    Action(
        name="translation",
        words=("settings", "translation"),
        summary="Which address of the primary becomes which in the alternate, and what is missing.",
        help=f"{_SHOWN}  The words below change the table.",
        example="redundancyctl settings translation",
        arguments=(_JSON,),
    ),
    Action(
        name="translation-list",
        words=("settings", "translation", "list"),
        summary="The addresses of the newest mirror, and what becomes of them.",
        help=f"{_SHOWN}  What holds back the next load comes first.",
        example="redundancyctl settings translation list",
        arguments=(_JSON,),
    ),
    Action(
        name="translation-edit",
        words=("settings", "translation", "edit"),
        summary="Edit the table with the program in $VISUAL or $EDITOR.",
        help=(
            "Own addresses without an entry stand below the table, ready to be completed.  Every mistake is told by "
            "its line, and nothing that was written is lost."
        ),
        example="redundancyctl settings translation edit",
    ),
    Action(
        name="translation-set",
        words=("settings", "translation", "set"),
        summary="One entry: this address of the primary becomes that one in the alternate.",
        help="Takes the place of an entry that is there.  An address that both systems use stands for itself.",
        example="redundancyctl settings translation set 192.0.2.11 198.51.100.11",
        arguments=(
            _address("old", "The primary's address, or a network with its mask.", "A"),
            _address("new", "The one that the alternate has in its place.", "B"),
        ),
        request=SetEntry,
    ),
    Action(
        name="translation-import",
        words=("settings", "translation", "import"),
        summary="A whole table from a file, in the place of the one that is there.",
        help=(
            "An entry a line: two addresses, or two networks, with blanks, a comma or -> between them; # begins a "
            "remark.  With a mistake in any line the table stays as it is, and every mistake is told."
        ),
        example="redundancyctl settings translation import table.txt",
        arguments=(
            Argument(
                "text",
                Kind.LINES,
                "The file with the table; - is the standard input.",
                required=True,
                bare=True,
                most=TEXT_MAX,
                like="FILE",
            ),
            Argument(
                "was",
                Kind.TEXT,
                "Only if the table is still the one with this mark, as --json shows it.",
                most=64,
                pattern=r"[0-9a-f]{64}",
                like="MARK",
            ),
        ),
        request=ImportTable,
    ),
    Action(
        name="translation-export",
        words=("settings", "translation", "export"),
        summary="The table as a text, to a file or to the screen.",
        help="As it was written; 'import' takes it in again.  A file that is there is not overwritten.",
        example="redundancyctl settings translation export table.txt",
        arguments=(Argument("file", Kind.TEXT, "Where to.", bare=True, most=4000, like="[FILE]"),),
    ),
    Action(
        name="translation-confirm",
        words=("settings", "translation", "confirm"),
        summary="Confirm that new addresses are somebody else's and stay as they are.",
        help=(
            "New addresses hold back the next load until they are confirmed, or get an entry.  Without an address all "
            "new ones of the newest mirror are meant; they are shown first."
        ),
        example="redundancyctl settings translation confirm 203.0.113.9",
        arguments=(
            Argument(
                "addresses",
                Kind.NAMES,
                "The addresses to confirm.",
                bare=True,
                most=ADDRESSES_AT_ONCE,
                pattern=_ADDRESS,
                like="[ADDRESS]...",
            ),
        ),
        request=ConfirmAddresses,
        asks=True,
    ),
)
