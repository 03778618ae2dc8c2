"""The program `redundancyd`: its words, its signals, and one life of the daemon after the other."""

import argparse
import asyncio
import contextlib
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from redundancyd import __version__, config
from redundancyd.adapters import journal, probes
from redundancyd.adapters.clock import Clock
from redundancyd.adapters.goal_file import GoalFile, StateFolder
from redundancyd.adapters.notify import Notify
from redundancyd.core.systems import Goal, Kind, System
from redundancyd.daemon import Daemon, Ending, Outside
from redundancyd.errors import RedundancyError, SettingsInvalid
from redundancyd.records import Records


async def live(path: str) -> int:
    """Lives on end, one for each reread of the settings; the exit status of the last."""
    outside = Outside(Clock(), Notify(), Records())
    journal.open_journal(outside.clock).tap(outside.records.put)
    try:
        settings = config.load(path)
    except SettingsInvalid as error:
        journal.record("settings_invalid", level="error", why=str(error), path=path)
        raise
    probes.check()
    folder = StateFolder(settings.daemon.state_folder, outside.clock)
    while True:
        daemon = Daemon(settings, await folder.load(), folder, outside)
        with _signals(daemon):
            ending = await daemon.run()
        if ending is Ending.STOP:
            outside.notify.stopping()
            return 0
        outside.notify.reloading(outside.clock.monotonic_us())
        settings = _reread(path, settings)


def _reread(path: str, old: config.Config) -> config.Config:
    """The settings as they are now; the old ones, with every mistake in the journal, when they cannot be used."""
    try:
        new = config.load(path)
    except SettingsInvalid as error:
        journal.record("settings_invalid", level="error", why=str(error), path=path)
        return old
    if new.daemon != old.daemon:
        journal.record("settings_invalid", level="error", why="[daemon] changes with a restart only", path=path)
        return old
    journal.record("settings_read", level="notice", path=path)
    return new


@contextlib.contextmanager
def _signals(daemon: Daemon) -> Iterator[None]:
    """SIGTERM and SIGINT stop, SIGHUP rereads the settings."""
    loop = asyncio.get_running_loop()
    endings = {signal.SIGTERM: Ending.STOP, signal.SIGINT: Ending.STOP, signal.SIGHUP: Ending.RELOAD}
    for number, ending in endings.items():
        loop.add_signal_handler(number, daemon.end, ending)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
        loop.add_signal_handler(signal.SIGHUP, lambda: None)  # between two lives it must not end the process


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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="redundancyd",
        description="Supervises the primary system, and moves the traffic to the alternate when it is lost.",
        epilog="Operate it with redundancyctl.  Exit status: 0 stopped, 1 failed, 2 wrong words, 5 settings invalid.",
    )
    parser.add_argument(
        "--config", default="/etc/redundancyd/redundancyd.toml", metavar="FILE", help="settings (default: %(default)s)"
    )
    parser.add_argument("--check", action="store_true", help="tell every mistake in the settings, and do nothing else")
    parser.add_argument(
        "--first-goal",
        choices=[str(system) for system in System],
        help="write which system is active in a pair just set up, unless that is known, and do nothing else",
    )
    parser.add_argument("--version", action="version", version=f"redundancyd {__version__}")
    return parser


def main(words: Sequence[str] | None = None) -> int:
    """The program; returns its exit status."""
    arguments = _parser().parse_args(words)
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
