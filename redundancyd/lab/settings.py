"""The settings of a bed: redundancyd.toml for the daemon, lim.conf for each LIM; a page overrides what it likes."""

import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from redundancyd.core.systems import System
from redundancyd.lab.plan import CONTROL, SERVICES, BedPlan, LimPlan, master_address
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
        "alternate.lims": lims[System.ALTERNATE],
        "network_control.addresses": [CONTROL],
        **ORDINARY,
        "traffic.services": [{"proto": proto, "ports": ports} for proto, ports in SERVICES],
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


def seconds(written: str) -> str:
    """A span such as `180s` or `3m` in whole seconds, as lim.conf wants it; `off` stays."""
    if written == "off":
        return written
    units = {"s": 1, "m": 60, "h": 3600}
    return str(int(written[:-1]) * units[written[-1]])


def lim_settings(plan: BedPlan, lim: LimPlan) -> str:
    """The text of lim.conf."""
    values = effective(plan)
    friends = [address for other in plan.of(lim.system) for address in (other.address, other.address6)]
    lines = [
        f"lim={lim.number}",
        f"system={lim.system}",
        f"lims={' '.join(friends)}",
        f"services={' '.join(f'{proto}:{ports}' for proto, ports in SERVICES)}",
        f"deny={values['traffic.deny']}",
        f"boot_hold={seconds(str(values['takeover.boot_hold']))}",
        f"orphan_hold={seconds(str(values['takeover.orphan_hold']))}",
        f"reload_deadline={seconds(str(values['takeover.reload_deadline']))}",
        f"control={CONTROL}",
        f"iptables={plan.backend}",
        "command_version=ts_about",
        "command_status=status -system",
        "command_master=serverConfigTool getMasterAddress",
        "command_lims=mxone_data -p",
        "command_backups=data_info",
        "command_gateways=media_gateway_config -p",
        "command_reload=reload --system",
        "command_accept_backup=accept_backup",
    ]
    return "\n".join([*lines, ""])
