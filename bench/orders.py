"""A manual takeover from `decided` until every LIM is read back; beside it, a shell script over ControlMaster."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.figures import Spread
from bench.stage import Stage
from redundancyd.core.systems import System
from redundancyd.lab.lim import Lim
from redundancyd.lab.system import LabError

FOLDER = "/root/bench"  # on LIM 1 of the alternate
CHAINS = {"INPUT": "PEER-IN", "OUTPUT": "PEER-OUT", "FORWARD": "PEER-FWD"}
SSH = ["ssh", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]


@dataclass(slots=True)
class Orders:
    """What both took, in milliseconds."""

    ours: list[dict[str, float]] = field(default_factory=list)
    theirs: list[dict[str, float]] = field(default_factory=list)

    def spread(self, rows: list[dict[str, float]], name: str) -> Spread:
        """One column."""
        return Spread(tuple(row[name] for row in rows))

    @property
    def ratio(self) -> float:
        """Our median to the script's."""
        return self.spread(self.ours, "all_ms").median / self.spread(self.theirs, "all_ms").median


def run_orders(stage: Stage, orders: Orders, runs: int, tell: Callable[[str], None]) -> None:
    """There and back, ours and theirs in turn; the first there-and-back is not counted."""
    _set_up_peer(stage)
    for active in (System.ALTERNATE, System.PRIMARY):
        _ours(stage, active)
        _theirs(stage, active)
    for number in range(1, runs + 1):
        active = System.ALTERNATE if number % 2 else System.PRIMARY
        mine, its = _ours(stage, active), _theirs(stage, active)
        orders.ours.append(mine)
        orders.theirs.append(its)
        tell(f"{number} of {runs}: redundancyd {mine['all_ms']:.0f} ms, script {its['all_ms']:.0f} ms")
    if runs % 2:
        _ours(stage, System.PRIMARY)
    for lim in stage.bed.lims.values():
        _change_jumps(lim, there=False)


def _ours(stage: Stage, active: System) -> dict[str, float]:
    stage.wait_settled(active.other)
    list(stage.journal.new())
    stage.order(active)
    lines: list[Mapping[str, Any]] = []
    summary = stage.wait_event("takeover_done", 10, lines)
    stage.wait_settled(active)
    if not summary["complete"]:
        raise LabError(f"a manual takeover was not complete: {summary}")
    return {name: float(summary[name]) for name in ("all_ms", "saving_ms", "blocking_ms", "allowing_ms")}


def _theirs(stage: Stage, active: System) -> dict[str, float]:
    script = (Path(__file__).parent / "orders.sh").read_text()
    words = ["bash", "-s", FOLDER, str(active.other), str(active)]
    blocking, allowing = (int(word) / 100 for word in stage.bed.supervisor.run(words, text=script).split())
    return {"all_ms": blocking + allowing, "blocking_ms": blocking, "allowing_ms": allowing}


def _set_up_peer(stage: Stage) -> None:
    """Chains of its own on every LIM, root's key, one open connection to each LIM, and the files with the rules."""
    supervisor = stage.bed.supervisor
    supervisor.run(["mkdir", "-p", FOLDER])
    supervisor.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{FOLDER}/key"])
    key = supervisor.path(f"{FOLDER}/key.pub").read_text()
    denying = {family: _rules_of_ours(supervisor, family) for family in (4, 6)}
    _write(supervisor, "block.sh", _flip(denying))
    _write(supervisor, "allow.sh", _flip({4: [], 6: []}))
    _write(supervisor, "here", supervisor.name)
    for system in System:
        _write(supervisor, str(system), " ".join(lim.name for lim in stage.bed.of(system)))
    for lim in stage.bed.lims.values():
        _change_jumps(lim, there=True)
        if lim is not supervisor:
            lim.run(["mkdir", "-p", "-m", "700", "/root/.ssh"])
            lim.path("/root/.ssh/authorized_keys").write_text(key)
            line = [
                *SSH,
                "-i",
                f"{FOLDER}/key",
                "-o",
                f"HostName={lim.plan.address}",
                "-S",
                f"{FOLDER}/{lim.name}.sock",
            ]
            supervisor.run([*line, "-o", "ControlMaster=yes", "-fN", f"root@{lim.name}"])


def _write(lim: Lim, name: str, text: str) -> None:
    lim.path(f"{FOLDER}/{name}").write_text(text)


def _rules_of_ours(blocked: Lim, family: int) -> list[str]:
    """The rules that redundancy-lim puts in, with the script's chain names."""
    name = {4: "iptables", 6: "ip6tables"}[family]
    lines = blocked.run([f"{name}-save", "-t", "filter"]).splitlines()
    found = [line.replace("REDUNDANCYD", "PEER") for line in lines if line.startswith("-A REDUNDANCYD-")]
    if not found:
        raise LabError(f"{blocked.name} is not blocked: there are no rules to copy")
    return found


def _flip(rules: Mapping[int, list[str]]) -> str:
    """What one LIM runs: each family's chains filled by one restore, then read back and counted."""
    text = "set -e\n"
    for family, name in ((4, "iptables"), (6, "ip6tables")):
        chains = "".join(f":{chain} - [0:0]\n" for chain in CHAINS.values())
        lines = "".join(f"{rule}\n" for rule in rules[family])
        text += f"{name}-restore --noflush -w 1 <<END\n*filter\n{chains}{lines}COMMIT\nEND\n"
        text += f"test $({name}-save -t filter | grep -c '^-A PEER-') = {len(rules[family])}\n"
    return text


def _change_jumps(lim: Lim, *, there: bool) -> None:
    """The script's chains stand empty behind ours, or not at all; filling and emptying them is what is timed."""
    text = "*filter\n" + "".join(f":{chain} - [0:0]\n" for chain in CHAINS.values())
    for built_in, chain in CHAINS.items():
        text += f"-A {built_in} -j {chain}\n" if there else f"-D {built_in} -j {chain}\n-X {chain}\n"
    for name in ("iptables", "ip6tables"):
        lim.run([f"{name}-restore", "--noflush", "-w", "1"], text=f"{text}COMMIT\n")
