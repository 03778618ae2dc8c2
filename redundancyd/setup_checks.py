"""Whether `configure` may begin: the table that is given, and every prerequisite; nothing is changed by it."""

import asyncio
from collections.abc import Awaitable, Callable

from redundancyd.adapters.goal_file import Saved, StateFolder
from redundancyd.adapters.table_file import entries
from redundancyd.config import Config
from redundancyd.core.prerequisite_kinds import Asked, Known
from redundancyd.core.prerequisites import Finding, accepted, findings, hindering
from redundancyd.core.site import Site
from redundancyd.core.survey import Survey
from redundancyd.core.systems import Fallback, Methods
from redundancyd.core.table_text import checked, without_hints
from redundancyd.core.translation_table import TableNotUnderstood
from redundancyd.errors import NotSaved, RedundancyError
from redundancyd.requests import Configure, Done, Problem
from redundancyd.translation_desk import own_addresses

_NO_TABLE = "Write it: 'redundancyctl settings translation edit'; or name its file: --translation FILE."


def methods_of(saved: Saved, config: Config) -> Methods:
    """The methods that count before a pair is there; those of a pair that has ended go aside with it."""
    return (None if saved.setup.aside else saved.methods) or config.methods()


class SetupChecks:
    """What is known before a pair is there, and what is found out when somebody asks."""

    def __init__(
        self, config: Config, saved: Saved, folder: StateFolder, survey: Callable[[Asked], Awaitable[Survey]]
    ) -> None:
        self.findings: tuple[Finding, ...] = ()
        """of the last look"""
        self._config, self._us, self._folder, self._survey = config, saved.supervisor, folder, survey
        self._methods, self.fallback = methods_of(saved, config), saved.fallback
        self._checking = asyncio.Lock()

    async def look(self, request: Configure) -> tuple[Finding, ...]:
        """Every prerequisite, found out now."""
        asked = Asked(request.master_ip, request.network_control_address, request.accept)
        async with self._checking:
            found = await self._survey(asked)
        known = Known(self._us, self._methods, self._config.exchange_data.keep, self.fallback)
        self.findings = findings(found, asked, known)
        return self.findings

    async def accepted(self, request: Configure) -> tuple[str, ...] | Problem:
        """The prerequisites that were accepted by name, if that is all; otherwise what hinders it."""
        if why := self._table_mistakes(request):
            return Problem("translation_not_understood", why, "Mend these lines of the file of --translation.")
        if request.translation is None and (why := await self._lacks_table()):
            return Problem("no_translation", why, _NO_TABLE)
        found = await self.look(request)
        if lacking := hindering(found):
            told = "; ".join(f"{each.name}: {'; '.join(each.found)} (expected: {each.expected})" for each in lacking)
            return Problem("prerequisites", told, "  ".join(dict.fromkeys(each.remedy for each in lacking)))
        return accepted(found)

    async def set_fallback(self, fallback: Fallback) -> Done | Problem:
        """Remember what the operator says of the primary's clusters."""
        try:
            await self._folder.save_fallback(fallback)
        except NotSaved as error:
            return Problem("not_saved", str(error), "Free or repair the disk of the state folder, then ask again.")
        self.fallback = fallback
        return Done(f"the fallback type of the primary's clusters is {fallback}")

    def _table_mistakes(self, request: Configure) -> str:
        site = Site(request.master_ip, request.network_control_address)
        try:
            own = own_addresses(self._config.of_site(site))
            checked(without_hints(request.translation or ""), own)
        except TableNotUnderstood as error:
            return str(error)[:800]
        except ValueError:  # an address that is none: a prerequisite says so
            return ""
        return ""

    async def _lacks_table(self) -> str:
        """Why the saved table is none to translate by; empty when it is one."""
        try:
            saved = await self._folder.setup.read_table()
            entries(saved.text)
        except RedundancyError as error:
            return error.came_back
        return "" if saved.text.strip() else "there is no translation table"
