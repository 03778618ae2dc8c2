"""The line that changes a byte, on loopback."""

import asyncio
import random

from redundancyd.lab import bad_line

SENT = random.Random(1).randbytes(300_000)


async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The far end: says all it has."""
    writer.write(SENT)
    await writer.drain()
    writer.close()


async def test_one_byte_of_what_the_far_end_sends_is_another_one():
    """
    At the place that was said, in every connection; all others come as they were sent.
    """
    far = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = far.sockets[0].getsockname()[1]
    free = await asyncio.start_server(answer, "127.0.0.1", 0)
    bad_port = free.sockets[0].getsockname()[1]
    free.close()
    await free.wait_closed()
    line = asyncio.create_task(bad_line.serve(bad_port, "127.0.0.1", port))
    async with asyncio.timeout(10):
        for _ in range(2):
            came = await through(bad_port)
            assert len(came) == len(SENT)
            assert [at for at, (one, other) in enumerate(zip(came, SENT, strict=True)) if one != other] == [
                bad_line.CHANGED_AT
            ]
    line.cancel()
    far.close()


async def through(port: int) -> bytes:
    """Everything that comes over the bad line."""
    while True:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except ConnectionRefusedError:
            await asyncio.sleep(0.01)
            continue
        came = await reader.read(-1)
        writer.close()
        return came
