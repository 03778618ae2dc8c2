"""How a LIM is entered by OpenSSH's client."""

import re
from dataclasses import dataclass

from redundancyd.errors import FarDataRefused

_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,=-]+")


@dataclass(frozen=True, slots=True)
class Login:
    """How a LIM is entered."""

    user: str
    key: str
    known_hosts: str
    port: int = 22
    connect_timeout_ms: int = 3000

    def ssh(self) -> list[str]:
        """The words of the client, without the host."""
        for word in (self.user, self.key, self.known_hosts):
            if not _PLAIN.fullmatch(word):  # rsync cuts its words at blanks
                raise FarDataRefused("the settings [ssh]", f"{word!r} has characters that rsync can't hand over")
        seconds = max(1, self.connect_timeout_ms // 1000)
        options = {
            "BatchMode": "yes",
            "StrictHostKeyChecking": "yes",
            "UserKnownHostsFile": self.known_hosts,
            "GlobalKnownHostsFile": "none",
            "IdentitiesOnly": "yes",
            "IdentityAgent": "none",
            "PreferredAuthentications": "publickey",
            "ConnectTimeout": str(seconds),
            "ServerAliveInterval": "2",
            "ServerAliveCountMax": "5",
            "KexAlgorithms": "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256",
            "Ciphers": "aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com",
        }
        words = ["ssh", "-F", "none", "-i", self.key, "-p", str(self.port)]
        return words + [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
