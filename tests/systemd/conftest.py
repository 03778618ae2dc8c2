"""A booted container with redundancyd installed in it as its documents say."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.systemd.machine import TOP, Machine, rootfs, sweep

HOME = "/opt/redundancyd"
SETTINGS = """
[primary]
master_ip = "192.0.2.10"
lims = [{lim = 1, address = "192.0.2.11"}]

[alternate]
lims = [{lim = 1, address = "198.51.100.11"}]

[network_control]
addresses = ["203.0.113.1"]

[ssh]
key = "/etc/redundancyd/key"
known_hosts = "/etc/redundancyd/known_hosts"
"""


@pytest.fixture(scope="session")
def lower() -> Path:
    """The small Debian that containers are laid over."""
    sweep()
    return rootfs()


@pytest.fixture
def machine(lower: Path) -> Iterator[Machine]:
    """A booted container with redundancyd installed, its unit not yet started."""
    with Machine(lower) as booted:
        install(booted)
        yield booted


def install(machine: Machine) -> None:
    """Put the programs where the unit looks for them, and the units, account, catalog and settings in their places."""
    version = machine.run("python3", "-c", "import sys; print('%d.%d' % sys.version_info[:2])").strip()
    machine.run("ln", "-s", "/usr/bin/python3", f"{_folder(machine, f'{HOME}/bin')}/python")
    machine.write(f"{HOME}/pyvenv.cfg", "home = /usr/bin\ninclude-system-site-packages = false\n")
    machine.write(f"{HOME}/lib/python{version}/site-packages/parts.pth", "/opt/parts/packages\n/opt/parts/source\n")
    for program, module in {"redundancyd": "redundancyd.program", "redundancyctl": "redundancyd.utility.cli"}.items():
        script = f"#!{HOME}/bin/python\nimport sys\nfrom {module} import main\nsys.exit(main())\n"
        machine.write(f"{HOME}/bin/{program}", script, mode="0755")

    for name, place in {
        "redundancyd.service": "/etc/systemd/system/redundancyd.service",
        "redundancyd.sysusers": "/usr/lib/sysusers.d/redundancyd.conf",
        "redundancyd.tmpfiles": "/usr/lib/tmpfiles.d/redundancyd.conf",
        "redundancyd.catalog": "/usr/lib/systemd/catalog/redundancyd.catalog",
    }.items():
        machine.write(place, (TOP / "systemd" / name).read_text())
    machine.run("systemd-sysusers")
    machine.run("systemd-tmpfiles", "--create", "redundancyd.conf")
    machine.run("journalctl", "--update-catalog")
    machine.run("systemctl", "daemon-reload")

    machine.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/etc/redundancyd/key")
    machine.run("chown", "redundancyd:", "/etc/redundancyd/key")
    machine.write("/etc/redundancyd/known_hosts", "")
    machine.write("/etc/redundancyd/redundancyd.toml", SETTINGS)


def _folder(machine: Machine, path: str) -> str:
    machine.run("mkdir", "-p", path)
    return path
