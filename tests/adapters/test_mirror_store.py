"""Mirrors on a real disk: torn, changed, killed at every step, and full."""

import asyncio
import contextlib
import errno
import hashlib
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from redundancyd.adapters import mirror_files, mirror_folder
from redundancyd.adapters.mirror_store import MirrorStore
from redundancyd.adapters.translation_engine import translate_files
from redundancyd.core import mirror_manifest
from redundancyd.core.manifest import Entry, LimManifest
from redundancyd.core.mirror_manifest import Manifest
from redundancyd.core.mirrors import Condition
from redundancyd.core.paths import quoted
from redundancyd.core.translation import Rules
from redundancyd.core.translation_table import parse_table
from redundancyd.errors import FarDataRefused, MirrorUnsound, NotSaved

STAMPS = ("20260306031502", "20260307031502", "20260308031502", "20260309031502")
TODAY = "2026-03-09"

Data = Mapping[int, Mapping[str, bytes]]
FIRST: Data = {
    1: {"SIROU.D": b"one", "cassandra/extension.csv": b"4001,10.0.0.1\n", os.fsdecode(b"V\xe4xel.D"): b""},
    2: {"SIROU.D": b"two"},
}
SECOND: Data = {**FIRST, 2: {"SIROU.D": b"two, changed", "NEW.D": b"new"}}


def manifest_of(stamp: str, data: Data) -> Manifest:
    """What the LIMs say of it."""
    lims = [
        LimManifest(
            lim,
            stamp,
            tuple(
                sorted(
                    Entry(quoted(os.fsencode(name)), len(body), hashlib.sha256(body).hexdigest())
                    for name, body in named.items()
                )
            ),
        )
        for lim, named in data.items()
    ]
    return mirror_manifest.whole("primary", "17.8.1.0.19", stamp, ("", ""), lims)


async def send(store: MirrorStore, stamp: str, data: Data) -> list[str]:
    """Bring what is missing, as the lines to the LIMs will; returns what that was."""
    coming = await store.begin(manifest_of(stamp, data))
    for lim, entry in coming.missing:
        path = coming.folder / f"lim-{lim}" / entry.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data[lim][entry.name])
    return [f"lim-{lim}/{entry.path}" for lim, entry in coming.missing]


async def copy(store: MirrorStore, stamp: str, data: Data) -> None:
    """A whole new mirror."""
    await send(store, stamp, data)
    await store.finish(manifest_of(stamp, data))


async def told(store: MirrorStore) -> list[str]:
    """The mirrors, a line each."""
    return [str(mirror) for mirror in await store.look()]


@pytest.fixture
def store(tmp_path: Path) -> MirrorStore:
    """An empty store."""
    return MirrorStore(tmp_path / "mirrors")


@pytest.mark.D1
async def test_looking_makes_no_folder(store: MirrorStore):
    """
    Where there never was a mirror, looking leaves no trace.
    """
    assert await store.look() == ()
    with pytest.raises(MirrorUnsound):
        await store.manifest(STAMPS[0])
    assert not store.folder.exists()


async def test_a_mirror_is_listed_when_it_is_whole_and_not_before(store: MirrorStore):
    """
    On its way it is called incoming; afterwards it has its files, its manifest, and nobody may write to them.
    """
    assert await send(store, STAMPS[0], FIRST) == [
        "lim-1/SIROU.D",
        "lim-1/V%E4xel.D",
        "lim-1/cassandra/extension.csv",
        "lim-2/SIROU.D",
    ]
    assert await told(store) == [f"{STAMPS[0]}: incoming"]
    found = await store.finish(manifest_of(STAMPS[0], FIRST))
    assert found.is_whole
    assert await store.look() == (found,)
    assert await store.verify(STAMPS[0]) == found
    assert await store.manifest(STAMPS[0]) == manifest_of(STAMPS[0], FIRST)
    mirror = store.folder / STAMPS[0]
    assert sorted(path.name for path in mirror.iterdir()) == ["lim-1", "lim-2", "manifest.json"]
    assert (mirror / "lim-1" / "cassandra" / "extension.csv").read_bytes() == b"4001,10.0.0.1\n"
    assert {path.stat().st_mode & 0o777 for path in mirror.rglob("*") if path.is_file()} == {0o400}


async def test_only_what_changed_is_sent(store: MirrorStore):
    """
    Everything else is the same file as in the newest mirror, wherever it stood there.
    """
    await copy(store, STAMPS[0], FIRST)
    assert await send(store, STAMPS[1], SECOND) == ["lim-2/NEW.D", "lim-2/SIROU.D"]
    await store.finish(manifest_of(STAMPS[1], SECOND))
    old, new = (store.folder / stamp / "lim-1" / "SIROU.D" for stamp in STAMPS[:2])
    assert old.stat().st_ino == new.stat().st_ino
    moved: Data = {1: FIRST[1], 2: {"MOVED.D": b"two, changed"}}
    assert await send(store, STAMPS[2], moved) == []
    await store.finish(manifest_of(STAMPS[2], moved))
    assert await told(store) == [f"{stamp}: whole" for stamp in STAMPS[:3]]


async def test_what_an_earlier_try_has_brought_is_not_sent_again(store: MirrorStore):
    """
    The line broke in the middle of a file: that one is missing, a part of it may be used, the whole ones stay.
    """
    coming = await store.begin(manifest_of(STAMPS[0], FIRST))
    (coming.folder / "lim-1" / "SIROU.D").write_bytes(b"one")
    (coming.folder / "lim-2" / "SIROU.D").write_bytes(b"tw")
    with pytest.raises(MirrorUnsound, match=r"file missing: lim-1/V%E4xel\.D, and 2 more.*Copy again"):
        await store.finish(manifest_of(STAMPS[0], FIRST))
    again = await store.begin(manifest_of(STAMPS[0], FIRST))
    assert [entry.path for _, entry in again.missing] == ["V%E4xel.D", "cassandra/extension.csv", "SIROU.D"]
    assert (coming.folder / "lim-2" / "SIROU.D").read_bytes() == b"tw"


async def test_another_backup_ends_an_unfinished_copy(store: MirrorStore):
    """
    The primary has a newer one: the older one will never be finished.
    """
    await send(store, STAMPS[0], FIRST)
    await send(store, STAMPS[1], FIRST)
    assert await told(store) == [f"{STAMPS[1]}: incoming"]


@pytest.mark.D1
@pytest.mark.parametrize(
    ("name", "body", "why"),
    [
        ("lim-2/SIROU.D", b"tow", "file differs: lim-2/SIROU.D: other contents of the same size"),
        ("lim-2/SIROU.D", b"twoo", "file differs: lim-2/SIROU.D: 4 bytes, not 3"),
        ("lim-2/SIROU.D", None, "file missing: lim-2/SIROU.D"),
    ],
)
async def test_what_was_changed_on_the_way_is_named_and_sent_anew(
    store: MirrorStore, name: str, body: bytes | None, why: str
):
    """
    It is not listed; the wrong file is gone, and with the right one the mirror is whole.
    """
    await send(store, STAMPS[0], FIRST)
    path = store.folder / ".incoming" / STAMPS[0] / name
    path.unlink()
    if body is not None:
        path.write_bytes(body)
    with pytest.raises(MirrorUnsound, match=why):
        await store.finish(manifest_of(STAMPS[0], FIRST))
    assert await told(store) == [f"{STAMPS[0]}: incoming"]
    assert await send(store, STAMPS[0], FIRST) == [name]
    await store.finish(manifest_of(STAMPS[0], FIRST))


@pytest.mark.D1
async def test_what_no_manifest_names_does_not_get_into_a_mirror(store: MirrorStore, tmp_path: Path):
    """
    Left-overs of a transfer, links, folders: all of it is gone, and nothing behind a link is touched.
    """
    await send(store, STAMPS[0], FIRST)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_bytes(b"")
    folder = store.folder / ".incoming" / STAMPS[0]
    (folder / "lim-1" / ".SIROU.D.x7").write_bytes(b"part")
    (folder / "lim-1" / "empty").mkdir()
    (folder / "lim-1" / "out").symlink_to(outside)
    (folder / "lim-3").symlink_to(outside)
    (folder / "manifest.json").write_bytes(b"of somebody else")
    await store.finish(manifest_of(STAMPS[0], FIRST))
    assert (await store.verify(STAMPS[0])).is_whole
    assert not (store.folder / STAMPS[0] / "lim-1" / "empty").exists()
    assert (outside / "precious").exists()


def put(path: Path, body: bytes) -> None:
    """Damage a file as a disk would: its inode stays."""
    path.touch()
    path.chmod(0o600)
    path.write_bytes(body)


def flatten(mirror: Path) -> None:
    """A file in place of the folder."""
    shutil.rmtree(mirror)
    mirror.write_bytes(b"")


Damage = Callable[[Path], Any]
DAMAGES: dict[str, tuple[Damage, str]] = {
    "gone": (lambda mirror: (mirror / "lim-2" / "SIROU.D").unlink(), "file missing (lim-2/SIROU.D)"),
    "shorter": (lambda mirror: put(mirror / "lim-2" / "SIROU.D", b""), "differs (lim-2/SIROU.D: 0 bytes, not 3)"),
    "more": (lambda mirror: put(mirror / "lim-2" / "X.D", b""), "differs (lim-2/X.D: not in the manifest)"),
    "link": (lambda mirror: (mirror / "lim-9").symlink_to("/etc"), "differs (lim-9: not in the manifest)"),
    "no manifest": (lambda mirror: (mirror / "manifest.json").unlink(), "manifest missing (no manifest.json)"),
    "torn": (lambda mirror: put(mirror / "manifest.json", b"{"), "missing (manifest.json: it is torn: no JSON object)"),
    "no folder": (flatten, "missing (no manifest.json)"),
}


@pytest.mark.D1
@pytest.mark.parametrize("damage", DAMAGES)
async def test_a_mirror_that_was_damaged_later_says_what_is_wrong_with_it(store: MirrorStore, damage: str):
    """
    It is not whole, so it is neither kept nor applied; copying the same backup again puts a whole one in its place.
    """
    await copy(store, STAMPS[0], FIRST)
    do, said = DAMAGES[damage]
    await asyncio.to_thread(do, store.folder / STAMPS[0])
    (line,) = await told(store)
    assert line.endswith(said), line
    assert not (await store.verify(STAMPS[0])).is_whole
    await copy(store, STAMPS[0], FIRST)
    assert await told(store) == [f"{STAMPS[0]}: whole"]
    assert not (store.folder / ".leaving").exists()


@pytest.mark.D1
async def test_a_byte_that_changed_on_disk_is_found_and_spreads_no_further(store: MirrorStore):
    """
    The next copy links the damaged file, sees it when it looks, and sends it anew; the damaged mirror counts no more.
    """
    await copy(store, STAMPS[0], FIRST)
    await asyncio.to_thread(put, store.folder / STAMPS[0] / "lim-1" / "SIROU.D", b"onE")
    assert (await store.look())[0].is_whole
    assert "lim-1/SIROU.D" not in await send(store, STAMPS[1], SECOND)
    with pytest.raises(MirrorUnsound, match=r"lim-1/SIROU\.D: other contents"):
        await store.finish(manifest_of(STAMPS[1], SECOND))
    assert await send(store, STAMPS[1], SECOND) == ["lim-1/SIROU.D"]
    assert (await store.finish(manifest_of(STAMPS[1], SECOND))).is_whole
    damaged = f"{STAMPS[0]}: file differs (lim-1/SIROU.D: other contents of the same size)"
    assert (await told(store))[0] == str(await store.verify(STAMPS[0])) == damaged
    assert (await store.verify(STAMPS[1])).is_whole


@pytest.mark.D1
async def test_what_is_linked_to_a_verified_file_is_not_read_again(store: MirrorStore, monkeypatch: pytest.MonkeyPatch):
    """
    Of a second mirror the files that came are read; all of them when somebody asks for it.
    """
    await copy(store, STAMPS[0], FIRST)
    read: list[str] = []
    real = mirror_files.sha256

    def noted(path: Path, check: Callable[[], None]) -> str:
        read.append(path.name)
        return real(path, check)

    monkeypatch.setattr(mirror_files, "sha256", noted)
    await copy(store, STAMPS[1], SECOND)
    assert sorted(read) == ["NEW.D", "SIROU.D"]
    read.clear()
    assert (await store.verify(STAMPS[1])).is_whole
    assert len(read) == 5


@pytest.mark.parametrize("number", [errno.EXDEV, errno.EPERM, errno.EMLINK])
async def test_what_cannot_be_linked_is_sent(store: MirrorStore, monkeypatch: pytest.MonkeyPatch, number: int):
    """
    The newest mirror was moved to another disk, or put back from a tape by root: the next night works all the same.
    """
    await copy(store, STAMPS[0], FIRST)

    def refuse(*_: object, **_more: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, "link", refuse)
        assert len(await send(store, STAMPS[1], SECOND)) == 5
        assert (await store.finish(manifest_of(STAMPS[1], SECOND))).is_whole


@pytest.mark.D1
async def test_a_byte_that_changed_under_its_time_stamp_is_not_believed_after_it_was_found(store: MirrorStore):
    """
    A disk that forgets changes no time stamp; whoever reads every byte finds it, and the next copy has it sent anew.
    """
    await copy(store, STAMPS[0], FIRST)
    path = store.folder / STAMPS[0] / "lim-1" / "SIROU.D"
    before = path.stat().st_mtime_ns
    await asyncio.to_thread(put, path, b"onE")
    os.utime(path, ns=(before, before))
    assert str(await store.verify(STAMPS[0])).endswith("(lim-1/SIROU.D: other contents of the same size)")
    assert "lim-1/SIROU.D" in await send(store, STAMPS[1], SECOND)
    assert (await store.finish(manifest_of(STAMPS[1], SECOND))).is_whole
    assert (await store.verify(STAMPS[1])).is_whole


@pytest.mark.D1
async def test_a_file_that_came_with_the_time_stamp_of_a_verified_one_is_read(store: MirrorStore):
    """
    Whoever sends may know how our time stamps are made: only links of our own are believed.
    """
    await copy(store, STAMPS[0], FIRST)
    mark = (store.folder / STAMPS[0] / "lim-1" / "SIROU.D").stat().st_mtime_ns
    other: Data = {1: {"SIROU.D": b"one", "MOVED.D": b"mov"}}
    coming = await store.begin(manifest_of(STAMPS[1], other))
    evil = coming.folder / "lim-1" / "MOVED.D"
    evil.write_bytes(b"vom")
    for path in (evil, coming.folder / "lim-1" / "SIROU.D"):
        path.unlink()
        path.write_bytes(b"eno")
        os.utime(path, ns=(mark, mark))
    with pytest.raises(MirrorUnsound, match=r"other contents of the same size, and 1 more"):
        await store.finish(manifest_of(STAMPS[1], other))


@pytest.mark.D1
async def test_a_mirror_does_not_get_its_name_before_what_runs_beside_has_ended_well(store: MirrorStore):
    """
    The backup may have been deleted at its source while we read what came.
    """

    async def gone() -> None:
        await asyncio.sleep(0.05)
        raise FarDataRefused("the backup", "it was deleted")

    await send(store, STAMPS[0], FIRST)
    with pytest.raises(FarDataRefused, match="it was deleted"):
        await store.finish(manifest_of(STAMPS[0], FIRST), beside=gone())
    assert await told(store) == [f"{STAMPS[0]}: incoming"]
    assert await send(store, STAMPS[0], FIRST) == []


async def test_a_place_tells_what_the_newest_mirror_has(store: MirrorStore, monkeypatch: pytest.MonkeyPatch):
    """
    Large files by LIM, all files by their contents; what another stamp has left unfinished is gone.
    """
    monkeypatch.setattr(mirror_folder, "LARGE_BYTES", 4)
    assert (await store.place(STAMPS[0], None)).basis(1) is None
    await copy(store, STAMPS[0], FIRST)
    await send(store, STAMPS[1], FIRST)
    (before,) = [mirror for mirror in await store.look() if mirror.is_whole]
    place = await store.place(STAMPS[2], before)
    assert place.basis(1) == (store.folder / STAMPS[0] / "lim-1", ["cassandra/extension.csv"])
    assert place.basis(2) == (store.folder / STAMPS[0] / "lim-2", [])
    assert place.basis(3) is None
    assert {path.name for path in place.had.values()} == {"SIROU.D", "extension.csv", os.fsdecode(b"V\xe4xel.D")}
    assert await told(store) == [f"{STAMPS[0]}: whole", f"{STAMPS[2]}: incoming"]


async def test_a_mirror_under_another_name_is_none(store: MirrorStore):
    """
    Somebody renamed a folder; and a name that is no stamp is nobody's mirror.
    """
    await copy(store, STAMPS[0], FIRST)
    (store.folder / STAMPS[0]).rename(store.folder / STAMPS[1])
    (store.folder / "lost+found").mkdir()
    assert await told(store) == [f"{STAMPS[1]}: manifest missing (manifest.json is that of {STAMPS[0]})"]
    for ask in (store.manifest, store.fresh):
        with pytest.raises(MirrorUnsound, match="it is no stamp"):
            await ask("../mirrors")


@pytest.mark.D2
async def test_three_whole_mirrors_are_kept(store: MirrorStore):
    """
    The fourth makes the first go; what they shared stays readable.
    """
    for stamp in STAMPS:
        await copy(store, stamp, SECOND if stamp == STAMPS[1] else FIRST)
    await asyncio.to_thread((store.folder / STAMPS[1] / "lim-2" / "NEW.D").unlink)
    kept = await store.keep(today=TODAY)
    assert [(each.mirror.stamp, each.stays) for each in kept] == [
        (STAMPS[3], True),
        (STAMPS[2], True),
        (STAMPS[1], False),
        (STAMPS[0], True),
    ]
    await copy(store, "20260310031502", FIRST)
    await store.keep(today="2026-03-10")
    assert await told(store) == [f"{stamp}: whole" for stamp in (*STAMPS[2:], "20260310031502")]
    assert all([(await store.verify(stamp)).is_whole for stamp in STAMPS[2:]])
    assert sorted(path.name for path in store.folder.iterdir()) == [".incoming", *STAMPS[2:], "20260310031502"]


class KilledError(Exception):
    """The power failed here."""


def kill_at(step: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """End the work after one of the calls that change the disk; returns the calls as they come."""
    calls: list[str] = []

    def killing(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*words: Any, **more: Any) -> Any:
            calls.append(name)
            result = call(*words, **more)
            if len(calls) == step:
                raise KilledError(f"after {name}")
            return result

        return wrapped

    for name in ("link", "fsync", "fchmod", "rename", "unlink", "rmdir", "mkdir"):
        monkeypatch.setattr(os, name, killing(name, getattr(os, name)))
    return calls


@pytest.mark.D1
@pytest.mark.D2
@pytest.mark.timeout(120)
async def test_killed_at_any_step_the_old_mirrors_are_whole_and_the_next_try_works(tmp_path: Path):
    """
    After every call that changes the disk, until there is none any more: what is listed is whole.
    """
    before = MirrorStore(tmp_path / "before")
    for stamp in STAMPS[:3]:
        await copy(before, stamp, FIRST)
    step, killed, calls = 0, True, [""]
    while killed or step < len(calls):
        step, killed = step + 1, False
        store = MirrorStore(tmp_path / f"step-{step}")
        await asyncio.to_thread(subprocess.run, ["cp", "-a", str(before.folder), str(store.folder)], check=True)
        with pytest.MonkeyPatch.context() as patch:
            calls = kill_at(step, patch)
            try:
                await copy(store, STAMPS[3], SECOND)
                await store.keep(today=TODAY)
            except KilledError:
                killed = True
        whole = [mirror.stamp for mirror in await store.look() if mirror.condition is not Condition.INCOMING]
        assert whole in ([*STAMPS[:3]], [*STAMPS], [*STAMPS[1:]]), step
        assert all([(await store.verify(stamp)).is_whole for stamp in whole]), step
        if STAMPS[3] not in whole:
            await copy(store, STAMPS[3], SECOND)
        await store.keep(today=TODAY)
        assert await told(store) == [f"{stamp}: whole" for stamp in STAMPS[1:]], step
        assert not (store.folder / ".leaving").exists(), step
        await asyncio.to_thread(shutil.rmtree, store.folder)
    assert step > 40
    assert {"link", "fsync", "fchmod", "rename", "unlink", "rmdir", "mkdir"} == set(calls)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 1 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], check=True)
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(disk: Path) -> None:
    """Take all the space there is."""
    with (disk / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
        while True:
            filler.write(b"x" * 4096)


@pytest.mark.lab
@pytest.mark.D2
async def test_a_full_disk_leaves_the_mirrors_that_are_there(small_disk: Path, monkeypatch: pytest.MonkeyPatch):
    """
    Full to the last byte while a mirror comes: it is said with a remedy, and the three old ones are whole.
    """
    monkeypatch.setattr(mirror_folder, "SPARE_BYTES", 0)
    store = MirrorStore(small_disk / "mirrors")
    for stamp in STAMPS[:3]:
        await copy(store, stamp, FIRST)
    await send(store, STAMPS[3], SECOND)
    fill(small_disk)
    with pytest.raises(NotSaved, match=r"No space left on device\. Make room.*the mirrors that are whole stay"):
        await store.finish(manifest_of(STAMPS[3], SECOND))
    assert await told(store) == [*(f"{stamp}: whole" for stamp in STAMPS[:3]), f"{STAMPS[3]}: incoming"]
    assert all([(await store.verify(stamp)).is_whole for stamp in STAMPS[:3]])
    (small_disk / "filler").unlink()
    await store.finish(manifest_of(STAMPS[3], SECOND))
    assert (await told(store))[-1] == f"{STAMPS[3]}: whole"


@pytest.mark.D2
async def test_a_mirror_that_would_not_fit_is_not_begun(store: MirrorStore):
    """
    More is to come than there is room for: it is said before a byte is sent.
    """
    await copy(store, STAMPS[0], FIRST)
    huge = LimManifest(1, STAMPS[1], (Entry("A.D", 60 * 2**30, "0" * 64), Entry("B.D", 60 * 2**30, "0" * 64)))
    wanted = mirror_manifest.whole("primary", "1.2.3.4", STAMPS[1], ("", ""), [huge])
    monkey = pytest.MonkeyPatch()
    monkey.setattr(mirror_files, "room_bytes", lambda _: 10**9)
    with monkey.context(), pytest.raises(NotSaved, match=r"128849018880 bytes are to come.*room for 1000000000"):
        await store.begin(wanted)
    monkey.undo()
    assert (await told(store))[0] == f"{STAMPS[0]}: whole"


@pytest.mark.D2
async def test_translated_data_of_earlier_days_does_not_fill_the_disk(store: MirrorStore):
    """
    What was made of one mirror goes when another one is translated, and before the next backup comes.
    """
    await copy(store, STAMPS[0], FIRST)
    for stamp in STAMPS[:2]:
        (await store.fresh(stamp) / "made").write_bytes(b"translated")
    assert [path.name for path in store.folder.rglob("made")] == ["made"]
    await store.begin(manifest_of(STAMPS[1], SECOND))
    assert not list(store.folder.rglob("made"))


@pytest.mark.D1
async def test_what_the_disk_did_not_take_is_sent_anew(store: MirrorStore, monkeypatch: pytest.MonkeyPatch):
    """
    A disk says only once that it has lost what was written; its memory goes on showing the right bytes for a while.
    """
    await send(store, STAMPS[0], FIRST)
    real, failed = os.fsync, [False]

    def fails_once(descriptor: int) -> None:
        if not failed[0]:
            failed[0] = True
            raise OSError(5, "Input/output error")
        real(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(mirror_files, "AT_ONCE", 1)
        patch.setattr(os, "fsync", fails_once)
        with pytest.raises(NotSaved, match="Input/output error"):
            await store.finish(manifest_of(STAMPS[0], FIRST))
    assert len(await send(store, STAMPS[0], FIRST)) == 1
    assert (await store.finish(manifest_of(STAMPS[0], FIRST))).is_whole


@pytest.mark.D3
async def test_translated_data_shares_nothing_with_the_mirrors(store: MirrorStore):
    """
    It is made in an empty folder, measured there, and every mirror stays what it was.
    """
    await copy(store, STAMPS[0], FIRST)
    await copy(store, STAMPS[1], FIRST)
    (await store.fresh(STAMPS[1]) / "old").write_bytes(b"of the day before")
    target = await store.fresh(STAMPS[1])
    files = [entry.path for entry in manifest_of(STAMPS[1], FIRST).lims[0].files]
    rules = Rules(parse_table("10.0.0.1 10.123.0.1"))
    await translate_files(store.folder / STAMPS[1] / "lim-1", target, files, rules, deadline_ms=20_000)
    measured = await store.measure(target, 1, STAMPS[1])
    wanted: Data = {1: {**FIRST[1], "cassandra/extension.csv": b"4001,10.123.0.1\n"}}
    assert measured == manifest_of(STAMPS[1], wanted).lims[0]
    assert {path.stat().st_nlink for path in target.rglob("*") if path.is_file()} == {1}
    assert all([(await store.verify(stamp)).is_whole for stamp in STAMPS[:2]])


async def test_the_list_does_not_wait_for_a_long_check(store: MirrorStore, monkeypatch: pytest.MonkeyPatch):
    """
    While every byte of a mirror is read, an operator still sees which there are.
    """
    await copy(store, STAMPS[0], FIRST)
    go_on = threading.Event()
    real = mirror_files.sha256

    def slow(path: Path, check: Callable[[], None]) -> str:
        assert go_on.wait(20)
        return real(path, check)

    monkeypatch.setattr(mirror_files, "sha256", slow)
    checking = asyncio.create_task(store.verify(STAMPS[0]))
    await asyncio.sleep(0.01)
    assert await told(store) == [f"{STAMPS[0]}: whole"]
    assert not checking.done()
    go_on.set()
    assert (await checking).is_whole


async def test_a_mirror_that_goes_while_the_list_is_made_is_not_in_it(
    store: MirrorStore, monkeypatch: pytest.MonkeyPatch
):
    """
    Its folder was there and is gone: the list is made again.
    """
    for stamp in STAMPS[:2]:
        await copy(store, stamp, FIRST)
    real = mirror_files.walk

    def going(folder: Path) -> dict[str, int]:
        if (store.folder / STAMPS[0]).exists():
            shutil.rmtree(store.folder / STAMPS[0])
        return real(folder)

    monkeypatch.setattr(mirror_files, "walk", going)
    assert await told(store) == [f"{STAMPS[1]}: whole"]


async def test_work_that_nobody_wants_any_more_ends_at_its_next_block(
    store: MirrorStore, monkeypatch: pytest.MonkeyPatch
):
    """
    A takeover cancels a check of a large mirror: the thread ends, and the next question is answered.
    """
    await copy(store, STAMPS[0], FIRST)
    reading = asyncio.Event()
    loop = asyncio.get_running_loop()

    def endless(_: Path, check: Callable[[], None]) -> str:
        while True:
            loop.call_soon_threadsafe(reading.set)
            check()

    with monkeypatch.context() as patch:
        patch.setattr(mirror_files, "sha256", endless)
        task = asyncio.create_task(store.verify(STAMPS[0]))
        await reading.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    while True:
        try:
            assert (await store.look())[0].is_whole
        except NotSaved:  # the thread has not seen it yet
            await asyncio.sleep(0.01)
        else:
            return
