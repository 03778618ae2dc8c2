"""The quick copy is the standard library's, only faster."""

from dataclasses import FrozenInstanceError, replace

import pytest

from redundancyd.core.systems import Methods
from redundancyd.sim.quick import quick_replace
from redundancyd.sim.walk import warmed_up


def test_a_quick_copy_equals_the_standard_librarys():
    """
    For the world, the state, a goal, a view, a LIM: with fields changed, and with none.
    """
    world = warmed_up(Methods())
    values = [world, world.core, world.core.goal, world.core.views[0], world.lims[0], world.core.heart]
    for value in values:
        assert quick_replace(value) == value
    assert quick_replace(world, now=5, disk_full=True) == replace(world, now=5, disk_full=True)
    assert quick_replace(world.core, goal=None) == replace(world.core, goal=None)


def test_what_was_copied_is_left_as_it_was_and_stays_frozen():
    """
    Anything can branch from a state.
    """
    world = warmed_up(Methods())
    before = world.now
    copied = quick_replace(world, now=before + 1)
    assert world.now == before
    with pytest.raises(FrozenInstanceError):
        copied.now = 7


def test_a_field_that_is_none_is_refused():
    """
    Like the standard library does.
    """
    with pytest.raises(KeyError):
        quick_replace(warmed_up(Methods()), nonsense=1)
