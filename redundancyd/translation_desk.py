"""The translation table of this site: what it holds, what the newest mirror has, and what the operator does to it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redundancyd.adapters.journal import record
from redundancyd.adapters.table_file import CONFIRMED_MAX, SavedTable, TableFile, checksum, entries
from redundancyd.config import Config
from redundancyd.core.address_list import AddressList, Listed, Seen, address_list
from redundancyd.core.addresses import Address, usual
from redundancyd.core.findings import Kind
from redundancyd.core.systems import System
from redundancyd.core.table_text import by_line, checked, with_entry, without_hints
from redundancyd.core.translation import Rules
from redundancyd.core.translation_table import Table, TableNotUnderstood, parse_address
from redundancyd.errors import NotSaved, RedundancyError, TranslationFailed
from redundancyd.requests import ConfirmAddresses, Done, ImportTable, Mistake, Problem, SetEntry, TranslationRequest

SHOWN_MAX = 1000
"""addresses of one page; the gravest come first"""
WRONG_TABLE = "wrong_table"
_DISK = "Free or repair the disk of the state folder, then ask again."
_MISTAKES_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Site:
    """The rules of this site as they are now, and a checksum of the table behind them."""

    saved: SavedTable
    rules: Rules
    table: str


class TranslationDesk:
    """Keeps the table and what was seen; answers for both."""

    def __init__(self, config: Config) -> None:
        self._file = TableFile(Path(config.daemon.state_folder))
        self._own = own_addresses(config)
        self._seen: Seen | None = None
        self._list = AddressList()
        self._of: Mapping[Kind, tuple[Listed, ...]] = dict.fromkeys(Kind, ())
        self._told: Mapping[Kind, tuple[str, ...]] = {Kind.MISSING: (), Kind.NEW: ()}
        self._listed_by: tuple[object, ...] = ()
        self._shown: SavedTable = SavedTable()
        self._parsed = ("", Table({}, {}), checksum(Table({}, {})))
        """a text, its table and that one's checksum; a long one takes a while"""
        self._unread = ""
        self._changing = asyncio.Lock()

    async def site(self) -> Site:
        """The rules by which data is translated now; TranslationFailed where the table can't be read."""
        saved = await self._file.read()
        if saved.text != self._parsed[0]:
            table = await asyncio.to_thread(entries, saved.text)
            self._parsed = (saved.text, table, checksum(table))
        _, table, known = self._parsed
        return Site(saved, Rules(table, frozenset(self._own), known=saved.confirmed), known)

    # --- what the mirrors have ---

    async def refresh(self) -> None:
        """List anew what was seen, by the table of now."""
        try:
            site = await self.site()
        except RedundancyError as error:
            if str(error) != self._unread:
                record("translation_table_unread", level="error", why=str(error))
            self._unread = str(error)
            return
        self._unread, self._shown = "", site.saved
        seen = self._seen
        by = (seen, site.table, site.saved.confirmed, site.rules.own_hosts)
        if seen is None or by == self._listed_by:
            return
        self._list = await asyncio.to_thread(address_list, seen, site.rules)
        self._listed_by = by
        self._of = {kind: self._list.of(kind) for kind in Kind}
        self._told = {kind: tuple(each.told for each in self._of[kind]) for kind in (Kind.MISSING, Kind.NEW)}

    async def take(self, seen: Seen) -> None:
        """What was found in the newest mirror."""
        self._seen = seen
        await self.refresh()

    async def is_to_be_seen(self, stamp: str) -> bool:
        """Whether this mirror was not looked through yet, or by another table."""
        try:
            return self._seen is None or (self._seen.stamp, self._seen.table) != (stamp, (await self.site()).table)
        except RedundancyError:
            return False

    @property
    def unread(self) -> str:
        """Why the table can't be read; empty when it can."""
        return self._unread

    @property
    def has_seen(self) -> bool:
        """Whether any mirror was looked through."""
        return self._seen is not None

    def told(self, kind: Kind) -> tuple[str, ...]:
        """What is missing, or new, each with its first place, for people."""
        return self._told[kind]

    def missing(self) -> tuple[Listed, ...]:
        """The own addresses without an entry."""
        return self._of[Kind.MISSING]

    def unconfirmed(self) -> tuple[Listed, ...]:
        """The addresses that are new, and nobody has confirmed."""
        return self._of[Kind.NEW]

    def page(self) -> dict[str, Any]:
        """The page of the socket."""
        listed = self._list.listed
        return {
            "table": self._shown.text,
            "mark": self._shown.mark,
            "unread": self._unread,
            "mirror": None if self._seen is None else self._seen.stamp,
            "addresses": [_listed_page(each) for each in listed[:SHOWN_MAX]],
            "counts": {str(kind): len(found) for kind, found in self._of.items()},
            "not_shown": max(0, len(listed) - SHOWN_MAX),
            "left_out": 0 if self._seen is None else self._seen.left_out,
            "gone": list(self._list.gone[:SHOWN_MAX]),
        }

    # --- what the operator does ---

    async def act(self, request: TranslationRequest) -> Done | Problem:
        """Done once it is on disk, or why not; with a mistake anywhere nothing is changed."""
        async with self._changing:
            try:
                match request:
                    case SetEntry(old, new):
                        return await self._set(old, new)
                    case ImportTable(text, was):
                        return await self._import(text, was)
                    case ConfirmAddresses(addresses):
                        return await self._confirm(addresses)
            except TableNotUnderstood as error:
                return _wrong(error)
            except NotSaved as error:
                return Problem("not_saved", str(error), _DISK)

    async def _set(self, old: str, new: str) -> Done | Problem:
        saved = await self._saved()
        wrong = [Mistake(name, why) for name, text in (("old", old), ("new", new)) if (why := _no_address(text))]
        if wrong:
            return _told(wrong)
        try:
            alone = checked(f"{old} {new}", self._own)
        except TableNotUnderstood as error:  # of this entry; the table has nothing to do with it
            return _told([Mistake("", text) for _, text in by_line(error.mistakes)])
        text = with_entry(saved.text, old, _spelled(alone))
        table = await asyncio.to_thread(checked, text, self._own)
        await self._keep(SavedTable(text, saved.confirmed))
        return Done(f"{old} becomes {_spelled(alone)}; the table has {_count(table)}.  {self._next()}")

    async def _import(self, text: str, was: str | None) -> Done | Problem:
        text = without_hints(text)
        table = await asyncio.to_thread(checked, text, self._own)
        try:
            before = await self._file.read()
        except TranslationFailed:
            before = SavedTable()  # what can't be read any more is what an import mends
        if was is not None and was != before.mark:
            remedy = "Export it, bring both together, and import that."
            return Problem("table_changed", "somebody else has changed the table since", remedy)
        await self._keep(SavedTable(text, before.confirmed))
        return Done(f"the table has {_count(table)}.  {self._next()}")

    async def _confirm(self, addresses: tuple[str, ...]) -> Done | Problem:
        saved = await self._saved()
        await self.refresh()
        if self._seen is None:
            why = "no mirror was looked through yet, so nothing is new"
            return Problem("no_such_mirror", why, "A copy looks: 'redundancyctl data copy', or 'configure'.")
        new = {each.address for each in self.unconfirmed()}
        wrong = [Mistake("addresses", why) for address in addresses if (why := _not_new(address, new, saved))]
        if wrong:
            return _told(wrong, "See 'redundancyctl settings translation list'.")
        wanted = {usual(parse_address(address)) for address in addresses} or new
        confirmed = saved.confirmed | wanted
        if len(confirmed) > CONFIRMED_MAX:  # what is in no mirror any more goes first
            confirmed = confirmed - frozenset(self._list.gone)
        await self._keep(SavedTable(saved.text, confirmed))
        done = len(wanted - saved.confirmed)
        return Done(f"{done} address{'' if done == 1 else 'es'} confirmed.  {self._next()}")

    async def _saved(self) -> SavedTable:
        try:
            return await self._file.read()
        except TranslationFailed as error:
            raise TableNotUnderstood([str(error)]) from error

    async def _keep(self, saved: SavedTable) -> None:
        await self._file.save(saved)
        await self.refresh()

    def _next(self) -> str:
        """What is still to be done before data can be loaded."""
        if self._seen is None:
            return "No mirror was looked through yet."
        missing, new = len(self.missing()), len(self.unconfirmed())
        if not missing and not new:
            return "Every address of the newest mirror is accounted for; the next load uses this."
        left = [f"{missing} own without an entry"] if missing else []
        left += [f"{new} new to be confirmed"] if new else []
        return f"The next load is still held back: {', '.join(left)}."


def own_addresses(config: Config) -> Mapping[Address, str]:
    """The primary's own addresses, each with its name; the master IP address is not known before `configure`."""
    primary = [server for server in config.servers() if server.system is System.PRIMARY]
    named = {} if config.primary.master_ip is None else {config.master_ip(): "the primary's master IP address"}
    named |= {server.address: f"the primary's own {server.name}" for server in primary}
    return {_host(text): name for text, name in named.items()}


def _host(text: str) -> Address:
    found = parse_address(text)
    assert isinstance(found, Address)
    return found


def _no_address(text: str) -> str:
    try:
        parse_address(text)
    except ValueError as error:
        return str(error)
    return ""


def _not_new(address: str, new: set[str], saved: SavedTable) -> str:
    if why := _no_address(address):
        return why
    name = usual(parse_address(address))
    if name in new or name in saved.confirmed:
        return ""
    return f"{name} is not new: it is in the table, the primary's own, or not in the newest mirror"


def _spelled(alone: Table) -> str:
    return usual(next(iter([*alone.hosts.values(), *alone.networks.values()])))


def _count(table: Table) -> str:
    count = len(table.hosts) + len(table.networks)
    return f"{count} entr{'y' if count == 1 else 'ies'}"


def _wrong(error: TableNotUnderstood) -> Problem:
    return _told([Mistake(line, text) for line, text in by_line(error.mistakes)])


def _told(mistakes: list[Mistake], remedy: str = "") -> Problem:
    count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
    first = "; ".join(str(mistake) for mistake in mistakes[:_MISTAKES_SHOWN])
    remedy = remedy or "Mend what is named; nothing was changed."
    return Problem(WRONG_TABLE, f"{count}: {first}", remedy, tuple(mistakes))


def _listed_page(each: Listed) -> dict[str, Any]:
    return {
        "address": each.address,
        "kind": str(each.kind),
        "becomes": each.becomes or None,
        "count": each.count,
        "places": [{"lim": lim, "file": file, "line": line} for lim, file, line in each.places],
    }
