"""What the socket asks of desk and core together: whether a takeover would work, and what an order would do."""

import asyncio
from typing import Any

from redundancyd.core.events import OperatorAsked
from redundancyd.core.preview import preview
from redundancyd.desk import Desk
from redundancyd.requests import ManualTakeover, Request
from redundancyd.setup_page import NOT_CONFIGURED, preview_page
from redundancyd.status import hindrances


async def previewed(desk: Desk, asked: Request) -> dict[str, Any]:
    """The page that shows it."""
    if not isinstance(asked, ManualTakeover) or not desk.status().get("configured", True):
        return await desk.preview(asked)
    state = desk.state()
    order = OperatorAsked(asked.active, 0, "you", state.now, asked.revert_after_ms, asked.accept)
    return preview_page(await asyncio.to_thread(preview, state, order))


def hindering(desk: Desk) -> tuple[str, ...]:
    """Why a takeover would not work now."""
    return hindrances(desk.state()) if desk.status().get("configured", True) else (NOT_CONFIGURED,)
