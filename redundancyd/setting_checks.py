"""What must be true between settings.  Pure; a check runs when all the values it needs are sound by themselves."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from redundancyd.setting_mistakes import Lines, Mistake, Path, line_of, name_of, shown

Values = Mapping[str, Any]
_Found = Iterator[tuple[Path, object, str, str]]  # where, what stands there, what is expected, remedy
_CHECKS: list[tuple[Callable[[Values], _Found], tuple[str, ...]]] = []


def cross_check(values: Values, lines: Lines) -> list[Mistake]:
    """Every mistake that no value shows by itself."""
    return [
        Mistake(line_of(lines, path), name_of(path), shown(found), expected, remedy)
        for check, needs in _CHECKS
        if all(need in values for need in needs)
        for path, found, expected, remedy in check(values)
    ]


def _needs(*keys: str) -> Callable[[Callable[[Values], _Found]], Callable[[Values], _Found]]:
    def register(check: Callable[[Values], _Found]) -> Callable[[Values], _Found]:
        _CHECKS.append((check, keys))
        return check

    return register


@_needs("heartbeat.interval_ms", "heartbeat.timeout_ms")
def _probe_deadline(values: Values) -> _Found:
    interval, timeout = values["heartbeat.interval_ms"], values["heartbeat.timeout_ms"]
    if timeout > interval:
        remedy = "A beat must have ended before the next begins: shorten timeout_ms or lengthen interval_ms."
        yield ("heartbeat", "timeout_ms"), timeout, f"at most interval_ms, {interval}", remedy


@_needs("heartbeat.interval_ms", "heartbeat.missed", "heartbeat.cluster_failover", "primary.lims")
def _cluster_first(values: Values) -> _Found:
    interval, missed, failover = (values[f"heartbeat.{key}"] for key in ("interval_ms", "missed", "cluster_failover"))
    if any(entry.standby for entry in values["primary.lims"]) and missed * interval <= failover:
        yield (
            ("heartbeat", "missed"),
            missed,
            f"more than {failover // interval}, so that missed x interval_ms exceeds cluster_failover, {failover} ms",
            "The primary has standby servers: its cluster must have had time to help itself.",
        )


@_needs("primary.lims", "alternate.lims")
def _same_lims(values: Values) -> _Found:
    primary, alternate = ({entry.lim for entry in values[f"{system}.lims"]} for system in ("primary", "alternate"))
    for system, own, other in (("primary", primary, alternate), ("alternate", alternate, primary)):
        if missing := sorted(other - own):
            remedy = "Both systems have the same LIM numbers; add what is missing or remove it from the other system."
            yield (system, "lims"), sorted(own), f"LIM {', '.join(map(str, missing))} as well", remedy


def _regular_servers(system: str, values: Values) -> _Found:
    lims = values[f"{system}.lims"]
    regular = Counter(entry.lim for entry in lims if not entry.standby)
    for index, entry in enumerate(lims):
        if not entry.standby and regular[entry.lim] > 1:
            remedy = "Mark the other as standby = true, or correct its number."
            yield (system, "lims", index, "lim"), entry.lim, f"one regular server of LIM {entry.lim}", remedy
        if entry.standby and not regular[entry.lim]:
            remedy = "A standby server stands by for a regular one: list that too."
            yield (system, "lims", index, "lim"), entry.lim, f"a regular server of LIM {entry.lim} besides", remedy
    if not any(entry.lim == 1 for entry in lims):
        yield (system, "lims"), sorted(regular), "a LIM 1", "LIM 1 carries the management part of a system."


@_needs("primary.lims")
def _regular_in_primary(values: Values) -> _Found:
    return _regular_servers("primary", values)


@_needs("alternate.lims")
def _regular_in_alternate(values: Values) -> _Found:
    return _regular_servers("alternate", values)


@_needs()
def _addresses_once(values: Values) -> _Found:
    homes: dict[str, list[Path]] = defaultdict(list)
    if "primary.master_ip" in values:
        homes[values["primary.master_ip"]].append(("primary", "master_ip"))
    for system in ("primary", "alternate"):
        for index, entry in enumerate(values.get(f"{system}.lims", ())):
            homes[entry.address].append((system, "lims", index, "address"))
    for index, address in enumerate(values.get("network_control.addresses", ())):
        homes[address].append(("network_control", "addresses", index))
    for address, (first, *again) in homes.items():
        for path in again:
            yield (
                path,
                address,
                "an address of its own",
                f"It already stands at {name_of(first)}. {_reason(first, path)}",
            )


@_needs("primary.lims", "alternate.lims")
def _further_are_its_own(values: Values) -> _Found:
    """What is let through while blocked must not be anybody else."""
    addresses = {system: {entry.address for entry in values[f"{system}.lims"]} for system in ("primary", "alternate")}
    if "primary.master_ip" in values:
        addresses["primary"].add(values["primary.master_ip"])
    control = set(values.get("network_control.addresses", ()))
    for system, other in (("primary", "alternate"), ("alternate", "primary")):
        strange = addresses[other] | control | set(values.get(f"{other}.further_addresses", ()))
        for index, address in enumerate(values.get(f"{system}.further_addresses", ())):
            if address in strange:
                remedy = "These addresses are let through whatever is blocked; leave out what is not the system's own."
                yield (system, "further_addresses", index), address, f"an address of the {system}'s own servers", remedy


def _reason(first: Path, again: Path) -> str:
    if "network_control" in (first[0], again[0]):
        return "The network control address must not depend on a server of either system."
    if first == ("primary", "master_ip"):
        return "The master IP address is an alias that moves; a LIM is listed with the address that stays."
    return "Two servers cannot share one."


@_needs("traffic.services")
def _ssh_stays_open(values: Values) -> _Found:
    port = values.get("ssh.port", 22)
    for index, service in enumerate(values["traffic.services"]):
        first, _, last = service.ports.partition("-")
        if service.proto == "tcp" and int(first) <= port <= int(last or first):
            remedy = f"Blocking tcp port {port} would cut the LIMs off from their supervision."
            yield ("traffic", "services", index, "ports"), service.ports, "endpoint services only", remedy
