"""What `configure` was told, what it has done that may have to be undone, and what `remove` has left to do.  Values.

All of it is one small file, so that each change of it is whole: a pair is configured at the instant at which its site
is on the disk, and no longer when that is taken away.
"""

from dataclasses import dataclass, replace
from typing import Self


@dataclass(frozen=True, slots=True)
class Site:
    """What the operator said of this pair; it goes before the settings file."""

    master_ip: str
    control: tuple[str, ...]
    accepted: tuple[str, ...] = ()
    """prerequisites that were not met, or that nothing could tell, and that the operator accepted by name"""


@dataclass(frozen=True, slots=True)
class Begun:
    """What a `configure` under way has begun, noted before it does it; undone in reverse."""

    table: bool = False
    """the translation table and the confirmations were written; the old ones lie beside"""
    number: int = 0
    """takeover number under which LIMs of the alternate were ordered blocked; 0 is none"""
    blocked: tuple[str, ...] = ()
    """those LIMs, by name: all of them let traffic through before"""
    loading: bool = False
    """data was loaded into the alternate"""
    before: str = ""
    """the alternate's current backup before that"""
    goal: bool = False
    """the first goal was saved"""


@dataclass(frozen=True, slots=True)
class Setup:
    """The whole file."""

    site: Site | None = None
    removed: bool = False
    """`remove` ended the supervision: what the settings file says counts no more"""
    begun: Begun | None = None
    disarm: tuple[str, ...] = ()
    """servers that remember an order still, by name: after a reboot they would hold"""
    aside: bool = False
    """the state of the supervision that ended lies in its place still"""
    number: int = 0
    """the number of the last takeover of the supervision that ended; 0 is none"""

    def configured(self, site: Site) -> Self:
        """The pair is configured: nothing has to be undone any more."""
        return replace(self, site=site, removed=False, begun=None, disarm=(), aside=False, number=0)

    def ended(self, servers: tuple[str, ...], number: int = 0) -> Self:
        """The supervision has ended with this takeover; this is left to do."""
        return replace(self, site=None, removed=True, begun=None, disarm=servers, aside=True, number=number)


NOTHING_SET_UP = Setup()
