"""What can happen to a bed: each verb of a scenario page, done for real.

The table at the end is the whole list; its keys are those of `redundancyd.scenarios.pages.VERBS`.
"""

import os
import signal
from collections.abc import Callable, Sequence

from redundancyd.core.systems import System
from redundancyd.lab import daemon_faults, exchange_faults, network
from redundancyd.lab.lim import Lim
from redundancyd.lab.plan import NETS
from redundancyd.lab.world import World
from redundancyd.scenarios.links import ways

RESTORES = [f"{family}{kind}-restore" for family in ("iptables", "ip6tables") for kind in ("", "-nft", "-legacy")]
REFUSING = "#!/bin/sh\ncat >/dev/null\necho 'iptables-restore: unable to initialize table filter' >&2\nexit 1\n"
FOREIGN_RULE = ["INPUT", "1", "-p", "udp", "--dport", "5060", "-j", "ACCEPT"]


def do(world: World, verb: str, words: Sequence[str]) -> None:
    """Let it happen; LabError when it can't."""
    DOES[verb](world, list(words))


def power_off(world: World, words: list[str]) -> None:
    """Cut the power of LIMs; the daemon dies with its own."""
    world.bed.power_off(world.lims(words))
    if not world.bed.supervisor.has_power():
        world.daemon.pid = None


def power_on(world: World, words: list[str]) -> None:
    """Switch LIMs on and wait for the end of their boot."""
    world.bed.power_on(lim for lim in world.lims(words) if not lim.has_power())


def freeze(world: World, words: list[str]) -> None:
    """Stop every process of LIMs, or the daemon alone."""
    if words == ["daemon"]:
        world.daemon.signal(signal.SIGSTOP)
        return
    for lim in world.lims(words):
        lim.freeze(frozen=True)


def thaw(world: World, words: list[str]) -> None:
    """Let them go on."""
    if words == ["daemon"]:
        world.daemon.signal(signal.SIGCONT)
        return
    for lim in world.lims(words):
        lim.freeze(frozen=False)


def cut(world: World, words: list[str]) -> None:
    """Let packets vanish on links, all in one instant."""
    for word in words:
        world.standing |= ways(word)
    world.bed.set_cuts(world.standing)


def heal(world: World, words: list[str]) -> None:
    """Make links whole again."""
    for word in words:
        world.standing -= ways(word)
    world.bed.set_cuts(world.standing)


def unplug(world: World, words: list[str]) -> None:
    """Pull cables at the router; what lives in the LIMs lives on."""
    for lim in world.lims(words):
        network.port(world.bed.plan, lim.name, up=False)


def plug(world: World, words: list[str]) -> None:
    """Put them back."""
    for lim in world.lims(words):
        network.port(world.bed.plan, lim.name, up=True)


def by_hand(world: World, words: list[str]) -> None:
    """Root on LIMs allows or blocks, without the daemon."""
    for lim in world.lims(words[1:]):
        lim.run(["redundancy-lim", words[0], "--by-hand"])


def flush_rules(world: World, words: list[str]) -> None:
    """Somebody empties the filter table."""
    for lim in world.lims(words):
        for tool in _tools(lim):
            lim.run([tool, "-w", "5", "-F"])
            lim.run([tool, "-w", "5", "-X"])


def insert_rule(world: World, words: list[str]) -> None:
    """Somebody lets SIP through before our chains."""
    for lim in world.lims(words):
        for tool in _tools(lim):
            lim.run([tool, "-w", "5", "-I", *FOREIGN_RULE])


def _tools(lim: Lim) -> list[str]:
    kind = f"-{lim.bed.backend}" if lim.bed.backend else ""
    return [f"iptables{kind}", f"ip6tables{kind}"]


def refuse(world: World, words: list[str]) -> None:
    """From now on the LIM's iptables-restore fails, so that it refuses what it is ordered."""
    for lim in world.lims(words[1:]):
        for name in RESTORES:
            program = lim.path(f"/usr/local/sbin/{name}")
            program.parent.mkdir(parents=True, exist_ok=True)
            program.write_text(REFUSING)
            program.chmod(0o755)


def accept(world: World, words: list[str]) -> None:
    """It works again."""
    for lim in world.lims(words[1:]):
        for name in RESTORES:
            lim.path(f"/usr/local/sbin/{name}").unlink(missing_ok=True)


def fill_disk(world: World, words: list[str]) -> None:
    """Leave not one free byte on the LIM's disk."""
    for lim in world.lims(words):
        filler = lim.folder / "filler"
        with filler.open("wb", buffering=0) as file:
            free = os.statvfs(lim.folder)
            os.posix_fallocate(file.fileno(), 0, max(1, free.f_bavail * free.f_frsize))


def empty_disk(world: World, words: list[str]) -> None:
    """Give the room back."""
    for lim in world.lims(words):
        (lim.folder / "filler").unlink(missing_ok=True)


def move_master(world: World, words: list[str]) -> None:
    """Give the master address to another LIM of its system, as a cluster does."""
    (lim,) = world.lims(words)
    drop_master(world, [lim.plan.system])
    net = lim.plan.net
    for address in (f"{net.address(10)}/24", f"{net.address6(10)}/64"):
        lim.run(["ip", "addr", "add", address, "dev", "eth0", *(["nodad"] if ":" in address else [])])


def drop_master(world: World, words: list[str]) -> None:
    """Take the master address away; the router forgets where it was, as after a gratuitous ARP."""
    system = System(words[0])
    net = NETS[system]
    for lim in world.bed.of(system):
        for address in (f"{net.address(10)}/24", f"{net.address6(10)}/64"):
            if lim.has_power():
                lim.run(["ip", "addr", "del", address, "dev", "eth0"], check=False)
    network.batch(world.bed.plan.namespace(network.ROUTER), [f"neigh flush dev br-{system}"])


def mark(_world: World, _words: list[str]) -> None:
    """Nothing happens; the player notes the instant."""


DOES: dict[str, Callable[[World, list[str]], None]] = {
    "power-off": power_off,
    "power-on": power_on,
    "freeze": freeze,
    "thaw": thaw,
    "cut": cut,
    "heal": heal,
    "unplug": unplug,
    "plug": plug,
    "keep": daemon_faults.keep,
    "restore": daemon_faults.restore,
    "kill": daemon_faults.kill,
    "start": daemon_faults.start,
    "restart": daemon_faults.restart,
    "step-clock": daemon_faults.step_clock,
    "order": daemon_faults.order,
    "begin": daemon_faults.begin,
    "by-hand": by_hand,
    "flush-rules": flush_rules,
    "insert-rule": insert_rule,
    "refuse": refuse,
    "accept": accept,
    "fill-disk": fill_disk,
    "empty-disk": empty_disk,
    "move-master": move_master,
    "drop-master": drop_master,
    "mark": mark,
    **exchange_faults.DOES,
}
