"""A line that changes bytes: takes TCP connections in the router, and hands them on with one byte changed in each.

    python -m redundancyd.lab.bad_line PORT ADDRESS TARGET-PORT

What the far end sends is changed at one place, once enough has gone by for handshakes and orders to be over.  No
checksum of TCP tells, since both sides have a connection of their own.
"""

import asyncio
import contextlib
import sys

CHANGED_AT = 200_000
BLOCK = 16_384


async def hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, changed_at: int | None) -> None:
    """Everything from one to the other, to its end."""
    passed = 0
    with contextlib.suppress(ConnectionError):
        while block := await reader.read(BLOCK):
            if changed_at is not None and passed <= changed_at < passed + len(block):
                place = changed_at - passed
                block = block[:place] + bytes([block[place] ^ 1]) + block[place + 1 :]
            passed += len(block)
            writer.write(block)
            await writer.drain()
    with contextlib.suppress(ConnectionError, OSError):
        writer.close()


async def serve(port: int, address: str, target_port: int) -> None:
    """Take connections until the process ends."""

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(address, target_port)
        await asyncio.gather(hand_on(reader, far_writer, None), hand_on(far_reader, writer, CHANGED_AT))

    server = await asyncio.start_server(take, None, port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
