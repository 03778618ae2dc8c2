"""The settings file: what may stand in it, what each setting is when it does not, and what the decision needs of it.

Units stand in the names, or in the value ("10m").  `load` gives a Config or tells every mistake at once.
"""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from redundancyd.core.systems import Method, Methods, Server, Settings, System
from redundancyd.errors import SettingsInvalid
from redundancyd.setting_checks import cross_check
from redundancyd.setting_kinds import (
    AbsolutePath,
    Account,
    Address,
    Port,
    Ports,
    RateOrOff,
    SnmpOrOff,
    SocketPath,
    Span,
    SpanOrOff,
    TimeOrOff,
    WebhookOrOff,
    Words,
    WordsOrOff,
    Zone,
    at_least,
)
from redundancyd.setting_mistakes import Reading, read, syntax_mistake

_LARGEST = 1_000_000  # bytes; a settings file of more is no settings file


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Lim(_Table):
    """One server of one LIM."""

    lim: Annotated[int, Field(ge=1, le=999)]
    address: Address
    standby: bool = False


Lims = Annotated[list[Lim], Field(min_length=1, max_length=500)]
Addresses = Annotated[list[Address], Field(max_length=500)]


class PrimaryTable(_Table):
    """The primary system."""

    master_ip: Address
    lims: Lims
    further_addresses: Addresses = []


class AlternateTable(_Table):
    """The alternate system; its LIM 1 is this host."""

    lims: Lims
    further_addresses: Addresses = []


class NetworkControlTable(_Table):
    """Addresses in the endpoints' network; any one that answers shows that we are connected."""

    addresses: Annotated[list[Address], Field(min_length=1, max_length=8)]


class HeartbeatTable(_Table):
    """How the primary is asked whether it is there."""

    interval_ms: Annotated[int, Field(ge=50, le=60_000)] = 2000
    timeout_ms: Annotated[int, Field(ge=20, le=60_000)] = 1500
    packets: Annotated[int, Field(ge=1, le=10)] = 3
    missed: Annotated[int, Field(ge=3, le=100)] = 10
    probes: Annotated[list[Literal["icmp"]], Field(min_length=1, max_length=1)] = ["icmp"]
    cluster_failover: Span = 15_000


class TakeoverTable(_Table):
    """When traffic moves, and how long each step may take."""

    alternate_from_primary: Literal["manual", "automatic"] = "automatic"
    primary_from_alternate: Literal["manual", "automatic"] = "manual"
    return_after: Span = 600_000
    look_interval_ms: Annotated[int, Field(ge=200, le=600_000)] = 5000
    block_deadline_ms: Annotated[int, Field(ge=100, le=60_000)] = 1000
    allow_deadline_ms: Annotated[int, Field(ge=100, le=60_000)] = 3000
    reload_deadline: Span = 900_000
    takeovers_per_hour: Annotated[int, Field(ge=1, le=60)] = 4
    boot_hold: Annotated[Span, at_least(1000, "In this time the LIM can be told to stay blocked.")] = 180_000
    orphan_hold: Annotated[SpanOrOff, at_least(60_000, "A restart of redundancyd must fit into it.")] = None


class Service(_Table):
    """Ports at which a system serves its endpoints."""

    proto: Literal["udp", "tcp"]
    ports: Ports


_SERVICES = [
    Service(proto="udp", ports="5060"),
    Service(proto="tcp", ports="5060-5062"),
    Service(proto="tcp", ports="1720"),
    Service(proto="udp", ports="1719"),
    Service(proto="tcp", ports="8882-8883"),
    Service(proto="udp", ports="17000-31999"),
]


class TrafficTable(_Table):
    """What is blocked on the LIMs of the passive system."""

    services: Annotated[list[Service], Field(min_length=1, max_length=60)] = _SERVICES
    deny: Literal["reject", "drop"] = "reject"
    iptables: Literal["auto", "nft", "legacy"] = "auto"


class SshTable(_Table):
    """How the LIMs are reached."""

    user: Account = "redundancyd"
    key: AbsolutePath = "/var/lib/redundancyd/ssh/id_ed25519"
    known_hosts: AbsolutePath = "/var/lib/redundancyd/ssh/known_hosts"
    connect_timeout_ms: Annotated[int, Field(ge=200, le=60_000)] = 3000
    port: Port = 22
    local_socket: SocketPath = "/run/redundancy-lim.sock"


class ExchangeDataTable(_Table):
    """The daily copy of the primary's exchange data."""

    folder: AbsolutePath = "/var/lib/redundancyd/mirrors"
    keep: Annotated[int, Field(ge=3, le=30)] = 3
    auto: TimeOrOff = (2, 30)
    timezone: Zone = "local"
    max_age: Span = 172_800_000
    rate_limit: RateOrOff = None


class CommandsTable(_Table):
    """The exchange's own commands; sites and releases differ."""

    version: Words = ("ts_about",)
    status: Words = ("status", "-system")
    master: Words = ("serverConfigTool", "getMasterAddress")
    lims: Words = ("mxone_data", "-p")
    backups: Words = ("data_info",)
    reload: Words = ("reload", "--system")
    media_gateways: Words = ("media_gateway_config", "-p")
    media_gateway_interfaces: Words = ("media_gateway_interface", "-p")
    alarms: Words = ("alarm", "-p")
    accept_backup: WordsOrOff = ()


class DaemonTable(_Table):
    """Where the daemon keeps what must outlive it."""

    state_folder: AbsolutePath = "/var/lib/redundancyd"


class SocketTable(_Table):
    """Where operators and programs ask."""

    path: SocketPath = "/run/redundancyd/status.sock"
    group: Account = "redundancyd"


class AlarmsTable(_Table):
    """Who is told, besides the journal."""

    exchange_interval: Annotated[SpanOrOff, at_least(1000, "The exchange has better things to do.")] = 180_000
    snmp: SnmpOrOff = ""
    webhook: WebhookOrOff = ""
    command: WordsOrOff = ()


class Config(_Table):
    """The whole settings file, every value checked."""

    primary: PrimaryTable
    alternate: AlternateTable
    network_control: NetworkControlTable
    heartbeat: HeartbeatTable = HeartbeatTable()
    takeover: TakeoverTable = TakeoverTable()
    traffic: TrafficTable = TrafficTable()
    ssh: SshTable = SshTable()
    exchange_data: ExchangeDataTable = ExchangeDataTable()
    commands: CommandsTable = CommandsTable()
    daemon: DaemonTable = DaemonTable()
    socket: SocketTable = SocketTable()
    alarms: AlarmsTable = AlarmsTable()

    def servers(self) -> tuple[Server, ...]:
        """All servers of both systems, in the order of the file."""
        return tuple(self._servers())

    def _servers(self) -> Iterator[Server]:
        for system, lims in ((System.PRIMARY, self.primary.lims), (System.ALTERNATE, self.alternate.lims)):
            for entry in lims:
                yield Server(system, entry.lim, entry.address, entry.standby)

    def own_server(self) -> Server:
        """LIM 1 of the alternate on its regular server: the host we run on."""
        return next(
            server
            for server in self.servers()
            if server.system is System.ALTERNATE and server.lim == 1 and not server.standby
        )

    def core_settings(self) -> Settings:
        """What the decision needs to know."""
        return Settings(
            servers=self.servers(),
            interval_ms=self.heartbeat.interval_ms,
            timeout_ms=self.heartbeat.timeout_ms,
            missed=self.heartbeat.missed,
            return_after_ms=self.takeover.return_after,
            look_interval_ms=self.takeover.look_interval_ms,
            block_deadline_ms=self.takeover.block_deadline_ms,
            allow_deadline_ms=self.takeover.allow_deadline_ms,
            reload_deadline_ms=self.takeover.reload_deadline,
            takeovers_per_hour=self.takeover.takeovers_per_hour,
            orphan_hold_ms=self.takeover.orphan_hold,
        )

    def methods(self) -> Methods:
        """The methods of the file; one that the operator set with the utility goes before them."""
        return Methods(
            alternate_from_primary=Method(self.takeover.alternate_from_primary),
            primary_from_alternate=Method(self.takeover.primary_from_alternate),
        )


def load(path: str | Path) -> Config:
    """The settings of this file; SettingsInvalid with every mistake in it."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        why = error.strerror or str(error)
        raise SettingsInvalid(str(path), (f"cannot be read: {why}. Name the file with --config.",)) from error
    return parse(data, str(path))


def parse(data: bytes, path: str = "settings") -> Config:
    """The settings in these bytes; SettingsInvalid with every mistake in them."""
    if len(data) > _LARGEST:
        raise SettingsInvalid(path, (f"more than {_LARGEST} bytes: this is no settings file.",))
    try:
        text = data.decode()
        raw: dict[str, Any] = tomllib.loads(text)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsInvalid(path, (syntax_mistake(data, error),)) from error
    reading: Reading[Config] = read(Config, raw, text)
    mistakes = [*reading.mistakes, *cross_check(reading.values, reading.lines)]
    if mistakes or reading.value is None:
        lines = tuple(str(mistake) for mistake in sorted(mistakes, key=lambda mistake: mistake.line))
        raise SettingsInvalid(path, lines)
    return reading.value
