"""Run in LIM 1 of the alternate: one pull, as the daemon does it, in a process of its own.

Words: the folder of the mirrors, and the address of each LIM of the primary.  Prints a JSON object: stamp and seconds.
"""

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from redundancyd.adapters.clock import Clock
from redundancyd.adapters.far_data import FarLim
from redundancyd.adapters.login import Login
from redundancyd.adapters.mirror_store import MirrorStore
from redundancyd.adapters.pull import pull
from redundancyd.core.systems import Server, System

LOGIN = Login("redundancyd", "/etc/redundancyd/supervision", "/etc/redundancyd/known_hosts")


async def main(folder: str, addresses: Sequence[str]) -> None:
    """Pull once."""
    lims = [FarLim(Server(System.PRIMARY, number, address), LOGIN) for number, address in enumerate(addresses, 1)]
    started = time.monotonic()
    mirror = await pull(lims, MirrorStore(Path(folder)), Clock(), system="primary")
    print(json.dumps({"stamp": mirror.stamp, "s": time.monotonic() - started}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2:]))
