"""Prerequisites of `configure`, each broken on purpose: it is told with its remedy, and nothing is changed."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial

import pytest

from redundancyd.core.prerequisites import PREREQUISITES
from redundancyd.core.systems import System, Traffic
from redundancyd.lab import exchange_faults, network
from redundancyd.lab.bed import standing
from redundancyd.lab.plan import BedPlan
from redundancyd.lab.system import run
from redundancyd.lab.world import World
from tests.lab.test_configure import WORDS, Site, differing
from tests.lab.test_standby import make_standby

pytestmark = [pytest.mark.lab, pytest.mark.strict, pytest.mark.timeout(240)]
SLOW = "tbf rate 1mbit burst 16kb latency 400ms"
LEFT_FREE = 6_500_000
"""bytes; three mirrors of a new bed's backup take twice as many"""
LARGER_MIB = 400
Damage = Callable[[Site], AbstractContextManager[None]]


@contextmanager
def intact(_site: Site) -> Iterator[None]:
    """Both systems are as they should be: it is the operator who is wrong."""
    yield


@contextmanager
def written(name: str, path: str, text: str, site: Site) -> Iterator[None]:
    """A file of a LIM says something else."""
    file = site.bed.lims[name].path(path)
    before = file.read_text()
    file.write_text(text)
    try:
        yield
    finally:
        file.write_text(before)


@contextmanager
def added(name: str, path: str, line: str, site: Site) -> Iterator[None]:
    """A file of a LIM says something besides."""
    with written(name, path, f"{site.bed.lims[name].path(path).read_text()}{line}\n", site):
        yield


@contextmanager
def command(name: str, program: str, script: str, site: Site) -> Iterator[None]:
    """A command of a LIM answers something else."""
    path = site.bed.lims[name].path(f"/usr/local/sbin/{program}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    try:
        yield
    finally:
        path.unlink()


@contextmanager
def done(name: str, words: str, undone: str, site: Site) -> Iterator[None]:
    """Root does something on a LIM, and undoes it."""
    site.bed.lims[name].run(["sh", "-c", words])
    try:
        yield
    finally:
        site.bed.lims[name].run(["sh", "-c", undone])


@contextmanager
def unplugged(name: str, site: Site) -> Iterator[None]:
    """A LIM's cable is out, and that is noticed; put back, the LIM is in reach again."""

    def reach() -> bool:
        return any(lim["reach"] for lim in site.lims() if lim.get("name") == name)

    network.port(site.bed.plan, name, up=False)
    try:
        site.wait(lambda: not reach(), 20)
        yield
    finally:
        network.port(site.bed.plan, name, up=True)
        site.wait(reach, 20)


@contextmanager
def exchange_stopped(name: str, site: Site) -> Iterator[None]:
    """The exchange of a LIM does not run."""
    world, there = World(site.bed, site.daemon), site.bed.lims[name].path(exchange_faults.PID_FILE)
    exchange_faults.stop_exchange(world, [name])
    try:
        site.wait(lambda: not there.exists(), 5)
        yield
    finally:
        exchange_faults.start_exchange(world, [name])
        site.wait(there.exists, 10)


@contextmanager
def larger_disk(name: str, site: Site) -> Iterator[None]:
    """The disk of a LIM has grown."""
    folder = site.bed.lims[name].folder
    before = shutil.disk_usage(folder).total
    run(["mount", "-o", f"remount,size={LARGER_MIB}m", str(folder)])
    try:
        yield
    finally:
        run(["mount", "-o", f"remount,size={before}", str(folder)])


@contextmanager
def full_disk(name: str, site: Site) -> Iterator[None]:
    """Nearly all of the disk of a LIM is taken."""
    folder = site.bed.lims[name].folder
    with (folder / "filler").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(folder).free - LEFT_FREE)
    try:
        yield
    finally:
        (folder / "filler").unlink()


@dataclass(frozen=True, slots=True)
class Broken:
    """A prerequisite that is not met."""

    name: str
    """of the prerequisite"""
    damage: Damage
    told: tuple[str, ...]
    """found, and what to do"""
    instead: tuple[str, str] | None = None
    """what the operator says instead of the right thing"""


def larger_memory(site: Site) -> AbstractContextManager[None]:
    """LIM 2 of the primary has a terabyte."""
    text = "sed 's/^MemTotal:.*/MemTotal: 1073741824 kB/' /proc/meminfo >/run/meminfo"
    bind = "mount --bind /run/meminfo /proc/meminfo"
    return done("primary-2", f"{text} && {bind}", "umount /proc/meminfo", site)


MEDIA = "\nMedia servers\n1    198.51.100.11\n"
BROKEN = {
    "version": Broken(
        "version",
        partial(written, "alternate-1", "/etc/opt/eri_sn/about", "Version: 7.9\n"),
        ("LIM 1: primary 7.8.1.0.19, alternate 7.9", "Bring both systems to the same version."),
    ),
    "gateway": Broken(
        "gateways",
        partial(written, "alternate-2", "/etc/opt/eri_sn/media_gateways", "Mgw\n"),
        ("primary: 1A, 2A", "alternate: 1A", "Add the media gateway that is missing"),
    ),
    "media-server": Broken(
        "media-servers",
        partial(added, "alternate-1", "/etc/opt/eri_sn/mxone_data", MEDIA),
        ("LIM 1: primary none, alternate 1", "Add the media server that is missing to the system that lacks it."),
    ),
    "lim": Broken(
        "lims",
        partial(written, "alternate-1", "/etc/opt/eri_sn/mxone_data", "Lim servers\n1 regular\n"),
        ("its exchange has LIM 1, the settings list LIM 1, 2", "Add the LIM that is missing"),
    ),
    "standby": Broken(
        "regular-server",
        partial(added, "primary-1", "/etc/redundancyd/lim.conf", "standby=yes"),
        ("runs on its standby server", "Bring LIM 1 back to its regular server first."),
    ),
    "blocked": Broken(
        "traffic",
        partial(done, "primary-2", "redundancy-lim block --by-hand", "redundancy-lim allow --by-hand"),
        ("primary: allowed, blocked", "the alternate carries the traffic", "more_configuration iptables remove"),
    ),
    "another": Broken(
        "rules",
        partial(done, "alternate-2", "echo 'allow 5 other.run' | redundancy-lim serve", "redundancy-lim remove"),
        ("alternate-2: takes orders of other, takeover 5", "Remove the other supervision there"),
    ),
    "damaged": Broken(
        "rules",
        partial(added, "alternate-2", "/etc/redundancyd/lim.conf", "deny=maybe"),
        ("alternate-2: ", "Mend lim.conf on that LIM", "redundancy-lim status"),
    ),
    "unplugged": Broken(
        "reach",
        partial(unplugged, "primary-2"),
        ("primary-2: ", "Put redundancy-lim and our key there: redundancyctl lim install"),
    ),
    "exchange": Broken(
        "exchange",
        partial(exchange_stopped, "primary-2"),
        ("primary-2: exchange stopped", "Start the exchange there"),
    ),
    "clock": Broken(
        "clocks",
        partial(command, "alternate-2", "date", "echo $(($(/usr/bin/date +%s) + 3600))"),
        ("alternate-2: 3600 s before our clock", "the same NTP servers"),
    ),
    "processors": Broken(
        "capacity",
        partial(command, "primary-2", "nproc", "echo 999"),
        ("LIM 2: processors 999 against", "less (processors)", "--accept capacity"),
    ),
    "memory": Broken(
        "capacity",
        larger_memory,
        ("memory MiB 1048576 against", "less (memory MiB)", "at least what its LIM has", "--accept capacity"),
    ),
    "disk": Broken(
        "capacity",
        partial(larger_disk, "primary-2"),
        (f"disk MiB {LARGER_MIB} against", "less (disk MiB)", "at least what its LIM has", "--accept capacity"),
    ),
    "room": Broken(
        "room",
        partial(full_disk, "alternate-1"),
        ("room for 6 MB; 3 mirrors take up to 12 MB", "[exchange_data] folder", "--accept room"),
    ),
    "slow": Broken(
        "rate",
        partial(done, "primary-1", f"tc qdisc add dev eth0 root {SLOW}", "tc qdisc del dev eth0 root"),
        ("kB a second from the primary's LIM 1", "Look at the line between the two places", "--accept rate"),
    ),
    "mask": Broken(
        "addresses",
        intact,
        ("192.0.2.10/24 has a mask", "without the slash: 192.0.2.10"),
        ("--master-ip", "192.0.2.10/24"),
    ),
    "wrong-master": Broken(
        "master",
        intact,
        ("192.0.2.99 does not answer", "itself reports: 192.0.2.10"),
        ("--master-ip", "192.0.2.99"),
    ),
    "control": Broken(
        "control",
        intact,
        ("203.0.113.99 does not answer", "always on"),
        ("--network-control-address", "203.0.113.99"),
    ),
}
OF_THEIR_OWN = {"host-keys", "fallback"}
"""each has a test, and a bed, to itself"""


def test_every_prerequisite_is_broken_on_purpose():
    """
    One that is added later is, too.
    """
    assert {case.name for case in BROKEN.values()} | OF_THEIR_OWN == {row.name for row in PREREQUISITES}


@pytest.fixture(scope="module")
def shared() -> Iterator[Site]:
    """Two LIMs in each system, and a daemon that nobody configures: each test mends what it broke."""
    with standing(BedPlan(f"cfr-{os.getpid()}", lims=2, configured=False)) as bed:
        yield Site(bed)


@pytest.mark.parametrize("case", BROKEN)
def test_a_prerequisite_that_is_not_met_is_told_with_its_remedy_and_nothing_is_changed(shared: Site, case: str):
    """
    Exit status 3 and the words that help; the rules and all files of all LIMs are as they were.
    """
    broken = BROKEN[case]
    with broken.damage(shared):
        before = shared.all()
        done = shared.say(*_instead(broken.instead), status=3)
        after = shared.all()
    flat = " ".join((done.stdout + done.stderr).split())
    assert [word for word in broken.told if word not in flat] == []
    assert f"NO {broken.name} " in flat or f"? {broken.name} " in flat
    assert differing(before, after) == {}
    assert not shared.page()["configured"]


def _instead(instead: tuple[str, str] | None) -> tuple[str, ...]:
    """The ordinary words, with another value for one of them."""
    typed = list(WORDS)
    if instead is not None:
        typed[typed.index(instead[0]) + 1] = instead[1]
    return tuple(typed)


def test_a_lim_that_shows_another_host_key_is_told_apart_from_one_that_is_away(shared: Site):
    """
    Reinstalled, or somebody else: the remedy is to compare, and nothing was changed.
    """
    known = shared.bed.supervisor.path("/etc/redundancyd/known_hosts").read_text()
    lines = [line.split(" ", 1) for line in known.splitlines()]
    other = next(key for address, key in lines if address == "192.0.2.11")
    swapped = "".join(f"{address} {other if address == '192.0.2.12' else key}\n" for address, key in lines)
    with written("alternate-1", "/etc/redundancyd/known_hosts", swapped, shared):
        _begin_anew(shared, 3)
        before = shared.all()
        flat = " ".join(shared.say(*WORDS, status=3).stdout.split())
        after = shared.all()
    assert "primary-2: its host key is not the one that is pinned" in flat
    assert "Compare the key at the console of the LIM" in flat
    assert differing(before, after) == {}
    _begin_anew(shared, 4)


def _begin_anew(site: Site, in_reach: int) -> None:
    site.daemon.stop()
    site.daemon.start()
    site.daemon.wait_answering()
    site.wait(lambda: sum(lim["reach"] for lim in site.lims()) == in_reach, 20)


# --- 1+1: the primary's LIM has a standby server ---


@pytest.fixture(scope="module")
def clustered() -> Iterator[Site]:
    """LIM 1 of the primary has a standby server, and the return is to be automatic; nobody has configured anything."""
    settings = {"heartbeat.cluster_failover": "500ms", "takeover.primary_from_alternate": "automatic"}
    with standing(BedPlan(f"cfc-{os.getpid()}", lims=2, configured=False, settings=settings)) as bed:
        make_standby(bed, System.PRIMARY)
        yield Site(bed)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (None, "the primary has standby servers, and nobody has said whether its clusters fall back by themselves"),
        ("manual", "the fallback type of the primary's clusters is manual"),
    ],
)
def test_an_automatic_return_to_clusters_that_do_not_fall_back_is_refused_with_the_reason(
    clustered: Site, said: str | None, why: str
):
    """
    What no command tells is asked of the operator; nothing is changed.
    """
    if said is not None:
        clustered.say("settings", "cluster-fallback", said)
    before = clustered.all()
    flat = " ".join(clustered.say(*WORDS, status=3).stdout.split())
    assert f"primary-from-alternate is automatic: {why}" in flat
    assert "Set the fallback type of each cluster of the primary to automatic" in flat
    assert "redundancyctl settings cluster-fallback automatic" in flat
    assert differing(before, clustered.all()) == {}


def test_a_primary_that_runs_on_its_standby_server_is_no_primary_to_begin_with(clustered: Site):
    """
    Its regular server's exchange has stopped, the standby server's runs: where, and what to do; nothing is changed.
    """
    with exchange_stopped("primary-1", clustered):
        before = clustered.all()
        flat = " ".join(clustered.say(*WORDS, status=3).stdout.split())
        after = clustered.all()
    assert "LIM 1 of the primary runs on its standby server, 192.0.2.12: no management there" in flat
    assert "Bring LIM 1 back to its regular server first." in flat
    assert differing(before, after) == {}


def test_what_may_be_accepted_by_name_is_accepted_done_and_remembered(clustered: Site):
    """
    A smaller alternate, and clusters that do not fall back: a pair all the same, which remembers both; the return that
    was to be automatic is manual.
    """
    names = ("--accept", "capacity", "--accept", "fallback")
    with larger_disk("primary-1", clustered):
        assert "--accept capacity" in clustered.say(*WORDS, status=3).stdout
        clustered.say(*WORDS, *names)
        clustered.wait(clustered.is_supervised, 20)
    for _ in range(2):
        page = clustered.page()
        assert page["accepted"] == ["fallback", "capacity", "foreign"]
        assert page["methods"]["primary-from-alternate"] == "manual"
        assert clustered.traffic()["alternate-1"] is Traffic.BLOCKED
        _begin_anew(clustered, 3)
