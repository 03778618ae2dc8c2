"""How a fleet is set up: how many LIMs, which of them have standby servers, and the settings of the daemon."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from redundancyd import config
from redundancyd.core.systems import System

CONTROL = "203.0.113.1"
MASTER = "192.0.2.10"
NETS = {System.PRIMARY: "192.0.2", System.ALTERNATE: "198.51.100"}
STANDBY = 100  # is added to the last number of the address

Value = str | int | Sequence[Mapping[str, str | int | bool]] | Sequence[str]


@dataclass(frozen=True, slots=True)
class Setup:
    """Everything that is decided before a run begins; `settings` are those of redundancyd.toml, by `table.key`."""

    seed: int = 0
    lims: int = 2
    standby: tuple[tuple[System, int], ...] = ()
    settings: Mapping[str, Value] = field(default_factory=dict)
    watchdog: bool = False  # systemd kills a process that does not feed it, and starts it again
    boot_us: tuple[int, int] = (250_000, 350_000)  # how long a host boots
    loss: float = 0.0  # of pings
    active: System = System.PRIMARY

    def text(self) -> str:
        """The text of redundancyd.toml."""
        sections: dict[str, list[str]] = {}
        for name, value in self._values().items():
            table, key = name.split(".")
            sections.setdefault(table, []).append(f"{key} = {_toml(value)}")
        return "\n".join(f"[{table}]\n" + "\n".join(lines) + "\n" for table, lines in sections.items())

    def config(self) -> config.Config:
        """The settings as the daemon reads them."""
        return config.parse(self.text().encode())

    def _values(self) -> dict[str, Value]:
        return {
            "primary.master_ip": MASTER,
            "primary.lims": list(self._lims(System.PRIMARY)),
            "alternate.lims": list(self._lims(System.ALTERNATE)),
            "network_control.addresses": [CONTROL],
            "socket.group": "root",
            **self.settings,
        }

    def _lims(self, system: System) -> Iterator[dict[str, str | int | bool]]:
        for lim in range(1, self.lims + 1):
            yield {"lim": lim, "address": f"{NETS[system]}.{10 + lim}"}
            if (system, lim) in self.standby:
                yield {"lim": lim, "address": f"{NETS[system]}.{10 + STANDBY + lim}", "standby": True}


def _toml(value: Value) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        entries = [_table(entry) if isinstance(entry, Mapping) else json.dumps(entry) for entry in value]
        return f"[{', '.join(entries)}]"
    return json.dumps(value)


def _table(entry: Mapping[str, str | int | bool]) -> str:
    return "{" + ", ".join(f"{key} = {json.dumps(value)}" for key, value in entry.items()) + "}"
