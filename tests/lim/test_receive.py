"""Exchange data as it comes into a LIM of the alternate: whole and as its manifest says, or not at all."""

import json
import os
import subprocess
import tarfile
import time
from pathlib import Path

import pytest

from tests.lim.bed import Lim, wait_until
from tests.lim.exchange import CONTENTS, NEW, OLD, TOP, Standin, folder, manifest, tar

pytestmark = pytest.mark.lab

BEFORE = {f"xdata_1_{OLD}"}
BOTH = {f"xdata_1_{OLD}", f"xdata_1_{NEW}"}


def alternate(lim: Lim, **changes: str) -> Standin:
    """A blocked LIM of the alternate with the stand-in's commands."""
    made = Standin(lim)
    made.install(**changes)
    return made


def contents_of(lim: Lim, stamp: str) -> dict[str, bytes]:
    """What a backup's folder on the LIM holds."""
    top = Path(f"/proc/{lim.holder.pid}/root{folder(stamp)}")
    return {str(path.relative_to(top)): path.read_bytes() for path in top.rglob("*") if path.is_file()}


def test_a_backup_that_came_whole_stands_beside_the_others(any_shell: Lim):
    """
    Its own folder, its contents, modes the exchange can read; not yet current, and nothing left over.
    """
    standin = alternate(any_shell)
    given = manifest(CONTENTS)
    lines = standin.lines(f"receive {NEW} {len(given)}", given + tar(CONTENTS))
    assert lines == [
        {"go": "manifest"},
        {"go": "tar"},
        {"ok": True, "stamp": NEW, "lim": 1, "folder": f"xdata_1_{NEW}", "files": 3, "size_bytes": 65, "there": False},
    ]
    assert contents_of(any_shell, NEW) == CONTENTS
    assert standin.listing() == BOTH
    assert standin.current() == OLD
    assert set(any_shell.sh(f"find {folder(NEW)} -printf '%m '").split()) == {"750", "640"}
    assert "data." not in any_shell.sh("ls /run/redundancyd-lim")


def test_the_same_backup_again_is_there_already(lim: Lim):
    """
    Nothing is sent a second time.
    """
    standin = alternate(lim)
    given = manifest(CONTENTS)
    standin.receive(given, tar(CONTENTS))
    lines = standin.lines(f"receive {NEW} {len(given)}", given)
    assert [line.get("there") for line in lines] == [None, True]


def test_a_channel_can_take_a_backup_when_it_waits_to_be_told(any_shell: Lim):
    """
    On LIM 1 of the alternate the local socket is the only way in: each part is sent when it is asked for.
    """
    alternate(any_shell)
    given = manifest(CONTENTS)
    with Standin(any_shell).start("serve") as session:
        assert session.stdin is not None
        assert session.stdout is not None
        session.stdin.write(b"status\n")
        assert b'"ok":true' in session.stdout.readline()
        session.stdin.write(f"receive {NEW} {len(given)}\n".encode())
        assert session.stdout.readline() == b'{"go":"manifest"}\n'
        session.stdin.write(given)
        assert session.stdout.readline() == b'{"go":"tar"}\n'
        session.stdin.write(tar(CONTENTS))
        session.stdin.close()
        assert json.loads(session.stdout.readline())["ok"] is True
        assert session.wait(timeout=5) == 0
    assert contents_of(any_shell, NEW) == CONTENTS


def test_what_is_sent_before_it_was_asked_for_is_not_taken_on_a_channel(lim: Lim):
    """
    It would be taken for requests, or requests for it.
    """
    standin = alternate(lim)
    given = manifest(CONTENTS)
    replies = lim.run("serve", stdin=f"receive {NEW} {len(given)}\n".encode() + given).stdout.splitlines()
    assert [json.loads(reply)["error"] for reply in replies] == ["bad_request"]
    assert standin.listing() == BEFORE


@pytest.mark.D4
@pytest.mark.parametrize("words", [f"receive {NEW} 100", f"load {OLD}", "rollback"])
def test_a_lim_of_the_primary_takes_nothing_in(any_shell: Lim, words: str):
    """
    Blocked or not, before anything was read or run.
    """
    standin = Standin(any_shell)
    standin.install("primary")
    any_shell.order("block", 7)
    before = standin.listing()
    assert [line["error"] for line in standin.lines(words)] == ["wrong_system"]
    assert (standin.listing(), standin.current()) == (before, OLD)
    assert any_shell.sh("cat /mnt/reloads", check=False) == ""


@pytest.mark.D3
@pytest.mark.parametrize("words", [f"receive {NEW} 100", f"load {OLD}", "rollback"])
@pytest.mark.parametrize(
    "make", ["allow 8 id.run", "iptables-nft -F REDUNDANCYD-IN", "iptables-nft -I INPUT -j ACCEPT"]
)
def test_an_alternate_that_is_not_blocked_takes_nothing_in(lim: Lim, words: str, make: str):
    """
    Allowed, half blocked or tampered with: what counts is what the rules do at that instant.
    """
    standin = alternate(lim)
    if make.startswith("allow"):
        lim.order("allow", 8)
    else:
        lim.sh(make)
    assert [line["error"] for line in standin.lines(words)] == ["not_passive"]
    assert standin.listing() == BEFORE
    assert lim.sh("cat /mnt/reloads", check=False) == ""


@pytest.mark.D1
@pytest.mark.parametrize(
    ("sent", "name"),
    [
        (CONTENTS | {"RO.D": b"other"}, "RO.D"),
        ({"RO.D": CONTENTS["RO.D"], "empty.bin": b""}, "cql/sip_route.csv"),
        (CONTENTS | {"empty.bin": b"x"}, "empty.bin"),
        ({}, "RO.D"),
    ],
)
def test_contents_that_differ_from_their_manifest_are_thrown_away(lim: Lim, sent: dict[str, bytes], name: str):
    """
    Changed, missing or more: refused by name, and nothing is left.
    """
    standin = alternate(lim)
    reply = standin.receive(manifest(CONTENTS), tar(sent))
    assert (reply["error"], reply["detail"].split()[0]) == ("differs", name)
    assert standin.listing() == BEFORE


@pytest.mark.D1
def test_a_stream_that_breaks_off_is_thrown_away(lim: Lim):
    """
    Cut anywhere in the contents.
    """
    standin = alternate(lim)
    contents = CONTENTS | {"big.D": os.urandom(50_000)}
    stream = tar(contents)
    for cut in (0, 100, 700, 30_000):
        assert standin.receive(manifest(contents), stream[:cut])["error"] == "differs"
        assert standin.listing() == BEFORE


def test_members_that_the_manifest_does_not_name_are_never_unpacked(lim: Lim):
    """
    Names with .. or from the root, devices, links and files nobody announced: as if they had not been sent.
    """
    standin = alternate(lim)
    strange = [tarfile.TarInfo(name) for name in ("../evil", "/mnt/evil", "cql/../../evil", "extra")]
    for name, kind, target in (
        ("link", tarfile.SYMTYPE, "/etc"),
        ("hard", tarfile.LNKTYPE, "/etc/shadow"),
        ("null", tarfile.CHRTYPE, ""),
        ("pipe", tarfile.FIFOTYPE, ""),
    ):
        member = tarfile.TarInfo(name)
        member.type, member.linkname = kind, target
        strange.append(member)
    assert standin.receive(manifest(CONTENTS), tar(CONTENTS, *strange))["ok"] is True
    assert contents_of(lim, NEW) == CONTENTS
    assert lim.sh(f"find {folder(NEW)} ! -type f ! -type d; ls /mnt/evil {TOP}/evil 2>/dev/null", check=False) == ""


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        (tarfile.SYMTYPE, "/mnt/secret"),
        (tarfile.SYMTYPE, "../../secret"),
        (tarfile.LNKTYPE, "/mnt/secret"),
        (tarfile.LNKTYPE, "cql/sip_route.csv"),
        (tarfile.CHRTYPE, ""),
        (tarfile.FIFOTYPE, ""),
        (tarfile.DIRTYPE, ""),
    ],
)
def test_a_link_or_device_in_a_file_s_place_is_refused(lim: Lim, kind: bytes, target: str):
    """
    Even where what it leads to has the contents that were announced.
    """
    standin = alternate(lim)
    contents = {**CONTENTS, "twin.D": CONTENTS["cql/sip_route.csv"]}
    standin.write("/mnt/secret", contents["twin.D"])
    member = tarfile.TarInfo("twin.D")
    member.type, member.linkname = kind, target
    reply = standin.receive(manifest(contents), tar(CONTENTS, member))
    assert reply["error"] in {"not_a_file", "differs"}
    assert standin.listing() == BEFORE
    assert lim.sh("cat /mnt/secret").encode() == contents["twin.D"]


def test_nothing_is_written_through_a_link_that_came_first(lim: Lim):
    """
    A link with a file's name, and a file below it.
    """
    standin = alternate(lim)
    lim.sh("mkdir /mnt/outside")
    link = tarfile.TarInfo("cql")
    link.type, link.linkname = tarfile.SYMTYPE, "/mnt/outside"
    given = manifest({"cql": b"", "cql/sip_route.csv": b"x"})
    below = tar({"cql/sip_route.csv": b"x"})
    # The link's own block, without the end of the stream behind it.
    assert standin.receive(given, tar({}, link)[:512] + below).get("ok") is not True
    assert lim.sh("ls /mnt/outside") == ""
    assert standin.listing() == BEFORE


def line_with(old: bytes, new: bytes) -> bytes:
    """The manifest with something in it replaced."""
    whole = manifest(CONTENTS)
    assert old in whole
    return whole.replace(old, new)


@pytest.mark.parametrize(
    "given",
    [
        b"x",
        manifest(CONTENTS)[:-30],
        manifest(CONTENTS) + b"\n",
        manifest(CONTENTS, OLD),
        manifest(CONTENTS, lim=2),
        line_with(b'"files":3', b'"files":4'),
        line_with(b'"size_bytes":65}', b'"size_bytes":66}'),
        line_with(b'"path":"RO.D"', b'"path":"/RO.D"'),
        line_with(b'"path":"RO.D"', b'"path":"../RO.D"'),
        line_with(b'"path":"RO.D"', b'"path":"cql/../RO.D"'),
        line_with(b'"path":"RO.D"', b'"path":"./RO.D"'),
        line_with(b'"path":"RO.D"', b'"path":"cql//RO.D"'),
        line_with(b'"path":"RO.D"', b'"path":"RO.D/"'),
        line_with(b'"path":"RO.D"', b'"path":""'),
        line_with(b'"path":"RO.D"', b'"path":"RO%00D"'),
        line_with(b'"path":"RO.D"', b'"path":"R\xffO.D"'),
        line_with(b'"path":"RO.D"', b'"path":"RO.D","mode":"4755"'),
        line_with(b'"path":"RO.D"', b'"path":"empty.bin"'),
        line_with(b'"size_bytes":26', b'"size_bytes":026'),
        line_with(b'"size_bytes":26', b'"size_bytes":-26'),
        line_with(b'"size_bytes":26', b'"size_bytes":1000000000000'),
        line_with(b'"size_bytes":0,', b'"size_bytes":a[$(touch /run/owned)],'),
        manifest(CONTENTS).replace(b"\n", b"\r\n"),
    ],
)
def test_a_manifest_that_is_none_is_refused(lim: Lim, given: bytes):
    """
    Of another backup or LIM, cut, with other sums, or with names that lead out: nothing is unpacked.
    """
    standin = alternate(lim)
    assert standin.receive(given, tar(CONTENTS))["error"] == "bad_manifest"
    assert standin.listing() == BEFORE
    assert "owned" not in lim.sh("ls /run")


def test_hostile_names_come_in_as_they_went_out(any_shell: Lim):
    """
    What `manifest` spelled in percents is unpacked under its true name.
    """
    standin = alternate(any_shell)
    contents = {"-rf": b"1", "new\nline": b"2", 'q"\\%41': b"3", "*/ $(id)": b"4", "...": b"5"}
    assert standin.receive(manifest(contents), tar(contents))["ok"] is True
    assert contents_of(any_shell, NEW) == contents


def test_more_than_the_disk_holds_is_refused_before_it_is_sent(lim: Lim):
    """
    By what the manifest says; the go for the contents never comes.
    """
    standin = alternate(lim)
    given = line_with(b'"size_bytes":26', b'"size_bytes":990000000000').replace(
        b'"size_bytes":65}', b'"size_bytes":990000000039}'
    )
    lines = standin.lines(f"receive {NEW} {len(given)}", given)
    assert [line.get("error") for line in lines] == [None, "no_room"]
    assert "KiB free" in lines[-1]["detail"]


def test_a_stream_is_read_no_further_than_its_manifest_allows(lim: Lim):
    """
    A member that is larger than announced never fills the disk.
    """
    standin = alternate(lim)
    huge = CONTENTS | {"RO.D": bytes(8_000_000)}
    assert standin.receive(manifest(CONTENTS), tar(huge))["error"] == "differs"
    assert standin.listing() == BEFORE


@pytest.mark.parametrize("listed", [True, False])
def test_a_backup_that_the_exchange_lists_is_never_replaced(lim: Lim, listed: bool):
    """
    It may be what runs; a leftover that was never made valid gives way.
    """
    standin = alternate(lim)
    standin.backup(NEW, {"RO.D": b"something else"})
    if listed:
        lim.sh(f"echo {NEW} >> /mnt/valid")
    reply = standin.receive(manifest(CONTENTS), tar(CONTENTS))
    assert reply.get("error") == ("exists" if listed else None)
    assert contents_of(lim, NEW) == ({"RO.D": b"something else"} if listed else CONTENTS)


def test_what_was_received_and_never_loaded_goes_with_the_next_one(any_shell: Lim):
    """
    Failed attempts do not fill the disk; what the exchange lists, and what is not ours, stays.
    """
    standin = alternate(any_shell)
    other = "20260310031502"
    standin.receive(manifest(CONTENTS), tar(CONTENTS))
    standin.backup("20260101000000", {"RO.D": b"being made by the exchange"})
    assert standin.receive(manifest(CONTENTS, other), tar(CONTENTS), other)["ok"] is True
    assert standin.listing() == {*BEFORE, f"xdata_1_{other}", "xdata_1_20260101000000"}
    any_shell.sh(f"accept_backup {other}")
    standin.receive(manifest(CONTENTS), tar(CONTENTS))
    assert standin.listing() == {*BOTH, f"xdata_1_{other}", "xdata_1_20260101000000"}


@pytest.mark.D1
@pytest.mark.parametrize("after", [0, 400, 20_000, 60_000])
def test_killed_in_the_middle_a_second_call_tidies_up_and_goes_on(lim: Lim, after: int):
    """
    A SIGKILL at any point of the stream leaves no backup; the next attempt works.
    """
    standin = alternate(lim)
    contents = CONTENTS | {"big.D": os.urandom(50_000)}
    given, stream = manifest(contents), tar(contents)
    session = standin.start(f"receive {NEW} {len(given)}")
    assert session.stdin is not None
    assert session.stdout is not None
    session.stdin.write(given)
    assert session.stdout.readline() == b'{"go":"manifest"}\n'
    assert session.stdout.readline() == b'{"go":"tar"}\n'
    session.stdin.write(stream[:after])
    time.sleep(0.05)
    session.kill()
    session.communicate(timeout=5)
    assert f"xdata_1_{NEW}" not in standin.listing()
    assert standin.receive(given, stream)["ok"] is True
    assert contents_of(lim, NEW) == contents
    assert standin.listing() == BOTH


@pytest.mark.D1
@pytest.mark.parametrize("command", ["chown", "chmod", "sync", "mv", "sha256sum", "rm"])
def test_killed_at_any_step_it_leaves_a_whole_backup_or_none(lim: Lim, command: str):
    """
    Killed before each command of the last steps: what has a backup's name is whole.
    """
    standin = alternate(lim)
    real = lim.sh(f"command -v {command}").strip()
    is_due = f"[ -e /mnt/armed ] && [ -d {TOP}/.incoming-{NEW} ]"
    kill = 'unlink /mnt/armed; kill -9 "$(cat /mnt/victim)"; sleep 0.1; exit 1'
    trap = f'#!/bin/sh\nif {is_due}; then {kill}; fi\nexec {real} "$@"\n'
    standin.write(f"/usr/sbin/{command}", trap.encode())
    lim.sh(f"chmod +x /usr/sbin/{command}; touch /mnt/armed")
    given = manifest(CONTENTS)
    session = standin.start(f"receive {NEW} {len(given)}")
    lim.sh(f"echo {session.pid} > /mnt/victim")
    session.communicate(given + tar(CONTENTS), timeout=10)
    if f"xdata_1_{NEW}" in standin.listing():
        assert contents_of(lim, NEW) == CONTENTS
    assert standin.receive(given, tar(CONTENTS))["ok"] is True
    assert contents_of(lim, NEW) == CONTENTS
    assert standin.listing() == BOTH


def test_two_at_a_time_do_not_mix(lim: Lim):
    """
    The second is told that one is under way.
    """
    standin = alternate(lim)
    given = manifest(CONTENTS)
    with standin.start(f"receive {NEW} {len(given)}") as first:
        assert first.stdout is not None
        assert first.stdout.readline() == b'{"go":"manifest"}\n'
        assert standin.receive(given, tar(CONTENTS))["error"] == "busy"
        first.kill()


def test_a_lim_without_that_folder_says_so(lim: Lim):
    """
    The exchange's folder is never made by us.
    """
    standin = alternate(lim, xdata="/mnt/elsewhere/*/xdata")
    assert standin.receive(manifest(CONTENTS), tar(CONTENTS))["error"] == "no_folder"
    for xdata in ("relative/*", "/mnt/../etc", "/mnt/*/*", "/mnt/$HOME"):
        lim.configure(xdata=xdata)
        assert standin.receive(manifest(CONTENTS), tar(CONTENTS))["error"] == "not_configured"


def test_orders_are_not_held_up_while_a_backup_comes_in(lim: Lim):
    """
    A takeover does not wait for data.
    """
    standin = alternate(lim)
    given = manifest(CONTENTS)
    session: subprocess.Popen[bytes]
    with standin.start(f"receive {NEW} {len(given)}") as session:
        assert session.stdout is not None
        assert session.stdout.readline() == b'{"go":"manifest"}\n'
        assert lim.order("allow", 8)["traffic"] == "allowed"
        session.kill()
    wait_until(lambda: lim.ask("status")["ok"])
