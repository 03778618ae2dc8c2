"""A blocked primary that nobody supervises any more: what a site may choose, and what it never does by default."""

import pytest

from tests.lim.bed import Lim
from tests.lim.test_boot_and_hold import booted, held

pytestmark = pytest.mark.lab


def silent_for_long(lim: Lim) -> None:
    """As if the supervision had said nothing since the machine started."""
    lim.sh("echo 0 > /run/redundancyd-lim/contact")


def test_without_orphan_hold_a_blocked_primary_waits_for_ever(lim: Lim):
    """
    The default: a dead supervision leaves traffic as it is.
    """
    lim.order("block", 7)
    silent_for_long(lim)
    assert held(lim) == "blocked"


@pytest.mark.parametrize(
    ("settings", "prepare", "traffic"),
    [
        ({}, "", "allowed"),
        ({"control": "192.0.2.99"}, "", "blocked"),
        ({"system": "alternate"}, "", "blocked"),
        ({"orphan_hold": "100000000"}, "", "blocked"),
        ({}, "status", "blocked"),
    ],
    ids=["orphaned", "control address not heard", "alternate", "not long enough", "the supervision looked"],
)
def test_orphan_hold_allows_a_primary_that_nobody_supervises(
    any_shell: Lim, settings: dict[str, str], prepare: str, traffic: str
):
    """
    Where the site chose it: no word from the supervision for so long, and the network control address answers.
    """
    any_shell.configure(**({"orphan_hold": "2"} | settings))
    any_shell.order("block", 7)
    silent_for_long(any_shell)
    if prepare:
        any_shell.serve(prepare)
    any_shell.run("hold")
    assert any_shell.ask("status")["traffic"] == traffic
    if traffic == "allowed":
        assert (any_shell.ask("status")["origin"], any_shell.ask("status")["word"]) == ("hold", "block")


def test_an_operators_own_look_is_not_a_word_from_the_supervision(lim: Lim):
    """
    Somebody who types `status` on the LIM does not keep an orphan waiting.
    """
    lim.configure(orphan_hold="2")
    lim.order("block", 7)
    silent_for_long(lim)
    lim.ask("status")
    assert held(lim) == "allowed"


def test_the_count_of_an_orphan_begins_when_the_machine_starts(lim: Lim):
    """
    A LIM that was off for a week does not allow itself at the first tick.
    """
    lim.configure(orphan_hold="100")
    lim.order("block", 7)
    booted(lim)
    assert held(lim) == "blocked"


def test_an_orphan_that_was_blocked_by_hand_stays_blocked(lim: Lim):
    """
    Somebody on the spot meant it.
    """
    lim.configure(orphan_hold="2")
    lim.order("block", 7)
    lim.ask("block", "--by-hand")
    silent_for_long(lim)
    assert held(lim) == "blocked"


@pytest.mark.S0
def test_an_order_that_comes_while_hold_listens_counts(lim: Lim):
    """
    The wait is over, the control address is asked, and in that moment the supervision blocks: blocked it stays.
    """
    lim.configure(orphan_hold="2")
    lim.order("block", 7)
    silent_for_long(lim)
    lim.replace("ping", "redundancy-lim block 9 id.run > /dev/null; exit 0")
    assert held(lim) == "blocked"
    assert lim.ask("status")["number"] == 9
