"""The router between the three nets, the cables to it, and the cuts in it.

A cut is a DROP in the router, so nobody is told anything.  All cuts that stand at one time are rendered into one rule
set and put in at once: links that are cut together are cut together to the packet.
"""

from collections.abc import Iterable
from ipaddress import ip_network

from redundancyd.lab.plan import NETS, BedPlan, LimPlan, Net
from redundancyd.lab.system import LabError, run
from redundancyd.scenarios.links import Site, Way

ROUTER = "router"
PHONES = "phones"
PHONES_HOST = 2
"""below the addresses of the phones themselves"""
FORWARDING = (
    "echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding; "
    "echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad"
)

FROM_SSHD = ["-s", NETS["primary"].nets[0], "-d", NETS["alternate"].nets[0], "-p", "tcp", "--sport", "22"]


def make_router(plan: BedPlan) -> None:
    """Make the router's namespace with one leg in each net."""
    namespace = plan.namespace(ROUTER)
    run(["ip", "netns", "add", namespace])
    run(["ip", "netns", "exec", namespace, "/bin/sh", "-c", FORWARDING])
    lines = ["link set lo up"]
    for number, net in enumerate(NETS.values(), start=1):
        leg = f"br-{net.name}"
        lines += [
            # An address of its own: a bridge takes the lowest one of its ports, and would change it with them.
            f"link add {leg} address 02:00:00:00:00:{number:02x} type bridge",
            f"addr add {net.address(1)}/24 dev {leg}",
            f"addr add {net.address6(1)}/64 dev {leg} nodad",
            f"link set {leg} up",
        ]
    batch(namespace, lines)


def make_phones(plan: BedPlan) -> None:
    """Make the phones' namespace: one cable, one address a phone."""
    namespace = plan.namespace(PHONES)
    run(["ip", "netns", "add", namespace])
    plug(plan, PHONES, NETS["phones"], PHONES_HOST)
    lines = ["link set lo up", "link set eth0 up"]
    for phone in plan.phones:
        lines.append(f"addr add {phone.address}/24 dev eth0")
        lines.append(f"addr add {NETS['phones'].address6(20 + phone.number)}/64 dev eth0 nodad")
    batch(namespace, [*lines, *routes(NETS["phones"])])


def hardware_address(net: Net, host: int) -> str:
    """Of a host's network card: it goes with the host, and outlives the power."""
    return f"02:00:00:00:{list(NETS.values()).index(net) + 1:02x}:{host:02x}"


def plug(plan: BedPlan, name: str, net: Net, host: int) -> None:
    """Lay a cable from a namespace to the router's leg in that net; the far end stays down until the LIM's own boot.

    A card with a new address after each power cut would not be heard by neighbours that know the old one: the kernel
    trusts that for up to 45 s after the host's last word, and needs 8 s more to give it up.
    """
    router = plan.namespace(ROUTER)
    card = ["eth0", "address", hardware_address(net, host), "netns", plan.namespace(name)]
    run(["ip", "link", "add", *card, "type", "veth", "peer", "name", name, "netns", router])
    batch(router, [f"link set {name} master br-{net.name}", f"link set {name} up"])


def unplug(plan: BedPlan, name: str) -> None:
    """Pull the cable at the router: from here on the LIM can say nothing more, not even goodbye."""
    run(["ip", "-n", plan.namespace(ROUTER), "link", "del", name], check=False)


def port(plan: BedPlan, name: str, *, up: bool) -> None:
    """Switch the router's port of one LIM on or off; the cable stays."""
    run(["ip", "-n", plan.namespace(ROUTER), "link", "set", name, "up" if up else "down"])


def lim_network(lim: LimPlan, *, is_master: bool) -> str:
    """What a LIM's boot gives to `ip -batch`: interfaces, addresses and routes."""
    lines = [
        "link set lo up",
        "link set eth0 up",
        f"addr add {lim.address}/24 dev eth0",
        f"addr add {lim.address6}/64 dev eth0 nodad",
    ]
    if is_master:
        lines.append(f"addr add {lim.net.address(10)}/24 dev eth0")
        lines.append(f"addr add {lim.net.address6(10)}/64 dev eth0 nodad")
    return "\n".join([*lines, *routes(lim.net), ""])


def routes(net: Net) -> list[str]:
    """The default routes of a host in this net."""
    return [f"route replace default via {net.address(1)}", f"route replace ::/0 via {net.address6(1)}"]


def batch(namespace: str, lines: Iterable[str]) -> None:
    """Give several `ip` commands to one namespace at once."""
    run(["ip", "-n", namespace, "-batch", "-"], text="\n".join([*lines, ""]))


def render_cuts(ways: Iterable[Way], family: int) -> str:
    """The router's whole rule set for the ways that are cut, as `iptables-restore` reads it."""
    rules = sorted({rule for way in ways for rule in _rules(way, family)})
    return "\n".join(["*filter", ":INPUT ACCEPT", ":FORWARD ACCEPT", ":OUTPUT ACCEPT", *rules, "COMMIT", ""])


def _rules(way: Way, family: int) -> list[str]:
    """One way, dropped in the chain of the router it passes; the control address is the router itself."""
    source = "" if way.source is Site.CONTROL else f" -s {_network(way.source, family)}"
    target = "" if way.target is Site.CONTROL else f" -d {_network(way.target, family)}"
    if way.target is Site.CONTROL:
        return [f"-A INPUT{source} -j DROP"]
    if way.source is Site.CONTROL:
        return [f"-A OUTPUT{target} -j DROP"]
    return [f"-A FORWARD{source}{target} -j DROP"]


def _network(site: Site, family: int) -> str:
    nets = NETS[site].nets
    return next(net for net in nets if ip_network(net).version == family)


def set_cuts(plan: BedPlan, ways: Iterable[Way]) -> None:
    """Make exactly these ways cut and all others whole."""
    standing = list(ways)
    inside = ["ip", "netns", "exec", plan.namespace(ROUTER)]
    run([*inside, "iptables-restore", "-w", "5"], text=render_cuts(standing, 4))
    run([*inside, "ip6tables-restore", "-w", "5"], text=render_cuts(standing, 6))


def count_copies(plan: BedPlan) -> None:
    """Count what the primary's sshd sends to the alternate, from zero; what cuts drop is not counted."""
    rule = ["POSTROUTING", *FROM_SSHD]
    router_rule(plan, ["-t", "mangle", "-D", *rule], check=False)
    router_rule(plan, ["-t", "mangle", "-A", *rule])


def counted_bytes(plan: BedPlan) -> int:
    """What it has sent since then, headers and all."""
    return rule_bytes(plan, "mangle", "POSTROUTING", 1)


def rule_bytes(plan: BedPlan, table: str, chain: str, number: int) -> int:
    """The bytes that a rule of the router has met; LabError where there is no such rule."""
    said = router_rule(plan, ["-t", table, "-L", chain, str(number), "-v", "-x", "-n"]).split()
    if not said:
        raise LabError("nothing is counted on the line: say `count` before")
    return int(said[1])


def router_rule(plan: BedPlan, words: list[str], *, check: bool = True) -> str:
    """One call of iptables in the router."""
    return run(["ip", "netns", "exec", plan.namespace(ROUTER), "iptables", "-w", "5", *words], check=check)
