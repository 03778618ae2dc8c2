"""What rsync and ssh say when they end becomes: the line broke, or the LIM refused."""

import asyncio
from pathlib import Path

import pytest

from redundancyd.adapters import far_data, far_process
from redundancyd.adapters.far_data import FarLim, worked
from redundancyd.adapters.login import Login
from redundancyd.core.manifest import Entry
from redundancyd.core.systems import Server, System
from redundancyd.errors import FarDataRefused, OutOfReach, RedundancyError

STAMP = "20260309031502"
LIM = FarLim(Server(System.PRIMARY, 1, "192.0.2.11"), Login("redundancyd", "/key", "/hosts"))
CLOSED = "Connection closed by 192.0.2.11 port 22\nrsync: did not see server greeting\n"
REFUSED = 'rsync: server sent "{"ok":false,"error":"no_such_backup","detail":"gone"}" rather than greeting\n'


def ending(folder: Path, said: str, status: int) -> str:
    """A folder of programs whose rsync says this and ends so."""
    program = folder / "rsync"
    program.write_text(f"#!/bin/sh\ncat >/dev/null\ncat <<'TEXT' >&2\n{said}TEXT\nexit {status}\n")
    program.chmod(0o755)
    return f"{folder}:/usr/bin:/bin"


@pytest.mark.parametrize(
    ("said", "status", "error"),
    [
        ("rsync: connection unexpectedly closed\n", 12, OutOfReach),
        ("192.0.2.11 not responding.\n", 255, OutOfReach),
        (CLOSED, 5, OutOfReach),
        (REFUSED, 5, FarDataRefused),
        ('rsync: "/NEW.D" failed: Permission denied (13)\n', 23, FarDataRefused),
    ],
)
def test_a_line_that_breaks_is_no_refusal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, status: int, error: type[RedundancyError]
):
    """
    Not even before the first word of the LIM: it is gone on with.
    """
    monkeypatch.setenv("PATH", ending(tmp_path, said, status))
    with pytest.raises(RedundancyError) as ended:
        asyncio.run(LIM.fetch(STAMP, (), tmp_path))
    assert type(ended.value) is error
    assert said.split("\n", maxsplit=1)[0][:20] in str(ended.value)


def programs(folder: Path, name: str, script: str) -> str:
    """A path on which this program is one of the test's."""
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return f"{folder}:/usr/bin:/bin"


def test_an_rsync_that_complains_of_every_file_is_heard_to_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """
    Twenty thousand files of a backup that is deleted while it is sent: more than a pipe holds.
    """
    many = 'yes "file has vanished: /mnt/eri/17.8/xdata/xdata_1_20260309031502/NAME.D (in backup)" | head -n 20000 >&2'
    monkeypatch.setenv("PATH", programs(tmp_path, "rsync", f"cat >/dev/null\n{many}\nexit 24"))

    async def fetch() -> None:
        async with asyncio.timeout(20):
            await LIM.fetch(STAMP, (), tmp_path)

    with pytest.raises(FarDataRefused, match="file has vanished"):
        asyncio.run(fetch())


@pytest.mark.parametrize("script", ["exec sleep 60", "echo >&2 waiting; exec sleep 60"])
def test_a_lim_that_never_lets_us_in_is_out_of_reach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str):
    """
    It takes the connection and hangs before it knows who we are: no option of ssh ends that.
    """
    monkeypatch.setenv("PATH", programs(tmp_path, "ssh", script))
    monkeypatch.setattr(far_data, "WORDS_DEADLINE_MS", 300)

    async def connect() -> None:
        async with asyncio.timeout(10), LIM.connected():
            raise AssertionError

    with pytest.raises(OutOfReach, match="connecting to primary-1: no answer within 300 ms"):
        asyncio.run(connect())


def test_a_process_that_not_even_a_kill_ends_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """
    An rsync that waits for a disk of ours that is gone holds up no takeover and no stop.
    """

    async def never(_process: object) -> int:
        return await asyncio.Event().wait()

    monkeypatch.setenv("PATH", programs(tmp_path, "ssh", "exec sleep 60"))
    monkeypatch.setattr(far_data, "WORDS_DEADLINE_MS", 100)
    monkeypatch.setattr(far_process, "GRACE_S", 0.1)
    monkeypatch.setattr(asyncio.subprocess.Process, "wait", never)

    async def connect() -> None:
        async with asyncio.timeout(10), LIM.connected():
            raise AssertionError

    with pytest.raises(OutOfReach, match="no answer within 100 ms"):
        asyncio.run(connect())


@pytest.mark.parametrize("script", ["exec sleep 60", """echo '{"ok":true}'; head -c 512 /dev/zero; exec sleep 60"""])
def test_a_tar_stream_that_falls_silent_is_a_broken_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str):
    """
    The disk of the LIM hangs, and its sshd goes on: nobody would ever end that.
    """
    monkeypatch.setenv("PATH", programs(tmp_path, "ssh", script))
    programs(tmp_path, "rsync", "cat >/dev/null\necho '" + '"error":"no_rsync"' + "' >&2\nexit 5")
    monkeypatch.setattr(far_data, "TAR_SILENCE_MS", 300)

    async def fetch() -> None:
        async with asyncio.timeout(10):
            await LIM.fetch(STAMP, (Entry("A.D", 1, "0" * 64),), tmp_path)

    with pytest.raises(OutOfReach, match="nothing more came for 300 ms"):
        asyncio.run(fetch())


def test_what_a_lim_says_of_a_refusal_is_told_in_short():
    """
    As much as it likes would be in the journal, on the page and on the disk.
    """
    with pytest.raises(FarDataRefused) as refused:
        worked("`manifest`", {"ok": False, "error": "e" * 9000, "detail": "d" * 9000})
    assert len(str(refused.value)) < 500
