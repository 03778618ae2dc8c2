"""Beds for the tests of the lab; each worker has its own."""

import os
from collections.abc import Iterator

import pytest

from redundancyd.lab.bed import Bed, standing
from redundancyd.lab.plan import BedPlan


@pytest.fixture(scope="session")
def bed() -> Iterator[Bed]:
    """A bed of 2 + 2 LIMs without a daemon, shared by tests that leave it as they found it."""
    with standing(BedPlan(f"test-{os.getpid()}")) as built:
        yield built


@pytest.fixture
def fresh() -> Iterator[Bed]:
    """A bed of 1 + 1 LIMs for one test alone."""
    with standing(BedPlan(f"fresh-{os.getpid()}", lims=1)) as built:
        yield built
