"""The settings of a bed: redundancyd.toml for the daemon, lim.conf for each LIM; a page overrides what it likes."""

import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from redundancyd.config import Config, parse
from redundancyd.core.systems import Server, System
from redundancyd.lab.plan import CONTROL, SERVICES, BedPlan, LimPlan, master_address
from redundancyd.lim.texts import lim_conf
from redundancyd.scenarios.ordinary import ORDINARY, setting_value

Value: TypeAlias = str | int | Sequence[str] | Sequence[Mapping[str, str | int]]


def effective(plan: BedPlan) -> dict[str, Value]:
    """Every `section.key` of the daemon's settings that the lab writes, with the page's own values in place."""
    lims: dict[System, list[dict[str, str | int]]] = {
        system: [{"lim": lim.number, "address": lim.address} for lim in plan.of(system)] for system in System
    }
    values: dict[str, Value] = {
        "primary.master_ip": master_address(System.PRIMARY),
        "primary.lims": lims[System.PRIMARY],
        "primary.further_addresses": [lim.address6 for lim in plan.of(System.PRIMARY)],
        "alternate.lims": lims[System.ALTERNATE],
        "alternate.further_addresses": [lim.address6 for lim in plan.of(System.ALTERNATE)],
        "network_control.addresses": [CONTROL],
        **ORDINARY,
        "traffic.services": [{"proto": proto, "ports": ports} for proto, ports in SERVICES],
        "traffic.iptables": plan.backend or "auto",
        "commands.accept_backup": "accept_backup",
        "ssh.user": "redundancyd",
        "ssh.key": "/etc/redundancyd/supervision",
        "ssh.known_hosts": "/etc/redundancyd/known_hosts",
        "ssh.port": 22,
        "ssh.local_socket": "/run/redundancy-lim.sock",
        "exchange_data.auto": "off",  # no job comes between the steps of a page
        "daemon.state_folder": "/var/lib/redundancyd",
        "socket.path": "/run/redundancyd/status.sock",
        "socket.group": "redundancyd",
    }
    for name, written in plan.settings.items():
        values[name] = setting_value(written)
    return values


def daemon_settings(plan: BedPlan) -> str:
    """The text of redundancyd.toml."""
    sections: dict[str, list[str]] = {}
    for name, value in effective(plan).items():
        section, key = name.split(".")
        sections.setdefault(section, []).append(f"{key} = {_toml(value)}")
    return "\n".join(f"[{section}]\n" + "\n".join(lines) + "\n" for section, lines in sections.items())


def _toml(value: Value) -> str:
    """One value; strings, numbers, booleans and lists of them are written in TOML as they are in JSON."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        entries = [_table(entry) if isinstance(entry, Mapping) else json.dumps(entry) for entry in value]
        return f"[{', '.join(entries)}]"
    return json.dumps(value)


def _table(entry: Mapping[str, str | int]) -> str:
    return "{" + ", ".join(f"{key} = {json.dumps(value)}" for key, value in entry.items()) + "}"


def lim_settings(plan: BedPlan, lim: LimPlan) -> str:
    """The text of lim.conf, as `lim install` makes it from the daemon's settings."""
    return lim_conf(parsed(plan), server_of(lim))


def parsed(plan: BedPlan) -> Config:
    """The daemon's settings, read as the daemon reads them."""
    return parse(daemon_settings(plan).encode(), "the settings of the bed")


def server_of(lim: LimPlan) -> Server:
    """The LIM as the settings name it."""
    return Server(lim.system, lim.number, lim.address)
