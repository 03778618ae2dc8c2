"""Asks the laws alone: `python -m mutants.laws` explores a little and prints what noticed something, or nothing.

It stands in a process of its own, started in a damaged copy of the tree, and explores that.
"""

import sys

from redundancyd.core.systems import Method, Methods
from redundancyd.sim.explore import COARSE, FINE, Bounds, Explorer, Grain
from redundancyd.sim.quick import quicken

A, M = Method.AUTOMATIC, Method.MANUAL
PLAN: tuple[tuple[Methods, Bounds, Grain, int | None], ...] = (
    (Methods(A, A), Bounds(faults=1, orders=0, kills=0), FINE, None),
    (Methods(A, M), Bounds(faults=0, orders=1, kills=1), FINE, None),
    (Methods(A, A), Bounds(faults=2, orders=0, kills=0), COARSE, None),
    (Methods(M, A), Bounds(faults=1, orders=1, kills=0), COARSE, None),
    (Methods(A, M), Bounds(faults=1, orders=1, kills=1), COARSE, None),
    (Methods(A, A), Bounds(faults=1, orders=1, kills=0), FINE, 4000),
    (Methods(A, A), Bounds(faults=3, orders=0, kills=0), COARSE, 4000),
)
"""Methods, bounds, grain, and the most states: some five seconds in all."""


def noticed() -> str:
    """The law, or the error of the core itself, that says that something is wrong; empty when all is well."""
    quicken()
    for methods, bounds, grain, most_states in PLAN:
        if said := explored(methods, bounds, grain, most_states):
            return said
    return ""


def explored(methods: Methods, bounds: Bounds, grain: Grain, most_states: int | None) -> str:
    """The same of one exploration."""
    try:
        broken = Explorer(methods, bounds, grain).run(most_states).broken
    except Exception as error:  # noqa: BLE001 - whatever a damaged core raises, it is noticed
        return type(error).__name__
    return broken.law if broken else ""


if __name__ == "__main__":
    sys.stdout.write(noticed())
