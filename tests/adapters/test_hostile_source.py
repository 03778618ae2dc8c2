"""A primary that may be anybody's: whatever it says and sends, the copy is refused by name and nothing else changes."""

import hashlib
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from redundancyd.adapters import far_data
from redundancyd.adapters.far_data import FarLim
from redundancyd.adapters.login import Login
from redundancyd.adapters.mirror_store import MirrorStore
from redundancyd.core import mirror_manifest
from redundancyd.core.manifest import FILES_MAX, Entry, LimManifest
from redundancyd.core.systems import Server, System
from redundancyd.errors import FarDataRefused, MirrorUnsound, RedundancyError

STAMP = "20260309031502"
HEAD = f'{{"ok":true,"stamp":"{STAMP}","lim":1,"folder":"xdata_1_{STAMP}"}}'
FILE = '{"path":"F%s.D","size_bytes":1,"sha256":"' + "0" * 64 + '"}'
BODY = b"4001,192.0.2.11\n"
NAMES = ("SIROU.D", "cql/extension.csv")
SERVER = Server(System.PRIMARY, 1, "192.0.2.11")

Say = Callable[[str], None]


@pytest.fixture
def say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Say:
    """Stands in for the client of ssh: what the LIM does is a few lines of shell."""

    def put(script: str) -> None:
        program = tmp_path / "bin" / "ssh"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    return put


@pytest.fixture
def far() -> FarLim:
    """LIM 1 of the primary."""
    return FarLim(SERVER, Login("redundancyd", "/etc/redundancyd/key", "/etc/redundancyd/known_hosts"))


# --- what it says ---


@pytest.mark.D1
@pytest.mark.parametrize(
    ("script", "why"),
    [
        (f"echo '{HEAD}'; seq 1000000 | sed 's/.*/{FILE.replace('%s', '&')}/'", f"more than {FILES_MAX} files"),
        (f"echo '{HEAD}'; yes '{FILE % 1}'", "two files of the name 'F1.D'"),
        ("yes | tr -d '\\n'", "a line of more than"),
        (f"echo '{HEAD}'; yes | tr -d '\\n'", "a line of more than"),
        ("head -c 3000000 /dev/urandom", "no JSON|a line of more than"),
        (f'echo \'{HEAD}\'; echo \'{{"path":"../../goal","size_bytes":1}}\'', r"'../../goal' has a part \. or"),
        (f'echo \'{HEAD}\'; echo \'{{"path":"a%0Ab","size_bytes":1}}\'', "'a%0Ab' has a control character"),
        ("echo '[]'", "no JSON object"),
        ("head -c 8000 /dev/zero | tr '\\0' '['; echo", "no JSON object"),
        ('echo \'{"ok":false,"error":7}\'', "7"),
    ],
    ids=range(10),
)
async def test_a_manifest_that_is_none_is_refused_by_name_and_its_sender_is_ended(
    say: Say, far: FarLim, tmp_path: Path, script: str, why: str
):
    """
    A million lines, one without an end, noise, names that lead elsewhere: at the first thing that can't be.
    """
    say(f"echo $$ > {tmp_path}/pid\n{script}")
    began = time.monotonic()
    with pytest.raises(FarDataRefused, match=f"`manifest {STAMP}` on primary-1.*(?:{why})"):
        await far.manifest(STAMP)
    assert time.monotonic() - began < 10
    assert not Path("/proc", (tmp_path / "pid").read_text().strip()).exists()


@pytest.mark.D1
@pytest.mark.parametrize("script", ["yes | tr -d '\\n'", "yes '{}'", 'echo \'{"ok":true,"printout":7}\'', "echo null"])
async def test_a_printout_that_is_none_is_refused(say: Say, far: FarLim, script: str, monkeypatch: pytest.MonkeyPatch):
    """
    Without an end, too, and then at the deadline at the latest.
    """
    monkeypatch.setattr(far_data, "WORDS_DEADLINE_MS", 1000)
    say(script)
    with pytest.raises(RedundancyError, match="`backups` on primary-1"):
        await far.backups()


# --- what it sends ---


class Source:
    """A folder of a hostile LIM, behind rsync as redundancy-lim starts it, or as a stream."""

    def __init__(self, folder: Path, say: Say) -> None:
        self.backup = folder / "backup"
        (self.backup / "cql").mkdir(parents=True)
        for name in NAMES:
            (self.backup / name).write_bytes(BODY)
        outside = folder / "outside"
        outside.mkdir()
        (outside / "secret").write_bytes(b"secret")
        who = "uid = 0\ngid = 0\n" if os.geteuid() == 0 else ""
        settings = folder / "rsyncd.conf"
        settings.write_text(f"{who}[backup]\npath = {self.backup}\nuse chroot = no\nread only = yes\n")
        say(f"exec rsync --server --daemon --config={settings} .")
        self.store = MirrorStore(folder / "mirrors")
        self._folder = folder
        self.before = self.around()

    def around(self) -> dict[str, tuple[int, int, int]]:
        """Every name outside of backup and mirrors."""
        own = [self.backup, self._folder / "mirrors"]
        found = [path for path in self._folder.rglob("*") if not any(path.is_relative_to(each) for each in own)]
        return {str(path): (path.lstat().st_mode, path.lstat().st_size, path.lstat().st_mtime_ns) for path in found}

    async def copy(self, far: FarLim) -> None:
        """As a pull does it: what is announced is brought, and verified."""
        body = hashlib.sha256(BODY).hexdigest()
        files = tuple(Entry(name, len(BODY), body) for name in sorted(NAMES))
        lims = [LimManifest(1, STAMP, files)]
        manifest = mirror_manifest.whole("primary", "17.8.1.0.19", STAMP, ("", ""), lims)
        incoming = await self.store.begin(manifest)
        await far.fetch(STAMP, [entry for _, entry in incoming.missing], incoming.folder / "lim-1")
        await self.store.finish(manifest)

    def kinds(self) -> set[str]:
        """What there is in the folder of mirrors but folders and plain files."""
        found = (self._folder / "mirrors").rglob("*")
        return {str(path) for path in found if stat.S_IFMT(path.lstat().st_mode) not in {stat.S_IFDIR, stat.S_IFREG}}


@pytest.fixture
def source(tmp_path: Path, say: Say) -> Source:
    """A backup of two files that is sound as yet."""
    return Source(tmp_path, say)


@pytest.mark.D1
async def test_a_sound_backup_comes_through(source: Source, far: FarLim):
    """
    So that the others fail for the reason that they name.
    """
    await source.copy(far)
    assert [mirror.is_whole for mirror in await source.store.look()] == [True]


def instead(source: Source, name: str, make: Callable[[Path], object]) -> None:
    """Something else stands there."""
    path = source.backup / name
    path.unlink()
    make(path)


def zero_device(path: Path) -> None:
    """What is read from it has no end."""
    os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5))


@pytest.mark.D1
@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("SIROU.D", lambda path: path.symlink_to("../outside/secret")),
        ("SIROU.D", lambda path: path.symlink_to("/etc/passwd")),
        ("SIROU.D", os.mkfifo),
        pytest.param("SIROU.D", zero_device, marks=pytest.mark.skipif(os.geteuid() != 0, reason="only root makes one")),
        ("SIROU.D", lambda path: path.mkdir()),
        ("SIROU.D", lambda path: path.write_bytes(BODY + b"more")),
        ("SIROU.D", lambda path: path.write_bytes(BODY[:-2] + b"2\n")),
        ("SIROU.D", lambda path: None),
        ("cql/extension.csv", lambda path: path.symlink_to("../../outside/secret")),
    ],
    ids=["link", "link out", "pipe", "device", "folder", "longer", "lying hash", "nothing", "link below"],
)
async def test_what_is_not_as_announced_is_no_mirror_and_is_named(
    source: Source, far: FarLim, name: str, make: Callable[[Path], object]
):
    """
    A link out, a device, a file of other contents: no link gets into our folder, nothing beside it changes.
    """
    instead(source, name, make)
    with pytest.raises((FarDataRefused, MirrorUnsound), match=name):
        await source.copy(far)
    assert await source.store.look() == () or not any(mirror.is_whole for mirror in await source.store.look())
    assert source.kinds() == set()
    assert source.around() == source.before


@pytest.mark.D1
async def test_a_folder_that_is_a_link_brings_no_link(source: Source, far: FarLim, tmp_path: Path):
    """
    What lies behind it at the source may come; where it leads is nothing to us.
    """
    (source.backup / "cql" / "extension.csv").unlink()
    (source.backup / "cql").rmdir()
    (source.backup / "cql").symlink_to(tmp_path / "outside")
    with pytest.raises((FarDataRefused, MirrorUnsound), match="cql"):
        await source.copy(far)
    assert source.kinds() == set()
    assert source.around() == source.before


@pytest.mark.D1
async def test_a_source_that_sends_without_end_is_left(
    say: Say, far: FarLim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """
    As soon as our own rsync says that more has come than the files are: it is ended, and what it started.
    """
    rsync = tmp_path / "bin" / "rsync"
    say("exit 1")
    count = 'n=0; while :; do n=$((n + 1000000)); echo "  $n  50%   10.00MB/s    0:00:10"; done'
    rsync.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\ncat > /dev/null\n{count}\n")
    rsync.chmod(0o755)
    monkeypatch.setattr(far_data, "MORE_BYTES", 5_000_000)
    brought: list[int] = []
    with pytest.raises(FarDataRefused, match=f"{STAMP} from primary-1.*more than its manifest allows"):
        await far.fetch(STAMP, [Entry("A.D", 1_000_000, "0" * 64)], tmp_path / "into", brought=brought.append)
    assert max(brought, default=0) <= 7_000_000
    assert not Path("/proc", (tmp_path / "pid").read_text().strip()).exists()
