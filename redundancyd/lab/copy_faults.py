"""What can happen to backups while they are copied: at their source, on the line, and on our own disk."""

import time
from collections.abc import Callable

from redundancyd.core.systems import System
from redundancyd.lab import data_look, network
from redundancyd.lab.backups import Store
from redundancyd.lab.bed import Bed
from redundancyd.lab.disk import PACKAGE, base_python
from redundancyd.lab.exchange_data import TOUCHED, touched
from redundancyd.lab.lim import Lim
from redundancyd.lab.system import Cgroup, LabError, run, spawn
from redundancyd.lab.world import World
from redundancyd.scenarios.copy_words import percent
from redundancyd.scenarios.links import ways

MIRRORS = "/var/lib/redundancyd/mirrors"
SSH_PORT = 22
BAD_PORT = 9000
CUT_DEADLINE_S = 60.0
START_DEADLINE_S = 5.0
WIRE_SHARE = 1.04
"""What a byte of a backup takes on the line: headers of IP, TCP and SSH beside it."""


# --- at the source ---


def begin_backup(world: World, words: list[str]) -> None:
    """Half of the files are there, and half of one more; `listed`: the database knows the backup already."""
    world.unfinished = stamp_now(world)
    lims = world.bed.of(System(words[0]))
    for lim in lims:
        store = _store(lim)
        files = _wanted(store, world.unfinished)
        half = len(files) // 2
        for number, name in enumerate(files):
            if number <= half:
                _write(store, world.unfinished, name, files[name][: None if number < half else len(files[name]) // 2])
        if words[1:]:
            store.accept(world.unfinished)
    data_look.note(world, lims)


def end_backup(world: World, words: list[str]) -> None:
    """The backup that was begun is whole, and valid."""
    lims = world.bed.of(System(words[0]))
    for lim in lims:
        store = _store(lim)
        for name, text in _wanted(store, world.unfinished).items():
            path = store.folder(world.unfinished) / name
            if not path.exists() or path.stat().st_size != len(text):
                _write(store, world.unfinished, name, text)
        store.accept(world.unfinished)
    data_look.note(world, lims)


def _store(lim: Lim) -> Store:
    """The backups of a LIM that has power, to be written to."""
    return Store(lim.path("/var/opt/eri_sn"), lim.plan.number, data_look.store(lim).version)


def _wanted(store: Store, stamp: str) -> dict[str, bytes]:
    """What a backup of what runs has in it; the files that are new in it come in the first half."""
    live = data_look.files(store.live)
    new = touched({name: live[name] for name in TOUCHED}, stamp)
    return {**new, **{name: live[name] for name in sorted(live) if name not in new}}


def _write(store: Store, stamp: str, name: str, text: bytes) -> None:
    path = store.folder(stamp) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text)


def stamp_now(world: World) -> str:
    """The instant, by the clock that the daemon sees, as exchanges name their backups."""
    return time.strftime("%Y%m%d%H%M%S", time.gmtime(time.time() + world.daemon.ahead_ms / 1000))


# --- on our own disk ---


def flip_byte(world: World, words: list[str]) -> None:
    """One byte in the middle of a file; size and time stamps stay as they are."""
    folder = world.bed.supervisor.path(MIRRORS + ("/.incoming" if words == ["incoming"] else ""))
    stamps = sorted(path for path in folder.iterdir() if path.name.isdecimal()) if folder.is_dir() else []
    lims = sorted(stamps[-1].glob("lim-*")) if stamps else []
    # Of the last LIM: where LIMs have the same file, it is the one that the next mirror links.
    path = next((path for path in sorted(lims[-1].glob("*.D")) if path.is_file()), None) if lims else None
    if path is None:
        raise LabError(f"nothing is in {folder} whose byte could change")
    text = bytearray(path.read_bytes())
    text[len(text) // 2] ^= 1
    path.write_bytes(text)


# --- on the line ---


def corrupt(world: World, words: list[str]) -> None:
    """New connections to a LIM's sshd go through a line that changes a byte in each; those that stand go on."""
    for lim in world.lims(words):
        port = BAD_PORT + lim.plan.number
        group = _bad_line(world.bed, lim)
        group.make()
        command = [base_python(), "-m", "redundancyd.lab.bad_line", str(port), lim.plan.address, str(SSH_PORT)]
        inside = ["ip", "netns", "exec", world.bed.plan.namespace(network.ROUTER), *command]
        spawn(group.entering(inside), world.bed.plan.folder / "bad-line.log", PYTHONPATH=str(PACKAGE.parent))
        _wait_listening(world.bed, port)
        network.router_rule(world.bed.plan, ["-t", "nat", "-A", *_redirected(lim, port)])


def mend(world: World, words: list[str]) -> None:
    """New connections go straight again, and those through the bad line are reset."""
    for lim in world.lims(words):
        network.router_rule(world.bed.plan, ["-t", "nat", "-D", *_redirected(lim, BAD_PORT + lim.plan.number)])
        _bad_line(world.bed, lim).remove()


def _bad_line(bed: Bed, lim: Lim) -> Cgroup:
    return Cgroup(bed.plan.prefix, f"bad-line-{lim.name}")


def _redirected(lim: Lim, port: int) -> list[str]:
    target = ["-d", lim.plan.address, "-p", "tcp", "--dport", str(SSH_PORT)]
    return ["PREROUTING", *target, "-j", "REDIRECT", "--to-ports", str(port)]


def _wait_listening(bed: Bed, port: int) -> None:
    give_up = time.monotonic() + START_DEADLINE_S
    listening = f":{port:04X} 00000000:0000 0A"
    while listening not in run(["ip", "netns", "exec", bed.plan.namespace(network.ROUTER), "cat", "/proc/net/tcp"]):
        if time.monotonic() > give_up:
            raise LabError(f"the bad line does not listen: {(bed.plan.folder / 'bad-line.log').read_text()[-500:]}")
        time.sleep(0.02)


def count(world: World, _words: list[str]) -> None:
    """Count from zero."""
    network.count_copies(world.bed.plan)


def cut_after(world: World, words: list[str]) -> None:
    """The kernel stops the copy at the very packet; a moment later the whole line is cut."""
    share, *links = words
    plan = world.bed.plan
    size_bytes = sum(data_look.backup_bytes(data_look.store(lim)) for lim in world.bed.of(System.PRIMARY))
    left = round(percent(share) / 100 * WIRE_SHARE * size_bytes) - network.counted_bytes(plan)
    if left <= 0:
        raise LabError(f"more than {share} of the backup have crossed the line already")
    quota = ["-m", "quota", "--quota", str(left)]
    network.router_rule(plan, ["-I", "FORWARD", *network.FROM_SSHD, *quota, "-j", "ACCEPT"])
    network.router_rule(plan, ["-I", "FORWARD", "2", *network.FROM_SSHD, "-j", "DROP"])
    give_up = time.monotonic() + CUT_DEADLINE_S
    while not network.rule_bytes(plan, "filter", "FORWARD", 2):
        if time.monotonic() > give_up:
            raise LabError(f"{share} of the backup did not cross the line within {CUT_DEADLINE_S:.0f} s")
        time.sleep(0.02)
    for word in links:
        world.standing |= ways(word)
    world.bed.set_cuts(world.standing)


DOES: dict[str, Callable[[World, list[str]], None]] = {
    "begin-backup": begin_backup,
    "end-backup": end_backup,
    "flip-byte": flip_byte,
    "corrupt": corrupt,
    "mend": mend,
    "count": count,
    "cut-after": cut_after,
}
