"""A shell of root on LIM 1 of the alternate of a bed, in a terminal: what is typed, what is asked, what is shown."""

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import pexpect

from tests.lab.administrator import PASSWORD

HOME = "/root"
ANSWERS = {r"Go on\?": "y", r"Are they the same\?": "y", r"Password of \w+": PASSWORD}
"""The questions of the program, and what somebody who wants the thing done says."""
INTERRUPTED = 130
_PROMPT = r"\[alternate-1\] \S+ # $"
_SHELL = ("bash", "--norc", "--noediting", "-i")
_SHOWN_S, _ENDED_S = 30, 90


@dataclass(frozen=True)
class Typed:
    """What came of a line: exit status, what stood on the screen, and which questions were answered."""

    status: int
    shown: str
    asked: tuple[str, ...] = ()


class Prompt:
    """The shell; a line at a time."""

    def __init__(self, prefix: str) -> None:
        lab = [sys.executable, "-m", "redundancyd.lab", "shell", "--prefix", prefix, "alternate-1", *_SHELL]
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "TERM": "vt100"}
        self._shell = pexpect.spawn(
            lab[0], lab[1:], env=environment, dimensions=(50, 200), timeout=_SHOWN_S, encoding="utf-8"
        )
        self._shell.expect(_PROMPT)
        assert self.type(f"cd {HOME}").status == 0

    def type(self, line: str, *, until: str = "") -> Typed:
        """
        Type a line; each question is answered.  With `until` it is interrupted once it has shown that.
        """
        self._shell.sendline(line)
        self._shell.expect_exact(f"{line}\r\n")  # what the terminal echoes is not what was answered
        if until:
            self._shell.expect(re.escape(until))
            shown = str(self._shell.before) + until
            self._shell.sendintr()
            self._shell.expect(_PROMPT, timeout=_ENDED_S)
            return Typed(self._status(), shown + str(self._shell.before))
        return self._answered(list(ANSWERS))

    def _answered(self, questions: Sequence[str]) -> Typed:
        shown, asked = "", []
        while (found := self._shell.expect([_PROMPT, *questions], timeout=_ENDED_S)) != 0:
            asked.append(questions[found - 1])
            shown += f"{self._shell.before}{self._shell.after}"
            self._shell.sendline(ANSWERS[asked[-1]])
        shown += str(self._shell.before)
        return Typed(self._status(), shown, tuple(asked))

    def _status(self) -> int:
        self._shell.sendline("echo ended=$?")
        self._shell.expect(r"ended=(\d+)\r\n")
        status = int(str(self._shell.match[1]))
        self._shell.expect(_PROMPT)
        return status

    def leave(self) -> None:
        """Hang up."""
        self._shell.close(force=True)


@contextmanager
def prompt(prefix: str) -> Iterator[Prompt]:
    """A shell on the bed of this prefix."""
    found = Prompt(prefix)
    try:
        yield found
    finally:
        found.leave()
