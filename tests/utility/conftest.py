"""The command line, run in this process against a real socket with the real core behind it."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from redundancyd.utility.cli import run
from tests.api.conftest import api, desk, folder

__all__ = ["api", "desk", "folder"]

Ran = tuple[int, str, str]
Run = Callable[..., Awaitable[Ran]]


@pytest.fixture
def ctl(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """
    Runs words; gives exit status, standard output, standard error.
    """
    monkeypatch.setattr("sys.argv", ["redundancyctl"])

    async def words(*typed: str) -> Ran:
        status = await asyncio.to_thread(run, ["--socket", str(folder / "s"), *typed])
        out, err = capsys.readouterr()
        return status, out, err

    return words
