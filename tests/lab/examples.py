"""What is prepared for an example of the table of actions, and how it is seen that it has done what it shows."""

from redundancyd.core.systems import System, Traffic
from redundancyd.lab.disk import translation
from redundancyd.lab.exchange_data import FOREIGN
from redundancyd.scenarios.links import ways
from tests.lab.place import ANSWER_S, BY_NAME, Place
from tests.lab.prompt import HOME

TABLE = f"{HOME}/table.txt"
ENTRY = "192.0.2.11 198.51.100.11\n"
"""Of the table of every bed, and of the examples."""
NEWEST = "20260309031502"


def calm(place: Place) -> None:
    """
    The primary is active, nothing goes on, and a takeover would work.
    """
    place.bed.set_cuts(())
    place.wait(lambda: bool(place.page("goal", "done")) and place.page("exchange_data", "step") == "resting")
    if place.page("pause") is not None:
        place.order("settings", "resume")
    place.wait(place.daemon.is_ready)
    if place.page("goal", "active") == "alternate":
        place.order("manual-takeover", "traffic-in-primary", "--yes")
        place.wait(place.daemon.is_ready)


# ---- exchange data --------------------------------------------------------------------------------------------------


def has_mirror(place: Place) -> bool:
    """
    Whether there is a whole mirror of the newest backup, and nothing goes on.
    """
    data = place.page("exchange_data")
    return data["step"] == "resting" and (NEWEST, "whole") in [(m["stamp"], m["condition"]) for m in data["mirrors"]]


def with_mirror(place: Place) -> None:
    """
    Copy the newest backup, if nobody has.
    """
    if not has_mirror(place):
        place.order("data", "copy")
        place.wait(lambda: has_mirror(place))
    place.wait(lambda: bool(place.translation().get("addresses")))


def all_confirmed(place: Place) -> None:
    """
    A mirror that nothing holds back.
    """
    with_mirror(place)
    if not has_entry(place):
        place.order("settings", "translation", "set", *ENTRY.split())
    if place.addresses("new"):
        place.order("settings", "translation", "confirm", "--yes")


def is_loaded(place: Place) -> bool:
    """
    Whether the alternate runs the newest backup.
    """
    running = place.bed.supervisor.run(["cat", "/var/opt/eri_sn/running"], check=False).strip()
    return running == NEWEST and place.page("exchange_data", "step") == "resting"


def is_verified(place: Place) -> bool:
    """
    Whether every byte of the mirrors was read.
    """
    events = (place.daemon.ask("GET", "/v1/events", ANSWER_S) or {"events": []})["events"]
    return "mirrors_verified" in {line["event"] for line in events} and has_mirror(place)


# ---- the translation table ------------------------------------------------------------------------------------------


def has_entry(place: Place) -> bool:
    """
    Whether the daemon's table translates the address of the examples.
    """
    lines = place.translation().get("table", "").splitlines()
    return ENTRY.split() in [line.replace("->", " ").split() for line in lines]


def without_entry(place: Place) -> None:
    """
    It does not.
    """
    place.write(TABLE, translation(place.bed.plan).replace(ENTRY, ""))
    place.order("settings", "translation", "import", TABLE)
    assert not has_entry(place)


def with_file(place: Place) -> None:
    """
    It does not, and there is a file which would.
    """
    without_entry(place)
    place.write(TABLE, translation(place.bed.plan))


def without_file(place: Place) -> None:
    """
    What is exported is not written over a file.
    """
    place.bed.supervisor.path(TABLE).unlink(missing_ok=True)


def is_exported(place: Place) -> bool:
    """
    Whether the file says what the daemon has.
    """
    return bool(place.bed.supervisor.path(TABLE).read_text() == place.translation()["table"])


# ---- the supervision ------------------------------------------------------------------------------------------------


def strange(place: Place) -> None:
    """
    Another supervisor has ordered our LIM 1, which is blocked, to be blocked.
    """
    number = place.page("goal", "number") + 900
    place.bed.supervisor.run(["redundancy-lim", "block", str(number), "stranger.run1"])
    place.wait(lambda: "foreign_supervisor" in place.alarms())


def is_adopted(place: Place) -> bool:
    """
    Nobody else orders our LIMs.
    """
    return "foreign_supervisor" not in place.alarms() and bool(place.page("goal", "done"))


def strange_and_adopted(place: Place) -> None:
    """
    Somebody did, and it is over.
    """
    strange(place)
    place.order("settings", "adopt", "--yes")
    place.wait(lambda: is_adopted(place))


def latched(place: Place) -> None:
    """
    An automatic takeover, of which this bed allows one within an hour.
    """
    place.bed.set_cuts(ways("primary"))
    place.wait(lambda: "latched" in place.alarms())


# ---- into a pair, and out of it -------------------------------------------------------------------------------------


def is_configured(place: Place) -> bool:
    """
    The pair is supervised: a takeover would work.
    """
    return bool(place.page("configured")) and place.daemon.is_ready()


def is_unconfigured(place: Place) -> bool:
    """
    Nobody supervises, every LIM can be asked, and none holds an order: what was done by hand is none.
    """
    lims = [lim for system in (place.page("systems") or {}).values() for lim in system["lims"]]
    reached = bool(lims) and all(lim["reach"] for lim in lims)
    words = {str(lim.ordered().get("word", "none")) for lim in place.bed.lims.values()}
    return reached and place.page("configured") is False and words == {"none"}


def unconfigured(place: Place) -> None:
    """
    There is no pair, and a table in which the addresses of others stand for themselves.
    """
    if place.page("configured"):
        place.order("remove", "--yes")
    place.wait(lambda: is_unconfigured(place))
    place.write(TABLE, translation(place.bed.plan) + "".join(f"{address} {address}\n" for address in FOREIGN))


def configured(place: Place) -> None:
    """
    There is one.
    """
    if not place.page("configured"):
        unconfigured(place)
        place.at.type(BY_NAME["configure"].example)
    place.wait(lambda: is_configured(place))


def blocked_by_hand(place: Place) -> None:
    """
    Somebody has blocked LIM 2 of the primary.
    """
    unconfigured(place)
    place.bed.lims["primary-2"].run(["redundancy-lim", "block", "--by-hand"])


def traffic(place: Place, system: System) -> set[Traffic]:
    """
    What the rules of the LIMs of a system do, read from outside.
    """
    return {lim.traffic() for lim in place.bed.of(system)}


# ---- what stands on a LIM -------------------------------------------------------------------------------------------


def is_installed(place: Place) -> bool:
    """
    Program and settings are on every LIM, and nobody but root may write them.
    """
    look = ["stat", "-c", "%a", "/usr/sbin/redundancy-lim", "/etc/redundancyd/lim.conf"]
    return all(lim.run(look, check=False).split() == ["755", "644"] for lim in place.bed.lims.values())


def installed_and_opened(place: Place) -> None:
    """
    They are, and somebody has made the settings of a LIM writable for everybody.
    """
    if not is_installed(place):
        place.at.type(BY_NAME["lim-install"].example)
    place.bed.lims["primary-1"].run(["chmod", "666", "/etc/redundancyd/lim.conf"])
