"""What can happen to the exchanges of a bed and to their data, and to the table by which it is translated."""

import json
import time
from collections.abc import Callable

from redundancyd.core.systems import System
from redundancyd.lab import copy_faults, data_look
from redundancyd.lab.disk import PACKAGE, base_python
from redundancyd.lab.exchange_control import RELOAD
from redundancyd.lab.lim import Lim
from redundancyd.lab.system import LabError, spawn
from redundancyd.lab.world import World
from redundancyd.scenarios.spans import Span

EXCHANGE = "/etc/opt/eri_sn"
PID_FILE = "/run/eri_sn/exchange.pid"
TRANSLATION = "/var/lib/redundancyd/translation"
NEWER = "7.8.2.0.4"
START_DEADLINE_S = 10.0


def stop_exchange(world: World, words: list[str]) -> None:
    """End the exchange alone."""
    for lim in world.lims(words):
        pid = lim.path(PID_FILE).read_text().strip()
        lim.run(["kill", pid])


def start_exchange(world: World, words: list[str]) -> None:
    """Start it again."""
    for lim in world.lims(words):
        command = [base_python(), "-m", "redundancyd.lab.exchange", f"{EXCHANGE}/exchange.json"]
        spawn(lim.inside(command), PYTHONPATH=str(PACKAGE.parent))


def next_reload(world: World, words: list[str]) -> None:
    """The next reload of these exchanges fails, hangs, or takes so long; those after it go as before."""
    how, *places = words
    outcome = how if how in {"fails", "hangs"} else Span(how).ms({}) / 1000
    for lim in world.lims(places):
        path = lim.path(str(RELOAD))
        path.write_text(json.dumps({**json.loads(path.read_text()), "outcomes": [outcome]}))


def save_backup(world: World, words: list[str]) -> None:
    """Somebody at the system saves its exchange data."""
    lims = world.bed.of(System(words[0]))
    lims[0].run(["env", f"AHEAD_MS={world.daemon.ahead_ms}", "data_backup"], deadline_s=30)
    data_look.note(world, lims)


def upgrade(world: World, words: list[str]) -> None:
    """The system gets a newer version, and its backups with it; the exchange starts anew."""
    lims = world.bed.of(System(words[0]))
    stop_exchange(world, words)
    for lim in lims:
        _wait(lim, there=False)
        _install(lim)
    start_exchange(world, words)
    for lim in lims:
        _wait(lim, there=True)
    data_look.note(world, lims)


def _install(lim: Lim) -> None:
    """What an upgrade leaves behind on a LIM."""
    settings = lim.path(f"{EXCHANGE}/exchange.json")
    said = json.loads(settings.read_text())
    old, new = str(said["version"]), f"1{NEWER}"
    settings.write_text(json.dumps({**said, "version": new}))
    lim.path(f"{EXCHANGE}/version").write_text(f"{new}\n")
    about = lim.path(f"{EXCHANGE}/about")
    about.write_text(about.read_text().replace(old[1:], NEWER))
    top = lim.path("/var/opt/eri_sn")
    (top / old).rename(top / new)
    database = top / "database"
    database.write_text(database.read_text().replace(old, new))


def _wait(lim: Lim, *, there: bool) -> None:
    give_up = time.monotonic() + START_DEADLINE_S
    while lim.path(PID_FILE).exists() is not there:
        if time.monotonic() > give_up:
            raise LabError(f"{lim.name}: its exchange does not {'start' if there else 'end'}")
        time.sleep(0.02)


def untranslate(world: World, words: list[str]) -> None:
    """Somebody takes the entries of these addresses out of the translation table."""
    table = world.bed.supervisor.path(TRANSLATION)
    lines = table.read_text().splitlines(keepends=True)
    gone = [line for line in lines if line.split()[:1] and line.split()[0] in words]
    if len(gone) != len(words):
        raise LabError(f"the translation table has no entry for each of {' '.join(words)}")
    table.write_text("".join(line for line in lines if line not in gone))  # in place: owner and mode stay


DOES: dict[str, Callable[[World, list[str]], None]] = {
    "stop-exchange": stop_exchange,
    "start-exchange": start_exchange,
    "next-reload": next_reload,
    "save-backup": save_backup,
    "upgrade": upgrade,
    "untranslate": untranslate,
    **copy_faults.DOES,
}
