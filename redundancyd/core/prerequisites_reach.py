"""Prerequisites of each LIM by itself: it is who it should be, answers, can be ordered, and works.  Pure."""

from redundancyd.core.prerequisite_kinds import (
    SIDES,
    Checked,
    Given,
    Lack,
    each_of,
    is_address,
    is_same,
    joined,
    spelled,
    without_mask,
)
from redundancyd.core.systems import System, Traffic


def addresses(given: Given) -> Checked:
    """What was typed makes sense by itself."""
    asked, taken = given.asked, {spelled(server.address): server.name for server in given.survey.servers}
    told = (f"master IP address {asked.master_ip}", f"network control address {joined(asked.control)}")
    for text in (asked.master_ip, *asked.control):
        if short := without_mask(text):
            return told, Lack((f"{text} has a mask behind it",), f"Write it without the slash: {short}")
        if not is_address(text):
            return told, Lack((f"{text} is no address of a host",), "Write a numeric IP address; no name is looked up.")
    if (name := taken.get(spelled(asked.master_ip))) is not None:
        why = f"{asked.master_ip} is the own address of {name}"
        remedy = "Give the alias that follows the master: 'serverConfigTool getMasterAddress' prints it."
        return told, Lack((why,), remedy)
    taken[spelled(asked.master_ip)] = "the master IP address"
    for address in asked.control:
        if (whose := taken.get(spelled(address))) is not None:
            remedy = "Give one in the network of the endpoints that depends on neither system: their default gateway."
            return told, Lack((f"{address} is {whose}",), remedy)
    return told, None


def host_keys(given: Given) -> Checked:
    """Nobody stands in for a LIM."""
    strange = sorted(server.name for server in given.survey.strange_keys)
    if not strange:
        return ("the host key of every server is the pinned one",), None
    found = tuple(f"{name}: its host key is not the one that is pinned" for name in strange)
    remedy = "Compare the key at the console of the LIM; if it was reinstalled, pin it anew: redundancyctl lim install"
    return found, Lack(found, remedy)


def reach(given: Given) -> Checked:
    """Every server answers."""
    lost = {
        server.name: why for server, why in given.survey.unreached.items() if server not in given.survey.strange_keys
    }
    if not lost:
        return (f"all {len(given.survey.servers)} servers answer",), None
    return each_of(lost), Lack(each_of(lost), "Put redundancy-lim and our key there: redundancyctl lim install")


def rules(given: Given) -> Checked:
    """Every LIM can be ordered, and by nobody else."""
    unread = {server.name: why for server, why in given.survey.unread.items()}
    if unread:
        remedy = (
            "Mend lim.conf on that LIM: redundancyctl lim install; 'redundancy-lim status' there says what is wrong."
        )
        return each_of(unread), Lack(each_of(unread), remedy)
    foreign = {
        server.name: f"takes orders of {status.supervisor.partition('.')[0]}, takeover {status.number}"
        for server, status in given.survey.status.items()
        if status.supervisor and status.supervisor.partition(".")[0] != given.known.us.id
    }
    if foreign:
        remedy = "Remove the other supervision there; where it is lost, as root on that LIM: redundancy-lim remove"
        return each_of(foreign), Lack(each_of(foreign), remedy)
    return ("every LIM says what its rules do, and nobody else orders it",), None


def exchange(given: Given) -> Checked:
    """The exchange runs everywhere, and rests."""
    wrong = {}
    for system in SIDES:
        for lim in given.survey.lims(system):
            running = given.survey.running(system, lim)
            if running is None:
                continue
            server, facts = running
            if facts.exchange != "running":
                wrong[server.name] = f"exchange {facts.exchange or 'unknown'}"
            elif facts.measure:
                wrong[server.name] = f"busy with: {facts.measure}"
    if wrong:
        return each_of(wrong), Lack(each_of(wrong), "Start the exchange there, or wait until it has ended its work.")
    return ("the exchange runs on every LIM, and is at rest",), None


def master(given: Given) -> Checked:
    """The master IP address is the right one."""
    survey, wanted = given.survey, given.asked.master_ip
    answers = "answers" if survey.master_answers else "does not answer"
    says = {
        server.name: facts.master
        for server, facts in survey.facts.items()
        if server.system is System.PRIMARY and facts.exchange == "running"
    }
    told = (f"{wanted} {answers}", *(f"{name} reports {master or 'nothing'}" for name, master in says.items()))
    reported = sorted({master for master in says.values() if master})
    if not reported:
        return told, Lack(told, "Make 'serverConfigTool getMasterAddress' work there; [commands] master names it.")
    others = [master.partition("/")[0] for master in reported if not is_same(master.partition("/")[0], wanted)]
    if others:
        return told, Lack(told, f"Give the address that the primary itself reports: {others[0]}")
    if not survey.master_answers:
        return told, Lack(told, "Let the primary answer ping at it, and look at the line between the two places.")
    return told, None


def control(given: Given) -> Checked:
    """The network control address tells what it should."""
    answers = given.survey.control_answers
    told = [f"{address} {'answers' if answers.get(address) else 'does not answer'}" for address in given.asked.control]
    said = {True: "hears it", False: "does not hear it", None: "did not say whether it hears it"}
    told.append(f"the primary's LIM 1 {said[given.survey.primary_hears]}")
    if not answers or not all(answers.values()):
        return tuple(told), Lack(tuple(told), "Choose an address that answers ping and is always on.")
    if given.survey.primary_hears is False:
        return tuple(told), Lack(tuple(told), "Choose an address that both systems hear: the endpoints' gateway.")
    if given.survey.primary_hears is None:
        remedy = (
            "Name fewer addresses, or look at LIM 1 of the primary (redundancy-lim observe ADDRESS), and ask again."
        )
        return tuple(told), Lack(tuple(told), remedy)
    return tuple(told), None


def traffic(given: Given) -> Checked:
    """What will be reloaded carries no traffic."""
    kinds = {
        system: {status.traffic for server, status in given.survey.status.items() if server.system is system}
        for system in SIDES
    }
    told = tuple(f"{system}: {joined(sorted(kinds[system]))}" for system in SIDES)
    if kinds[System.PRIMARY] <= {Traffic.ALLOWED}:
        return told, None
    remedy = (
        "Let the primary carry the traffic first: 'redundancyctl more_configuration iptables remove --system primary', "
        "or on its LIMs as root: redundancy-lim allow --by-hand"
    )
    if Traffic.ALLOWED in kinds[System.ALTERNATE]:
        told = (*told, "the alternate carries the traffic, and would be reloaded")
    return told, Lack(told, remedy)
