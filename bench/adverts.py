"""Run in a keepalived node's namespace: says when VRRP advertisements of a peer arrive, so that a cut can be timed.

Word: the peer's address.  A line `{"router", "at_ns"}` for each: the virtual router's number, and the instant of the
boot-time clock.  It ends when standard input does.
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
            packet, (address, _) = raw.recvfrom(4096)
            at = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
            if address == peer:
                body = 4 * (packet[0] & 15)  # behind the IP header; the number is the second byte of VRRP's own
                print(json.dumps({"router": packet[body + 1], "at_ns": at}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
