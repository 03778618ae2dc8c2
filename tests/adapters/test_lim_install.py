"""What install-lim prints, and what is made of it; install-lim itself in a folder of its own is for the lab."""

import base64
import io
import shutil
import subprocess
import tarfile

import pytest

from redundancyd.adapters.lim_install import Looked, Wanted, differences, packed, parse_look
from redundancyd.errors import LimRefused, OutOfReach
from redundancyd.lim import path
from redundancyd.lim.texts import File, with_key

KEY = "ssh-ed25519 AAAA supervision"
FILE = File("/usr/sbin/redundancy-lim", "#!/bin/sh\n", 0o755)
WANTED = Wanted((FILE,), ("redundancy-lim-boot.service", "redundancy-lim-hold.timer"), "redundancyd", KEY)
KEYS = base64.b64encode(with_key("", KEY).encode()).decode()
GOOD = f"""\
file={FILE.path} 755 root {FILE.sha256}
enabled=redundancy-lim-boot.service
enabled=redundancy-lim-hold.timer
active=redundancy-lim-hold.timer
systemd=runs
keys={KEYS}
keys_are=600 redundancyd
version=redundancy-lim 2
done=yes
"""


def test_a_lim_with_all_of_it_differs_in_nothing():
    """
    Contents, modes, owners, the key, units enabled and running.
    """
    looked = parse_look(GOOD, "looking")
    assert differences(WANTED, looked) == ()
    assert (looked.version, looked.is_empty) == ("2", False)
    assert parse_look("done=yes\n", "looking").is_empty


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        (FILE.sha256, "0" * 64, "redundancy-lim is not what would be installed"),
        ("755 root", "777 root", "has mode 0777 and belongs to root: 0755, root"),
        ("755 root", "755 admin", "belongs to admin"),
        (f"file={FILE.path}", "file=/other", "redundancy-lim is missing"),
        ("enabled=redundancy-lim-boot.service\n", "", "redundancy-lim-boot.service is not enabled"),
        ("active=redundancy-lim-hold.timer\n", "", "redundancy-lim-hold.timer does not run"),
        (f"keys={KEYS}\n", "", "the key of the supervision is not in authorized_keys"),
        (KEYS, base64.b64encode(b"ssh-ed25519 BBBB other\n").decode(), "the key of the supervision is not"),
        ("600 redundancyd", "644 root", "mode and owner 644 root"),
    ],
)
def test_each_damage_is_named(was: str, becomes: str, said: str):
    """
    One damage, one difference, with the file or unit in it.
    """
    assert was in GOOD
    (found,) = differences(WANTED, parse_look(GOOD.replace(was, becomes), "looking"))
    assert said in found


def test_units_are_not_missed_where_no_systemd_runs():
    """
    Enabled is all that can be asked for.
    """
    text = GOOD.replace("systemd=runs\n", "").replace("active=redundancy-lim-hold.timer\n", "")
    assert differences(WANTED, parse_look(text, "looking")) == ()


@pytest.mark.parametrize("cut", [0, 1, 40, len(GOOD) - len("done=yes\n")])
def test_an_answer_that_was_cut_is_none(cut: int):
    """
    A LIM whose line broke is not a LIM without our files.
    """
    with pytest.raises(OutOfReach):
        parse_look(GOOD[:cut], "looking")


def test_a_refusal_is_told_in_its_own_words():
    """
    And nothing else of the answer counts.
    """
    with pytest.raises(LimRefused, match="only root can install"):
        parse_look("file=/x 755 root 0\nrefused=only root can install, and this is admin\n", "looking")


def test_what_is_sent_keeps_the_keys_of_others():
    """
    Modes go with the files; paths are taken from the root.
    """
    looked = Looked(keys="ssh-ed25519 BBBB admin\n")
    with tarfile.open(fileobj=io.BytesIO(packed(WANTED, looked))) as tar:
        assert [(entry.name, entry.mode, entry.uid) for entry in tar] == [
            ("usr/sbin/redundancy-lim", 0o755, 0),
            ("authorized_keys", 0o600, 0),
        ]
        keys = tar.extractfile("authorized_keys")
        assert keys is not None
        assert keys.read().decode() == with_key("ssh-ed25519 BBBB admin\n", KEY)


@pytest.mark.parametrize("shell", ["dash", "bash --posix", "busybox sh"])
def test_each_shell_can_parse_install_lim_and_only_root_may_run_it(shell: str):
    """
    It refuses anybody else, and words that it does not know, with a line that says so.
    """
    words = shell.split()
    if shutil.which(words[0]) is None:
        pytest.skip(f"no {words[0]} here")
    subprocess.run([*words, "-n", path("install-lim")], check=True)
    done = subprocess.run([*words, path("install-lim"), "nonsense"], capture_output=True, text=True, check=False)
    assert done.stdout.startswith("refused=")
    assert done.returncode == 3
