"""What a bed consists of: names, addresses and settings, before anything is made.

    primary 192.0.2.0/24 ----+
                             +---- router ---- phones 203.0.113.0/24
    alternate 198.51.100.0/24+

Every net has the router at .1; the router's leg in the phones' net is the network control address.  Nothing is linked
to the root namespace, so the same addresses may stand in many beds at once, and no packet can leave.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

from redundancyd.core.systems import System

BEDS = Path("/run/redundancy-lab")
PREFIX = re.compile(r"[a-z0-9][a-z0-9-]{0,23}")
SIP_PORT = 5060
MOST_LIMS = 60
SERVICES = (("udp", "5060"), ("tcp", "5060"), ("tcp", "5061"), ("udp", "17000-17010"))


@dataclass(frozen=True, slots=True)
class Net:
    """One of the three places, with its IPv4 and IPv6 network."""

    name: str
    v4: str  # the first three numbers
    v6: str  # the part before the host

    def address(self, host: int) -> str:
        """The IPv4 address of a host in this net."""
        return f"{self.v4}.{host}"

    def address6(self, host: int) -> str:
        """The IPv6 address of a host in this net; the host number is written in decimal digits, to be read alike."""
        return f"{self.v6}::{host}"

    @property
    def nets(self) -> tuple[str, str]:
        """Both networks of the place, as rules name them."""
        return f"{self.v4}.0/24", f"{self.v6}::/64"


NETS = {
    "primary": Net("primary", "192.0.2", "2001:db8:1"),
    "alternate": Net("alternate", "198.51.100", "2001:db8:2"),
    "phones": Net("phones", "203.0.113", "2001:db8:3"),
}
CONTROL = NETS["phones"].address(1)
CONTROL6 = NETS["phones"].address6(1)


@dataclass(frozen=True, slots=True)
class LimPlan:
    """One LIM to be: whose it is, its number and its addresses."""

    system: System
    number: int

    @property
    def name(self) -> str:
        """How the LIM is called everywhere: `primary-1`."""
        return f"{self.system}-{self.number}"

    @property
    def net(self) -> Net:
        """The net the LIM stands in."""
        return NETS[self.system]

    @property
    def host(self) -> int:
        """The LIM's number in its net."""
        return 10 + self.number

    @property
    def address(self) -> str:
        """The LIM's own address."""
        return self.net.address(self.host)

    @property
    def address6(self) -> str:
        """The LIM's own IPv6 address."""
        return self.net.address6(self.host)

    @property
    def is_supervisor(self) -> bool:
        """LIM 1 of the alternate, where the daemon runs."""
        return self.system is System.ALTERNATE and self.number == 1


def master_address(system: System) -> str:
    """The alias that follows the master of a system."""
    return NETS[system].address(10)


@dataclass(frozen=True, slots=True)
class PhonePlan:
    """One phone to be: its address, and the LIM number it belongs to in both systems."""

    number: int
    lim: int
    transport: str

    @property
    def address(self) -> str:
        """The phone's own address."""
        return NETS["phones"].address(20 + self.number)

    def server(self, system: System) -> str:
        """Where the phone asks in a system: its LIM over UDP, the master over TCP."""
        return LimPlan(system, self.lim).address if self.transport == "udp" else master_address(system)


@dataclass(frozen=True, slots=True)
class BedPlan:
    """A bed to be: its prefix, its size, and what differs from the ordinary settings."""

    prefix: str
    lims: int = 2
    backend: str = ""  # "", "nft" or "legacy": which iptables the LIMs use
    settings: dict[str, str] = field(default_factory=dict)  # "heartbeat.interval_ms" -> "1000"
    backups: int = 3  # of exchange data that each system has made; 0 to 3
    data_files: int = 40  # in each backup of a LIM
    data_bytes: int = 2_000_000
    configured: bool = True  # the settings say the addresses that `configure` is told otherwise
    reload_ms: int = 500  # how long an exchange takes to reload its data
    installed: bool = True  # redundancy-lim and what belongs to it is on the LIMs, as `lim install` leaves them

    def __post_init__(self) -> None:
        if not PREFIX.fullmatch(self.prefix):
            raise ValueError(f"prefix {self.prefix!r}: use up to 24 small letters, digits and dashes")
        if not 1 <= self.lims <= MOST_LIMS:
            raise ValueError(f"{self.lims} LIMs: a bed has 1 to {MOST_LIMS} in each system")
        if self.backend not in {"", "nft", "legacy"}:
            raise ValueError(f"backend {self.backend!r}: nft or legacy")

    @property
    def folder(self) -> Path:
        """Where everything of the bed lies that is a file."""
        return BEDS / self.prefix

    def namespace(self, name: str) -> str:
        """The network namespace of a LIM, of the router or of the phones."""
        return f"rlab.{self.prefix}.{name}"

    def of(self, system: System) -> list[LimPlan]:
        """The LIMs of one system."""
        return [LimPlan(system, number) for number in range(1, self.lims + 1)]

    @property
    def all_lims(self) -> list[LimPlan]:
        """The LIMs of both systems."""
        return [*self.of(System.PRIMARY), *self.of(System.ALTERNATE)]

    @property
    def supervisor(self) -> LimPlan:
        """LIM 1 of the alternate."""
        return LimPlan(System.ALTERNATE, 1)

    @property
    def phones(self) -> list[PhonePlan]:
        """One phone a LIM number over UDP, and one that registers over TCP at the master address."""
        over_udp = [PhonePlan(number, number, "udp") for number in range(1, self.lims + 1)]
        return [*over_udp, PhonePlan(self.lims + 1, 1, "tcp")]


def lims_named(plan: BedPlan, where: str) -> list[LimPlan]:
    """The LIMs a scenario or a person means by `primary`, `alternate` or `primary-1`; ValueError when there is none."""
    chosen = [lim for lim in plan.all_lims if where in {lim.name, str(lim.system), "all"}]
    if not chosen:
        names = ", ".join(lim.name for lim in plan.all_lims)
        raise ValueError(f"no LIM is called {where!r}; there are primary, alternate, {names}")
    return chosen
