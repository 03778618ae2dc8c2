"""`lim install` and what belongs to it, on LIMs that have nothing of ours, with real sshd, sudo and files."""

import contextlib
import os
import pty
import re
import select
import subprocess
import time
from collections.abc import Iterator

import pytest

from redundancyd.core.systems import Traffic
from redundancyd.lab.bed import Bed, standing
from redundancyd.lab.daemon_process import Daemon
from redundancyd.lab.lim import Lim
from redundancyd.lab.plan import BedPlan
from redundancyd.lab.system import run
from redundancyd.lim.texts import shipped
from tests.lab.administrator import PASSWORD, SSHD, restart_sshd, with_administrator

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]

WRONG_WORDS = 2
FILES = "/usr/sbin/redundancy-lim /etc/redundancyd /etc/sudoers.d/redundancy-lim /etc/systemd/system /home"


@pytest.fixture(scope="module")
def bare() -> Iterator[Bed]:
    """A bed of 1 + 1 LIMs without anything of ours, where `admin` may log in by password and become root."""
    with standing(BedPlan(f"li-{os.getpid()}", lims=1, installed=False)) as bed:
        for lim in bed.lims.values():
            with_administrator(lim, "admin")
        yield bed


def ctl(bed: Bed, *words: str, text: str | None = None) -> tuple[int, str]:
    """
    Exit status and everything that was said by the utility on LIM 1 of the alternate, as root.
    """
    program = Daemon(bed).program("redundancyctl")
    script = '"$@" 2>&1; echo "exit $?"'
    out = bed.supervisor.run(["sh", "-c", script, "sh", *program, *words], text=text or "", deadline_s=60)
    said, _, status = out.rstrip().rpartition("exit ")
    return int(status), " ".join(said.split())


def fingerprints(said: str) -> list[str]:
    """
    The words that confirm the host keys that were shown.
    """
    return [word for found in re.findall(r"--fingerprint (SHA256:\S+)", said) for word in ("--fingerprint", found)]


def installed(bed: Bed) -> None:
    """
    Everything on every LIM, as the operator does it.
    """
    words = ["lim", "install", "--yes", "--admin", "admin", "--password-stdin"]
    status, said = ctl(bed, *words, text=f"{PASSWORD}\n")
    if status == WRONG_WORDS:  # a host key that nobody has compared yet
        status, said = ctl(bed, *words, *fingerprints(said), text=f"{PASSWORD}\n")
    assert status == 0, said


def wait_reached(daemon: Daemon) -> None:
    """
    Return when the daemon has ordered every LIM over what was installed.
    """
    give_up = time.monotonic() + 20
    while time.monotonic() < give_up:
        systems = (daemon.status() or {"systems": {}})["systems"]
        seen = {name: [lim["traffic"] for lim in system["lims"]] for name, system in systems.items()}
        if seen == {"primary": ["allowed"], "alternate": ["blocked"]}:
            return
        time.sleep(0.2)
    raise AssertionError(daemon.status())


def listing(lim: Lim) -> str:
    """
    Every file in the places where something of ours could be.
    """
    return lim.run(["sh", "-c", f"find {FILES} -type f -o -type l 2>/dev/null | sort | xargs -r sha256sum"])


def test_a_host_key_that_was_not_compared_stops_everything(bare: Bed):
    """
    It is shown, the words that confirm it are named, and no LIM has seen a password.
    """
    primary = bare.lims["primary-1"]
    before = listing(primary)
    status, said = ctl(bare, "lim", "install", "--yes", "--admin", "admin", "--password-stdin", text=f"{PASSWORD}\n")
    assert status == 2
    shown = primary.run(["ssh-keygen", "-lf", "/etc/redundancy-lab/host_key"]).split()[1]
    assert f"--fingerprint {shown}" in said
    assert listing(primary) == before


def on_terminal(bed: Bed, words: list[str], answers: list[tuple[str, str]]) -> str:
    """
    What stands on the screen when each question was answered in its turn.
    """
    ours, theirs = pty.openpty()
    command = bed.supervisor.inside([*Daemon(bed).program("redundancyctl"), *words])
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env={"TERM": "vt100"}) as process:
        os.close(theirs)
        screen, seen = "", 0
        for question, answer in answers:
            while question not in screen[seen:]:
                assert select.select([ours], [], [], 30)[0], screen
                screen += os.read(ours, 4096).decode()
            seen = len(screen)
            os.write(ours, f"{answer}\n".encode())
        with contextlib.suppress(OSError):  # the end of a terminal whose other side is closed
            while part := os.read(ours, 4096):
                screen += part.decode()
        assert process.wait(30) == 0, screen
    os.close(ours)
    return screen


def test_on_a_terminal_it_asks_shows_the_host_keys_and_takes_a_password_without_echo(bare: Bed):
    """
    Three questions, and a line for each LIM.
    """
    bare.supervisor.run(["rm", "-f", "/etc/redundancyd/known_hosts"])
    answers = [("Go on?", "y"), ("Are they the same?", "y"), ("Password of admin", PASSWORD)]
    screen = on_terminal(bare, ["lim", "install", "--admin", "admin"], answers)
    shown = bare.lims["primary-1"].run(["ssh-keygen", "-lf", "/etc/redundancy-lab/host_key"]).split()[1]
    assert f"ssh-ed25519 {shown}" in screen
    assert PASSWORD not in screen
    for lim in ("primary-1", "alternate-1"):
        assert f"\n{lim} " in screen


def test_a_wrong_password_is_refused_and_leaves_the_lim_as_it_was(bare: Bed):
    """
    Refused, with what to do; the LIM is as before.
    """
    primary = bare.lims["primary-1"]
    before = listing(primary)
    _, said = ctl(bare, "lim", "install", "--yes", "--lim", "primary-1", "--admin", "admin")
    words = ["lim", "install", "--yes", "--lim", "primary-1", "--admin", "admin", "--password-stdin"]
    status, said = ctl(bare, *words, *fingerprints(said), text="wrong\n")
    assert status == 1
    assert "primary-1 REFUSED" in said
    assert "--admin" in said
    assert listing(primary) == before


def test_install_puts_everything_on_every_lim_and_each_answers(bare: Bed):
    """
    Run again there is nothing to do; owners and modes are right; the password is in no file.
    """
    installed(bare)
    status, said = ctl(bare, "lim", "install", "--yes", "--admin", "admin", "--password-stdin", text=f"{PASSWORD}\n")
    assert status == 0
    assert said.count("nothing to do") == 2
    primary = bare.lims["primary-1"]
    keys = primary.run(["cat", "/home/redundancyd/.ssh/authorized_keys"])
    assert keys.startswith('restrict,command="sudo -n /usr/sbin/redundancy-lim" ssh-ed25519 ')
    modes = (
        "stat -c '%a %U' /usr/sbin/redundancy-lim /etc/sudoers.d/redundancy-lim /home/redundancyd/.ssh/authorized_keys"
    )
    assert primary.run(["sh", "-c", modes]).split() == ["755", "root", "440", "root", "600", "redundancyd"]
    key = bare.supervisor.run(["stat", "-c", "%a %U", "/etc/redundancyd/supervision"])
    assert key.split() == ["600", "redundancyd"]
    assert PASSWORD not in run(["grep", "-rF", PASSWORD, str(bare.supervisor.disk)], check=False)


def test_by_hand_blocks_and_allows_without_a_daemon_and_not_beside_one(bare: Bed):
    """
    Adding rules blocks, removing allows; a goal, daemon or not, refuses both with the reason.
    """
    installed(bare)
    primary = bare.lims["primary-1"]
    status, said = ctl(bare, "more_configuration", "iptables", "add", "--lim", "primary-1", "--yes")
    assert (status, primary.traffic()) == (0, Traffic.BLOCKED), said
    assert "traffic blocked (by hand)" in said
    status, said = ctl(bare, "more_configuration", "iptables", "status")
    assert "primary-1 traffic blocked" in said
    status, said = ctl(bare, "more_configuration", "iptables", "remove", "--system", "primary", "--yes")
    assert (status, primary.traffic()) == (0, Traffic.ALLOWED), said
    goal = bare.supervisor.path("/var/lib/redundancyd/goal")
    daemon = Daemon(bare)
    daemon.first_goal("primary")
    try:
        status, said = ctl(bare, "more_configuration", "iptables", "add", "--system", "primary", "--yes")
        assert (status, primary.traffic()) == (3, Traffic.ALLOWED)
        assert "is configured here, although redundancyd does not answer" in said
        daemon.start()
        daemon.wait_answering()
        wait_reached(daemon)
        status, said = ctl(bare, "more_configuration", "iptables", "add", "--system", "primary", "--yes")
        assert (status, primary.traffic()) == (3, Traffic.ALLOWED)
        assert "the supervision decides" in said
    finally:
        if daemon.is_running():
            daemon.kill()
        goal.unlink(missing_ok=True)


def test_check_names_what_was_damaged_and_repairs_it(bare: Bed):
    """
    A program that was changed, a line that is gone, a mode that was opened: each is named, and put right.
    """
    installed(bare)
    primary = bare.lims["primary-1"]
    primary.run(["sh", "-c", "echo '# more' >> /usr/sbin/redundancy-lim; chmod 666 /etc/redundancyd/lim.conf"])
    primary.run(["sh", "-c", "echo 'ssh-ed25519 AAAA other' > /home/redundancyd/.ssh/authorized_keys"])
    words = ["lim", "check", "--admin", "admin", "--password-stdin"]
    status, said = ctl(bare, *words, text=f"{PASSWORD}\n")
    assert status == 1
    assert "/usr/sbin/redundancy-lim is not what would be installed" in said
    assert "/etc/redundancyd/lim.conf has mode 0666" in said
    assert "the key of the supervision is not in authorized_keys" in said
    assert "alternate-1 version 2, all as it should be" in said
    status, said = ctl(bare, *words, "--repair", text=f"{PASSWORD}\n")
    assert status == 0, said
    status, said = ctl(bare, *words, text=f"{PASSWORD}\n")
    assert (status, said.count("all as it should be")) == (0, 2)
    assert "AAAA other" in primary.run(["cat", "/home/redundancyd/.ssh/authorized_keys"])


def test_an_install_that_cannot_be_finished_leaves_the_lim_as_it_was(bare: Bed):
    """
    A file that cannot be put in its place: what was put there already goes back.
    """
    installed(bare)
    primary = bare.lims["primary-1"]
    primary.run(["sh", "-c", "echo '# more' >> /usr/sbin/redundancy-lim; echo '# more' >> /etc/redundancyd/lim.conf"])
    # The last in order: a folder stands where the program is to be, and all the others are in their place by then.
    primary.run(
        ["sh", "-c", "mv /usr/sbin/redundancy-lim /usr/sbin/kept; mkdir -p /usr/sbin/redundancy-lim/in/the/way"]
    )
    before = listing(primary)
    words = ["lim", "check", "--repair", "--lim", "primary-1", "--admin", "admin", "--password-stdin"]
    status, said = ctl(bare, *words, text=f"{PASSWORD}\n")
    assert status == 1
    assert "everything is as before" in said
    assert listing(primary) == before
    primary.run(["sh", "-c", "rm -r /usr/sbin/redundancy-lim; rm /usr/sbin/kept"])
    installed(bare)


KILLS_AT_THE_SECOND_FILE = """#!/bin/sh
case "$*" in *redundancyd-new*) ;; *) exec /bin/mv "$@" ;; esac
[ ! -e /tmp/moved ] || { rm /tmp/moved; kill -9 $PPID; exit 1; }
touch /tmp/moved
exec /bin/mv "$@"
"""


def test_an_install_that_was_killed_between_two_files_is_noticed_and_completed(bare: Bed):
    """
    As after a power cut: check names what is old, and running it again makes the LIM whole.
    """
    installed(bare)
    primary = bare.lims["primary-1"]
    primary.run(["sh", "-c", "echo '# old' >> /usr/sbin/redundancy-lim; echo '# old' >> /etc/redundancyd/lim.conf"])
    primary.run(["sh", "-c", "cat > /usr/local/sbin/mv; chmod +x /usr/local/sbin/mv"], text=KILLS_AT_THE_SECOND_FILE)
    words = ["--lim", "primary-1", "--admin", "admin", "--password-stdin"]
    status, _ = ctl(bare, "lim", "install", "--yes", *words, text=f"{PASSWORD}\n")
    primary.run(["rm", "/usr/local/sbin/mv"])
    assert status == 1
    status, said = ctl(bare, "lim", "check", *words, text=f"{PASSWORD}\n")
    assert (status, "redundancy-lim is not what would be installed" in said) == (1, True), said
    assert "lim.conf is not" not in said
    status, said = ctl(bare, "lim", "install", "--yes", *words, text=f"{PASSWORD}\n")
    assert status == 0, said
    left = primary.run(["find", "/etc", "/usr/sbin", "/home", "-name", "*redundancyd-new*"])
    assert left == ""


def test_what_did_not_arrive_whole_changes_nothing(bare: Bed):
    """
    The line broke while files came in: refused, whatever has arrived.
    """
    installed(bare)
    primary = bare.lims["primary-1"]
    before = listing(primary)
    words = ["sh", "-c", shipped("install-lim"), "install-lim", "put", "redundancyd", "-", "0" * 64]
    said = primary.run(words, text="half of it", check=False)
    assert said == "refused=what came in is not what was sent: the connection broke\n"
    assert listing(primary) == before


def test_another_host_key_is_refused_until_the_operator_says_that_the_lim_was_reinstalled(bare: Bed):
    """
    Nothing is sent to it; the remedy names the word, and the new key is shown and pinned.
    """
    installed(bare)
    primary = bare.lims["primary-1"]
    primary.run(
        ["sh", "-c", "rm /etc/redundancy-lab/host_key; ssh-keygen -q -t ed25519 -N '' -f /etc/redundancy-lab/host_key"]
    )
    restart_sshd(primary)
    words = ["lim", "install", "--yes", "--admin", "admin", "--password-stdin"]
    status, said = ctl(bare, *words, text=f"{PASSWORD}\n")
    assert status == 1
    assert "primary-1 REFUSED: its host key is" in said
    assert "lim install --renewed primary-1" in said
    status, said = ctl(bare, *words, "--renewed", "primary-1", text=f"{PASSWORD}\n")
    assert status == 2
    status, said = ctl(bare, *words, "--renewed", "primary-1", *fingerprints(said), text=f"{PASSWORD}\n")
    assert status == 0, said


def test_a_lim_without_power_is_out_of_reach_and_does_not_stop_the_others(bare: Bed):
    """
    A line for each LIM; exit status 1.
    """
    installed(bare)
    primary = bare.lims["primary-1"]
    primary.run(["sh", "-c", "kill $(cat /run/sshd.pid)"])
    status, said = ctl(bare, "lim", "check")
    primary.run(["/usr/sbin/sshd", "-f", SSHD])
    assert status == 1
    assert "primary-1 OUT OF REACH" in said
    assert "alternate-1 version 2, all as it should be" in said


def test_what_was_installed_can_be_taken_away_again(bare: Bed):
    """
    Not while traffic is blocked; then nothing of ours is left but the account.
    """
    installed(bare)
    primary = bare.lims["primary-1"]
    ctl(bare, "more_configuration", "iptables", "add", "--lim", "primary-1", "--yes")
    words = ["lim", "install", "--remove", "--lim", "primary-1", "--yes", "--admin", "admin", "--password-stdin"]
    status, said = ctl(bare, *words, text=f"{PASSWORD}\n")
    assert (status, "nothing would be left to allow it" in said) == (1, True), said
    ctl(bare, "more_configuration", "iptables", "remove", "--lim", "primary-1", "--yes")
    status, said = ctl(bare, *words, text=f"{PASSWORD}\n")
    assert status == 0, said
    assert "redundancy-lim" not in listing(primary)
