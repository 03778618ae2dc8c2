"""The peer: two real keepalived nodes (VRRP, unicast) in the bed's alternate net, each with the lab's SIP responder.

Two virtual addresses move by themselves, so that one cut gives two figures: one with the usual priorities 150 and 100,
whose skew lets the backup wait 0.61 of an interval longer, and one with 254 and 253, the shortest wait VRRP knows.
"""

import json
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from redundancyd.lab import network
from redundancyd.lab.bed import Bed
from redundancyd.lab.disk import PACKAGE, base_python
from redundancyd.lab.plan import NETS, SIP_PORT
from redundancyd.lab.system import PATH, Cgroup, LabError, remove_namespace, run

NET = NETS["alternate"]
USUAL, QUICK = NET.address(110), NET.address(111)
PRIORITIES = {USUAL: (150, 100), QUICK: (254, 253)}
ROUTERS = {USUAL: 51, QUICK: 52}  # the numbers VRRP knows them by
SETTLE_S = 15.0


def keepalived_settings(number: int, interval_s: float) -> str:
    """keepalived.conf of one node; sub-second intervals need version 3 of the protocol, so both have it."""
    own, peer = NET.address(100 + number), NET.address(103 - number)
    text = f"global_defs {{\n    router_id bench-{number}\n    vrrp_version 3\n}}\n"
    for address, priorities in PRIORITIES.items():
        router = ROUTERS[address]
        text += (
            f"vrrp_instance v{router} {{\n    state BACKUP\n    interface eth0\n    virtual_router_id {router}\n"
            f"    priority {priorities[number - 1]}\n    advert_int {interval_s:g}\n    unicast_src_ip {own}\n"
            f"    unicast_peer {{\n        {peer}\n    }}\n    virtual_ipaddress {{\n        {address}/24\n    }}\n}}\n"
        )
    return text


@dataclass(slots=True)
class Node:
    """One of the two."""

    bed: Bed
    number: int
    interval_s: float

    @property
    def name(self) -> str:
        """How it is called in the bed, and its port at the router."""
        return f"keepalived-{self.number}"

    @property
    def host(self) -> int:
        """Its number in its net."""
        return 100 + self.number

    @property
    def address(self) -> str:
        """Its own address."""
        return NET.address(self.host)

    @property
    def namespace(self) -> str:
        """Its network namespace."""
        return self.bed.plan.namespace(self.name)

    @property
    def cgroup(self) -> Cgroup:
        """All its processes."""
        return Cgroup(self.bed.plan.prefix, self.name)

    def power_on(self) -> None:
        """Lay its cable and start its processes."""
        run(["ip", "netns", "add", self.namespace])
        network.plug(self.bed.plan, self.name, NET, self.host)
        own = ["link set lo up", "link set eth0 up", f"addr add {self.address}/24 dev eth0"]
        network.batch(self.namespace, [*own, f"route replace default via {NET.address(1)}"])
        self.cgroup.make()
        folder = self.bed.plan.folder
        settings, responder = folder / f"{self.name}.conf", folder / f"{self.name}.json"
        settings.write_text(keepalived_settings(self.number, self.interval_s))
        settings.chmod(0o600)
        responder.write_text(json.dumps({"addresses": [USUAL, QUICK], "port": SIP_PORT, "name": self.name}))
        words = ["nsenter", f"--net=/run/netns/{self.namespace}", "unshare", "--mount", "--pid", "--fork"]
        words += ["--kill-child", "--mount-proc", "/bin/sh", str(Path(__file__).parent / "node.sh")]
        words += [str(settings), str(responder), base_python(), str(PACKAGE.parent)]
        with (folder / f"{self.name}.log").open("ab") as log:
            subprocess.Popen(
                self.cgroup.entering(words),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={"PATH": PATH},
            )

    def power_off(self) -> None:
        """End it; who wants it silent at one instant has cut its port before."""
        network.unplug(self.bed.plan, self.name)
        self.cgroup.kill()
        remove_namespace(self.namespace)

    def holds(self) -> set[str]:
        """The virtual addresses it has now."""
        shown = run(["ip", "-n", self.namespace, "-o", "addr", "show", "dev", "eth0"])
        return {word.partition("/")[0] for word in shown.split()} & {USUAL, QUICK}

    def pids(self) -> list[int]:
        """keepalived's own processes: the parent and the one that speaks VRRP."""
        return [pid for pid in self.cgroup.pids() if Path(f"/proc/{pid}/comm").read_text().startswith("keepalived")]


@dataclass(slots=True)
class Pair:
    """Node 1 is the master, node 2 takes over."""

    master: Node
    backup: Node

    def wait_settled(self) -> None:
        """Return when both virtual addresses are at the master alone."""
        give_up = time.monotonic() + SETTLE_S
        while self.master.holds() != {USUAL, QUICK} or self.backup.holds():
            if time.monotonic() > give_up:
                log = self.master.bed.plan.folder / f"{self.master.name}.log"
                raise LabError(f"keepalived does not settle: {log.read_text(errors='replace')[-800:]}")
            time.sleep(0.05)


def start_pair(bed: Bed, interval_s: float) -> Pair:
    """Both nodes switched on."""
    nodes = [Node(bed, number, interval_s) for number in (1, 2)]
    for node in nodes:
        node.power_on()
    return Pair(*nodes)
