"""`configure` broken off in the middle of each of its steps: daemon killed, utility killed, both, or removed.

The steps are those of the table.  Each is made to last by something that really is slow in the lab, so that what
happens falls into its middle.
"""

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from redundancyd.adapters.setup_file import SetupFile
from redundancyd.core.setup_plan import STEPS, Step
from redundancyd.core.systems import System, Traffic
from redundancyd.lab.bed import standing
from redundancyd.lab.daemon_process import Journal
from redundancyd.lab.plan import BedPlan
from tests.lab.test_configure import RELOAD, WORDS, Site, differing

pytestmark = [pytest.mark.lab, pytest.mark.strict, pytest.mark.timeout(120)]
STATE = "/var/lib/redundancyd"
RUNNING = "/var/opt/eri_sn/running"
"""what a LIM of the alternate has loaded"""
STAYS = (
    f"alternate-1:{STATE}/mirrors",  # a copy that is whole harms nothing: the next try need not copy again
    f"alternate-1:{STATE}/removed",  # where the state of what was undone, or removed, lies
    f"alternate-1:{STATE}/setup",  # two slots that count: it is compared by what it says
    f"alternate-1:{STATE}/supervisor",  # which start of the daemon this is
    *(f"alternate-{lim}:{STATE}/lim/{name}" for lim in (1, 2) for name in ("received", "load")),  # what a LIM was sent
)
LOAD_S, UNDONE_S = 2.0, 0.2


# --- what makes a step last ---


@contextmanager
def slow(name: str, programs: tuple[str, ...], seconds: float, site: Site) -> Iterator[None]:
    """Programs of a LIM take their time."""
    paths = [site.bed.lims[name].path(f"/usr/local/sbin/{program}") for program in programs]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'#!/bin/sh\nsleep {seconds}\nPATH=/usr/sbin:/usr/bin exec {path.name} "$@"\n')
        path.chmod(0o755)
    try:
        yield
    finally:
        for path in paths:
            path.unlink()


@contextmanager
def slow_reload(site: Site) -> Iterator[None]:
    """The alternate is reloaded for a while; the reload that undoes it is a short one."""
    site.reload(UNDONE_S, LOAD_S)
    yield
    site.reload(UNDONE_S)


@contextmanager
def engine_stands_still(site: Site) -> Iterator[None]:
    """The process that translates gets no processor until this ends."""
    ended, stopped = threading.Event(), set[int]()

    def watch() -> None:
        while not ended.wait(0.002):
            for pid in site.bed.supervisor.cgroup.pids():
                if pid not in stopped and b"translation_job" in _words_of(pid):
                    os.kill(pid, signal.SIGSTOP)
                    stopped.add(pid)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield
    finally:
        ended.set()
        watching.join()
        for pid in stopped:
            if b"translation_job" in _words_of(pid):
                os.kill(pid, signal.SIGCONT)


def _words_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


LASTING: dict[Step, Callable[[Site], AbstractContextManager[None]]] = {
    Step.COPYING: partial(slow, "primary-2", ("rsync",), 2.0),
    Step.TRANSLATING: engine_stands_still,
    Step.BLOCKING: partial(slow, "alternate-2", ("iptables-restore", "ip6tables-restore"), 1.0),
    Step.LOADING: slow_reload,
    Step.STARTING: partial(slow, "primary-2", ("sync",), 1.0),
}


# --- a bed that begins anew for each test ---


class Before:
    """How everything is at the beginning of a test: what it has to be like when `configure` was undone."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.steps = Journal(site.daemon.journal)
        self.was = self.now()
        """rules, orders, data and files"""
        list(self.steps.new())

    def now(self) -> dict[str, str]:
        """The same at this instant."""
        site = self.site
        files = {
            name: what for name, what in site.files().items() if not (what.endswith("-") or name.startswith(STAYS))
        }
        running = {f"{lim.name} runs": lim.path(RUNNING).read_text() for lim in site.bed.of(System.ALTERNATE)}
        return site.rules() | files | running | {"remember an order": " ".join(sorted(site.ordered()))}

    def wait_step(self, step: Step) -> None:
        """Return when the daemon says that it has begun this step."""

        def has_begun() -> bool:
            return any(line["event"] == "setup_step" and line["step"] == step for line in self.steps.new())

        self.site.wait(has_begun, 30)
        time.sleep(0.2)  # into the middle of it


@contextmanager
def a_site(name: str) -> Iterator[Site]:
    """Two LIMs in each system, and a daemon; the alternate has never run the primary's data."""
    with standing(BedPlan(f"{name}-{os.getpid()}", lims=2, configured=False)) as bed:
        site = Site(bed)
        site.reload(UNDONE_S)
        bed.supervisor.run(["reload", "--system"])
        for lim in bed.of(System.ALTERNATE):  # our chains, once made, stay there, empty
            for words in ("block --by-hand", "allow --by-hand", "remove"):
                lim.run(["redundancy-lim", *words.split()])
        yield site


@pytest.fixture(scope="module")
def bed_of_all() -> Iterator[Site]:
    """What a test leaves on it, `before` takes away; but the alternate may run the primary's data already."""
    with a_site("cfk") as site:
        yield site


@pytest.fixture
def untouched() -> Iterator[Before]:
    """A site of its own, on which a load changes what the alternate runs."""
    with a_site("cfu") as site:
        site.wait(lambda: all(lim["reach"] for lim in site.lims()), 20)
        yield Before(site)


@pytest.fixture
def before(bed_of_all: Site) -> Before:
    """Nothing is configured, everything is allowed, nothing is copied."""
    site = bed_of_all
    if not site.daemon.is_running():
        site.daemon.start()
        site.daemon.wait_answering()
    site.say("remove", "--yes", status=None)
    site.wait(lambda: is_at_rest(site), 30)
    for lim in site.bed.lims.values():
        if lim.traffic() is not Traffic.ALLOWED:
            lim.run(["redundancy-lim", "allow", "--by-hand"])
            lim.run(["redundancy-lim", "remove"])
    site.bed.supervisor.run(["sh", "-c", f"rm -rf {STATE}/mirrors/* {STATE}/removed {STATE}/translation-table*"])
    site.daemon.stop()
    site.daemon.start()
    site.wait(lambda: all(lim["reach"] for lim in site.lims()), 20)
    return Before(site)


def setup_of(site: Site) -> dict[str, Any]:
    """What the status page says of `configure`; while a life gives way to the next, nothing."""
    found = site.page().get("setup", {})
    assert isinstance(found, dict)
    return found


def is_at_rest(site: Site) -> bool:
    """No configuration is under way, and nothing of one is left to undo or to disarm."""
    setup = setup_of(site)
    return bool(setup) and setup["step"] == "resting" and not setup["undoing"] and not setup["to_disarm"]


def assert_as_before(before: Before) -> None:
    """Undone, as far as anybody can see, and by what the disk says."""
    site = before.site
    site.wait(lambda: is_at_rest(site), 30)
    assert differing(before.was, before.now()) == {}
    setup = SetupFile(site.bed.supervisor.path(STATE)).load()
    assert (setup.site, setup.begun, setup.disarm, setup.aside) == (None, None, (), False)


def assert_configures(site: Site) -> None:
    """The same words once more end in a pair."""
    site.say(*WORDS)
    site.wait(site.is_supervised, 20)
    assert {site.traffic()[f"primary-{lim}"] for lim in (1, 2)} == {Traffic.ALLOWED}
    assert {site.traffic()[f"alternate-{lim}"] for lim in (1, 2)} == {Traffic.BLOCKED}
    assert site.running().startswith("20260309")


def reloads_to_come(site: Site) -> list[float]:
    """How long those take that the alternate has not begun."""
    return [float(each) for each in json.loads(site.bed.supervisor.path(RELOAD).read_text())["outcomes"]]


# --- and what happens in the middle of a step ---

EACH_STEP = pytest.mark.parametrize("step", [row.step for row in STEPS])


@EACH_STEP
@pytest.mark.parametrize("killed", ["daemon", "daemon and utility"])
def test_a_daemon_killed_at_a_step_is_as_before_at_the_next_start_and_configures_again(
    before: Before, step: Step, killed: str
):
    """
    Killed, started: rules, orders, data and files as before.  The same words once more: a supervised pair.
    """
    site = before.site
    with LASTING[step](site):
        typed = site.type(*WORDS)
        before.wait_step(step)
        site.daemon.kill()
        if killed != "daemon":
            typed.kill()
    site.daemon.start()
    site.daemon.wait_answering()
    assert typed.wait(30) == (1 if killed == "daemon" else -signal.SIGKILL)
    assert_as_before(before)
    assert_configures(site)


@EACH_STEP
def test_a_utility_killed_at_a_step_stops_nothing(before: Before, step: Step):
    """
    The terminal is gone; the same words are told that it is under way, and the pair comes about all the same.
    """
    site = before.site
    with LASTING[step](site):
        typed = site.type(*WORDS)
        before.wait_step(step)
        typed.kill()
        assert typed.wait(5) == -signal.SIGKILL
        assert "a configuration is under way" in site.say(*WORDS, status=3).stdout
    site.wait(site.is_supervised, 30)
    assert "configured" in site.say(*WORDS, status=3).stdout


@EACH_STEP
def test_a_configuration_that_is_removed_at_a_step_is_undone(before: Before, step: Step):
    """
    Both are told: who asked for it that it was stopped, with exit status 1, and who removes it that all is as before.
    """
    site = before.site
    with LASTING[step](site):
        typed = site.type(*WORDS)
        before.wait_step(step)
        told = site.say("remove", "--yes").stdout
    assert "The configuration was stopped; everything is as before." in told
    assert typed.wait(30) == 1
    assert_as_before(before)
    assert setup_of(site)["last"]["result"] == "stopped"
    assert str(setup_of(site)["last"]["why"]).startswith(f"{step}:")


def test_a_daemon_killed_while_it_undoes_goes_on_undoing_at_the_next_start(untouched: Before):
    """
    Killed while the alternate is rolled back: the next start does it again, to the end.
    """
    before, site = untouched, untouched.site
    site.reload(UNDONE_S, 1.0, LOAD_S)
    typed = site.type(*WORDS)
    before.wait_step(Step.LOADING)
    site.wait(lambda: reloads_to_come(site) == [LOAD_S], 20)
    removing = site.type("remove", "--yes")
    site.wait(lambda: reloads_to_come(site) == [], 20)
    assert setup_of(site)["step"] == Step.UNDOING
    site.daemon.kill()
    for each in (typed, removing):
        each.kill()
        each.wait(5)
    site.reload(UNDONE_S)
    site.daemon.start()
    site.daemon.wait_answering()
    assert_as_before(before)
    assert_configures(site)


def test_a_daemon_killed_while_it_disarms_goes_on_at_the_next_start(before: Before):
    """
    The removal is on the disk before the first LIM hears of it: no pair comes back, and each LIM hears.
    """
    site = before.site
    assert_configures(site)
    with slow("primary-2", ("rm",), 1.0, site):
        removing = site.type("remove", "--yes")
        site.wait(lambda: setup_of(site).get("step") == Step.DISARMING, 10)
        site.daemon.kill()
        removing.kill()
        removing.wait(5)
        assert site.ordered() != set()
    site.daemon.start()
    site.daemon.wait_answering()
    site.wait(lambda: is_at_rest(site), 20)
    assert site.ordered() == set()
    assert not site.page()["configured"]
    assert {site.traffic()[lim.name] for lim in site.bed.of(System.ALTERNATE)} == {Traffic.BLOCKED}
    assert_configures(site)
