"""A socket with the real core behind it, in a folder that other users can reach."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from redundancyd.api import Api
from redundancyd.client import Client
from tests.api.real_desk import RealDesk


@pytest.fixture
def folder() -> Iterator[Path]:
    """
    A folder whose path is short enough for a socket, open to every user.
    """
    path = Path(tempfile.mkdtemp(prefix="rd-api-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def desk() -> RealDesk:
    """
    The primary is active, both systems are in reach and ready.
    """
    return RealDesk()


@pytest.fixture
async def api(desk: RealDesk, folder: Path) -> AsyncIterator[Api]:
    """
    The desk's socket, listening.
    """
    async with Api(desk, str(folder / "s"), "nogroup", version="0.0.test") as api:
        yield api


@pytest.fixture
def client(api: Api, folder: Path) -> Client:
    """
    A client of that socket.
    """
    return Client(str(folder / "s"))
