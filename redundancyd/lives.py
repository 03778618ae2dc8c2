"""One life of the daemon after the other: each begins with the settings as they are, and ends with a signal."""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator

from redundancyd import config
from redundancyd.adapters import journal
from redundancyd.adapters.goal_file import StateFolder
from redundancyd.daemon import Daemon, Ending, Outside
from redundancyd.errors import SettingsInvalid

Load = Callable[[str], config.Config]


async def lives(
    path: str,
    folder_of: Callable[[config.Config], StateFolder],
    outside: Outside,
    *,
    load: Load = config.load,
    begun: Callable[[Daemon], None] = lambda _: None,
) -> None:
    """Lives on end, one for each reread of the settings, until a signal says stop; `begun` is told of each."""
    settings = _first(path, load)
    folder = folder_of(settings)
    saved = await folder.load()
    while True:
        daemon = Daemon(settings, saved, folder, outside)
        begun(daemon)
        with _signals(daemon):
            ending = await daemon.run()
        if ending is Ending.STOP:
            outside.notify.stopping()
            return
        outside.notify.reloading(outside.clock.monotonic_us())
        saved = daemon.left()  # not from the disk: one that hangs just now must not end the supervision
        settings = _reread(path, settings, load)


def _first(path: str, load: Load) -> config.Config:
    """The settings to begin with; without good ones there is no life."""
    try:
        return load(path)
    except SettingsInvalid as error:
        journal.record("settings_invalid", level="error", why=str(error), path=path)
        raise


def _reread(path: str, old: config.Config, load: Load) -> config.Config:
    """The settings as they are now; the old ones, with every mistake in the journal, when they cannot be used."""
    try:
        new = load(path)
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
