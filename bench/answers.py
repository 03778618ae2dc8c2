"""How long the operator waits: from Enter to the end of a command, or to the first dialog; a bare Python beside it."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pexpect

from bench.figures import Goal, Spread
from bench.stage import Stage
from redundancyd.lab.system import PATH, LabError

RUNS = 15
HELP_MS, STATUS_MS = 150.0, 250.0
ENVIRONMENT = {"PATH": PATH, "TERM": "xterm"}


@dataclass
class Answers:
    """Milliseconds, run by run."""

    help: list[float] = field(default_factory=list)
    status: list[float] = field(default_factory=list)
    dialog: list[float] = field(default_factory=list)
    python: list[float] = field(default_factory=list)

    @property
    def goals(self) -> list[Goal]:
        """What this part is to show."""
        help_, status = Spread(tuple(self.help)), Spread(tuple(self.status))
        return [Goal("--help", help_.median, HELP_MS, " ms"), Goal("status", status.median, STATUS_MS, " ms")]


def run_answers(stage: Stage, runs: int) -> Answers:
    """Each in turn, on LIM 1 of the alternate, beside a daemon at rest."""
    found = Answers()
    told = {"help": ["--help"], "status": ["status"]}
    for _ in range(max(runs, RUNS)):
        found.python.append(_ended_ms(stage.bed.supervisor.inside([sys.executable, "-c", "pass"])))
        found.help.append(_ended_ms(stage.daemon.utility(told["help"])))
        found.status.append(_ended_ms(stage.daemon.utility(told["status"])))
        found.dialog.append(_first_screen_ms(stage.daemon.utility([])))
    return found


def _ended_ms(command: Sequence[str]) -> float:
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, check=False, env=ENVIRONMENT, timeout=20)
    took_ms = (time.perf_counter() - began) * 1000
    if done.returncode != 0:
        raise LabError(f"{' '.join(command[-2:])}: exit {done.returncode}: {done.stderr.decode(errors='replace')}")
    return took_ms


def _first_screen_ms(command: Sequence[str]) -> float:
    """Until the last line of the first dialog is on the terminal."""
    environment: Mapping[str, str] = {**os.environ, **ENVIRONMENT}
    began = time.perf_counter()
    program = pexpect.spawn(command[0], list(command[1:]), env=environment, dimensions=(24, 80), timeout=20)
    try:
        program.expect_exact("Ctrl-C leave")
        return (time.perf_counter() - began) * 1000
    finally:
        program.close(force=True)
