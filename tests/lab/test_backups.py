"""The stand-in's exchange data: what a backup looks like, which are valid, and what a reload does."""

import asyncio
import csv
import io
import json
import re
from pathlib import Path

import pytest

from redundancyd.lab.backups import Refused, Store
from redundancyd.lab.exchange_control import Control, Measures, ask, next_outcome
from redundancyd.lab.exchange_data import BINARIES, TOUCHED, Addresses, contents

OWN = Addresses(
    ("192.0.2.11", "192.0.2.12"),
    ("2001:db8:1::11", "2001:db8:1::12"),
    "192.0.2.10",
    "192.0.2.0/24",
    "2001:db8:1::/64",
    "192.0.2.1",
)
VERSION = "17.8.1.0.19"
STAMPS = ("20260307031502", "20260308031501", "20260309031502")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A LIM with three backups."""
    made = Store(tmp_path / "eri_sn", 1, VERSION)
    made.install(contents(OWN, 20, 100_000), STAMPS)
    return made


@pytest.mark.parametrize(("files", "size_bytes"), [(40, 2_000_000), (200, 4_000_000)])
def test_a_backup_is_about_as_large_as_asked_for(files: int, size_bytes: int):
    """
    So many files, and within a tenth of the size.
    """
    made = contents(OWN, files, size_bytes)
    assert len(made) == files
    assert abs(sum(map(len, made.values())) - size_bytes) < size_bytes / 10


def test_a_backup_has_what_makes_translation_hard():
    """
    Quotes and line ends inside of CSV fields, URIs, ports, masks, networks, versions, and addresses with a digit more.
    """
    made = contents(OWN, 40, 2_000_000)
    routes = list(csv.reader(io.StringIO(made["cql/sip_route.csv"].decode())))
    assert {len(row) for row in routes} == {7}
    assert routes[1][6] == 'Trunk "North"\nsecond line, 192.0.2.11:5060'
    whole = b"".join(made.values())
    for wanted in (b"sip:?@[2001:db8:1::11]:5060", b"192.0.2.10/24", b"192.0.2.0/24", b"192.0.2.110", b"17.8.1.0.19"):
        assert wanted in whole
    assert sum(b"\0" in text for text in made.values()) == BINARIES
    assert all(made[f"{unit}.D"].count(b"\n") > 200 for unit in ("AHP", "RO"))
    assert not any(address.encode() in made[f"TONES{n}.BIN"] for n in range(BINARIES) for address in OWN.lims)


def test_backups_share_the_files_that_are_the_same(store: Store):
    """
    Only few differ from one to the next; the others are on the disk once.
    """
    first, last = (store.folder(stamp) for stamp in (STAMPS[0], STAMPS[-1]))
    files = {str(path.relative_to(last)) for path in last.rglob("*") if path.is_file()}
    assert {name for name in files if not (first / name).samefile(last / name)} == set(TOUCHED)
    assert STAMPS[-1].encode() in (last / "ASTAT.D").read_bytes()


def test_the_oldest_goes_when_a_fourth_is_made(store: Store):
    """
    Three are kept, in the database and on the disk.
    """
    store.make("20260310031502")
    assert store.read().valid == ("20260310031502", *reversed(STAMPS[1:]))
    assert store.read().current == "20260310031502"
    assert not store.folder(STAMPS[0]).exists()


def test_a_folder_alone_is_no_backup(store: Store):
    """
    Which are valid stands in the database.
    """
    (store.xdata / "xdata_1_20260311000000").mkdir()
    assert store.read().valid == tuple(reversed(STAMPS))


def test_an_older_backup_can_be_made_current_and_loaded(store: Store):
    """
    What was brought in, or what ran before.
    """
    store.accept(STAMPS[0])
    assert store.load() == STAMPS[0]
    assert STAMPS[0].encode() in (store.live / "ASTAT.D").read_bytes()
    store.accept(VERSION)
    assert store.load() == VERSION
    assert store.read().valid == tuple(reversed(STAMPS))


def test_what_is_brought_in_counts_as_one_of_the_three(store: Store):
    """
    The oldest goes, and never the one that was just accepted.
    """
    store.folder("20260101000000").mkdir()
    store.accept("20260101000000")
    assert store.read().valid == (*reversed(STAMPS[1:]), "20260101000000")


def test_what_is_not_there_is_refused_and_changes_nothing(store: Store):
    """
    Neither made valid nor made twice.
    """
    before = store.read()
    for does in (lambda: store.accept("20270101000000"), lambda: store.make(STAMPS[0])):
        with pytest.raises(Refused):
            does()
    assert store.read() == before


def test_each_outcome_is_used_once(tmp_path: Path):
    """
    After those that were put there a reload works.
    """
    path = tmp_path / "reload.json"
    path.write_text(json.dumps({"seconds": 2, "outcomes": ["fails", "hangs"]}))
    assert [next_outcome(path) for _ in range(3)] == [(2, "fails"), (2, "hangs"), (2, "successful")]
    assert next_outcome(tmp_path / "nothing") == (0.5, "successful")


async def reload(store: Store, tmp_path: Path, *outcomes: str) -> tuple[list[str], list[bool], list[str]]:
    """Reload as often as there are outcomes: what was answered, what the exchange was told, and the history."""
    settings = tmp_path / "reload.json"
    settings.write_text(json.dumps({"seconds": 0.05, "outcomes": outcomes}))
    told: list[bool] = []
    control = Control(store, Measures(tmp_path), told.append, settings)
    server = await asyncio.start_server(control.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with asyncio.TaskGroup() as group:
        asked = []
        for _ in outcomes:
            asked.append(group.create_task(ask("127.0.0.1", {"do": "reload"}, port)))
            await asyncio.sleep(0.02 if "hangs" in outcomes else 0.15)
    server.close()
    await server.wait_closed()
    return [task.result() for task in asked], told, (tmp_path / "history").read_text().splitlines()


async def test_a_reload_sends_the_phones_away_and_runs_the_current_backup(store: Store, tmp_path: Path):
    """
    Away while it lasts; a line in the history when it has ended.
    """
    said, told, history = await reload(store, tmp_path, "successful")
    assert (said, told) == ([""], [True, False])
    assert (store.top / "running").read_text().strip() == STAMPS[-1]
    assert re.fullmatch(r"Data Reload +Successful +2\d{3}-\d\d-\d\d .*", history[-1])
    assert (tmp_path / "queue").read_text() == "(empty)\n"


async def test_a_reload_can_fail(store: Store, tmp_path: Path):
    """
    The phones come back, to what ran before.
    """
    said, told, history = await reload(store, tmp_path, "fails")
    assert said == ["127.0.0.1: the reload failed"]
    assert (told, "Failed" in history[-1]) == ([True, False], True)
    assert not (store.top / "running").exists()


async def test_a_reload_that_hangs_is_ended_by_the_next(store: Store, tmp_path: Path):
    """
    There is a way out of it.
    """
    said, told, history = await reload(store, tmp_path, "hangs", "successful")
    assert said == ["127.0.0.1: ended by another reload", ""]
    assert told == [True, False, True, False]
    assert ["Failed" in line for line in history[-2:]] == [True, False]


async def test_a_lim_that_is_not_there_is_named():
    """
    A command for the whole system says which LIM did not do it.
    """
    assert "127.0.0.1" in await ask("127.0.0.1", {"do": "reload"}, 1)
