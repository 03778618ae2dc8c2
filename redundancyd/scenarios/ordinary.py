"""The settings that pages take for granted: those of the daemon that are shortened, so that nobody waits for minutes.

All else is the daemon's own default; a page overrides what it likes.
"""

ORDINARY: dict[str, str | int] = {
    "heartbeat.interval_ms": 1000,
    "heartbeat.timeout_ms": 800,
    "heartbeat.packets": 3,
    "heartbeat.missed": 3,
    "takeover.alternate_from_primary": "automatic",
    "takeover.primary_from_alternate": "manual",
    "takeover.return_after": "10m",
    "takeover.look_interval_ms": 5000,
    "takeover.block_deadline_ms": 1000,
    "takeover.allow_deadline_ms": 3000,
    "takeover.reload_deadline": "15m",
    "takeover.boot_hold": "180s",
    "takeover.orphan_hold": "off",
    "traffic.deny": "reject",
}


def setting_value(written: str) -> str | int:
    """The value of a setting as a page writes it."""
    return int(written) if written.isdecimal() else written
