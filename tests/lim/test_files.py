"""The files that go onto a LIM: lint, units, the lines that let the supervision in, and what an order costs."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from redundancyd import lim as shipped
from tests.lim.bed import Lim, a_lim
from tests.lim.test_words import Channel

UNITS = (
    "redundancy-lim-boot.service",
    "redundancy-lim-hold.service",
    "redundancy-lim-hold.timer",
    "redundancy-lim.socket",
)


def test_the_program_is_free_of_shellcheck_findings():
    """
    Every finding is mended or has its reason beside it.
    """
    done = subprocess.run(["shellcheck", "--shell=sh", shipped.path()], capture_output=True, text=True, check=False)
    assert done.stdout == ""
    assert done.returncode == 0


@pytest.mark.parametrize("shell", ["dash", "bash --posix", "bash", "busybox sh"])
def test_each_shell_can_parse_the_program(shell: str):
    """
    No word in it belongs to one shell alone.
    """
    assert subprocess.run([*shell.split(), "-n", shipped.path()], capture_output=True, check=True).stderr == b""


def test_the_program_is_executable_and_names_no_python():
    """
    It runs on LIMs that have no Python.
    """
    assert os.access(shipped.path(), os.X_OK)
    assert "python" not in shipped.path().read_text().lower()


def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path):
    """
    systemd-analyze verify is silent about each of them, with the program where they say it is.
    """
    root = tmp_path / "root"
    program = root / "usr/sbin/redundancy-lim"
    program.parent.mkdir(parents=True)
    shutil.copy(shipped.path(), program)
    units = tmp_path / "units"
    units.mkdir()
    for name in (*UNITS, "redundancy-lim@.service"):
        text = shipped.path(name).read_text()
        assert "/usr/sbin/redundancy-lim" in text or not name.endswith(".service")
        (units / name).write_text(text.replace("/usr/sbin/redundancy-lim", str(program)))
    (units / "redundancy-lim@1.service").symlink_to(units / "redundancy-lim@.service")
    command = ["systemd-analyze", "verify", *(str(units / name) for name in (*UNITS, "redundancy-lim@1.service"))]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


@pytest.mark.S3
def test_the_boot_unit_is_done_before_the_network_begins():
    """
    Its order in the machine's start is what S3 stands on.
    """
    text = shipped.path("redundancy-lim-boot.service").read_text()
    assert "Before=network-pre.target" in text
    assert "DefaultDependencies=no" in text
    assert "RequiresMountsFor=/etc/redundancyd /var/lib/redundancyd /run" in text


def test_sudo_takes_the_line_and_lets_through_one_program_without_words(tmp_path: Path):
    """
    visudo finds no fault, and no argument can be smuggled in.
    """
    line = shipped.path("redundancy-lim.sudoers")
    mine = tmp_path / "sudoers"
    mine.write_text(line.read_text())
    mine.chmod(0o440)
    subprocess.run(["visudo", "-c", "-f", mine], capture_output=True, check=True)
    assert line.read_text().rstrip().endswith('NOPASSWD: /usr/sbin/redundancy-lim ""')


@pytest.mark.lab
def test_the_account_of_the_supervision_becomes_root_for_this_program_alone(lim: Lim):
    """
    Through sudo, as the forced command does: the client's words arrive, words of the account's own do not.
    """
    text = shipped.path("redundancy-lim.sudoers").read_text()
    lim.sh("getent passwd redundancyd > /dev/null || useradd --system --user-group redundancyd")
    lim.sh(f"cat > /etc/sudoers.d/redundancy-lim << 'END OF TEXT'\n{text}END OF TEXT")
    run_as = "SSH_ORIGINAL_COMMAND='{}' setpriv --reuid=redundancyd --regid=redundancyd --clear-groups -- sudo -n "
    answer = lim.sh(run_as.format("block 7 id.run") + "/usr/sbin/redundancy-lim")
    assert '"traffic":"blocked"' in answer
    for words in ("/usr/sbin/redundancy-lim allow --by-hand", "/bin/sh -c id"):
        assert lim.sh(run_as.format("status") + words, check=False) == ""
    assert lim.ask("status")["traffic"] == "blocked"


def test_the_key_opens_nothing_but_the_program():
    """
    No shell, no forwarding, one command.
    """
    line = shipped.path("authorized_keys.template").read_text().strip()
    assert line == 'restrict,command="sudo -n /usr/sbin/redundancy-lim" @PUBLIC_KEY@'


@pytest.mark.lab
def test_the_example_settings_are_valid_as_they_are(lim: Lim):
    """
    Whoever copies the example has a LIM that can be blocked.
    """
    text = shipped.path("lim.conf.example").read_text()
    subprocess.run([*lim.enter, "sh", "-c", "cat > /etc/redundancyd/lim.conf"], input=text, text=True, check=True)
    assert lim.order("block", 7)["traffic"] == "blocked"
    assert lim.order("allow", 8)["traffic"] == "allowed"


@pytest.mark.lab
@pytest.mark.parametrize("backend", ["nft", "legacy"])
def test_an_order_costs_less_than_60_ms_of_a_processor_and_a_look_less_than_30(backend: str):
    """
    On a channel that is open, with reading back and saving; measured in processor time, as others run too.
    """
    with a_lim(backend=backend) as lim:
        channel = Channel(lim)

        def cost_ms(lines: list[str]) -> float:
            before = channel.ticks()
            for line in lines:
                channel.write(f"{line}\n".encode())
                assert channel.read()["ok"] is True
            time.sleep(0.2)  # the last one's processes are counted when they have ended
            return (channel.ticks() - before) * 1000 / os.sysconf("SC_CLK_TCK") / len(lines)

        assert cost_ms([f"{('allow', 'block')[number % 2]} {number} id.run" for number in range(1, 21)]) < 60
        assert cost_ms(["status"] * 20) < 30
        channel.end()
