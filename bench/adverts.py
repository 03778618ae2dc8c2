"""Run in a keepalived node's namespace: says when VRRP advertisements of a peer arrive, so that a cut can be timed.

Word: the peer's address.  A line `{"at_ns": …}` for each, of the boot-time clock; ends when standard input does.
"""

import json
import select
import socket
import sys
import time

VRRP = 112


def main(peer: str) -> None:
    """Listen until standard input ends."""
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, VRRP) as raw:
        while True:
            ready, _, _ = select.select([raw, sys.stdin], [], [])
            if sys.stdin in ready:
                return
            _, (address, _) = raw.recvfrom(4096)
            if address == peer:
                print(json.dumps({"at_ns": time.clock_gettime_ns(time.CLOCK_BOOTTIME)}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
