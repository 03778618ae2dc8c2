"""What an operator asks for, once it was understood, and how it is answered.  Values only."""

from dataclasses import dataclass

from redundancyd.core.systems import Direction, Fallback, Method, System


@dataclass(frozen=True, slots=True)
class ManualTakeover:
    """Make this system the active one."""

    active: System
    revert_after_ms: int | None = None
    accept: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ConfirmTakeover:
    """Keep a takeover that would revert by itself."""


@dataclass(frozen=True, slots=True)
class SetMethod:
    """Set the takeover method of one direction."""

    direction: Direction
    method: Method


@dataclass(frozen=True, slots=True)
class SetPause:
    """No automatic takeover for so long."""

    for_ms: int
    reason: str


@dataclass(frozen=True, slots=True)
class Resume:
    """End the pause."""


@dataclass(frozen=True, slots=True)
class SetFallback:
    """The fallback type of the primary's clusters is this, says the operator."""

    fallback: Fallback


@dataclass(frozen=True, slots=True)
class Adopt:
    """Become the supervisor of LIMs that another one ordered."""


@dataclass(frozen=True, slots=True)
class AcknowledgeAlarm:
    """An alarm was seen and understood."""

    handle: str


@dataclass(frozen=True, slots=True)
class DataCopy:
    """The primary's current backup becomes a mirror."""


@dataclass(frozen=True, slots=True)
class DataLoad:
    """A mirror is translated and loaded into the alternate; the newest one without a stamp."""

    stamp: str | None = None
    copy: bool = False
    """of the primary's current backup, which is copied first"""


@dataclass(frozen=True, slots=True)
class DataVerify:
    """Every byte of a mirror is read, of all of them without a stamp."""

    stamp: str | None = None


@dataclass(frozen=True, slots=True)
class SetAuto:
    """The daily job begins at this hour and minute; None is never."""

    at: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class SetEntry:
    """This address of the primary becomes that one in the alternate."""

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class ImportTable:
    """A whole translation table, in the place of the one with the mark `was`, if that is told."""

    text: str
    was: str | None = None


@dataclass(frozen=True, slots=True)
class ConfirmAddresses:
    """These new addresses are somebody else's; all of them where none is named."""

    addresses: tuple[str, ...] = ()


TranslationRequest = SetEntry | ImportTable | ConfirmAddresses
DataRequest = DataCopy | DataLoad | DataVerify | SetAuto | TranslationRequest
TakeoverRequest = (
    ManualTakeover | ConfirmTakeover | SetMethod | SetFallback | SetPause | Resume | Adopt | AcknowledgeAlarm
)
Request = TakeoverRequest | DataRequest


@dataclass(frozen=True, slots=True)
class Done:
    """The order is on disk, or the setting is made."""

    detail: str
    number: int | None = None  # the takeover number, where one was begun or changed


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong with one argument; an empty name means the whole."""

    argument: str
    text: str

    def __str__(self) -> str:
        return f"{self.argument}: {self.text}" if self.argument else self.text


@dataclass(frozen=True, slots=True)
class Problem:
    """Why it was not done; `code` is a word for programs, `remedy` says what to do."""

    code: str
    detail: str
    remedy: str = ""
    mistakes: tuple[Mistake, ...] = ()
