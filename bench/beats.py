"""Run in the router's namespace: says when beats of a daemon arrive at the network control address, which is here.

Words: the daemon's address, and the control address.  A line `{"probe", "beat", "at_ns"}` for each packet: the
identifier of who asks, the number of the beat, and the instant of the boot-time clock.  Ends when standard input does.
"""

import json
import select
import socket
import sys
import time

ECHO_REQUEST = 8


def main(daemon: str, control: str) -> None:
    """Listen until standard input ends."""
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as raw:
        raw.bind((control, 0))
        while True:
            ready, _, _ = select.select([raw, sys.stdin], [], [])
            if sys.stdin in ready:
                return
            packet, (address, _) = raw.recvfrom(4096)
            at = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
            body = packet[4 * (packet[0] & 15) :]  # behind the IP header
            if address == daemon and body[0] == ECHO_REQUEST:
                probe, beat = int.from_bytes(body[4:6], "big"), int.from_bytes(body[6:8], "big")
                print(json.dumps({"probe": probe, "beat": beat, "at_ns": at}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
