"""Asking the daemon while a dialog is on the screen."""

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def apart(asks: Callable[[], T]) -> T:
    """Ask in a thread that nobody has to wait for: who leaves, leaves at once."""
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[T] = loop.create_future()

    def give(result: T | None, error: Exception | None) -> None:
        if answered.done():
            return
        if error is not None:
            answered.set_exception(error)
        else:
            answered.set_result(result)  # type: ignore[arg-type]

    def ask() -> None:
        try:
            result = asks()
        except Exception as error:  # noqa: BLE001 - is raised where the answer is awaited
            given: tuple[T | None, Exception | None] = (None, error)
        else:
            given = (result, None)
        if not loop.is_closed():
            loop.call_soon_threadsafe(give, *given)

    threading.Thread(target=ask, daemon=True).start()
    return await answered
