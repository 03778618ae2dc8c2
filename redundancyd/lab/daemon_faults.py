"""What can happen to the daemon of a bed, its disk and its clock, and what operators say to it."""

import shutil
from pathlib import Path

from redundancyd.lab.system import LabError, spawn
from redundancyd.lab.world import World
from redundancyd.scenarios.pages import KEPT_OF
from redundancyd.scenarios.spans import Span
from redundancyd.scenarios.stage import Ordered

ORDER_DEADLINE_S = 60.0
STATE_FOLDER = "/var/lib/redundancyd"


def keep(world: World, words: list[str]) -> None:
    """Copy away what the daemon has on its disk."""
    beside = kept_folder(world, words[0])
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir()
    for name in KEPT_OF[words[0]]:
        path = world.bed.supervisor.path(f"{STATE_FOLDER}/{name}")
        if path.exists():
            shutil.copyfile(path, beside / name)


def restore(world: World, words: list[str]) -> None:
    """Put the copy over what is there; a file that was not there then is gone."""
    if world.daemon.is_running():
        raise LabError("the daemon runs: nobody restores a disk under a living process; say `kill daemon` before")
    beside = kept_folder(world, words[0])
    if not beside.exists():
        raise LabError(f"nothing was kept: say `keep {words[0]}` before")
    for name in KEPT_OF[words[0]]:
        path = world.bed.supervisor.path(f"{STATE_FOLDER}/{name}")
        if (beside / name).exists():
            path.write_bytes((beside / name).read_bytes())  # in place: owner and mode stay
        else:
            path.unlink(missing_ok=True)


def kept_folder(world: World, what: str) -> Path:
    """Where the copy lies, outside of every LIM."""
    return world.bed.plan.folder / f"kept-{what}"


def kill(world: World, _words: list[str]) -> None:
    """Kill the daemon."""
    world.daemon.kill()


def start(world: World, _words: list[str]) -> None:
    """Start the daemon."""
    world.daemon.start()


def restart(world: World, _words: list[str]) -> None:
    """Stop the daemon in order and start it."""
    world.daemon.stop()
    world.daemon.start()


def step_clock(world: World, words: list[str]) -> None:
    """Let the daemon's wall clock jump."""
    sign = -1 if words[0][0] == "-" else 1
    world.daemon.step_clock(sign * Span(words[0][1:]).ms({}))


def order(world: World, words: list[str]) -> None:
    """Say something to the utility, and keep how it ended."""
    world.begun = None
    done = world.daemon.order(_unasked(words), ORDER_DEADLINE_S)
    world.ended(done.returncode, done.stdout + done.stderr)


def begin(world: World, words: list[str]) -> None:
    """Say something to the utility without waiting for the end, which is noticed later."""
    world.ordered = Ordered("under way")
    world.begun_file.unlink(missing_ok=True)
    world.begun = spawn(world.daemon.utility(_unasked(words)), world.begun_file)


def _unasked(words: list[str]) -> list[str]:
    asks = words[0] == "manual-takeover" or words == ["settings", "adopt"]
    return [*words, "--yes"] if asks else words
