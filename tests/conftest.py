"""What every test stands on: root where it needs root, and a loop that nothing of ours blocks."""

import asyncio
import os
from collections.abc import Iterator

import pytest
from blockbuster import blockbuster_ctx

from tests.house import COLLECTED, Collected


def pytest_configure() -> None:
    """No loop but those of the tests: asked for the current one, Python 3.11 would make one that nobody closes."""
    asyncio.set_event_loop(None)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a run that should be whole say so: then it is an error when it is not."""
    parser.addoption("--whole", action="store_true", help="fail where a part of the tests is missing")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Note what was found, before -k and -m take from it, for the checks that look at the tests themselves."""
    config.stash[COLLECTED] = Collected.of(items)
    if os.geteuid() != 0:
        needs_root = pytest.mark.skip(reason="needs root")
        for item in items:
            if item.get_closest_marker("lab") or item.get_closest_marker("systemd"):
                item.add_marker(needs_root)


@pytest.fixture(autouse=True)
def _nothing_of_ours_blocks_the_loop(request: pytest.FixtureRequest) -> Iterator[None]:
    """A call of the daemon that waits on a disk or a socket inside the loop is an error: it would make beats late."""
    if request.node.get_closest_marker("asyncio") is None:
        yield
        return
    with blockbuster_ctx(["redundancyd"], excluded_modules=["redundancyd.lab"]):
        yield
