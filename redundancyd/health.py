"""Whether the loop that decides is well: the watchdog is fed, and /healthz answers, as long as it is."""

from redundancyd.config import HeartbeatTable

BEATS_MAY_BE_LATE = 5
"""After so many intervals without a beat the prober is dead, and the watchdog is no longer fed."""

LATE_MS = 500
"""A loop that takes an event up so much later than it was posted is late."""


def why_unwell(heartbeat: HeartbeatTable, silent_ms: int, late_ms: int) -> list[str]:
    """Why not; nothing when it is.  `silent_ms` is since the last beat, `late_ms` what the last event had to wait."""
    reasons = []
    if silent_ms > BEATS_MAY_BE_LATE * heartbeat.interval_ms + heartbeat.timeout_ms:
        reasons.append(f"no beat for {silent_ms} ms")
    if late_ms > LATE_MS:
        reasons.append(f"the loop is {late_ms} ms late")
    return reasons
