"""What install-lim prints, and what is made of it; install-lim itself in a folder of its own is for the lab."""

import base64
import contextlib
import io
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from redundancyd.adapters.lim_install import Looked, Wanted, differences, packed, parse_look
from redundancyd.errors import LimRefused, OutOfReach
from redundancyd.lim import path
from redundancyd.lim.texts import FORCED, File, with_key

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


@pytest.mark.parametrize("text", ["keys=abc\ndone=yes\n", "file=/x 789 root 0\ndone=yes\n", "keys=\udcff\ndone=yes\n"])
def test_garbage_of_one_lim_is_its_own_result(text: str):
    """
    It ends nothing that goes on on the others.
    """
    with contextlib.suppress(LimRefused):
        assert differences(WANTED, parse_look(text, "looking"))


def part_of(folder: Path, script: str, **moved: Path) -> subprocess.CompletedProcess[str]:
    """Runs words of install-lim itself, its folders moved into this one."""
    text = path("install-lim").read_text().partition("\nis_root\n")[0]
    for old, new in {"/usr/local/bin": folder / "bin", **moved}.items():
        text = text.replace(old, str(new))
    return subprocess.run(
        ["sh", "-c", f"{text}\n{script}", "install-lim"], capture_output=True, text=True, check=False, timeout=10
    )


@pytest.mark.parametrize("there", ["a file that nobody may run", "a folder"])
def test_whatever_has_the_name_of_a_program_of_ours_stays(tmp_path: Path, there: str):
    """
    A vendor's program that was switched off is a vendor's program still.
    """
    for name in ("bin", "ours"):
        (tmp_path / name).mkdir()
    for name in ("mxone_maintenance", "mxone_system_redundancy"):
        (tmp_path / "ours" / name).write_text("#!/bin/sh\n")
        (tmp_path / "ours" / name).chmod(0o755)
    vendors = tmp_path / "bin" / "mxone_maintenance"
    if there == "a folder":
        vendors.mkdir()
    else:
        vendors.write_text("vendor")
    said = part_of(tmp_path, f"bin={tmp_path}/ours; link")
    assert f"note=mxone_maintenance stays: {vendors} is there, and not ours" in said.stdout
    assert not vendors.is_symlink()
    assert vendors.is_dir() or vendors.read_text() == "vendor"
    assert list(vendors.iterdir() if vendors.is_dir() else ()) == []
    other = tmp_path / "bin" / "mxone_system_redundancy"
    assert other.readlink() == tmp_path / "ours" / other.name
    other.unlink()
    other.symlink_to("/gone/bin/mxone_system_redundancy")  # of an installation that has moved
    part_of(tmp_path, f"bin={tmp_path}/ours; link")
    assert other.readlink() == tmp_path / "ours" / other.name


def test_root_follows_no_link_that_the_supervisions_account_has_made(tmp_path: Path):
    """
    Neither where it writes beside, nor where the key stands: whose account that is does not become root by a link.
    """
    ssh, stage = tmp_path / "home" / ".ssh", tmp_path / "stage"
    ssh.mkdir(parents=True)
    keys, victim = ssh / "authorized_keys", tmp_path / "victim"
    victim.write_text("secret\n")
    beside = ssh / ".authorized_keys.redundancyd-new"
    beside.symlink_to(victim)
    new = Path(f"{stage}/new{keys}")
    new.parent.mkdir(parents=True)
    new.write_text("key\n")
    (stage / "list").write_text(f"{keys}\n")
    part_of(tmp_path, f"stage={stage} made='' changed=''; write_beside")
    assert (beside.read_text(), beside.is_symlink(), victim.read_text()) == ("key\n", False, "secret\n")
    keys.symlink_to(victim)
    home = f"home_of() {{ echo {tmp_path}/home; }}"
    said = part_of(tmp_path, f"{home}; look root")
    assert f"refused={keys} is a link" in said.stdout
    assert "keys=" not in said.stdout
    keys.unlink()
    keys.write_text(f"{FORCED} ssh-ed25519 AAAA x\n")
    ssh.rename(tmp_path / "elsewhere")
    ssh.symlink_to(tmp_path / "elsewhere")
    for words in ("look root", "take root -"):
        said = part_of(tmp_path, f"{home}; {words}", **NOWHERE)
        assert f"refused={keys} is a link" in said.stdout
    assert FORCED in keys.read_text()


NOWHERE = {
    place: Path("/nowhere") for place in ("/etc/systemd/system", "/usr/sbin", "/etc/sudoers.d", "/etc/redundancyd")
}


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
