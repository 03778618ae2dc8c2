"""Exchange data as it leaves a LIM: which backups there are, what is in one, and its contents."""

import io
import json
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.lim.bed import PROGRAM, Lim, wait_until
from tests.lim.exchange import CONTENTS, NEW, OLD, TOP, Standin, folder, manifest, percent

pytestmark = pytest.mark.lab

HOSTILE = {
    "-": b"a dash",
    "-rf": b"an option",
    "with blanks  and\ttab": b"1",
    "new\nline": b"2",
    'quo"te': b"3",
    "back\\slash\\n": b"4",
    "per%cent%0A": b"5",
    "star*?[a]$HOME`id`": b"6",
    "\udcff\udcfe": b"7",
    "a/.../b": b"8",
    "\x01\x1b[2J\x7f": b"9",
    "; reboot": b"10",
}


def exchange(lim: Lim, system: str = "primary", **changes: str) -> Standin:
    """The stand-in's commands and its one backup on a LIM."""
    made = Standin(lim)
    made.install(system, **changes)
    return made


def replace_sha256sum(standin: Standin, script: str) -> None:
    """Let the checksums be made by a script, and not by openssl."""
    standin.write("/usr/sbin/openssl", b"#!/bin/sh\nexit 1\n")
    standin.write("/usr/sbin/sha256sum", f"#!/bin/sh\n{script}\n".encode())
    standin.lim.sh("chmod +x /usr/sbin/openssl /usr/sbin/sha256sum")


def test_backups_is_what_the_exchange_prints(any_shell: Lim):
    """
    The printout as one JSON string, line ends and all.
    """
    exchange(any_shell)
    reply = any_shell.ask(remote="backups")
    assert reply["ok"] is True
    assert reply["printout"] == any_shell.sh("data_info")
    assert any_shell.serve("backups", "status")[0] == reply


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("exit 4", "data_info: exit status 4"),
        ("yes", "data_info: exit status"),
        ("head -c 60000 /dev/zero | tr '\\\\000' '\"'", "data_info prints more than 64 KiB"),
    ],
)
def test_a_printout_that_is_none_is_a_failure(lim: Lim, script: str, why: str):
    """
    A command that fails, prints without end, or prints more than anybody reads.
    """
    exchange(lim)
    lim.sh("cat > /usr/sbin/data_info << 'END OF TEXT'\n#!/bin/sh\n" + script.replace("\\\\", "\\") + "\nEND OF TEXT")
    reply = lim.ask(remote="backups")
    assert (reply["ok"], reply["error"]) == (False, "data_info_failed")
    assert reply["detail"].startswith(why)


def test_a_printout_with_quotes_and_bytes_that_are_no_text_stays_one_string(lim: Lim):
    """
    Quotes and backslashes arrive as they are, bytes that are no text as question marks.
    """
    exchange(lim)
    Standin(lim).write("/usr/sbin/data_info", b"#!/bin/sh\nprintf 'a \"b\" \\\\ c\\td\\377\\033\\n\\nend'\n")
    lim.sh("chmod +x /usr/sbin/data_info")
    assert lim.ask(remote="backups")["printout"] == 'a "b" \\ c\td??\n\nend\n'


def test_a_manifest_has_each_file_with_size_and_checksum(any_shell: Lim):
    """
    The first line says whose it is, the last that it is whole; in between a line a file, in order.
    """
    exchange(any_shell)
    said = any_shell.run(remote=f"manifest {OLD}")
    assert said.stdout == manifest(CONTENTS, OLD)
    assert (said.stderr, said.returncode) == (b"", 0)


@pytest.mark.parametrize("hidden", [False, True])
def test_hostile_names_are_spelled_in_percents(any_shell: Lim, hidden: bool):
    """
    Whatever stands in a name, a manifest is lines of plain JSON, and no part of a name is ever a command.
    """
    exchange(any_shell)
    contents = {f"sub dir/{name}" if hidden else name: text for name, text in HOSTILE.items()}
    inside = Path(f"/proc/{any_shell.holder.pid}/root{folder(OLD)}")
    for name, text in contents.items():
        path = os.fsencode(str(inside)) + b"/" + os.fsencode(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
        with open(path, "wb") as file:  # noqa: PTH123
            file.write(text)
    said = any_shell.run(remote=f"manifest {OLD}").stdout
    assert sorted(said.splitlines()) == sorted(manifest(CONTENTS | contents, OLD).splitlines())


def test_a_backup_without_files_has_an_empty_manifest(lim: Lim):
    """
    An empty folder is no error.
    """
    standin = exchange(lim)
    lim.sh(f"rm -r {folder(OLD)}/*")
    assert standin.lines(f"manifest {OLD}")[-1] == {"end": True, "files": 0, "size_bytes": 0}


@pytest.mark.parametrize(
    ("make", "name"),
    [
        ("ln -s /etc/shadow RO.link", "RO.link"),
        ("ln -s . 'cql/a link'", "cql/a link"),
        ("mkfifo 'pi\"pe'", "pi%22pe"),
        ("mknod device c 1 3", "device"),
    ],
)
def test_what_is_no_file_is_refused_by_name(lim: Lim, make: str, name: str):
    """
    Links, pipes and devices have no place in a backup.
    """
    standin = exchange(lim)
    lim.sh(f"cd {folder(OLD)}; {make}")
    assert standin.lines(f"manifest {OLD}") == [{"ok": False, "error": "not_a_file", "detail": name}]


@pytest.mark.parametrize(
    "prepare", ["rm -r {0}", "mv {0} /mnt/x; ln -s /mnt/x {0}", "sed -i /{1}/d /mnt/valid", "rm -r {0}; touch {0}"]
)
@pytest.mark.parametrize("word", [f"manifest {OLD}", f"send {OLD} tar", f"send {OLD} --server --daemon ."])
def test_a_backup_that_is_not_there_has_neither_manifest_nor_contents(lim: Lim, prepare: str, word: str):
    """
    Gone, a link, no folder, or no longer listed by the exchange.
    """
    standin = exchange(lim)
    lim.sh(prepare.format(folder(OLD), OLD))
    assert [line["error"] for line in standin.lines(word)] == ["no_such_backup"]


@pytest.mark.D1
@pytest.mark.parametrize(
    "change", ["echo more >> RO.D", "touch new", "rm empty.bin", "mv RO.D DO.R", "cp -p RO.D x; mv x RO.D"]
)
def test_a_backup_that_changes_while_it_is_read_has_no_manifest(lim: Lim, change: str):
    """
    Somebody writes, adds, removes or replaces a file between the first look and the last.
    """
    standin = exchange(lim)
    replace_sha256sum(standin, f'/usr/bin/sha256sum "$@"\n[ $# = 0 ] || {{ cd {folder(OLD)}; {change}; }}')
    assert [line["error"] for line in standin.lines(f"manifest {OLD}")] == ["changing"]


@pytest.mark.D1
def test_a_file_that_cannot_be_read_leaves_no_manifest(lim: Lim):
    """
    A checksum that is missing is never passed over.
    """
    standin = exchange(lim)
    replace_sha256sum(standin, '/usr/bin/sha256sum "$@" | head -c 80\n[ $# = 0 ]')
    assert [line["error"] for line in standin.lines(f"manifest {OLD}")] == ["changing"]


def test_two_thousand_files_are_read_by_few_processes(lim: Lim):
    """
    Their number does not multiply processes.
    """
    standin = exchange(lim)
    lim.sh(f"cd {folder(OLD)}; seq 2000 | split -a 4 -l 1 - part")
    replace_sha256sum(standin, 'echo x >> /mnt/started; exec /usr/bin/sha256sum "$@"')
    assert standin.lines(f"manifest {OLD}")[-1]["files"] == 2003
    assert len(lim.sh("cat /mnt/started").split()) <= 5


def test_what_was_read_once_is_not_read_again_until_it_changes(any_shell: Lim):
    """
    The second manifest costs a look; a file that is another one since then is read, whatever its size and time say.
    """
    standin = exchange(any_shell)
    any_shell.sh("sleep 3.1")
    first = any_shell.run(remote=f"manifest {OLD}").stdout
    replace_sha256sum(standin, "[ $# = 0 ] && exec /usr/bin/sha256sum; echo x >> /mnt/started; exit 1")
    assert any_shell.run(remote=f"manifest {OLD}").stdout == first
    assert any_shell.sh("ls /mnt/started", check=False) == ""
    any_shell.sh(f"cd {folder(OLD)}; cp -p RO.D x; touch -r RO.D x; mv x RO.D")
    assert [line["error"] for line in standin.lines(f"manifest {OLD}")] == ["changing"]
    assert any_shell.sh("ls /mnt/started") != ""


def test_a_manifest_leaves_nothing_behind(any_shell: Lim):
    """
    Notes are gone when it ends, and when its client hangs up in the middle.
    """
    standin = exchange(any_shell)
    standin.lines(f"manifest {OLD}")
    assert "data." not in any_shell.sh("ls /run/redundancyd-lim")
    replace_sha256sum(standin, 'sleep 0.5; exec /usr/bin/sha256sum "$@"')
    with standin.start(f"manifest {OLD}") as session:
        wait_until(lambda: "data." in any_shell.sh("ls /run/redundancyd-lim"))
        session.terminate()
    wait_until(lambda: "data." not in any_shell.sh("ls /run/redundancyd-lim"))


def tar_of(lim: Lim, wanted: list[str]) -> tuple[dict[str, object], dict[str, bytes]]:
    """The first line of `send STAMP tar`, and the files of the stream behind it."""
    out = lim.run(remote=f"send {OLD} tar", stdin="".join(f"{percent(name)}\n" for name in wanted)).stdout
    line, _, stream = out.partition(b"\n")
    files = {}
    if stream:
        with tarfile.open(fileobj=io.BytesIO(stream)) as read:
            for member in read:
                taken = read.extractfile(member)
                assert taken is not None
                files[member.name.removeprefix("./")] = taken.read()
    return json.loads(line), files


def test_a_tar_stream_has_the_files_that_were_asked_for(any_shell: Lim):
    """
    Each of them once, the others not.
    """
    exchange(any_shell)
    line, files = tar_of(any_shell, ["RO.D", "cql/sip_route.csv", "RO.D"])
    assert line == {"ok": True, "stamp": OLD, "lim": 1, "files": 2}
    assert files == {name: CONTENTS[name] for name in ("RO.D", "cql/sip_route.csv")}


def test_hostile_names_can_be_asked_for(any_shell: Lim):
    """
    Names that look like options, blanks, line ends: as they are in the manifest.
    """
    standin = exchange(any_shell)
    hostile = {name: text for name, text in HOSTILE.items() if name.isascii()}
    standin.backup(OLD, hostile)
    line, files = tar_of(any_shell, list(hostile))
    assert line["ok"] is True
    assert files == hostile


@pytest.mark.parametrize(
    "name",
    ["/etc/shadow", "../../../valid", "cql/../RO.D", "cql", ".", "", "./RO.D", "RO.D/", "link/passwd", "missing", "*"],
)
def test_a_name_that_is_not_in_the_backup_is_refused(lim: Lim, name: str):
    """
    Only files that were found in the folder by looking can be asked for.
    """
    exchange(lim)
    lim.sh(f"ln -s /etc {folder(OLD)}/link")
    line, files = tar_of(lim, ["RO.D", name])
    assert (line["ok"], line["error"], line["detail"]) == (False, "no_such_file", name)
    assert files == {}


def rsync(lim: Lim, tmp_path: Path, *words: str, stamp: str = OLD) -> "subprocess.CompletedProcess[str]":
    """Run rsync as the supervision does; instead of ssh a script enters the LIM and hands over the forced command."""
    shell = tmp_path / "ssh"
    enter = " ".join([*lim.enter, "env", "-i", f"PATH={os.environ['PATH']}"])
    shell.write_text(f'#!/bin/sh\nshift\nexec {enter} "SSH_ORIGINAL_COMMAND=$*" {lim.shell} {PROGRAM}\n')
    shell.chmod(0o755)
    command = ["rsync", "-e", str(shell), f"--rsync-path=send {stamp}", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)


def test_rsync_copies_a_backup_through_the_restricted_key(any_shell: Lim, tmp_path: Path):
    """
    The very files, and nothing on the LIM is changed.
    """
    exchange(any_shell)
    done = rsync(any_shell, tmp_path, "-rt", "lim::backup/", str(tmp_path / "copy"))
    assert (done.stderr, done.returncode) == ("", 0)
    copy = tmp_path / "copy"
    assert {str(path.relative_to(copy)): path.read_bytes() for path in copy.rglob("*") if path.is_file()} == CONTENTS


@pytest.mark.D4
@pytest.mark.parametrize(
    "words",
    [
        ["-rt", "{here}/", "lim::backup/"],
        ["-rt", "--delete", "{here}/", "lim::backup/"],
        ["-rt", "--remove-source-files", "lim::backup/", "{copy}"],
        ["-rt", "{here}/", "lim::other/"],
    ],
)
def test_rsync_writes_and_removes_nothing_in_a_backup(lim: Lim, tmp_path: Path, words: list[str]):
    """
    Whatever its client asks for.
    """
    exchange(lim)
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "evil").write_text("x")
    before = lim.sh(f"cd {TOP}; find . -printf '%p %T@ %s\\n'")
    rsync(lim, tmp_path, *(word.format(here=tmp_path / "here", copy=tmp_path / "copy") for word in words))
    assert lim.sh(f"cd {TOP}; find . -printf '%p %T@ %s\\n'") == before


@pytest.mark.parametrize(
    "words",
    [
        ["-rtL", "lim::backup/"],
        ["-rtL", "lim::backup/link/"],
        ["-rt", "lim::backup/../"],
        ["-rt", "lim::backup/../../../../etc/"],
    ],
)
def test_rsync_reads_nothing_outside_of_the_backup(lim: Lim, tmp_path: Path, words: list[str]):
    """
    Neither by a link nor by a path; it is shut into the folder.
    """
    exchange(lim)
    lim.sh(f"ln -s /etc {folder(OLD)}/link; ln -s ../../../../valid {folder(OLD)}/valid")
    rsync(lim, tmp_path, *words, str(tmp_path / "copy"))
    copied = {str(path.relative_to(tmp_path / "copy")) for path in (tmp_path / "copy").rglob("*") if path.is_file()}
    assert copied <= set(CONTENTS)


@pytest.mark.parametrize(
    "words",
    [
        f"send {OLD}",
        f"send {OLD} rsync",
        f"send {OLD} --server --sender -rt . .",
        f"send {OLD} --server --daemon . /",
        f"send {OLD} --server --daemon /",
        f"send {OLD} --server --daemon --config=/tmp/x",
        "send . tar",
        "manifest",
        "manifest 2026030803150",
        "manifest 202603080315011",
        "manifest 2026030803150x",
        "manifest ../../etc/passwd",
        f"manifest {OLD} {OLD}",
        "backups -x",
        f"receive {NEW}",
        f"receive {NEW} 0",
        f"receive {NEW} 16777217",
        f"receive {NEW} -1",
        "load ..",
        f"rollback {OLD}",
    ],
)
def test_other_words_are_refused(lim: Lim, words: str):
    """
    A stamp is 14 digits, and each word has its number of others.
    """
    exchange(lim)
    assert lim.ask(remote=words)["error"] == "bad_request"


def test_contents_need_a_session_of_their_own(lim: Lim):
    """
    On a channel of orders a stream would be taken for answers.
    """
    exchange(lim)
    replies = lim.serve(f"send {OLD} tar", f"send {OLD} --server --daemon .", f"manifest {OLD}")
    assert [reply.get("error") for reply in replies[:3]] == ["bad_request", "bad_request", None]
