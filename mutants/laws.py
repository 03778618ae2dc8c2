"""Asks the laws alone: `python -m mutants.laws` explores a little and prints what noticed something, or nothing.

It stands in a process of its own, started in a damaged copy of the tree, and explores that.
"""

import sys

from redundancyd.core.systems import Method, Methods
from redundancyd.sim.explore import Bounds, Explorer

A, M = Method.AUTOMATIC, Method.MANUAL
PLAN: tuple[tuple[Methods, Bounds, int | None], ...] = (
    (Methods(A, M), Bounds(faults=0, orders=1, kills=1), None),
    (Methods(A, A), Bounds(faults=1, orders=0, kills=0), None),
    (Methods(A, M), Bounds(faults=1, orders=1, kills=0), 1500),
    (Methods(A, A), Bounds(faults=2, orders=0, kills=0), 1500),
)
"""Methods, bounds, and the most states: a few seconds in all."""


def noticed() -> str:
    """The law, or the error of the core itself, that says that something is wrong; empty when all is well."""
    for methods, bounds, most_states in PLAN:
        if said := explored(methods, bounds, most_states):
            return said
    return ""


def explored(methods: Methods, bounds: Bounds, most_states: int | None) -> str:
    """The same of one exploration."""
    try:
        broken = Explorer(methods, bounds).run(most_states).broken
    except Exception as error:  # noqa: BLE001 - whatever a damaged core raises, it is noticed
        return type(error).__name__
    return broken.law if broken else ""


if __name__ == "__main__":
    sys.stdout.write(noticed())
