"""Tells systemd how the daemon is: one datagram, never waited for."""

import os
import socket
from contextlib import suppress


class Notify:
    """Speaks sd_notify; says nothing where nobody asked to be told."""

    def __init__(self, address: str | None = None) -> None:
        self._address = os.environ.get("NOTIFY_SOCKET", "") if address is None else address

    def ready(self, status: str = "") -> bool:
        """The daemon has started, or has finished reloading."""
        return self._send("READY=1", *([f"STATUS={_one_line(status)}"] if status else []))

    def reloading(self, monotonic_us: int) -> bool:
        """The settings are being read again; `ready` ends it."""
        return self._send("RELOADING=1", f"MONOTONIC_USEC={monotonic_us}")

    def stopping(self) -> bool:
        """The daemon is on its way out."""
        return self._send("STOPPING=1")

    def status(self, text: str) -> bool:
        """The line that `systemctl status` shows."""
        return self._send(f"STATUS={_one_line(text)}")

    def watchdog(self) -> bool:
        """The loop that decides is alive."""
        return self._send("WATCHDOG=1")

    def watchdog_interval_ms(self) -> int | None:
        """How often `watchdog` is due: half of what systemd allows; None when it does not watch this process."""
        pid, usec = os.environ.get("WATCHDOG_PID", ""), os.environ.get("WATCHDOG_USEC", "")
        if not usec.isdecimal() or (pid and pid != str(os.getpid())):
            return None
        return max(1, int(usec) // 2000)

    def _send(self, *lines: str) -> bool:
        """Whether somebody took it; a full or missing socket loses the line and nothing else."""
        if not self._address:
            return False
        path = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
            sock.setblocking(False)
            sock.sendto("\n".join(lines).encode(errors="replace"), path)
            return True
        return False


def _one_line(text: str) -> str:
    return " ".join(text.split())
