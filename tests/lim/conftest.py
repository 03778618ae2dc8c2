"""LIMs for the tests: one under dash with iptables-nft, and the matrix of shells and backends for the core cases."""

from collections.abc import Iterator

import pytest

from tests.lim.bed import Lim, a_lim

SHELLS = ("dash", "bash", "busybox sh")
BACKENDS = ("nft", "legacy")


@pytest.fixture
def lim() -> Iterator[Lim]:
    """One LIM, under dash, with iptables-nft."""
    with a_lim() as made:
        yield made


@pytest.fixture(params=BACKENDS)
def on_backend(request: pytest.FixtureRequest) -> Iterator[Lim]:
    """A LIM on each backend, under dash."""
    with a_lim(backend=request.param) as made:
        yield made


@pytest.fixture(params=SHELLS)
def any_shell(request: pytest.FixtureRequest) -> Iterator[Lim]:
    """A LIM under each shell, with iptables-nft: where the shell matters and the backend does not."""
    with a_lim(str(request.param)) as made:
        yield made


@pytest.fixture(params=[f"{shell}-{backend}" for shell in SHELLS for backend in BACKENDS])
def any_lim(request: pytest.FixtureRequest) -> Iterator[Lim]:
    """A LIM under each shell with each backend."""
    shell, backend = str(request.param).rsplit("-", 1)
    with a_lim(shell, backend) as made:
        yield made
