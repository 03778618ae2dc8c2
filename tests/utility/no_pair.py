"""A desk before there is a pair: the real prerequisites, and a `configure` that goes on as the test says."""

from typing import Any

from redundancyd.actions import Action
from redundancyd.core.prerequisite_kinds import Asked, Known
from redundancyd.core.prerequisites import findings
from redundancyd.core.setup_plan import configure_preview
from redundancyd.core.systems import Methods
from redundancyd.requests import Configure, Done, Problem, Request
from redundancyd.setup_page import preview_page
from tests.api.real_desk import RealDesk
from tests.core.test_prerequisites import A2, P1, facts, survey
from tests.core.test_prerequisites import US as SUPERVISOR
from tests.utility.test_setup_screens import RESTING


class NoPair(RealDesk):
    """Before there is a pair: the first LIM of the alternate is too small, and something may be wrong besides."""

    def __init__(self) -> None:
        super().__init__()
        self.configured = False
        self.setup: dict[str, Any] = {**RESTING}
        self.version = "7.8.1.0.19"

    def status(self) -> dict[str, Any]:
        """What is or is not configured."""
        return {**super().status(), "configured": self.configured, "setup": self.setup}

    def configuration(self) -> dict[str, Any]:
        """A file that leaves to `configure` what is said there."""
        return {"primary": {"master_ip": None}, "network_control": {"addresses": []}}

    async def preview(self, request: Request) -> dict[str, Any]:
        """By the real list of prerequisites."""
        assert isinstance(request, Configure)
        asked = Asked(request.master_ip, request.network_control_address, request.accept)
        seen = survey({A2: facts(version=self.version), P1: facts(processors=8)})
        found = findings(seen, asked, Known(SUPERVISOR, Methods(), 3))
        return preview_page(configure_preview(self.state(), found), found)

    async def act(self, action: Action, request: Request, who: str) -> Done | Problem:
        """Take it; the test says how it goes on."""
        self.asked.append((action.name, request, who))
        self.setup = {**RESTING, "step": "copying", "progress": {"done_bytes": 5_000_000, "all_bytes": 20_000_000}}
        self.records_kept.put("setup_step", 2000, {"row": "C01", "step": "copying", "what": "copy the backup"})
        return Done("begun")

    def end(self, result: str, why: str) -> None:
        """How it ended."""
        self.setup = {**RESTING, "last": {"result": result, "why": why, "ended_at": len(why)}}
        self.configured = result == "configured"
