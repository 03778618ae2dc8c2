"""What the pages see of exchange data: each fact comes out true and false, on disks without LIMs."""

import hashlib
import json
from pathlib import Path

import pytest

from redundancyd.core.systems import System
from redundancyd.lab import plan as plans
from redundancyd.lab.bed import Bed
from redundancyd.lab.daemon_process import Daemon
from redundancyd.lab.data_look import MIRRORS, DataLook, files, store, translated
from redundancyd.lab.disk import STAMPS, VERSION, installed
from redundancyd.lab.lim import Lim
from redundancyd.lab.plan import BedPlan
from redundancyd.lab.world import World

NEWEST = STAMPS[System.PRIMARY][-1]


class Site:
    """The disks of 2 + 2 LIMs."""

    def __init__(self) -> None:
        self.plan = BedPlan("look", lims=2, data_files=12, data_bytes=50_000)
        self.bed = Bed(self.plan)
        for lim in self.bed.lims.values():
            (lim.disk / "etc/opt/eri_sn").mkdir(parents=True)
            (lim.disk / "etc/opt/eri_sn/version").write_text(f"1{VERSION}\n")
            store(lim).install(installed(self.plan, lim.plan), STAMPS[lim.plan.system])
        self.look = DataLook(self.bed, World(self.bed, Daemon(self.bed)))
        self.look.note_all()

    def says(self, fact: str, *words: str) -> bool:
        """Whether it is so."""
        return self.look.is_so(fact, words)

    def give(self, lim: Lim, *, translate: bool = True) -> None:
        """The primary's newest backup of that number is loaded there."""
        source = self.bed.lims[f"primary-{lim.plan.number}"]
        folder = store(lim).folder(NEWEST)
        for name, data in files(store(source).folder(NEWEST)).items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            text = data if b"\0" in data else data.replace(b"192.0.2.", b"198.51.100.")
            text = text.replace(b"2001:db8:1:", b"2001:db8:2:").replace(b"198.51.100.110", b"192.0.2.110")
            text = text.replace(b"1198.51.100.", b"1192.0.2.")
            path.write_bytes(text if translate else data)
        store(lim).accept(NEWEST)
        store(lim).load()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Nothing has happened there yet."""
    monkeypatch.setattr(plans, "BEDS", tmp_path)
    return Site()


def test_each_exchange_runs_what_it_came_with(site: Site):
    """
    Data of the installation, or one of its own first backups; not that of another system.
    """
    assert site.says("runs", "alternate", "own")
    assert site.says("runs", "alternate", "either")
    assert not site.says("runs", "alternate", "primary")
    store(site.bed.lims["alternate-2"]).load()
    assert site.says("runs", "alternate", "own")


def test_it_runs_the_primary_s_data_when_every_lim_does_and_every_address_is_translated(site: Site):
    """
    One LIM alone is a mixture, which is neither; one byte more or less, or one address, is not it either.
    """
    first, second = site.bed.named("alternate")
    site.give(first)
    assert site.says("runs", "alternate-1", "primary")
    assert not any(site.says("runs", "alternate", whose) for whose in ("own", "primary", "either"))
    site.give(second)
    assert site.says("runs", "alternate", "primary")
    assert site.says("runs", "alternate", "either")
    table = second.disk / "var/opt/eri_sn/live/cql/lim_server.csv"
    table.write_bytes(table.read_bytes() + b"\n")
    assert not site.says("runs", "alternate", "primary")


def test_data_that_nobody_translated_is_not_the_primary_s(site: Site):
    """
    The addresses are part of it.
    """
    (lim,) = site.bed.named("alternate-1")
    site.give(lim, translate=False)
    assert not site.says("runs", "alternate-1", "primary")
    assert not site.says("runs", "alternate-1", "own")


def test_every_change_below_the_exchange_s_folder_is_seen(site: Site):
    """
    Of contents, of a name, of the database; a look changes nothing.
    """
    assert site.says("untouched", "primary")
    assert site.says("untouched", "primary")
    (lim,) = site.bed.named("primary-2")
    path = store(lim).folder(NEWEST) / "ASTAT.D"
    path.write_bytes(path.read_bytes())
    assert not site.says("untouched", "primary")
    assert site.says("untouched", "primary-1")
    (site.bed.lims["primary-1"].disk / "var/opt/eri_sn/new").touch()
    assert not site.says("untouched", "primary-1")


def test_what_came_from_outside_is_seen_valid_or_not(site: Site):
    """
    A folder alone is enough, and one that is half written too.
    """
    (lim,) = site.bed.named("alternate-1")
    assert site.says("received", "alternate", "nothing")
    (store(lim).xdata / f"xdata_1_{NEWEST}.new").mkdir()
    assert not site.says("received", "alternate", "nothing")
    assert site.says("received", "alternate-1", "primary")


def test_a_mirror_counts_when_every_file_is_as_told_and_as_the_primary_has_it(site: Site):
    """
    One that is listed and not whole is not passed over.
    """
    assert site.says("mirrors", "0")
    folder = site.bed.supervisor.disk / MIRRORS / NEWEST
    lims = []
    for lim in site.bed.of(System.PRIMARY):
        told = []
        for name, data in files(store(lim).folder(NEWEST)).items():
            path = folder / f"lim-{lim.plan.number}" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            told.append({"path": name, "sha256": hashlib.sha256(data).hexdigest()})
        lims.append({"lim": lim.plan.number, "files": told})
    assert not site.says("mirrors", "0")
    assert not site.says("mirrors", "whole")
    (folder / "manifest.json").write_text(json.dumps({"lims": lims}))
    assert site.says("mirrors", "1")
    assert site.says("mirrors", "whole")
    assert not site.says("mirrors", "2")
    (folder / "lim-2" / "ASTAT.D").write_bytes(b"changed")
    assert not site.says("mirrors", "1")
    assert not site.says("mirrors", "whole")


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        (b"a 192.0.2.1, b", b"a 10.0.0.1, b"),
        (b"192.0.2.1/24 sip:x@192.0.2.1:5060", b"10.0.0.1/24 sip:x@10.0.0.1:5060"),
        (b"192.0.2.10 1192.0.2.1 192.0.2.1.5 x192.0.2.1", b"192.0.2.10 1192.0.2.1 192.0.2.1.5 x192.0.2.1"),
        (b"192.0.2.2 192.0.2.1.", b"192.0.2.1 10.0.0.1."),
    ],
)
def test_whole_addresses_are_replaced_all_at_once(text: bytes, becomes: bytes):
    """
    As the table says, and nothing twice.
    """
    assert translated(text, {b"192.0.2.1": b"10.0.0.1", b"192.0.2.2": b"192.0.2.1"}) == becomes
