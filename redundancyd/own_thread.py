"""Work that waits long, in a thread of its own: the loop's pool is for what is short, and is joined at the end."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

_Result = TypeVar("_Result")


async def own_thread(body: Callable[[], _Result]) -> _Result:
    """What the body gives; nobody joins its thread."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[_Result] = loop.create_future()

    def put(result: _Result | None, error: BaseException | None) -> None:
        if done.done():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)  # type: ignore[arg-type]  # None is what the body gave

    def run() -> None:
        result, error = None, None
        try:
            result = body()
        except BaseException as caught:  # noqa: BLE001 - it is raised where it is waited for
            error = caught
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits
            loop.call_soon_threadsafe(put, result, error)

    threading.Thread(target=run, name="waits", daemon=True).start()
    return await done
