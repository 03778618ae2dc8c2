"""The pull over LIMs that are folders here: in which order things happen decides what may become a mirror (D1)."""

import asyncio
import contextlib
import hashlib
import os
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest

from redundancyd.adapters import pull as pulling
from redundancyd.adapters.clock import Clock
from redundancyd.adapters.far_data import FarLim
from redundancyd.adapters.far_process import Brought
from redundancyd.adapters.login import Login
from redundancyd.adapters.mirror_store import MirrorStore
from redundancyd.adapters.progress import Progress
from redundancyd.adapters.pull import pull
from redundancyd.core import mirror_manifest
from redundancyd.core.backups import Backup, BackupList
from redundancyd.core.manifest import Entry, LimManifest
from redundancyd.core.mirrors import Condition, Mirror
from redundancyd.core.systems import Server, System
from redundancyd.errors import FarDataRefused, MirrorUnsound, OutOfReach

FIRST, SECOND = "20260308031501", "20260309031502"
LOGIN = Login("redundancyd", "/key", "/hosts")
LAST = "cql/wav_server.csv"
WHAT = {"RO.D": b"one", "cql/extension.csv": b"4001,10.0.0.1\n", LAST: b"music"}


def nothing() -> None:
    """Nobody interferes."""


class NearLim(FarLim):
    """A LIM whose backups are folders here; at each step something may happen to them."""

    def __init__(self, top: Path) -> None:
        super().__init__(Server(System.PRIMARY, 1, "192.0.2.11"), LOGIN)
        self.top = top
        self.valid = [FIRST]
        self.counted = asyncio.Event()
        self.sent = asyncio.Event()
        self.wait_before_counting: asyncio.Event | None = None
        self.wait_before_sending: asyncio.Event | None = None
        self.before_sending: Callable[[], None] = nothing
        self.after_sending: Callable[[], None] = nothing
        self.asked: list[list[str] | None] = []

    def save(self, stamp: str, what: dict[str, bytes]) -> None:
        """Another backup, which is then the current one."""
        for name, body in what.items():
            self.change(stamp, name, body)
        self.valid = [stamp, *(each for each in self.valid if each != stamp)]

    def change(self, stamp: str, name: str, body: bytes) -> None:
        """A file of a backup is another one from now on."""
        path = self.top / stamp / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_name("new").write_bytes(body)
        path.with_name("new").replace(path)

    async def backups(self) -> BackupList:
        """As data_info says."""
        return BackupList(self.valid[0], tuple(Backup(stamp, "17.8.1.0.19", stamp, "") for stamp in self.valid))

    async def manifest(self, stamp: str) -> LimManifest:
        """Counted at once, when its turn has come."""
        if self.wait_before_counting is not None:
            await self.wait_before_counting.wait()
        entries = await asyncio.to_thread(_entries, self.top / stamp)
        self.counted.set()
        return LimManifest(1, stamp, entries)

    @contextlib.asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """It is near."""
        yield

    async def fetch_ahead(
        self,
        stamp: str,
        into: Path,
        basis: tuple[Path, Sequence[str]] | None,
        *,
        limit_kib_s: int = 0,
        brought: Brought = lambda _: None,
    ) -> None:
        """Everything, where there is no mirror; nothing here is large."""
        assert basis is None
        await self._send(stamp, None, into, brought)

    async def fetch(
        self,
        stamp: str,
        entries: Sequence[Entry],
        into: Path,
        basis: Path | None = None,
        *,
        limit_kib_s: int = 0,
        brought: Brought = lambda _: None,
    ) -> None:
        """Those that are named."""
        await self._send(stamp, entries, into, brought)

    async def _send(self, stamp: str, entries: Sequence[Entry] | None, into: Path, brought: Brought) -> None:
        """Copied at once, when its turn has come."""
        if self.wait_before_sending is not None:
            await self.wait_before_sending.wait()
        self.asked.append(None if entries is None else [entry.path for entry in entries])
        await asyncio.to_thread(self.before_sending)
        brought(await asyncio.to_thread(_copy, self.top / stamp, entries, into))
        await asyncio.to_thread(self.after_sending)
        self.sent.set()


def _entries(folder: Path) -> tuple[Entry, ...]:
    found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return tuple(sorted(Entry(name, len(body), hashlib.sha256(body).hexdigest()) for name, body in found.items()))


def _copy(folder: Path, entries: Sequence[Entry] | None, into: Path) -> int:
    """These files of a folder, or all, each made beside and renamed; how many bytes."""
    if not folder.is_dir():
        raise FarDataRefused("`send`", 'server sent "no_such_backup" rather than greeting')
    names = [entry.name for entry in (_entries(folder) if entries is None else entries)]
    for name in names:
        (into / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / name, into / "beside")
        (into / "beside").replace(into / name)
    return sum((into / name).stat().st_size for name in names)


@pytest.fixture
def lim(tmp_path: Path) -> NearLim:
    """A LIM with one backup."""
    made = NearLim(tmp_path / "lim")
    made.save(FIRST, WHAT)
    return made


@pytest.fixture
def store(tmp_path: Path) -> MirrorStore:
    """No mirror yet."""
    return MirrorStore(tmp_path / "mirrors")


def pulled(lim: NearLim, store: MirrorStore, told: list[Progress] | None = None) -> Mirror:
    """What comes of a pull."""
    kept: list[Progress] = [] if told is None else told
    return asyncio.run(pull([lim], store, Clock(), system="primary", tell=kept.append))


def anew(store: MirrorStore) -> MirrorStore:
    """The same mirrors in another loop: what was broken off in the one before may never be told there."""
    return MirrorStore(store.folder)


def body_of(store: MirrorStore, stamp: str, name: str) -> bytes:
    """A file of a mirror."""
    return (store.folder / stamp / "lim-1" / name).read_bytes()


@pytest.mark.D1
@pytest.mark.parametrize("order", ["changed, counted, sent", "changed, sent, counted"])
def test_what_changed_before_it_was_counted_and_sent_is_as_it_was_counted(lim: NearLim, store: MirrorStore, order: str):
    """
    No refusal is due: the manifest and the mirror both have the file as it is now.
    """
    lim.change(FIRST, LAST, b"MUSIC")
    if order.endswith("sent"):
        lim.wait_before_sending = lim.counted
    else:
        lim.wait_before_counting = lim.sent
    assert pulled(lim, store).condition is Condition.WHOLE
    assert body_of(store, FIRST, LAST) == b"MUSIC"


@pytest.mark.D1
def test_what_changed_between_counting_and_sending_is_no_mirror(lim: NearLim, store: MirrorStore):
    """
    Same size, other bytes: named, and right the next time.
    """
    lim.wait_before_sending = lim.counted
    lim.before_sending = lambda: lim.change(FIRST, LAST, b"MUSIC")
    with pytest.raises(FarDataRefused, match=r"written to there .* lim-1/cql/wav_server\.csv"):
        pulled(lim, store)
    assert not (store.folder / FIRST).exists()
    lim.before_sending = nothing
    assert pulled(lim, anew(store)).condition is Condition.WHOLE
    assert body_of(store, FIRST, LAST) == b"MUSIC"


@pytest.mark.D1
def test_what_changed_between_sending_and_counting_is_no_mirror(lim: NearLim, store: MirrorStore):
    """
    The first copy goes on while the LIM still counts: what came is held against the count all the same.
    """
    lim.wait_before_counting = lim.sent
    lim.after_sending = lambda: lim.change(FIRST, LAST, b"MUSIC")
    with pytest.raises(MirrorUnsound, match=r"wav_server\.csv"):
        pulled(lim, store)
    assert not (store.folder / FIRST).exists()


@pytest.mark.D1
@pytest.mark.parametrize(("name", "body"), [("NEW.D", b"came later"), (LAST, b"music, and more of it")])
def test_a_backup_that_is_still_being_written_is_no_mirror(lim: NearLim, store: MirrorStore, name: str, body: bytes):
    """
    It was counted half written and came as it was counted; it is counted again at the end, and is another one.
    """
    lim.wait_before_sending = lim.counted
    lim.after_sending = lambda: lim.change(FIRST, name, body)
    with pytest.raises(FarDataRefused, match=f"written to there .* lim-1/{name}") as refused:
        pulled(lim, store)
    assert refused.value.word == "moved"
    assert not (store.folder / FIRST).exists()
    lim.after_sending = nothing
    assert pulled(lim, anew(store)).condition is Condition.WHOLE
    assert body_of(store, FIRST, name) == body


@pytest.mark.D1
def test_a_backup_whose_folder_vanishes_while_it_is_copied_was_deleted(lim: NearLim, store: MirrorStore):
    """
    The reason is that, and not what a program said that found nothing any more.
    """

    def vanish() -> None:
        shutil.rmtree(lim.top / FIRST, ignore_errors=True)
        lim.valid = [SECOND]

    lim.wait_before_sending = lim.counted
    lim.before_sending = vanish
    with pytest.raises(FarDataRefused, match="deleted") as refused:
        pulled(lim, store)
    assert refused.value.word == "moved"
    assert [mirror.condition for mirror in asyncio.run(store.look())] == [Condition.INCOMING]


@pytest.mark.D1
def test_a_damaged_mirror_is_copied_anew_and_nothing_is_linked_from_it(lim: NearLim, store: MirrorStore):
    """
    One byte on our own disk: asked for again the mirror is whole; the same file of the next mirror is sent, not linked.
    """
    pulled(lim, store)
    spoil(store, FIRST)
    assert pulled(lim, store).condition is Condition.WHOLE
    assert body_of(store, FIRST, LAST) == WHAT[LAST]
    spoil(store, FIRST)
    lim.save(SECOND, {**WHAT, "RO.D": b"two"})
    assert pulled(lim, store).condition is Condition.WHOLE
    assert lim.asked[-2:] == [["RO.D"], [LAST]]
    assert body_of(store, SECOND, LAST) == WHAT[LAST]
    assert str(asyncio.run(store.look())[0]) == f"{FIRST}: file differs (lim-1/{LAST}: other contents of the same size)"


def spoil(store: MirrorStore, stamp: str) -> None:
    """The disk changes a byte of a mirror, at the same size."""
    path = store.folder / stamp / "lim-1" / LAST
    path.chmod(0o600)
    with path.open("r+b") as file:
        file.write(b"X")
    path.chmod(0o400)
    os.sync()


@pytest.mark.D1
def test_a_backup_of_which_no_manifest_can_be_kept_is_refused_before_it_is_a_mirror(
    lim: NearLim, store: MirrorStore, monkeypatch: pytest.MonkeyPatch
):
    """
    Each LIM is within its bounds and all of them together are not: it would be copied every night and never be whole.
    """
    monkeypatch.setattr(mirror_manifest, "FILES_MAX", 2)
    with pytest.raises(FarDataRefused, match=r"backup 20260308031501 of the primary: more than 2 files"):
        pulled(lim, store)
    assert not [mirror for mirror in asyncio.run(anew(store).look()) if mirror.condition is not Condition.INCOMING]


def test_the_first_copy_tells_how_much_there_is_as_soon_as_it_is_counted(lim: NearLim, store: MirrorStore):
    """
    Bytes of how many, how many files, how fast and how long still.
    """
    lim.wait_before_sending = lim.counted
    told: list[Progress] = []
    pulled(lim, store, told)
    size_bytes = sum(map(len, WHAT.values()))
    last = told[-1]
    assert (last.done_bytes, last.all_bytes, last.files, last.left_s) == (size_bytes, size_bytes, len(WHAT), 0)


def test_a_line_that_breaks_is_told(lim: NearLim, store: MirrorStore, monkeypatch: pytest.MonkeyPatch):
    """
    With what the line said, before the rest is gone on with.
    """
    pulled(lim, store)
    lim.save(SECOND, {**WHAT, "RO.D": b"two"})
    said: list[str] = []
    monkeypatch.setattr(pulling, "record", lambda event, **fields: said.append(f"{event}: {fields['why']}"))
    breaks = iter([True])

    def fail() -> None:
        if next(breaks, False):
            raise OutOfReach("the files of backup", "Corrupted MAC on input")

    lim.before_sending = fail
    assert pulled(lim, store).condition is Condition.WHOLE
    assert lim.asked[-2:] == [["RO.D"], ["RO.D"]]
    assert len(said) == 1
    assert said[0].startswith("copy_interrupted: the files of backup: Corrupted MAC on input")
