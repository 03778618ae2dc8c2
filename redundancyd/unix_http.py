"""http.client over a unix socket; an alarm clock cuts a request off that takes too long, however it trickles."""

import http.client
import socket
import threading
from contextlib import suppress


class UnixConnection(http.client.HTTPConnection):
    """One connection to one socket file, for at most so many seconds unless it is given more."""

    def __init__(self, path: str, seconds: float) -> None:
        super().__init__("localhost")
        self._path = path
        self._seconds = seconds
        self._timer: threading.Timer | None = None
        self.timed_out = False

    def connect(self) -> None:
        """Connect, or raise the OSError that says why not."""
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.settimeout(self._seconds)
            sock.connect(self._path)
        except BaseException:
            sock.close()
            raise
        self.sock = sock
        self.allow(self._seconds)

    def allow(self, seconds: float) -> None:
        """So many seconds from now."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True
        self._timer.start()

    def end(self) -> None:
        """Close it, and no alarm clock is left."""
        if self._timer is not None:
            self._timer.cancel()
        self.close()

    def _cut(self) -> None:
        self.timed_out = True
        with suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
