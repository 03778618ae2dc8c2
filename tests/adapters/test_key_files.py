"""The supervision's key and the pinned host keys: made, mended, pinned, and never through a link of somebody else's."""

import stat
import subprocess
from pathlib import Path

import pytest

from redundancyd.adapters.admin_ssh import Administrator, as_host_key, make_key
from redundancyd.adapters.key_files import KeyFiles
from redundancyd.config import parse
from redundancyd.core.systems import Server, System
from redundancyd.errors import KeysUnusable
from tests.test_config import SMALLEST

SERVER = Server(System.PRIMARY, 1, "192.0.2.11")
OTHER = Server(System.PRIMARY, 1, "192.0.2.1")


@pytest.fixture
def files(tmp_path: Path) -> KeyFiles:
    """
    Both files in a folder that is not there yet.
    """
    return at_port(tmp_path, 22)


def at_port(folder: Path, port: int) -> KeyFiles:
    """
    The same, for LIMs whose sshd listens at this port.
    """
    ssh = f'[ssh]\nkey = "{folder}/ssh/key"\nknown_hosts = "{folder}/ssh/known_hosts"\nport = {port}\n'
    return KeyFiles(parse((SMALLEST + ssh + f'[daemon]\nstate_folder = "{folder}"\n').encode()))


def a_host_key() -> str:
    """
    The line of a new host key.
    """
    return " ".join(make_key("")[1].split()[:2])


def test_the_key_is_made_once_and_its_mode_is_mended(files: KeyFiles, tmp_path: Path):
    """
    ed25519, 0600, in a folder of its own; asked again it is the same.
    """
    files.check_rights()
    assert files.public_key() is None
    public, made = files.ready_key("redundancyd@here")
    assert (public.split()[0], public.split()[2], made) == ("ssh-ed25519", "redundancyd@here", True)
    key = tmp_path / "ssh" / "key"
    key.chmod(0o644)
    assert files.ready_key("other") == (public, False)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700
    assert [path.name for path in key.parent.iterdir()] == ["key"]


def test_what_is_no_key_is_not_overwritten(files: KeyFiles, tmp_path: Path):
    """
    It is said what to do, and the file stays.
    """
    (tmp_path / "ssh").mkdir()
    (tmp_path / "ssh" / "key").write_text("nothing\n")
    with pytest.raises(KeysUnusable, match="move a key that is none away"):
        files.ready_key("x")
    assert (tmp_path / "ssh" / "key").read_text() == "nothing\n"


def test_a_link_in_the_keys_place_is_not_followed(files: KeyFiles, tmp_path: Path):
    """
    The folder is the daemon's: whatever it puts there, root changes no file elsewhere.
    """
    files.ready_key("x")
    elsewhere = tmp_path / "elsewhere"
    key = tmp_path / "ssh" / "key"
    key.rename(elsewhere)
    elsewhere.chmod(0o640)
    key.symlink_to(elsewhere)
    with pytest.raises(KeysUnusable):
        files.ready_key("x")
    key.unlink()
    key.hardlink_to(elsewhere)
    with pytest.raises(KeysUnusable, match="more than one name"):
        files.ready_key("x")
    assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o640


@pytest.mark.parametrize("port", [22, 2222])
def test_a_host_key_is_pinned_for_one_server_and_replaced_when_it_was_renewed(tmp_path: Path, port: int):
    """
    One line a server; those of other servers stay as they are, whatever their addresses have in common.
    """
    files = at_port(tmp_path, port)
    first, second, others = (as_host_key(a_host_key()) for _ in range(3))
    files.pin(OTHER, others)
    files.pin(SERVER, first)
    assert (files.pinned(SERVER), files.pinned(OTHER)) == ((first,), (others,))
    files.pin(SERVER, second)
    assert (files.pinned(SERVER), files.pinned(OTHER)) == ((second,), (others,))
    assert files.pinned(Server(System.PRIMARY, 2, "192.0.2.12")) == ()
    assert second.fingerprint.startswith("SHA256:")


def test_a_renewed_key_leaves_no_old_one_and_every_other_server_its_own(files: KeyFiles, tmp_path: Path):
    """
    Whoever wrote the file, and however: two names in a line, or names that were made unreadable.
    """
    old, new, pins = as_host_key(a_host_key()), as_host_key(a_host_key()), tmp_path / "ssh" / "known_hosts"
    pins.parent.mkdir()
    pins.write_text(f"# by hand\n{SERVER.address},{OTHER.address} {old.line}\n")
    files.pin(SERVER, new)
    assert (files.pinned(SERVER), files.pinned(OTHER)) == ((new,), (old,))
    pins.write_text(f"{SERVER.address} {old.line}\n{OTHER.address} {old.line}\n")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", pins], check=True, capture_output=True, timeout=10)
    assert (files.pinned(SERVER), files.pinned(OTHER)) == ((old,), (old,))
    files.pin(SERVER, new)
    assert (files.pinned(SERVER), files.pinned(OTHER)) == ((new,), (old,))


def test_known_hosts_that_cannot_be_understood_stop_everything(files: KeyFiles, tmp_path: Path):
    """
    Nothing is pinned beside garbage.
    """
    (tmp_path / "ssh").mkdir()
    (tmp_path / "ssh" / "known_hosts").write_text("192.0.2.11\n")
    with pytest.raises(KeysUnusable, match="Mend that line"):
        files.pinned(SERVER)


def test_without_a_state_folder_it_is_said_what_is_missing(tmp_path: Path):
    """
    The service's own account is not there yet.
    """
    with pytest.raises(KeysUnusable, match="Install the service first"):
        at_port(tmp_path / "none", 22).check_rights()


def test_a_password_is_never_shown():
    """
    Not in a traceback either.
    """
    assert "secret" not in repr(Administrator("admin", "secret"))
