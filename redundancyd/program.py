"""The program `redundancyd`: its words, its signals, and one life of the daemon after the other."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from redundancyd import __version__, config
from redundancyd.adapters import journal, probes
from redundancyd.adapters.clock import Clock
from redundancyd.adapters.goal_file import GoalFile, StateFolder
from redundancyd.adapters.notify import Notify
from redundancyd.core.systems import Goal, Kind, System
from redundancyd.daemon import Outside
from redundancyd.errors import RedundancyError
from redundancyd.lives import lives
from redundancyd.records import Records


async def live(path: str) -> int:
    """Supervise until a signal says stop; the exit status."""
    outside = Outside(Clock(), Notify(), Records())
    journal.open_journal(outside.clock).tap(outside.records.put)

    def folder_of(settings: config.Config) -> StateFolder:
        probes.check()
        return StateFolder(settings.daemon.state_folder, outside.clock)

    await lives(path, folder_of, outside)
    return 0


async def _first_goal(path: str, active: System) -> int:
    """Write the first goal of a pair that was just set up, unless there is one."""
    clock = Clock()
    state_folder = config.load(path).daemon.state_folder
    folder = StateFolder(state_folder, clock)
    await folder.load()
    if GoalFile(Path(state_folder), clock).load() is None:  # a damaged one is not overwritten
        reason = "the first goal"
        await folder.save(Goal(active, 1, Kind.FORCED, by_operator=False, reason=reason, decided_at=clock.now()))
    return 0


def _check(path: str) -> int:
    """Say every mistake in the settings file, or that there is none."""
    settings = config.load(path)
    print(f"{path}: no mistake; {len(settings.servers())} servers, master IP address {settings.primary.master_ip}")
    return 0


def parser() -> argparse.ArgumentParser:
    """The words."""
    words = argparse.ArgumentParser(
        prog="redundancyd",
        description="Supervises the primary system, and moves the traffic to the alternate when it is lost.",
        epilog="Operate it with redundancyctl.  Exit status: 0 stopped, 1 failed, 2 wrong words, 5 settings invalid.",
    )
    words.add_argument(
        "--config", default="/etc/redundancyd/redundancyd.toml", metavar="FILE", help="settings (default: %(default)s)"
    )
    words.add_argument("--check", action="store_true", help="tell every mistake in the settings, and do nothing else")
    words.add_argument(
        "--first-goal",
        choices=[str(system) for system in System],
        help="write which system is active in a pair just set up, unless that is known, and do nothing else",
    )
    words.add_argument("--version", action="version", version=f"redundancyd {__version__}")
    return words


def main(words: Sequence[str] | None = None) -> int:
    """The program; returns its exit status."""
    arguments = parser().parse_args(words)
    try:
        if arguments.check:
            return _check(arguments.config)
        if arguments.first_goal:
            return asyncio.run(_first_goal(arguments.config, System(arguments.first_goal)))
        return asyncio.run(live(arguments.config))
    except RedundancyError as error:
        print(f"redundancyd: {error}", file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
