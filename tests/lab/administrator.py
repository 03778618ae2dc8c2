"""Somebody on a LIM of a bed who may log in by password and become root: what `lim install` finds on a real one."""

from redundancyd.lab.lim import Lim

PASSWORD = "pass word's $1"
"""Of an administrator who is not root: sudo asks for it too."""
SSHD = "/etc/redundancy-lab/sshd_config"


def with_administrator(lim: Lim, name: str) -> None:
    """Make the account."""
    lim.run(["useradd", "--create-home", "--shell", "/bin/sh", name])
    lim.run(["chpasswd"], text=f"{name}:{PASSWORD}\n")
    lim.run(["sh", "-c", f"echo '{name} ALL=(ALL) ALL' >/etc/sudoers.d/{name}; chmod 440 /etc/sudoers.d/{name}"])
    lim.run(["sed", "-i", "s/^PasswordAuthentication no/PasswordAuthentication yes/", SSHD])
    restart_sshd(lim)


def restart_sshd(lim: Lim) -> None:
    """Let it read its settings and its host key anew."""
    lim.run(["sh", "-c", f"kill $(cat /run/sshd.pid); sleep 0.2; /usr/sbin/sshd -f {SSHD}"])
