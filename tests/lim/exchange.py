"""A stand-in exchange in a few lines of shell for one LIM: its backups, its commands, and what goes wrong with them."""

import hashlib
import io
import json
import subprocess
import tarfile
from dataclasses import dataclass
from typing import Any

from tests.lim.bed import PROGRAM, Lim

VERSION = "17.8.1.0.19"
TOP = f"/mnt/eri/{VERSION}/xdata"
OLD, NEW = "20260308031501", "20260309031502"
"""The backup that stands in the exchange, and one that comes from elsewhere."""

COMMANDS = {
    "data_info": """
echo "Exchange data backup info"; echo
read -r now < /mnt/current
echo "Current backup:   $now [ Date: as it is ]"; echo
echo "Backup            System version      Date"
echo "---------------------------------------------------------------"
while read -r stamp; do echo "$stamp    17.8.1.0.19         2026-03-09 03:15:02 (CET)"; done < /mnt/valid
echo "17.8.1.0.19       17.8.1.0.19"
""",
    "accept_backup": """
[ ! -e /mnt/accept_fails ] || { echo "no such data"; exit 3; }
case $1 in 17.*) ;; *) grep -qx "$1" /mnt/valid || echo "$1" >> /mnt/valid ;; esac
echo "$1" > /mnt/current
""",
    "reload": """
[ "$*" = --system ] || exit 9
echo $$ >> /mnt/reloads
echo "Data Reload   Started" > /mnt/queue
sleep "$(cat /mnt/takes)"
end=Successful; [ ! -e /mnt/ends_badly ] || end=Failed
echo "Data Reload             $end    $(date +%N)" >> /mnt/history
echo "(empty)" > /mnt/queue
[ ! -e /mnt/exits_badly ] || { echo "not \\"all\\" LIMs answered" >&2; exit 4; }
cat /mnt/current > /mnt/running
""",
    "status": """
echo "System Status"; echo; echo "Measure Queue"; echo "-------------"
cat /mnt/queue; echo
echo "Measure Execution History"; echo "-------------------------"
cat /mnt/history; echo; echo END
""",
}


@dataclass
class Standin:
    """A LIM with the stand-in's commands in place."""

    lim: Lim

    def install(self, system: str = "alternate", **changes: str) -> None:
        """Put the commands on the LIM, with one valid backup that holds three files."""
        lim = self.lim
        for name, text in COMMANDS.items():
            script = f"#!/bin/sh\n{text}"
            self.write(f"/usr/sbin/{name}", script.encode())
        lim.sh("chmod +x " + " ".join(f"/usr/sbin/{name}" for name in COMMANDS))
        lim.sh(f"mkdir -p {TOP}; echo {OLD} > /mnt/valid; echo {OLD} > /mnt/current; echo {OLD} > /mnt/running")
        lim.sh(
            "echo 0 > /mnt/takes; echo '(empty)' > /mnt/queue; echo 'Coordination Start   Successful' > /mnt/history"
        )
        self.backup(OLD, CONTENTS)
        commands = {
            "command_backups": "data_info",
            "command_status": "status -system",
            "command_reload": "reload --system",
            "command_accept_backup": "accept_backup",
        }
        settings = {"system": system, "xdata": "/mnt/eri/*/xdata", "reload_deadline": "20"}
        lim.configure(**settings | commands | changes)
        if system == "alternate":
            lim.order("block", 7)

    def write(self, path: str, text: bytes) -> None:
        """One file on the LIM; its name travels as a word, never through a shell's text."""
        write = 'mkdir -p "$(dirname "$1")"; rm -f "$1"; cat > "$1"'
        subprocess.run([*self.lim.enter, "sh", "-c", write, "sh", path], input=text, check=True)

    def backup(self, stamp: str, contents: dict[str, bytes]) -> None:
        """A backup's folder on the LIM, whether the exchange lists it or not."""
        for name, text in contents.items():
            self.write(f"{folder(stamp)}/{name}", text)

    def listing(self) -> set[str]:
        """What stands in the exchange's folder of backups."""
        return set(self.lim.sh(f"ls -A {TOP}").split())

    def running(self) -> str:
        """The backup that the exchange runs."""
        return self.lim.sh("cat /mnt/running").strip()

    def current(self) -> str:
        """The backup that the exchange would load next."""
        return self.lim.sh("cat /mnt/current").strip()

    def lines(self, words: str, stdin: bytes = b"") -> list[dict[str, Any]]:
        """All lines of the answer to words that came over SSH."""
        done = self.lim.run(remote=words, stdin=stdin)
        assert done.stdout, f"{words}: exit status {done.returncode}: {done.stderr!r}"
        return [json.loads(line) for line in done.stdout.splitlines()]

    def receive(self, given: bytes, stream: bytes, stamp: str = NEW) -> dict[str, Any]:
        """The last line of what is said when both are sent at once."""
        return self.lines(f"receive {stamp} {len(given)}", given + stream)[-1]

    def start(self, words: str) -> "subprocess.Popen[bytes]":
        """A session that stays open."""
        return subprocess.Popen(
            [*self.lim.enter, *self.lim.shell.split(), PROGRAM, *words.split()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )


def folder(stamp: str, lim: int = 1) -> str:
    """Where the exchange has this backup."""
    return f"{TOP}/xdata_{lim}_{stamp}"


CONTENTS = {
    "RO.D": b'HEADER\n("1","192.0.2.11")\n',
    "cql/sip_route.csv": b'1,"a ""quoted""\nname",sip:?@192.0.2.11\n',
    "empty.bin": b"",
}


def manifest(contents: dict[str, bytes], stamp: str = NEW, lim: int = 1) -> bytes:
    """A manifest as `manifest` prints it, for data that was made elsewhere."""
    head = {"ok": True, "stamp": stamp, "lim": lim, "folder": f"xdata_{lim}_{stamp}"}
    files = [
        {"path": percent(name), "size_bytes": len(text), "sha256": hashlib.sha256(text).hexdigest()}
        for name, text in sorted(contents.items())
    ]
    end = {"end": True, "files": len(files), "size_bytes": sum(map(len, contents.values()))}
    return b"".join(json.dumps(line, separators=(",", ":")).encode() + b"\n" for line in (head, *files, end))


def percent(name: str) -> str:
    """A name as the manifest spells it."""
    ordinary = set(range(0x20, 0x7F)) - set(b'%"\\')
    return "".join(
        chr(byte) if byte in ordinary else f"%{byte:02X}" for byte in name.encode("utf-8", "surrogateescape")
    )


def tar(contents: dict[str, bytes], *more: tarfile.TarInfo) -> bytes:
    """A tar stream of these files, and of members of another kind."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as stream:
        for name, text in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            stream.addfile(member, io.BytesIO(text))
        for member in more:
            stream.addfile(member)
    return out.getvalue()
