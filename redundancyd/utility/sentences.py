"""Records of the daemon -> sentences.  Pure.

A record that has no sentence here is told by its fields, so nothing new in the journal is ever hidden.
"""

from collections.abc import Mapping
from typing import Any

SENTENCES: Mapping[str, str] = {
    "alarm_cleared": "{handle}",
    "alarm_raised": "{handle}, severity {severity}: {text}",
    "beat_missed": "primary {primary}, network control address {control}",
    "daemon_started": "version {version}, orders as {supervisor}",
    "data_from_standby": "LIM {lim} of the {system} runs on its standby server; its data comes from there",
    "data_job_ended": "{result}: {why} ({row})",
    "data_step": "{row} {step}: {why}",
    "goal_not_saved": "{why}",
    "goal_saved": "takeover {takeover} is on disk",
    "lim_connected": "{server} can be ordered",
    "lim_out_of_reach": "{server}: {why}",
    "lim_refused": "{server}: {error}: {why}",
    "mirror_kept": "{stamp} stays: {why}",
    "mirror_removed": "{stamp} goes: {why}",
    "mirrors_verified": "{whole} of {of} mirrors are whole",
    "operator_asked": "{who}, {action}: {answer}",
    "order_sent": "{word} {takeover} to {lims}",
    "row_taken": "{row} {from_phase} -> {phase}: {why} (takeover {takeover})",
    "systems_differ": "{what}",
    "takeover_decided": "takeover {takeover} to the {active}: {reason} ({row})",
    "takeover_done": (
        "takeover {takeover}, {active} active after {all_ms} ms (saving {saving_ms}, blocking {blocking_ms}, "
        "allowing {allowing_ms}); both active {both_active_ms} ms; {results}"
    ),
    "takeover_undone": "takeover {takeover} back to the {active}: {why} ({row})",
    "traffic_allowed": "{server} is allowed ({origin}, takeover {takeover})",
    "traffic_blocked": "{server} is blocked ({origin}, takeover {takeover})",
    "traffic_seen": "{server} is {traffic} ({origin}, takeover {takeover})",
    "verdict_changed": "{was} -> {verdict}; {missed} beats missed",
}
_LAST = ("why", "reason", "text", "detail")
_HIDDEN = {"seq", "at_ms", "event", "level"}


def sentence(line: Mapping[str, Any]) -> str:
    """What a record says."""
    template = SENTENCES.get(str(line["event"]))
    if template is not None:
        try:
            return template.format_map(line)
        except (KeyError, ValueError, IndexError, AttributeError):  # another version's record
            pass
    ends = [name for name in _LAST if line.get(name)]
    named = [f"{name}={line[name]}" for name in line if name not in _HIDDEN and name not in ends]
    return " ".join(named + [f"- {line[name]}" for name in ends])
