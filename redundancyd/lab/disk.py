"""The disk of a LIM: accounts, keys, settings and programs, written once; power comes and goes, the disk stays."""

import grp
import json
import os
import pwd
import re
import sys
from pathlib import Path

import redundancyd
from redundancyd.core.systems import System
from redundancyd.lab import network
from redundancyd.lab.backups import Store
from redundancyd.lab.exchange_data import FOREIGN, Addresses, contents
from redundancyd.lab.plan import NETS, SIP_PORT, BedPlan, LimPlan, master_address
from redundancyd.lab.settings import daemon_settings, lim_settings
from redundancyd.lab.system import LabError, run
from redundancyd.lim.texts import key_line, shipped, sudoers

HERE = Path(__file__).parent
PACKAGE = Path(redundancyd.__file__).parent
ACCOUNT = "redundancyd"
ACCOUNT_ID = 899
DISK_SIZE_MIB = 48
"""Besides what the exchange data takes."""
VERSION = "7.8.1.0.19"
STAMPS = {
    System.PRIMARY: ("20260307031502", "20260308031501", "20260309031502"),
    System.ALTERNATE: ("20260305040000", "20260306040000", "20260307040000"),
}
"""When the backups of a new bed were made, the oldest first."""
SSHD = """\
Port 22
HostKey /etc/redundancy-lab/host_key
PidFile /run/sshd.pid
UsePAM no
UseDNS no
PasswordAuthentication no
KbdInteractiveAuthentication no
AuthorizedKeysFile .ssh/authorized_keys
KexAlgorithms curve25519-sha256,curve25519-sha256@libssh.org
MaxStartups 100
LogLevel VERBOSE
"""


def make_disk(plan: BedPlan, lim: LimPlan) -> None:
    """Format the disk of a LIM and install it: everything a real LIM gets from its vendor and from `lim install`."""
    folder = plan.folder / lim.name
    folder.mkdir()
    size = f"{DISK_SIZE_MIB + data_size_mib(plan, lim)}m"
    run(["mount", "-t", "tmpfs", "-o", f"mode=755,size={size}", f"rlab-{lim.name}", str(folder)])
    for name in ("upper", "work", "root"):
        (folder / name).mkdir()
    upper = folder / "upper"
    for shared in readable_folders():
        _make_reachable(upper, shared)
    _write_machine(upper, plan, lim)
    if plan.installed or lim.is_supervisor:
        _write_account(upper)
    _write_exchange(upper, plan, lim)
    if plan.installed:
        _install(upper, plan, lim)
    for own in ("etc/redundancyd", "var/lib/redundancyd"):
        (upper / own).mkdir(parents=True, exist_ok=True)
        os.setxattr(upper / own, "trusted.overlay.opaque", b"y")  # whatever this machine has there is not the LIM's
    if lim.is_supervisor:
        _write_supervisor(upper, plan)


def _install(upper: Path, plan: BedPlan, lim: LimPlan) -> None:
    """What `lim install` puts on a LIM; here it is written onto the disk."""
    number, home = account_id(), f"home/{ACCOUNT}"
    key = (plan.folder / "keys" / "supervision.pub").read_text()
    put(upper, f"{home}/.ssh/authorized_keys", key_line(key), mode=0o600, owner=number)
    for folder, mode in ((f"{home}/.ssh", 0o700), (home, 0o750)):
        (upper / folder).chmod(mode)
        os.chown(upper / folder, number, number)
    put(upper, "etc/sudoers.d/redundancy-lim", sudoers(ACCOUNT), mode=0o440)
    (upper / "etc/sudoers.d").chmod(0o750)
    put(upper, "usr/sbin/redundancy-lim", _shipped("redundancy-lim"), mode=0o755)
    put(upper, "etc/redundancyd/lim.conf", lim_settings(plan, lim))


def data_size_mib(plan: BedPlan, lim: LimPlan) -> int:
    """Room for backups, and on the supervisor for mirrors of all LIMs beside what these leave free."""
    own, spare_mib = 4 * plan.data_bytes, 96
    mirrors = 2 * plan.data_bytes * plan.lims if lim.is_supervisor else 0
    return (own + mirrors) // 2**20 + (spare_mib if lim.is_supervisor else 0)


def _shipped(name: str) -> str:
    """One of the files that `lim install` puts on a LIM."""
    try:
        return shipped(name)
    except OSError as error:
        raise LabError(f"{error.filename} can't be read: the lab installs it on every LIM") from error


def readable_folders() -> list[Path]:
    """The folders of this machine that LIMs read: the package and the Python that runs it, unless /usr holds them."""
    wanted = {PACKAGE.parent, Path(sys.prefix), Path(sys.base_prefix)}
    outside = sorted(path for path in wanted if not path.is_relative_to("/usr"))
    return [path for path in outside if not any(path != other and path.is_relative_to(other) for other in outside)]


def _make_reachable(upper: Path, folder: Path) -> None:
    """Let the daemon's account through to a folder that may stand in somebody's private home."""
    for parent in reversed([folder, *folder.parents][:-1]):
        (upper / parent.relative_to("/")).mkdir(mode=0o755, exist_ok=True)


def put(upper: Path, name: str, text: str, *, mode: int = 0o644, owner: int = 0) -> None:
    """Write one file of the disk, with its folders."""
    path = upper / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    if owner:
        os.chown(path, owner, owner)


def make_keys(plan: BedPlan) -> None:
    """Make the supervision's key and every LIM's host key, all at once, and the list of host keys it pins."""
    keys = plan.folder / "keys"
    keys.mkdir()
    pinned = []
    for name in ["supervision", *(lim.name for lim in plan.all_lims)]:
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(keys / name)])
    for lim in plan.all_lims:
        kind, key, *_ = (keys / f"{lim.name}.pub").read_text().split()
        pinned += [f"{address} {kind} {key}\n" for address in (lim.address, lim.address6)]
    (keys / "known_hosts").write_text("".join(pinned))


def _write_machine(upper: Path, plan: BedPlan, lim: LimPlan) -> None:
    """Host name, network, sshd and the first process of the LIM."""
    keys = plan.folder / "keys"
    put(upper, "etc/hostname", f"{lim.name}\n")
    put(upper, "etc/hosts", f"127.0.0.1 localhost\n{lim.address} {lim.name}\n")
    put(upper, "etc/nsswitch.conf", "passwd: files\ngroup: files\nshadow: files\nhosts: files\n")
    put(upper, "etc/resolv.conf", "")
    put(upper, "root/.bashrc", "")
    put(upper, "root/.profile", "")
    put(upper, "etc/redundancy-lab/network", network.lim_network(lim, is_master=lim.number == 1))
    put(upper, "etc/redundancy-lab/sshd_config", SSHD)
    put(upper, "etc/redundancy-lab/host_key", (keys / lim.name).read_text(), mode=0o600)
    put(upper, "etc/redundancy-lab/init", (HERE / "lim-init.sh").read_text())
    has_socket = "yes" if lim.is_supervisor else "no"
    settings = {"python": base_python(), "path": PACKAGE.parent, "has_socket": has_socket, "hold_s": hold_every_s()}
    put(upper, "etc/redundancy-lab/settings", "".join(f"{key}={value}\n" for key, value in settings.items()))


def hold_every_s() -> int:
    """How often `redundancy-lim hold` runs, as its timer unit says."""
    found = re.search(r"(?m)^OnUnitActiveSec=(\d+)$", _shipped("redundancy-lim-hold.timer"))
    return int(found[1]) if found else 5


def base_python() -> str:
    """The interpreter below the virtual environment: starts faster, and the exchange needs nothing else."""
    return str(getattr(sys, "_base_executable", sys.executable))


def account_id() -> int:
    """The user and group number of the account on LIMs: this machine's, where it has one."""
    try:
        return pwd.getpwnam(ACCOUNT).pw_uid
    except KeyError:
        return ACCOUNT_ID


def _write_account(upper: Path) -> None:
    """The supervision's login account."""
    number = account_id()
    home = f"home/{ACCOUNT}"
    if not any(entry.pw_name == ACCOUNT for entry in pwd.getpwall()):
        put(upper, "etc/passwd", Path("/etc/passwd").read_text() + f"{ACCOUNT}:x:{number}:{number}::/{home}:/bin/sh\n")
        put(upper, "etc/shadow", Path("/etc/shadow").read_text() + f"{ACCOUNT}:*:19000:0:99999:7:::\n", mode=0o640)
    if not any(entry.gr_name == ACCOUNT for entry in grp.getgrall()):
        put(upper, "etc/group", Path("/etc/group").read_text() + f"{ACCOUNT}:x:{number}:\n")


def _write_exchange(upper: Path, plan: BedPlan, lim: LimPlan) -> None:
    """The stand-in exchange's settings and the commands of a LIM."""
    masters = [lim.net.address(10), lim.net.address6(10)]
    settings = {
        "addresses": [lim.address, lim.address6, *masters],
        "port": SIP_PORT,
        "name": lim.name,
        "lim": lim.number,
        "version": f"1{VERSION}",
        "system": [other.address for other in plan.of(lim.system)],
    }
    put(upper, "etc/opt/eri_sn/exchange.json", json.dumps(settings))
    put(upper, "etc/opt/eri_sn/reload.json", json.dumps({"seconds": plan.reload_ms / 1000, "outcomes": []}))
    put(upper, "etc/opt/eri_sn/master_address", f"{master_address(lim.system)}/24\n")
    put(upper, "etc/opt/eri_sn/version", f"1{VERSION}\n")
    put(upper, "etc/opt/eri_sn/about", f"Service Node {lim.system}\nVersion: {VERSION}\n")
    put(upper, "etc/opt/eri_sn/lims", " ".join(str(other.number) for other in plan.of(lim.system)) + "\n")
    rows = [
        f"{other.number:<5}{'regular':<9}{other.address:<16}{other.name:<16}{other.address}"
        for other in plan.of(lim.system)
    ]
    table = ["Lim servers", "Lim  Server   IP address      DNS name        LIM IP", *rows, ""]
    put(upper, "etc/opt/eri_sn/mxone_data", "\n".join(table))
    gateway = f"{lim.number}A    {lim.address}      255.255.255.0   {lim.net.address(1)}"
    put(upper, "etc/opt/eri_sn/media_gateways", f"Mgw   IP address      Mask            Gateway\n{gateway}\n")
    _write_data(upper, plan, lim)
    for command in sorted((HERE / "commands").iterdir()):
        put(upper, f"opt/eri_sn/bin/{command.name}", command.read_text(), mode=0o755)
        link = upper / "usr/local/bin" / command.name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(f"/opt/eri_sn/bin/{command.name}")


def installed(plan: BedPlan, lim: LimPlan) -> dict[str, bytes]:
    """The exchange data that a LIM of a new bed came with."""
    own = plan.of(lim.system)
    v4, v6 = lim.net.nets
    addresses = Addresses(
        tuple(other.address for other in own),
        tuple(other.address6 for other in own),
        master_address(lim.system),
        v4,
        v6,
        lim.net.address(1),
    )
    return contents(addresses, plan.data_files, plan.data_bytes)


def _write_data(upper: Path, plan: BedPlan, lim: LimPlan) -> None:
    """The exchange data of a LIM, and the backups that its system has made of it."""
    store = Store(upper / "var/opt/eri_sn", lim.number, f"1{VERSION}")
    store.install(installed(plan, lim), STAMPS[lim.system][: plan.backups])


def _write_supervisor(upper: Path, plan: BedPlan) -> None:
    """What LIM 1 of the alternate has besides: the daemon's settings, key, pinned hosts and state folder."""
    number = account_id()
    keys = plan.folder / "keys"
    put(upper, "etc/redundancyd/redundancyd.toml", daemon_settings(plan))
    if plan.installed:
        put(upper, "etc/redundancyd/known_hosts", (keys / "known_hosts").read_text())
        put(upper, "etc/redundancyd/supervision", (keys / "supervision").read_text(), mode=0o600, owner=number)
    put(upper, "var/lib/redundancyd/translation", translation(plan), mode=0o600, owner=number)
    confirmed = "".join(f"{address}\n" for address in FOREIGN)
    put(upper, "var/lib/redundancyd/translation-confirmed", confirmed, mode=0o600, owner=number)
    state = upper / "var/lib/redundancyd"
    os.chown(state, number, number)


def translation(plan: BedPlan) -> str:
    """The translation table of a bed: everything that the primary calls its own, and what the alternate has instead."""
    ours, theirs = NETS[System.ALTERNATE], NETS[System.PRIMARY]
    hosts = [1, 10, *(10 + lim.number for lim in plan.of(System.PRIMARY))]  # router, master, LIMs
    lines = [f"{theirs.address(host)} {ours.address(host)}" for host in hosts]
    lines += [f"{theirs.address6(host)} {ours.address6(host)}" for host in hosts]
    lines += [f"{old} {new}" for old, new in zip(theirs.nets, ours.nets, strict=True)]
    stays = f"{plan.of(System.PRIMARY)[0].address}0"  # a host in the primary's net that no system is
    return "".join(f"{line}\n" for line in [*lines, f"{stays} {stays}"])
