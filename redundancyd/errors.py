"""Everything that can end a program of ours: one root class, a class a cause, each with its exit status.

A message says what was tried, what came back, and what to do.
"""

from typing import ClassVar


class RedundancyError(Exception):
    """Something was tried and did not work; the message says what, how, and what to do."""

    exit_code: ClassVar[int] = 1
    code: ClassVar[str] = "failed"

    def __init__(self, tried: str, came_back: str, remedy: str = "") -> None:
        self.tried = tried
        self.came_back = came_back
        self.remedy = remedy
        super().__init__(f"{tried}: {came_back.rstrip('.')}." + (f" {remedy}" if remedy else ""))


class WrongWords(RedundancyError):
    """The command line makes no sense."""

    exit_code = 2
    code = "wrong_words"


class RequestRefused(RedundancyError):
    """The daemon understood the request and does not do it."""

    exit_code = 3
    code = "refused"


class DaemonNotReached(RedundancyError):
    """Nobody answers behind the socket."""

    exit_code = 4
    code = "daemon_not_reached"


class SettingsInvalid(RedundancyError):
    """The settings file has mistakes; all of them are listed, a line each."""

    exit_code = 5
    code = "settings_invalid"

    def __init__(self, path: str, mistakes: tuple[str, ...]) -> None:
        self.path = path
        self.mistakes = mistakes
        count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
        super().__init__(f"settings {path}", f"{count}\n" + "\n".join(f"  {mistake}" for mistake in mistakes))


class AlreadyRunning(RedundancyError):
    """Another redundancyd holds the state folder."""

    code = "already_running"


class StateUnreadable(RedundancyError):
    """A file in the state folder is there and cannot be understood."""

    code = "state_unreadable"


class GoalUnreadable(StateUnreadable):
    """The goal file is there and neither of its slots can be understood: that is not the same as no goal."""

    code = "goal_unreadable"


class NotSaved(RedundancyError):
    """The disk did not take a write, or did not answer in time."""

    code = "not_saved"


class ProbeImpossible(RedundancyError):
    """This process may not send ICMP at all."""

    code = "probe_impossible"


class OutOfReach(RedundancyError):
    """A LIM gave no answer within the deadline, or its channel broke: the outcome is unknown."""

    code = "out_of_reach"


class HostKeyRefused(OutOfReach):
    """The LIM's host key is not the pinned one."""

    code = "host_key_refused"


class LoginRefused(OutOfReach):
    """The LIM does not accept our key."""

    code = "login_refused"


class LimRefused(RedundancyError):
    """A LIM was reached and did not do what it was asked to; it is as it was."""

    exit_code = 3
    code = "lim_refused"


class KeysUnusable(RedundancyError):
    """The supervision's key or the pinned host keys cannot be read or written here."""

    code = "keys_unusable"


class TranslationFailed(RedundancyError):
    """Exchange data could not be translated; the mirror is as it was, and nothing was applied."""

    code = "translation_failed"


class FarDataRefused(RedundancyError):
    """A LIM has not the exchange data that was asked for, or says something else than its words allow."""

    code = "data_refused"

    def __init__(self, tried: str, came_back: str, remedy: str = "", *, word: str = "") -> None:
        self.word = word  # the LIM's own, where it said one
        super().__init__(tried, came_back, remedy)


class MirrorUnsound(RedundancyError):
    """A copy of exchange data is torn, was changed, or is not what its manifest says."""

    code = "mirror_unsound"


ERRORS: dict[str, type[RedundancyError]] = {
    error.code: error
    for error in (
        RedundancyError,
        WrongWords,
        RequestRefused,
        DaemonNotReached,
        SettingsInvalid,
        AlreadyRunning,
        StateUnreadable,
        GoalUnreadable,
        NotSaved,
        ProbeImpossible,
        OutOfReach,
        HostKeyRefused,
        LoginRefused,
        LimRefused,
        KeysUnusable,
        TranslationFailed,
        FarDataRefused,
        MirrorUnsound,
    )
}
