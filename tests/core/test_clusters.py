"""1+1 inside a system: where a LIM runs, and what that means for the return."""

from dataclasses import replace

from redundancyd.core.clusters import on_standby, return_refusal, standby_alarms
from redundancyd.core.seen import View
from redundancyd.core.systems import Fallback, Server, System

P = System.PRIMARY
REGULAR, STANDBY = Server(P, 1, "192.0.2.11"), Server(P, 1, "192.0.2.21", standby=True)
SECOND, SECOND_STANDBY = Server(P, 2, "192.0.2.12"), Server(P, 2, "192.0.2.22", standby=True)


def view(server: Server, *, runs: bool | None, connected: bool = True) -> View:
    """A server as it was last seen."""
    return replace(View(server), connected=connected, exchange_running=runs)


def test_a_lim_runs_on_its_standby_when_only_that_exchange_is_seen_to_run():
    """
    Both, neither, or nobody knows: nothing is concluded.
    """
    assert on_standby((view(REGULAR, runs=False), view(STANDBY, runs=True)), P) == (STANDBY,)
    assert on_standby((view(REGULAR, runs=True, connected=False), view(STANDBY, runs=True)), P) == (STANDBY,)
    for regular, standby in ((True, True), (True, False), (False, False), (None, None)):
        assert on_standby((view(REGULAR, runs=regular), view(STANDBY, runs=standby)), P) == ()
    assert on_standby((view(REGULAR, runs=False), view(STANDBY, runs=True)), System.ALTERNATE) == ()


def test_lim_1_on_its_standby_is_graver_than_another_one():
    """
    There is no management there.
    """
    views = (
        view(REGULAR, runs=False),
        view(STANDBY, runs=True),
        view(SECOND, runs=False),
        view(SECOND_STANDBY, runs=True),
    )
    one, two = standby_alarms(views)
    assert (one.severity, one.subject) == (3, "primary-1-standby")
    assert "management is not started there" in one.text
    assert (two.severity, two.subject) == (2, "primary-2-standby")
    assert "management" not in two.text


def test_clusters_of_the_alternate_do_not_matter_for_the_return():
    """
    It is the primary that is returned to.
    """
    alternate = Server(System.ALTERNATE, 1, "198.51.100.21", standby=True)
    assert return_refusal((REGULAR, alternate), Fallback.MANUAL) == ""
    assert return_refusal((REGULAR, STANDBY), Fallback.AUTOMATIC) == ""
    assert return_refusal((REGULAR, STANDBY), Fallback.MANUAL)
    assert return_refusal((REGULAR, STANDBY), None)
