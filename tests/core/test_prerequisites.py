"""The prerequisites of a pair: from what was found to the words that help."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from redundancyd.core.prerequisite_kinds import Asked, Known
from redundancyd.core.prerequisites import PREREQUISITES, Finding, Outcome, accepted, findings, hindering
from redundancyd.core.survey import LimFacts, Survey, parse_facts
from redundancyd.core.systems import (
    Fallback,
    Method,
    Methods,
    Origin,
    Server,
    Status,
    Supervisor,
    System,
    Traffic,
    Word,
)

US = Supervisor("ours", ("run",))
P1, P2 = (Server(System.PRIMARY, lim, f"192.0.2.1{lim}") for lim in (1, 2))
A1, A2 = (Server(System.ALTERNATE, lim, f"198.51.100.1{lim}") for lim in (1, 2))
STANDBY = Server(System.PRIMARY, 1, "192.0.2.21", standby=True)
ALL = (P1, P2, A1, A2)
ASKED = Asked("192.0.2.10", ("203.0.113.1",))
FACTS = LimFacts(
    version="7.8.1.0.19",
    processors=4,
    memory_kib=8_000_000,
    disk_kib=100_000_000,
    disk_free_kib=50_000_000,
    master="192.0.2.10/24",
    exchange="running",
    lims=(1, 2),
    media_servers=(1,),
    gateways=("1A",),
    clock_s=1,
)
UNORDERED = Status(Traffic.ALLOWED, 0, Word.NONE, "", Origin.NONE)


def survey(
    facts: Mapping[Server, LimFacts] | None = None, status: Mapping[Server, Status] | None = None, **changes: object
) -> Survey:
    """A pair to be in which everything is as it should be, but for these."""
    sound = Survey(
        servers=ALL,
        facts=dict.fromkeys(ALL, FACTS) | dict(facts or {}),
        status=dict.fromkeys(ALL, UNORDERED) | dict(status or {}),
        master_answers=True,
        control_answers={"203.0.113.1": True},
        primary_hears=True,
        clocks_off_s=dict.fromkeys(ALL, 1),
        backup_bytes=1_000_000,
        room_bytes=10_000_000,
        rate=2_000_000,
    )
    return replace(sound, **changes)  # type: ignore[arg-type]


def found(
    seen: Survey,
    asked: Asked = ASKED,
    methods: Methods = Methods(),  # noqa: B008
    fallback: Fallback | None = None,
) -> dict[str, Finding]:
    """All findings by their names."""
    return {each.name: each for each in findings(seen, asked, Known(US, methods, 3, fallback))}


def facts(**changes: object) -> LimFacts:
    """The facts of a LIM with some changed."""
    return replace(FACTS, **changes)  # type: ignore[arg-type]


def test_a_pair_in_which_all_is_as_it_should_be_has_nothing_to_say():
    """
    Every prerequisite is met, and each says what was found.
    """
    all_found = found(survey())
    assert {each.outcome for each in all_found.values()} == {Outcome.MET}
    assert all(each.found and each.expected and not each.remedy for each in all_found.values())
    assert hindering(tuple(all_found.values())) == ()


def test_each_prerequisite_has_a_name_of_its_own():
    """
    The name is what --accept takes.
    """
    names = [row.name for row in PREREQUISITES]
    assert len(set(names)) == len(names)


CASES: list[tuple[str, Callable[[], Survey], str, str]] = [
    ("version", lambda: survey({A2: facts(version="7.9")}), "LIM 2: primary 7.8.1.0.19, alternate 7.9", "same version"),
    ("version", lambda: survey({P1: facts(version=""), A1: facts(version="")}), "LIM 1: primary not known", "version"),
    ("lims", lambda: survey({A1: facts(lims=(1,))}), "alternate: its exchange has LIM 1", "Add the LIM"),
    ("lims", lambda: survey({P1: facts(lims=(1, 2, 3))}), "primary: its exchange has LIM 1, 2, 3", "Add the LIM"),
    (
        "media-servers",
        lambda: survey({A1: facts(media_servers=())}),
        "LIM 1: primary 1, alternate none",
        "media server",
    ),
    (
        "exchange",
        lambda: survey({A1: facts(exchange="stopped")}),
        "alternate-1: exchange stopped",
        "Start the exchange",
    ),
    ("exchange", lambda: survey({P2: facts(measure="Data Dump")}), "primary-2: busy with: Data Dump", "wait until"),
    ("master", lambda: survey(master_answers=False), "192.0.2.10 does not answer", "answer ping"),
    (
        "master",
        lambda: survey({P2: facts(master="192.0.2.9/24")}),
        "primary-2 reports 192.0.2.9/24",
        "reports: 192.0.2.9",
    ),
    ("control", lambda: survey(control_answers={"203.0.113.1": False}), "203.0.113.1 does not answer", "always on"),
    ("control", lambda: survey(primary_hears=False), "LIM 1 does not hear it", "both systems hear"),
    ("regular-server", lambda: survey({P1: facts(standby=True)}), "runs on its standby server", "back to its regular"),
    ("clocks", lambda: survey(clocks_off_s={P1: 3600, A1: 0}), "primary-1: 3600 s before our clock", "NTP"),
    ("clocks", lambda: survey(clocks_off_s={P1: -31, A1: 0}), "primary-1: 31 s behind our clock", "NTP"),
    ("capacity", lambda: survey({A1: facts(processors=2)}), "less (processors)", "--accept capacity"),
    ("capacity", lambda: survey({A2: facts(memory_kib=4_000_000)}), "less (memory MiB)", "at least what its LIM has"),
    ("capacity", lambda: survey({A2: facts(disk_kib=5)}), "less (disk MiB)", "--accept capacity"),
    ("room", lambda: survey(room_bytes=2_999_999), "room for 2 MB; 3 mirrors take up to 3 MB", "--accept room"),
    ("room", lambda: survey(backup_bytes=None, backup_why="still counting"), "still counting", "data_backup"),
    ("rate", lambda: survey(rate=249_000), "249 kB a second", "--accept rate"),
    ("rate", lambda: survey(rate=None, rate_why="no backup"), "not measured: no backup", "data_backup"),
    ("reach", lambda: survey(unreached={P2: "no SSH session"}), "primary-2: no SSH session", "lim install"),
    ("host-keys", lambda: survey(strange_keys=frozenset({P2})), "primary-2: its host key", "console of the LIM"),
    ("rules", lambda: survey(unread={A1: "not_configured: x"}), "alternate-1: not_configured: x", "lim.conf"),
    (
        "rules",
        lambda: survey(status={A1: replace(UNORDERED, number=7, supervisor="other.run")}),
        "takes orders of other, takeover 7",
        "redundancy-lim remove",
    ),
    (
        "traffic",
        lambda: survey(status={P1: replace(UNORDERED, traffic=Traffic.BLOCKED)}),
        "the alternate carries the traffic",
        "more_configuration iptables remove --system primary",
    ),
]
SOFT = {"capacity", "room", "rate"}


@pytest.mark.parametrize(("name", "seen", "what", "remedy"), CASES)
def test_what_is_not_met_is_told_with_what_was_found_and_what_to_do(
    name: str, seen: Callable[[], Survey], what: str, remedy: str
):
    """
    That prerequisite and no other hinders.
    """
    all_found = found(seen())
    each = all_found[name]
    assert each.outcome is (Outcome.ASKED if name in SOFT else Outcome.BROKEN)
    assert what in "; ".join(each.found)
    assert remedy in each.remedy
    assert [other.name for other in hindering(tuple(all_found.values()))] == [name]


@pytest.mark.parametrize("name", sorted(SOFT))
def test_what_may_be_accepted_is_accepted_by_its_name_and_remembered(name: str):
    """
    The others are accepted by nobody.
    """
    seen = survey({A1: facts(processors=1)}, room_bytes=1, rate=1)
    all_found = tuple(found(seen, replace(ASKED, accept=(name,))).values())
    assert accepted(all_found) == (name,)
    assert {each.name for each in hindering(all_found)} == SOFT - {name}


def test_accepting_what_may_not_be_accepted_changes_nothing():
    """
    Another version stays another version.
    """
    each = found(survey({A1: facts(version="7.9")}), replace(ASKED, accept=("version",)))["version"]
    assert each.outcome is Outcome.BROKEN
    assert "--accept" not in each.remedy


@pytest.mark.parametrize(
    ("asked", "what", "remedy"),
    [
        (Asked("192.0.2.10/24", ("203.0.113.1",)), "a mask behind it", "without the slash: 192.0.2.10"),
        (Asked("192.0.2.10", ("203.0.113.1/24",)), "a mask behind it", "without the slash: 203.0.113.1"),
        (Asked("2001:db8:1::10/64", ("203.0.113.1",)), "a mask behind it", "without the slash: 2001:db8:1::10"),
        (Asked("192.0.2", ("203.0.113.1",)), "no address of a host", "no name is looked up"),
        (Asked("127.0.0.1", ("203.0.113.1",)), "no address of a host", "numeric"),
        (Asked("192.0.2.11", ("203.0.113.1",)), "the own address of primary-1", "serverConfigTool getMasterAddress"),
        (Asked("192.0.2.10", ("192.0.2.10",)), "is the master IP address", "depends on neither system"),
        (Asked("192.0.2.10", ("198.51.100.11",)), "is alternate-1", "depends on neither system"),
    ],
)
def test_an_address_that_cannot_be_right_is_refused_with_the_form_that_would_be(asked: Asked, what: str, remedy: str):
    """
    The corrected form stands in the remedy.
    """
    each = found(survey(), asked)["addresses"]
    assert each.outcome is Outcome.BROKEN
    assert what in each.found[0]
    assert remedy in each.remedy


def test_a_primary_that_did_not_say_whether_it_hears_the_control_address_is_not_taken_to_hear_it():
    """
    LIM 1 of the primary listens for it after a restart: that has to be known.
    """
    each = found(survey(primary_hears=None))["control"]
    assert each.outcome is Outcome.BROKEN
    assert "did not say whether it hears it" in each.found[-1]
    assert "ask again" in each.remedy


def test_an_address_is_one_in_every_spelling():
    """
    The own address of a LIM is none of an alias, whoever wrote it.
    """
    six = Server(System.PRIMARY, 2, "2001:db8::12")
    seen = survey(servers=(*ALL, six))
    each = found(seen, Asked("2001:DB8:0::12", ("203.0.113.1",)))["addresses"]
    assert "is the own address of primary-2" in each.found[0]
    each = found(seen, Asked("192.0.2.10", ("2001:0db8::12",)))["addresses"]
    assert "is primary-2" in each.found[0]
    each = found(seen, Asked("2001:db8::a", ("2001:DB8::A",)))["addresses"]
    assert "is the master IP address" in each.found[0]


def test_other_gateways_are_not_accepted_and_unknown_ones_may_be():
    """
    What differs is wrong; what nothing tells is the operator's to say.
    """
    other = found(survey({A1: facts(gateways=("1B",))}))["gateways"]
    assert other.outcome is Outcome.BROKEN
    assert other.found == ("primary: 1A", "alternate: 1A, 1B")
    unknown = survey({A1: facts(gateways=None)})
    assert found(unknown)["gateways"].outcome is Outcome.ASKED
    assert found(unknown, replace(ASKED, accept=("gateways",)))["gateways"].outcome is Outcome.ACCEPTED


def test_an_automatic_return_wants_to_know_the_fallback_of_clusters():
    """
    Asked only where the primary has standby servers, and the return is automatic; what the operator said counts.
    """
    clustered = survey({STANDBY: facts(exchange="stopped")}, servers=(*ALL, STANDBY))
    automatic = Methods(primary_from_alternate=Method.AUTOMATIC)
    assert found(clustered)["fallback"].outcome is Outcome.MET
    assert found(survey(), methods=automatic)["fallback"].outcome is Outcome.MET
    asked = found(clustered, methods=automatic)["fallback"]
    assert asked.outcome is Outcome.ASKED
    assert "redundancyctl settings cluster-fallback automatic" in asked.remedy
    assert found(clustered, methods=automatic, fallback=Fallback.AUTOMATIC)["fallback"].outcome is Outcome.MET
    assert found(clustered, methods=automatic, fallback=Fallback.MANUAL)["fallback"].outcome is Outcome.ASKED


def test_a_primary_whose_lim_1_runs_on_its_standby_server_is_told():
    """
    The exchange runs there and not on the regular one.
    """
    moved = survey({STANDBY: FACTS, P1: facts(exchange="stopped")}, servers=(*ALL, STANDBY))
    each = found(moved)["regular-server"]
    assert each.outcome is Outcome.BROKEN
    assert "standby server, 192.0.2.21" in each.found[0]
    assert found(moved)["exchange"].outcome is Outcome.MET


def test_a_system_of_which_nobody_answers_is_told_without_a_mistake_of_ours():
    """
    Nothing is known: everything is said all the same.
    """
    silent = Survey(servers=ALL, unreached=dict.fromkeys(ALL, "no answer"))
    names = {each.name for each in hindering(tuple(found(silent).values()))}
    assert {"reach", "master", "control", "version", "regular-server", "room", "rate"} <= names


def test_the_words_of_a_lim_become_facts_or_a_reason():
    """
    What an older release does not tell is not known; garbage is none.
    """
    line = '{"ok":true,"lim":1,"version":"7.8","processors":2,"memory_kib":9,"lims":[2,1],"master":"192.0.2.10/24"}'
    told = parse_facts(line)
    assert (told.version, told.lims, told.gateways, told.clock_s, told.disk_kib) == ("7.8", (1, 2), None, None, None)
    assert parse_facts('{"ok":true,"gateways":["1B","1A"],"clock_s":5}').gateways == ("1A", "1B")
    for garbage in ("", "[]", '{"ok":false,"error":"busy"}', '{"ok":true,"processors":-1}', '{"ok":true,"lims":["1"]}'):
        with pytest.raises(ValueError, match=r"\w"):
            parse_facts(garbage)
