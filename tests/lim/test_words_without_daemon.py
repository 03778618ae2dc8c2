"""By hand from afar, and the exchange's own alarms: words that the utility sends where no daemon supervises."""

import pytest

from tests.lim.bed import Lim

pytestmark = pytest.mark.lab

ALARMS = """\
Alarm list

S N Handle Dom. Code LIM Where Explanation
4 1 17     0    350  1   CSTA  CSTA, faulty "communication" channel \\ 1
END
"""


def alarm_command(lim: Lim, text: str, end: str = "exit 0") -> None:
    """
    Put a command there that prints this.
    """
    lim.sh(f"cat > /mnt/alarm.txt << 'END OF TEXT'\n{text}END OF TEXT")
    lim.replace("alarm", f'[ "$*" = -p ] && cat /mnt/alarm.txt; {end}')


@pytest.mark.S0
def test_by_hand_over_the_key_moves_traffic_and_leaves_number_and_word(any_shell: Lim):
    """
    As root does it on the LIM: the origin is hand, and what was ordered stays the last order.
    """
    any_shell.order("block", 7)
    by_hand = any_shell.ask(remote="allow --by-hand")
    assert (by_hand["traffic"], by_hand["origin"], by_hand["number"], by_hand["word"]) == (
        "allowed",
        "hand",
        7,
        "block",
    )
    assert any_shell.ask(remote="allow 6 id.run")["error"] == "stale_number"
    assert any_shell.ask(remote="allow 7 id.run")["error"] == "other_word"
    assert any_shell.serve("block --by-hand")[0]["traffic"] == "blocked"


def test_a_lim_that_was_never_ordered_can_be_blocked_and_allowed_by_hand_from_afar(lim: Lim):
    """
    No supervision has ever been there; a later one begins with number 1.
    """
    assert lim.ask(remote="block --by-hand")["traffic"] == "blocked"
    status = lim.ask(remote="allow --by-hand")
    assert (status["traffic"], status["number"], status["word"]) == ("allowed", 0, "none")
    assert lim.ask(remote="block 1 id.run")["ok"] is True


def test_alarms_are_the_printout_line_by_line(any_shell: Lim):
    """
    As it was printed, blank lines left out, quotes and backslashes and all.
    """
    alarm_command(any_shell, ALARMS)
    reply = any_shell.ask(remote="alarms")
    assert reply == {"ok": True, "more": False, "lines": [line for line in ALARMS.splitlines() if line]}


def test_a_printout_without_end_is_cut_and_fits_into_an_answer(lim: Lim):
    """
    However much is printed, and whatever it is.
    """
    alarm_command(lim, "x\n", end='yes "$(printf "%0500d" 0)\\\\" | head -c 2000000; exit 0')
    done = lim.run("serve", stdin="alarms\nstatus\n").stdout.splitlines()
    assert len(done) == 2
    assert len(done[0]) < 16_000
    assert b'"more":true' in done[0]


@pytest.mark.parametrize(
    ("end", "error"), [("exit 3", "alarms_failed"), ("exec sleep 60", "alarms_failed")], ids=["fails", "hangs"]
)
def test_a_command_that_fails_says_so(lim: Lim, end: str, error: str):
    """
    Nothing is taken for an empty list.
    """
    alarm_command(lim, ALARMS, end)
    assert lim.ask(remote="alarms")["error"] == error


def test_without_the_command_alarms_are_not_configured(lim: Lim):
    """
    A site that leaves it out is told so.
    """
    lim.configure(command_alarms="")
    assert lim.ask(remote="alarms")["error"] == "not_configured"
