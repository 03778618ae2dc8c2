"""What the operator has to decide about the addresses of a mirror."""

from redundancyd.core.address_list import Seen, address_list
from redundancyd.core.findings import Findings, Kind
from redundancyd.core.translation import Rules, translate
from redundancyd.core.translation_table import parse_address, parse_table
from tests.cases import chances
from tests.exchange_text import case

OWN = frozenset({parse_address("192.0.2.11"), parse_address("192.0.2.12")})


def seen(*places: tuple[Kind, str, int]) -> Seen:
    """A mirror in which these addresses stand: kind, address and LIM."""
    lims: dict[int, Findings] = {}
    for number, (kind, address, lim) in enumerate(places, 1):
        lims.setdefault(lim, Findings()).add(kind, address, "A.D", number)
    return Seen("20260309031502", "", lims)


def rules(table: str = "", *known: str) -> Rules:
    """The rules of a site with this table, and these foreign addresses confirmed."""
    return Rules(parse_table(table), OWN, known=frozenset(known))  # type: ignore[arg-type]


def kinds(found: Seen, by: Rules) -> dict[str, Kind]:
    """What each address is."""
    return {each.address: each.kind for each in address_list(found, by).listed}


def test_the_same_address_of_two_lims_is_one_entry_with_all_its_places():
    """
    The operator decides about an address, not about a file.
    """
    found = address_list(seen((Kind.NEW, "203.0.113.9", 2), (Kind.NEW, "203.0.113.9", 1)), rules())
    (one,) = found.listed
    assert (one.count, one.places) == (2, ((1, "A.D", 2), (2, "A.D", 1)))
    assert one.told == "203.0.113.9 in LIM 1, A.D:2, 2 times"


def test_what_has_to_be_dealt_with_comes_first():
    """
    Own without an entry, then new, then what is in order.
    """
    found = seen((Kind.TRANSLATED, "192.0.2.11", 1), (Kind.FOREIGN, "203.0.113.1", 1), (Kind.NEW, "203.0.113.9", 1))
    listed = address_list(found, rules("", "203.0.113.1")).listed
    assert [(each.address, each.kind) for each in listed] == [
        ("192.0.2.11", Kind.MISSING),
        ("203.0.113.9", Kind.NEW),
        ("203.0.113.1", Kind.FOREIGN),
    ]


def test_an_entry_that_was_made_since_makes_an_address_translated_at_once():
    """
    Nobody waits for the next look through the files.
    """
    found = seen((Kind.MISSING, "192.0.2.11", 1), (Kind.NEW, "203.0.113.9", 1))
    by = rules("192.0.2.11 198.51.100.11\n203.0.113.9 203.0.113.9", "203.0.113.9")
    assert kinds(found, by) == {"192.0.2.11": Kind.TRANSLATED, "203.0.113.9": Kind.TRANSLATED}
    assert [each.becomes for each in address_list(found, by).listed] == ["198.51.100.11", "203.0.113.9"]


def test_an_address_that_is_own_because_of_a_network_is_foreign_when_the_network_goes():
    """
    The table says what belongs to the primary.
    """
    found = seen((Kind.MISSING, "192.0.2.77", 1))
    assert kinds(found, rules("192.0.2.0/24 198.51.100.0/24")) == {"192.0.2.77": Kind.MISSING}
    assert kinds(found, rules()) == {"192.0.2.77": Kind.NEW}


def test_an_own_address_inside_another_one_stays_missing_whatever_the_other_is():
    """
    Only the spelling in the file shows it, and that is looked at again later.
    """
    assert kinds(seen((Kind.MISSING, "64:ff9b::c000:20b", 1)), rules("", "64:ff9b::c000:20b")) == {
        "64:ff9b::c000:20b": Kind.MISSING
    }


def test_an_own_address_in_a_file_that_is_no_text_is_told_as_long_as_it_is_own():
    """
    Nothing rewrites it, table or not.
    """
    found = seen((Kind.UNTOUCHED, "192.0.2.11", 1), (Kind.UNTOUCHED, "192.0.2.99", 1))
    assert kinds(found, rules("192.0.2.11 198.51.100.11")) == {"192.0.2.11": Kind.UNTOUCHED}


def test_entries_and_confirmed_addresses_that_stand_nowhere_are_told():
    """
    No longer there: the primary has changed, or somebody mistyped.
    """
    found = seen((Kind.TRANSLATED, "192.0.2.11", 1))
    by = rules("192.0.2.11 198.51.100.11\n192.0.2.98 198.51.100.98", "203.0.113.9")
    assert address_list(found, by).gone == ("192.0.2.98", "203.0.113.9")


def test_by_the_rules_of_the_look_the_list_says_what_the_look_found():
    """
    Nothing that was found in the files is judged otherwise when nothing has changed.
    """
    for chance in chances(500):
        made = case(chance)
        findings = Findings()
        translate(chance.choice(("A.D", "A.BIN")), made.text, made.rules, findings)
        listed = address_list(Seen("20260309031502", "", {1: findings}), made.rules).listed
        assert {(each.kind, each.address): each.count for each in listed} == {
            key: tally.count for key, tally in findings.addresses.items()
        }
