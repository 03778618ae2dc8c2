"""What rsync and ssh say when they end becomes: the line broke, or the LIM refused."""

import asyncio
from pathlib import Path

import pytest

from redundancyd.adapters.far_data import FarLim, Login
from redundancyd.core.systems import Server, System
from redundancyd.errors import FarDataRefused, OutOfReach, RedundancyError

STAMP = "20260309031502"
LIM = FarLim(Server(System.PRIMARY, 1, "192.0.2.11"), Login("redundancyd", "/key", "/hosts"))
CLOSED = "Connection closed by 192.0.2.11 port 22\nrsync: did not see server greeting\n"
REFUSED = 'rsync: server sent "{"ok":false,"error":"no_such_backup","detail":"gone"}" rather than greeting\n'


def ending(folder: Path, said: str, status: int) -> str:
    """A folder of programs whose rsync says this and ends so."""
    program = folder / "rsync"
    program.write_text(f"#!/bin/sh\ncat >/dev/null\ncat <<'TEXT' >&2\n{said}TEXT\nexit {status}\n")
    program.chmod(0o755)
    return f"{folder}:/usr/bin:/bin"


@pytest.mark.parametrize(
    ("said", "status", "error"),
    [
        ("rsync: connection unexpectedly closed\n", 12, OutOfReach),
        ("192.0.2.11 not responding.\n", 255, OutOfReach),
        (CLOSED, 5, OutOfReach),
        (REFUSED, 5, FarDataRefused),
        ('rsync: "/NEW.D" failed: Permission denied (13)\n', 23, FarDataRefused),
    ],
)
def test_a_line_that_breaks_is_no_refusal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, status: int, error: type[RedundancyError]
):
    """
    Not even before the first word of the LIM: it is gone on with.
    """
    monkeypatch.setenv("PATH", ending(tmp_path, said, status))
    with pytest.raises(RedundancyError) as ended:
        asyncio.run(LIM.fetch(STAMP, (), tmp_path))
    assert type(ended.value) is error
    assert said.split("\n", maxsplit=1)[0][:20] in str(ended.value)
