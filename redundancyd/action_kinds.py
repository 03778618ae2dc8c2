"""What a row of the table of actions is made of.  Pure data."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from redundancyd.requests import Request

SECOND_MS, HOUR_MS, DAY_MS = 1000, 3_600_000, 86_400_000


class Kind(StrEnum):
    """What an argument looks like."""

    CHOICE = "choice"  # one of a few words
    SPAN = "span"  # 90s, 15m, 2h; understood as milliseconds
    TEXT = "text"
    NAMES = "names"  # may be given several times
    LINES = "lines"  # a text of several lines; on the command line the file that holds it
    FLAG = "flag"  # the command line's own


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few: its value on the socket, its word on the command line."""

    value: str
    word: str
    help: str


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of an action."""

    name: str  # in JSON, and as --name
    kind: Kind
    help: str
    required: bool = False
    bare: bool = False  # a bare word on the command line, not an option
    choices: tuple[Choice, ...] = ()
    least: int = 1  # ms, characters, names
    most: int = 1
    pattern: str = ""  # of the text, or of each name
    like: str = ""  # stands for it in help texts
    made: Callable[[str], object] = str  # what a choice is in the request
    offers: tuple[str, str, str] | None = None  # a page of the socket, a list in it, and which key is a value

    @property
    def field(self) -> str:
        """What it is called in the request: units come last."""
        return f"{self.name}_ms" if self.kind is Kind.SPAN else self.name

    @property
    def is_file(self) -> bool:
        """Whether a file is named by it on the command line."""
        return self.like.strip("[]") in {"FILE", "PATH"}


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that an operator can do."""

    name: str
    words: tuple[str, ...]
    summary: str
    help: str
    example: str
    arguments: tuple[Argument, ...] = ()
    request: Callable[..., Request] | None = None
    asks: bool = False  # asks before it does it, unless --yes
    previewed: bool = False  # shows now, will do, afterwards
    followed: bool = False  # a takeover: the command line waits for its end
    local: bool = False  # the utility does it itself, with the rights of whoever runs it; the daemon has no part in it
    ends_with: tuple[str, ...] = ()  # goes on in the daemon after the answer, until it records one of these events

    @property
    def changes(self) -> bool:
        """Whether it changes anything; looking is for whoever may open the socket."""
        return self.request is not None
