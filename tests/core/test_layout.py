"""What is no longer as it was configured, and what nobody could tell."""

from dataclasses import replace

import pytest

from redundancyd.core.layout import Layout, differences, parse, remembered, untold
from redundancyd.core.systems import Server, System

P, A = System.PRIMARY, System.ALTERNATE
SERVERS = (
    Server(P, 1, "192.0.2.11"),
    Server(P, 1, "192.0.2.21", standby=True),
    Server(P, 2, "192.0.2.12"),
    Server(A, 1, "198.51.100.11"),
    Server(A, 2, "198.51.100.12"),
)
PRIMARY = Layout("7.8.1.0.19", ("1", "2"), ("1",), ("1A", "2A"), ("1 co-located", "2 standalone"), ("1 1 2",))
ALTERNATE = replace(PRIMARY, standbys=(), clusters=())
BOTH = {P: PRIMARY, A: ALTERNATE}


def found(primary: Layout = PRIMARY, alternate: Layout = ALTERNATE, *, now_and_then: bool = False) -> tuple[str, ...]:
    """The differences of these; compared with what they were, if that is asked for."""
    return differences({P: primary, A: alternate}, BOTH if now_and_then else {}, SERVERS)


def test_two_systems_of_the_same_parts_that_did_not_change_are_alike():
    """
    Clusters and standby servers are the primary's own affair.
    """
    assert found(now_and_then=True) == ()
    assert found() == ()


@pytest.mark.parametrize(
    ("primary", "alternate", "said"),
    [
        (
            {"lims": ("1", "2", "3")},
            {},
            ["LIM 3 is in the primary alone", "LIM 3 of the primary is not in the settings"],
        ),
        ({}, {"gateways": ("1A", "2A", "2B")}, ["media gateway 2B is in the alternate alone"]),
        ({"gateways": ("1A",)}, {}, ["media gateway 2A is in the alternate alone"]),
        (
            {"media_servers": ("1 co-located", "2 co-located")},
            {},
            [
                "media server 2 co-located is in the primary alone",
                "media server 2 standalone is in the alternate alone",
            ],
        ),
        ({"version": "7.9"}, {}, ["the primary runs version 7.9, the alternate runs version 7.8.1.0.19"]),
        ({"standbys": ("1", "2")}, {}, ["standby server of LIM 2 of the primary is not in the settings"]),
        ({"standbys": ()}, {}, ["standby server of LIM 1 of the primary is in the settings, and its exchange"]),
        ({"lims": ("1",)}, {"lims": ("1",)}, ["LIM 2 of the primary is in the", "LIM 2 of the alternate is in the"]),
    ],
)
def test_each_difference_is_named(primary: dict[str, object], alternate: dict[str, object], said: list[str]):
    """
    What, and in which system.
    """
    told = found(replace(PRIMARY, **primary), replace(ALTERNATE, **alternate))  # type: ignore[arg-type]
    assert [text[: len(start)] for text, start in zip(told, said, strict=True)] == said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"clusters": ("1 1 2", "2 3")}, "cluster 2 3 of the primary was added since the configuration"),
        ({"clusters": ()}, "cluster 1 1 2 of the primary was removed since the configuration"),
        ({"clusters": ("1 1",)}, "cluster 1 1 of the primary was added since the configuration"),
    ],
)
def test_a_cluster_that_changed_in_the_primary_is_noticed(change: dict[str, tuple[str, ...]], said: str):
    """
    Added, removed, or a LIM in it more or less.
    """
    assert found(replace(PRIMARY, **change)) == ()  # type: ignore[arg-type]
    assert found(replace(PRIMARY, **change), now_and_then=True)[0] == said  # type: ignore[arg-type]


def test_a_gateway_that_was_added_to_both_systems_is_noticed_too():
    """
    The manual wants the redundancy removed first, and configured afterwards.
    """
    more = ("1A", "2A", "2B")
    told = found(replace(PRIMARY, gateways=more), replace(ALTERNATE, gateways=more), now_and_then=True)
    assert told == tuple(f"media gateway 2B of the {system} was added since the configuration" for system in (P, A))


def test_from_what_nobody_tells_nothing_is_concluded_and_that_is_told():
    """
    Neither that it is missing, nor that it was removed.
    """
    blind = Layout("", None, None, None, None, None)
    assert found(blind, now_and_then=True) == ()
    assert found(PRIMARY, blind, now_and_then=True) == ()
    assert untold({P: PRIMARY, A: replace(ALTERNATE, gateways=None)}) == ("media gateways of the alternate",)
    assert len(untold({P: blind})) == 5


def test_what_was_configured_stays_and_what_nobody_could_tell_is_filled_in():
    """
    A command that is set later does not make a change of everything it tells.
    """
    before = {P: replace(PRIMARY, gateways=None)}
    kept = remembered({P: replace(PRIMARY, lims=("1",)), A: ALTERNATE}, before)
    assert kept == {P: PRIMARY, A: ALTERNATE}


@pytest.mark.parametrize(
    "reply",
    [{"lims": "1"}, {"lims": [1]}, {"gateways": ["a\n"]}, {"version": 7}, {"lims": ["1"] * 2001}, {"lims": ["1" * 61]}],
)
def test_what_is_no_layout_is_refused(reply: dict[str, object]):
    """
    It comes from another machine.
    """
    with pytest.raises(ValueError, match=r"version|lims|gateways"):
        parse(reply)


def test_names_are_in_the_order_in_which_people_count():
    """
    LIM 10 after LIM 9; null stays null.
    """
    layout = parse({"ok": True, "lims": ["10", "9", "9"], "gateways": None})
    assert (layout.lims, layout.gateways) == (("9", "10"), None)
