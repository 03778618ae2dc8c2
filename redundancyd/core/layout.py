"""What a system is made of, as its exchange tells it: LIMs, media gateways, media servers, clusters.  Pure.

System redundancy wants two systems of the same LIMs, gateways and media servers, and both as they were when they were
configured (the manual's chapter on re-configuration).  What a site's commands don't tell is None, and then nothing is
concluded from it: neither that something is missing, nor that nothing is.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from redundancyd.core.systems import Server, System

_LIST_MAX = 2000
_TEXT_MAX = 60
Things = tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Layout:
    """One system, as its LIM 1 tells it; None is what nobody could tell."""

    version: str = ""
    lims: Things = None
    standbys: Things = None
    """numbers of the LIMs that have a standby server"""
    gateways: Things = None
    """LIM number and letter"""
    media_servers: Things = None
    """number, and whether it is co-located with a LIM or stands alone, where that is told"""
    clusters: Things = None
    """number of a cluster and its LIMs"""


@dataclass(frozen=True, slots=True)
class Kind:
    """How people call one part of a layout, and where a difference of it counts."""

    field: str
    one: str
    compared: bool
    """whether both systems must have the same; clusters are the primary's own affair, but must not change"""


KINDS = (
    Kind("lims", "LIM", compared=True),
    Kind("gateways", "media gateway", compared=True),
    Kind("media_servers", "media server", compared=True),
    Kind("standbys", "standby server of LIM", compared=False),
    Kind("clusters", "cluster", compared=False),
)
Layouts = Mapping[System, Layout]


def parse(reply: Mapping[str, Any]) -> Layout:
    """What `layout` of redundancy-lim answers; ValueError for anything else."""
    version = reply.get("version", "")
    if not isinstance(version, str):
        raise ValueError("version is no text")  # noqa: TRY004 - one kind for all that is not understood
    return Layout(version[:_TEXT_MAX], **{kind.field: _things(reply.get(kind.field), kind.field) for kind in KINDS})


def _things(value: object, name: str) -> Things:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) > _LIST_MAX:
        raise ValueError(f"{name} is no list")
    if not all(isinstance(each, str) and each.isprintable() and len(each) <= _TEXT_MAX for each in value):
        raise ValueError(f"{name} holds something else than names")
    return tuple(sorted(set(value), key=_by_number))


def _by_number(name: str) -> tuple[int, str]:
    digits = name[: len(name) - len(name.lstrip("0123456789"))]
    return int(digits or 0), name


def differences(now: Layouts, before: Layouts, servers: Iterable[Server]) -> tuple[str, ...]:
    """Everything that is not as it should be: systems from each other, from the settings, from what they were."""
    return (*_of_versions(now), *_of_systems(now), *_of_settings(now, tuple(servers)), *_of_time(now, before))


def remembered(now: Layouts, before: Layouts) -> dict[System, Layout]:
    """What is kept as that which was configured: what was known stays, what nobody could tell before is filled in."""
    return {system: _filled(before.get(system), layout) for system, layout in now.items()}


def untold(now: Layouts) -> tuple[str, ...]:
    """What no command of a site tells, for people: it is not compared."""
    return tuple(
        f"{kind.one}s of the {system}"
        for system, layout in now.items()
        for kind in KINDS
        if getattr(layout, kind.field) is None
    )


def _filled(before: Layout | None, now: Layout) -> Layout:
    if before is None:
        return now
    gaps = {each.name: getattr(now, each.name) for each in fields(Layout) if getattr(before, each.name) in {None, ""}}
    return replace(before, **gaps)


def _of_versions(now: Layouts) -> Iterator[str]:
    told = {system: layout.version for system, layout in now.items() if layout.version}
    if len(set(told.values())) > 1:
        yield ", ".join(f"the {system} runs version {version}" for system, version in told.items())


def _of_systems(now: Layouts) -> Iterator[str]:
    primary, alternate = now.get(System.PRIMARY), now.get(System.ALTERNATE)
    if primary is None or alternate is None:
        return
    for kind in KINDS:
        ours, theirs = getattr(alternate, kind.field), getattr(primary, kind.field)
        if not kind.compared or ours is None or theirs is None:
            continue
        for name in theirs:
            if name not in ours:
                yield f"{kind.one} {name} is in the primary alone"
        for name in ours:
            if name not in theirs:
                yield f"{kind.one} {name} is in the alternate alone"


def _of_settings(now: Layouts, servers: tuple[Server, ...]) -> Iterator[str]:
    """LIMs and standby servers that an exchange knows otherwise than the settings."""
    for system, layout in now.items():
        own = [server for server in servers if server.system is system]
        for told, listed, what in (
            (layout.lims, {str(server.lim) for server in own}, "LIM"),
            (layout.standbys, {str(server.lim) for server in own if server.standby}, "standby server of LIM"),
        ):
            if told is None:
                continue
            for name in told:
                if name not in listed:
                    yield f"{what} {name} of the {system} is not in the settings"
            for name in sorted(listed - set(told), key=_by_number):
                yield f"{what} {name} of the {system} is in the settings, and its exchange does not know it"


def _of_time(now: Layouts, before: Layouts) -> Iterator[str]:
    for system, layout in now.items():
        was = before.get(system, Layout())
        for kind in KINDS:
            old, new = getattr(was, kind.field), getattr(layout, kind.field)
            if old is None or new is None:
                continue
            for name in new:
                if name not in old:
                    yield f"{kind.one} {name} of the {system} was added since the configuration"
            for name in old:
                if name not in new:
                    yield f"{kind.one} {name} of the {system} was removed since the configuration"
