"""What comes in from outside: words, lines, garbage.  A reply a line, and nothing but the known words does anything."""

import json
import subprocess
import time
from typing import Any

import pytest

from tests.lim.bed import Lim, one_reply

pytestmark = pytest.mark.lab

GARBAGE = [
    "",
    " ",
    "nonsense",
    "status now",
    "STATUS",
    "block",
    "block 7",
    "block 7 id.run more",
    "block 07 id.run",
    "block 0 id.run",
    "block -7 id.run",
    "block +7 id.run",
    "block 7.0 id.run",
    "block 0x7 id.run",
    "block 1000000000000 id.run",
    "block 99999999999999999999 id.run",
    "block seven id.run",
    "block 7 idrun",
    "block 7 id.run.more",
    "block 7 .run",
    "block 7 id.",
    "block 7 -",
    "block 7 id_x.run",
    f"block 7 {'i' * 41}.run",
    f"block 7 id.{'r' * 41}",
    "block 7 */etc/*.run",
    "block * id.run",
    "block 1;reboot x.y",
    "block $(touch /run/owned) x.y",
    "block `touch /run/owned` x.y",
    "block 7 x.y | touch /run/owned",
    "block 7 x.y > /run/owned",
    'block 7 "x.y"',
    "block 7\tx.y\r",
    "allow by-hand",
    "block --by-hand now",
    "boot",
    "hold",
    "remove",
    "serve",
    "--help",
    "observe",
    "observe -f",
    "observe example.org",
    "observe 192.0.2.1 192.0.2.2",
    "observe 192.0.2.1;reboot",
    f"observe {'1' * 60}.0.0.1",
    "facts -v",
    "block 7 \N{LATIN SMALL LETTER E WITH ACUTE}.run",
]


def test_garbage_on_a_channel_gets_a_refusal_each_and_changes_nothing(any_shell: Lim):
    """
    Each line has its one answer, in order, and the line after all of them is served as if nothing had been.
    """
    before = any_shell.all_rules()
    replies = any_shell.serve(*GARBAGE, "status")
    assert [reply.get("error") for reply in replies[:-1]] == ["bad_request"] * len(GARBAGE)
    assert replies[-1]["number"] == 0
    assert any_shell.all_rules() == before
    assert any_shell.sh("ls /run").split() == ["redundancyd-lim"]


def test_bytes_that_are_no_text_are_answered_too(any_shell: Lim):
    """
    NULs, bad UTF-8 and control characters never end the channel.
    """
    given = b"\x00\x00\nstatus\x00\n\xff\xfe\x80\n\x1b[2J\nsta\x00tus\n" + bytes(range(1, 10)) + b"\nstatus\n"
    replies = [json.loads(line) for line in any_shell.run("serve", stdin=given).stdout.splitlines()]
    assert [reply.get("error", "fine") for reply in replies] == ["bad_request"] * 6 + ["fine"]


def test_a_line_that_is_too_long_is_one_refusal(any_shell: Lim):
    """
    256 characters are read; 10,000 are one bad request, and a request hidden behind them is not obeyed.
    """
    long = "x" * 10_000
    replies = any_shell.serve(long, "block 7 id.run" + " " * 300, "observe 127.0.0.1" + " " * 239, "status")
    assert [reply.get("error", "fine") for reply in replies] == ["bad_request", "bad_request", "fine", "fine"]
    assert replies[-1]["number"] == 0


def test_a_line_without_an_end_is_never_obeyed_and_costs_no_memory(lim: Lim):
    """
    Megabytes without a line end are thrown away as they come; a last line that was cut is not an order.
    """
    channel = Channel(lim)
    for _ in range(64):
        channel.write(b"z" * 65_536)
    resident = max(channel.resident_kib())
    assert resident < 4_000, f"{resident} KiB"
    channel.write(b"\n")
    assert channel.read()["error"] == "bad_request"
    channel.write(b"block 7 id.run")
    assert channel.end() == b""
    assert lim.ask("status")["number"] == 0


def test_a_channel_answers_each_request_before_the_next_is_sent(any_shell: Lim):
    """
    Replies do not wait in a buffer: an order costs one round trip.
    """
    channel = Channel(any_shell)
    for number, word, traffic in ((1, "block", "blocked"), (2, "allow", "allowed")):
        channel.write(f"{word} {number} id.run\n".encode())
        assert channel.read()["traffic"] == traffic
    channel.write(b"sta")
    time.sleep(0.05)
    channel.write(b"tus\nstatus\n")
    assert channel.read() == channel.read()
    assert channel.end() == b""


def test_an_idle_channel_uses_no_processor(any_shell: Lim):
    """
    A channel that stays open for weeks costs nothing while nobody speaks.
    """
    channel = Channel(any_shell)
    channel.write(b"status\n")
    channel.read()
    time.sleep(0.2)  # what the request itself cost is counted when its process has ended
    before = channel.ticks()
    time.sleep(0.5)
    assert channel.ticks() - before <= 1
    channel.end()


@pytest.mark.parametrize("request_line", ["status", "block 7 id.run", "facts", "observe 127.0.0.1"])
def test_words_come_from_the_ssh_command(any_shell: Lim, request_line: str):
    """
    Called without words, as the forced command of the supervision's key, the program takes the client's.
    """
    assert any_shell.ask(remote=request_line)["ok"] is True


@pytest.mark.parametrize(
    "request_line", ["allow --by-hand now", "boot", "hold", "remove", "block 1;touch /run/x a.b", "* *", "status" * 60]
)
def test_words_for_the_spot_are_not_taken_from_ssh(lim: Lim, request_line: str):
    """
    Whoever has the key can do what the supervision does, and nothing else.
    """
    lim.order("block", 7)
    before = (lim.all_rules(), lim.sh("ls /run/redundancyd-lim /run"))
    done = lim.run(remote=request_line)
    assert one_reply(done.stdout)["error"] == "bad_request"
    assert done.returncode == 2
    assert (lim.all_rules(), lim.sh("ls /run/redundancyd-lim /run")) == before


def test_the_channel_itself_is_opened_over_ssh(lim: Lim):
    """
    `serve` is the one word that keeps the connection.
    """
    done = lim.run(remote="serve", stdin="block 7 id.run\nstatus\n")
    assert [json.loads(line)["traffic"] for line in done.stdout.splitlines()] == ["blocked", "blocked"]


def test_exit_status_tells_done_failed_wrong_words_and_refused(lim: Lim):
    """
    Scripts can tell a refusal from a failure.
    """
    assert lim.run("block", "7", "id.run").returncode == 0
    assert lim.run("allow", "6", "id.run").returncode == 3
    assert lim.run("unblock").returncode == 2
    lim.replace("iptables-nft-restore", "exit 3")
    assert lim.run("allow", "8", "id.run").returncode == 1


def test_help_and_version_need_nothing(any_shell: Lim):
    """
    An operator who knows only the name finds the way in an emergency.
    """
    assert b"allow --by-hand" in any_shell.run("--help").stdout
    assert any_shell.run("--version").stdout.startswith(b"redundancy-lim ")
    nothing = any_shell.run()
    assert (nothing.stdout, nothing.returncode) == (b"", 2)
    assert b"allow --by-hand" in nothing.stderr


def test_what_other_programs_print_stays_inside_the_json(any_shell: Lim):
    """
    Quotes, backslashes, escapes and bad UTF-8 in an error are shown as text, and at most 300 characters of them.
    """
    noise = r'printf "\"},\\\\n\033[2J\377 end%0400d" 1 >&2; exit 3'
    any_shell.replace("iptables-nft-restore", noise)
    answer = any_shell.order("block", 7)
    assert answer["error"] == "iptables_failed"
    assert '"},' in answer["detail"]
    assert answer["detail"].isprintable()
    assert len(answer["detail"]) <= 300


class Channel:
    """A serve that stays open."""

    def __init__(self, lim: Lim) -> None:
        command = [*lim.enter, *lim.shell.split(), "/usr/sbin/redundancy-lim", "serve"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self.lim = lim

    def write(self, some: bytes) -> None:
        """Send these bytes now."""
        assert self.process.stdin is not None
        self.process.stdin.write(some)

    def read(self) -> dict[str, Any]:
        """The next reply."""
        assert self.process.stdout is not None
        reply = json.loads(self.process.stdout.readline())
        assert isinstance(reply, dict)
        return reply

    def end(self) -> bytes:
        """Close, and whatever was still said."""
        rest, _ = self.process.communicate(timeout=5)
        assert self.process.returncode == 0
        return rest

    def resident_kib(self) -> list[int]:
        """The memory of each process of the channel."""
        return [self._figure(pid, "VmRSS:") for pid in self._pids()]

    def ticks(self) -> int:
        """Processor time of the channel's shell and its finished children, in clock ticks."""
        with open(f"/proc/{self.process.pid}/stat") as stat:  # noqa: PTH123
            return sum(map(int, stat.read().rsplit(")", 1)[1].split()[11:15]))

    def _pids(self) -> list[int]:
        return [pid for pid in self.lim.processes() if pid != self.lim.holder.pid]

    def _figure(self, pid: int, name: str) -> int:
        try:
            with open(f"/proc/{pid}/status") as status:  # noqa: PTH123
                return next((int(line.split()[1]) for line in status if line.startswith(name)), 0)
        except OSError:
            return 0
