"""Orders: what is obeyed, what is refused, and that a refusal changes nothing."""

import pytest

from tests.lim.bed import LASTING, Lim

pytestmark = pytest.mark.lab


def test_a_lim_that_was_never_ordered_is_allowed_and_has_number_zero(any_shell: Lim):
    """
    Before the first order a LIM carries traffic and says that nobody has told it anything.
    """
    seen = any_shell.ask("status")
    assert seen["ok"] is True
    assert (seen["traffic"], seen["number"], seen["word"], seen["origin"]) == ("allowed", 0, "none", "none")
    assert (seen["lim"], seen["system"], seen["ipv6"], seen["supervisor"]) == (1, "primary", True, "")
    assert len(seen["policy"]) == 64


@pytest.mark.S0
def test_block_and_allow_are_done_read_back_and_remembered(any_lim: Lim):
    """
    Each order answers with the traffic as it was read back, and the next status says the same.
    """
    for number, word, traffic in ((7, "block", "blocked"), (8, "allow", "allowed"), (9, "block", "blocked")):
        answer = any_lim.order(word, number)
        assert answer["ok"] is True
        assert (answer["traffic"], answer["number"], answer["word"]) == (traffic, number, word)
        assert (answer["supervisor"], answer["origin"], answer["remembered"]) == ("id.run", "order", True)
        assert any_lim.ask("status") == answer


def test_the_same_order_again_is_obeyed_and_rewrites_nothing(any_lim: Lim):
    """
    Repeating an order is safe at any time: same answer, same instant in `since`, and the rules keep their counters.
    """
    first = any_lim.order("block", 7)
    any_lim.replace("iptables-nft-restore", "exit 9")
    any_lim.replace("iptables-legacy-restore", "exit 9")
    assert any_lim.order("block", 7) == first
    assert any_lim.order("block", 8) == first | {"number": 8}


def test_an_order_of_another_number_keeps_the_instant_of_its_word(lim: Lim):
    """
    `since` says since when it is blocked; a new takeover number that wants the same does not move it.
    """
    lim.order("block", 7)
    long_ago = "2026-03-09T02:15:02Z"
    shelves = f"{LASTING} /run/redundancyd-lim/state"
    lim.sh(f"was=$(sed -n 's/^since=//p' {LASTING}); sed -i \"s/$was/{long_ago}/g\" {shelves}")
    assert lim.ask("status")["since"] == long_ago
    assert lim.order("block", 8)["since"] == long_ago
    assert lim.order("allow", 9)["since"] != long_ago


def test_the_same_order_again_writes_no_file(lim: Lim):
    """
    Looks and repeated orders come every few seconds for years: the disk is left alone.
    """
    lim.order("block", 7)
    kept = lim.sh(f"stat -c %i:%z {LASTING} /run/redundancyd-lim/state")
    lim.order("block", 7)
    assert lim.sh(f"stat -c %i:%z {LASTING} /run/redundancyd-lim/state") == kept


@pytest.mark.parametrize("number", ["1000000000000", "0", "07", "-1", "1.0", ""])
def test_a_number_that_is_none_is_a_bad_request(lim: Lim, number: str):
    """
    One to twelve digits without a 0 before them, and nothing is changed by anything else.
    """
    before = lim.ask("status")
    assert lim.ask("block", number, "id.run")["error"] == "bad_request"
    assert lim.ask("status") == before


@pytest.mark.S0
@pytest.mark.parametrize(
    ("word", "number", "error"),
    [("allow", 6, "stale_number"), ("block", 6, "stale_number"), ("allow", 7, "other_word")],
)
def test_an_older_number_or_another_word_is_refused_and_changes_nothing(lim: Lim, word: str, number: int, error: str):
    """
    A late order of an older takeover never moves traffic.
    """
    lim.order("block", 7)
    rules, kept = lim.all_rules(), lim.sh(f"cat {LASTING}")
    answer = lim.order(word, number, "other.run")
    assert (answer["ok"], answer["error"]) == (False, error)
    assert (answer["traffic"], answer["number"], answer["supervisor"]) == ("blocked", 7, "id.run")
    assert (lim.all_rules(), lim.sh(f"cat {LASTING}")) == (rules, kept)


@pytest.mark.S0
def test_numbers_have_twelve_digits(any_shell: Lim):
    """
    The highest number is compared as a number by every shell, not as text and not with 32 bits.
    """
    assert any_shell.order("block", 999_999_999_998)["ok"] is True
    assert any_shell.order("allow", 99_999_999_999)["error"] == "stale_number"
    assert any_shell.order("allow", 999_999_999_999)["traffic"] == "allowed"


def test_the_same_order_of_another_run_is_recorded_under_its_name(lim: Lim):
    """
    A restarted daemon repeats its order; the LIM says from then on who spoke last.
    """
    lim.order("block", 7, "id.run1")
    assert lim.order("block", 7, "id.run2")["supervisor"] == "id.run2"
    assert lim.ask("status")["supervisor"] == "id.run2"


@pytest.mark.S6
def test_by_hand_changes_traffic_and_origin_but_not_the_order(any_shell: Lim):
    """
    An operator on the spot is obeyed at once; number and word stay, so old orders stay refused.
    """
    any_shell.order("block", 7)
    by_hand = any_shell.ask("allow", "--by-hand")
    assert (by_hand["ok"], by_hand["traffic"], by_hand["origin"]) == (True, "allowed", "hand")
    assert (by_hand["number"], by_hand["word"]) == (7, "block")
    assert any_shell.order("allow", 6)["error"] == "stale_number"
    again = any_shell.order("block", 7)
    assert (again["traffic"], again["origin"]) == ("blocked", "order")
    assert any_shell.ask("block", "--by-hand")["origin"] == "hand"


def test_by_hand_works_without_settings_as_far_as_it_can(lim: Lim):
    """
    With lim.conf lost, allowing by hand works; blocking says what is missing and touches nothing.
    """
    lim.order("block", 7)
    rules = lim.all_rules()
    lim.configure(services="-")
    refused = lim.ask("block", "--by-hand")
    assert (refused["error"], refused["detail"]) == ("not_configured", "services is missing")
    assert lim.all_rules() == rules
    lim.sh("rm /etc/redundancyd/lim.conf")
    assert lim.ask("status")["traffic"] == "unknown"
    allowed = lim.ask("allow", "--by-hand")
    assert (allowed["ok"], allowed["traffic"], allowed["lim"]) == (True, "allowed", None)


def test_without_settings_no_order_is_obeyed(lim: Lim):
    """
    A LIM that does not know what to block says so instead of pretending.
    """
    lim.configure(system="tertiary")
    for word in ("block", "allow"):
        assert lim.order(word, 7)["error"] == "not_configured"
    assert lim.ask("status")["error"] == "not_configured"
    assert not any("REDUNDANCYD" in line for line in lim.all_rules())


@pytest.mark.parametrize(
    "services",
    [
        "tcp:22",
        "tcp:1-65535",
        "sctp:5060",
        "udp:0",
        "udp:05060",
        "udp:5060-5060",
        "udp:70000",
        "udp:1-2-3",
        "udp:",
        "5060",
    ],
)
def test_services_that_would_cut_ssh_or_mean_nothing_are_a_mistake(lim: Lim, services: str):
    """
    The supervision's own way in can't be blocked by a slip of the pen.
    """
    lim.configure(services=f"udp:5060 {services}")
    assert lim.order("block", 7)["error"] == "not_configured"


def test_remove_forgets_the_order_and_leaves_the_rules(lim: Lim):
    """
    After `remove` neither boot nor hold does anything, and traffic is as it was.
    """
    lim.order("block", 7)
    rules = lim.all_rules()
    forgotten = lim.ask("remove")
    assert (forgotten["ok"], forgotten["number"], forgotten["origin"], forgotten["traffic"]) == (
        True,
        0,
        "none",
        "blocked",
    )
    assert lim.all_rules() == rules
    lim.reboot()
    assert lim.run("boot").stdout == b""
    assert lim.run("hold").stdout == b""
    assert lim.ask("status")["traffic"] == "allowed"
