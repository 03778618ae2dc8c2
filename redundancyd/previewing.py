"""What an order would do: manual takeovers by the core itself, run ahead; the rest as the desk knows it."""

import asyncio
from typing import Any

from redundancyd.core.events import OperatorAsked
from redundancyd.core.preview import preview
from redundancyd.desk import Desk
from redundancyd.requests import ManualTakeover, Request
from redundancyd.setup_page import preview_page


async def previewed(desk: Desk, asked: Request) -> dict[str, Any]:
    """The page that shows it."""
    if not isinstance(asked, ManualTakeover) or not desk.status().get("configured", True):
        return await desk.preview(asked)
    state = desk.state()
    order = OperatorAsked(asked.active, 0, "you", state.now, asked.revert_after_ms, asked.accept)
    return preview_page(await asyncio.to_thread(preview, state, order))
