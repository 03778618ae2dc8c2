"""Raw bytes to the socket, and what comes back."""

import asyncio
import json
from pathlib import Path
from typing import Any


async def send(path: Path, *pieces: bytes, pause_s: float = 0.0) -> bytes:
    """Everything that is answered to these bytes, until the other side closes."""
    reader, writer = await asyncio.open_unix_connection(str(path))
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause_s)
        async with asyncio.timeout(10):
            return await reader.read(10_000_000)
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def exchange(path: Path, method: str, page: str, body: bytes = b"") -> tuple[int, dict[str, Any]]:
    """The status and the JSON of one answer."""
    head = f"{method} {page} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    return parsed(await send(path, head.encode() + body))


def parsed(answer: bytes) -> tuple[int, dict[str, Any]]:
    """Status and JSON of an answer."""
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)
