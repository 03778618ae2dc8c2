"""The unit and the catalog as files: nothing to complain of, little to attack, and the same ids on both sides."""

import re
import subprocess

import pytest

from redundancyd.adapters.message_ids import MESSAGE_IDS
from tests.systemd.machine import TOP

UNIT = TOP / "systemd" / "redundancyd.service"
CATALOG = TOP / "systemd" / "redundancyd.catalog"
pytestmark = pytest.mark.systemd


def entries() -> dict[str, str]:
    """Message id to entry, as the catalog has them."""
    parts = re.split(r"^-- ([0-9a-f]{32})$", CATALOG.read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_systemd_finds_nothing_wrong_with_the_unit():
    """
    systemd-analyze verify is silent.
    """
    done = subprocess.run(["systemd-analyze", "verify", UNIT], capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_unit_is_hardened():
    """
    systemd-analyze security rates its exposure 2.5 or lower.
    """
    words = ["systemd-analyze", "security", "--offline=yes", "--no-pager", str(UNIT)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=20, check=True)
    found = re.search(r"Overall exposure level for .*: ([0-9.]+)", done.stdout)
    assert found
    assert float(found[1]) <= 2.5


def test_catalog_and_code_have_the_same_message_ids():
    """
    Each id that the daemon sends is explained, and nothing else is.
    """
    assert set(entries()) == set(MESSAGE_IDS.values())
    assert len(set(MESSAGE_IDS.values())) == len(MESSAGE_IDS)


def test_each_entry_says_what_to_do():
    """
    An entry has a subject, and names a command or says that nothing is to be done.
    """
    for message_id, entry in entries().items():
        subject, _, explanation = entry.strip().partition("\n\n")
        assert re.search(r"^Subject: \S", subject, re.MULTILINE), message_id
        assert re.search(
            r"^    (redundancyctl|redundancyd|journalctl|systemctl) |nothing to do", explanation, re.MULTILINE
        ), message_id
