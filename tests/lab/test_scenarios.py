"""Every page that ships, played on a real bed with the real daemon: it holds, and no promise is broken.

The same page with the same lots is played in the simulator: rows, verdicts and promises agree, times aside.
"""

import os
import random
from collections.abc import Iterator

import pytest

from redundancyd.lab.cli import play
from redundancyd.lab.plan import BedPlan
from redundancyd.scenarios.likeness import Course, differing, said_in_vain
from redundancyd.scenarios.reading import load, names
from redundancyd.sim import play as simulator

OTHERS = 500


def _played() -> list[object]:
    """Each page, marked with the promises it exercises."""
    pages = [load(name) for name in names()]
    return [
        pytest.param(
            page.name, marks=[pytest.mark.scenario(page.name), *(getattr(pytest.mark, name) for name in page.promises)]
        )
        for page in pages
    ]


@pytest.mark.lab
@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", _played())
def test_a_page_holds_on_a_bed(name: str):
    """
    The page's expectations come true; each promise it names is exercised and kept; the simulator goes the same way.
    """
    page = load(name)
    seed = random.randrange(1_000_000)
    plan = BedPlan(f"page-{os.getpid()}", settings=dict(page.settings))
    result = play(page, plan, seed=seed)
    told = {promise: finding.why for promise, finding in result.promises.items() if finding and not finding.held}
    unmet = [outcome.text for outcome in result.outcomes if not outcome.met]
    assert result.held, f"seed {seed}: {result.error or unmet or told}"
    assert not [promise for promise in page.promises if result.promises[promise] is None]
    if page.needs:
        return  # the simulator refuses it by name: tests/sim/test_play.py
    simulated = simulator.play(page, seed=seed, quiet=True).course()
    assert list(differing(page, result.course(), simulated)) == [], f"seed {seed}: lab -- simulator"

    def others() -> Iterator[Course]:
        yield simulated
        yield from (simulator.play(page, seed=other, quiet=True).course() for other in range(OTHERS))

    assert list(said_in_vain(page, result.course(), others)) == []
