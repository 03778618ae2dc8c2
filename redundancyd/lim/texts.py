"""The texts that stand on a LIM, made from the settings: what `lim install` puts there, and the lab too.  Pure."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from redundancyd import lim
from redundancyd.config import Config
from redundancyd.core.systems import Server, System

PROGRAM = "/usr/sbin/redundancy-lim"
SETTINGS = "/etc/redundancyd/lim.conf"
SUDOERS = "/etc/sudoers.d/redundancy-lim"
UNITS = ("redundancy-lim-boot.service", "redundancy-lim-hold.service", "redundancy-lim-hold.timer")
SOCKET_UNITS = ("redundancy-lim.socket", "redundancy-lim@.service")
STARTED = ("redundancy-lim-boot.service", "redundancy-lim-hold.timer")
STARTED_HERE = ("redundancy-lim.socket",)
FORCED = f'command="sudo -n {PROGRAM}"'
"""Stands in every line of ours in authorized_keys, whatever the key."""

_MS = 1000


@dataclass(frozen=True, slots=True)
class File:
    """A file on a LIM; it belongs to root."""

    path: str
    text: str
    mode: int = 0o644

    @property
    def sha256(self) -> str:
        """The checksum of what is in it."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def files(config: Config, server: Server) -> tuple[File, ...]:
    """Every file of ours on this server, but for the line in authorized_keys."""
    is_here = server == config.own_server()
    found = [
        File(PROGRAM, shipped("redundancy-lim"), 0o755),
        File(SETTINGS, lim_conf(config, server)),
        *(File(f"/etc/systemd/system/{name}", shipped(name)) for name in UNITS),
    ]
    if is_here:  # the daemon's orders come in by the socket, and no key opens this host
        return (*found, *(File(f"/etc/systemd/system/{name}", shipped(name)) for name in SOCKET_UNITS))
    return (*found, File(SUDOERS, sudoers(config.ssh.user), 0o440))


def started(config: Config, server: Server) -> tuple[str, ...]:
    """The units of this server that systemd starts by itself."""
    return (*STARTED, *STARTED_HERE) if server == config.own_server() else STARTED


@cache
def shipped(name: str) -> str:
    """The text of one of the files that come with this package."""
    return lim.path(name).read_text()


def sudoers(user: str) -> str:
    """The line that lets the supervision's account run the program as root, and nothing else."""
    return shipped("redundancy-lim.sudoers").replace("\nredundancyd ALL=", f"\n{user} ALL=")


def key_line(public_key: str) -> str:
    """The line of authorized_keys that lets the supervision in: its key runs one program."""
    return shipped("authorized_keys.template").replace("@PUBLIC_KEY@", public_key.strip())


def with_key(text: str, public_key: str) -> str:
    """An authorized_keys with our line in it, once; what is not ours stays as it is, and a key of ours of old goes."""
    return _lines([*(line for line in text.splitlines() if FORCED not in line), key_line(public_key).rstrip("\n")])


def lim_conf(config: Config, server: Server) -> str:
    """The text of lim.conf on this server.  Addresses are in their shortest spelling: so the settings have them."""
    takeover, commands = config.takeover, config.commands
    is_primary = server.system is System.PRIMARY
    return _lines(
        [
            '# Written by "redundancyctl lim install" from redundancyd.toml; change it there.',
            f"lim={server.lim}",
            f"system={server.system}",
            f"lims={' '.join(own_addresses(config, server.system))}",
            f"services={' '.join(f'{service.proto}:{service.ports}' for service in config.traffic.services)}",
            f"deny={config.traffic.deny}",
            f"boot_hold={seconds(takeover.boot_hold)}",
            f"orphan_hold={'off' if takeover.orphan_hold is None else seconds(takeover.orphan_hold)}",
            f"control={' '.join(config.network_control.addresses)}",
            f"iptables={'' if config.traffic.iptables == 'auto' else config.traffic.iptables}",
            f"standby={'yes' if server.standby else 'no'}",
            f"reload_deadline={seconds(takeover.reload_deadline)}",
            f"command_version={' '.join(commands.version)}",
            f"command_status={' '.join(commands.status)}",
            f"command_master={' '.join(commands.master)}",
            f"command_lims={' '.join(commands.lims)}",
            f"command_backups={' '.join(commands.backups)}",
            f"command_gateways={' '.join(commands.media_gateways)}",
            f"command_alarms={' '.join(commands.alarms)}",
            f"command_reload={' '.join(commands.reload)}",
            f"command_accept_backup={'off' if is_primary else ' '.join(commands.accept_backup) or 'off'}",
        ]
    )


def own_addresses(config: Config, system: System) -> tuple[str, ...]:
    """Every address that a system's own servers have, each once: they are never cut off from each other."""
    table = config.primary if system is System.PRIMARY else config.alternate
    found = [entry.address for entry in table.lims]
    found += [config.primary.master_ip] if system is System.PRIMARY else []
    return tuple(dict.fromkeys([*found, *table.further_addresses]))


def seconds(span_ms: int) -> int:
    """A span in whole seconds, as a LIM counts; a part of one counts as a whole."""
    return -(-span_ms // _MS)


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
