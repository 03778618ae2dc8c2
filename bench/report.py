"""What was found, as JSON, and that JSON as a page: the table on the terminal and docs/figures.md are the same text."""

import os
import platform
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import Any

from bench import data_report
from bench.answers import Answers
from bench.cuts import Cuts
from bench.figures import Spread, table
from bench.idle import Idle, Memory
from bench.orders import Orders

Page = Mapping[str, Any]
PARTS = {
    "to_first_missed_ms": "cut to the next beat",
    "missing_ms": "to the third missed beat",
    "timeout_ms": "its timeout, to `decided`",
    "saving_ms": "goal on disk",
    "blocking_ms": "blocking (nobody there to wait for)",
    "allowing_ms": "allow, to the first LIM read back",
}


CUT_NOTES = """
- The cut: all ports of the active side stop forwarding at one instant, nobody is told; then its processes are killed.
  The answer: the first SIP OPTIONS over UDP, sent every 4 ms from the phones' net, that the new side answers.
- redundancyd: both LIMs of the primary are cut, a LIM of the alternate answers at its own address.  Three beats in a
  row unanswered, the timeout of the third ({timeouts}: the bed is a LAN), goal on disk, order.
- keepalived: VRRP over unicast between two nodes in the alternate's net; the master is cut, the backup answers at the
  virtual address.  It waits for three adverts and a skew of (256 - priority) / 256 of one: 0.61 with the usual
  priorities 150 and 100, 0.01 with 254 and 253, the least there is.  Version 3, for adverts below a second.
- Phases are uniform over one interval, one from each n-th part of it in random order, counted from the last beat or
  advert; both were cut in turn."""
IDLE_NOTE = """
- Over {seconds:g} s after settling, load {load}; a whole LIM runs the stand-in exchange too."""
ORDER_NOTES = """
- {runs} takeovers there and back in turn, load {load}; ratio {ratio:.2f}.
- The script runs on the same LIM 1 of the alternate, as root over open OpenSSH ControlMaster connections: on all LIMs
  of a system at once iptables-restore and ip6tables-restore of the same rules, then iptables-save to read back.
- redundancyd does more for it: an order has a number that is refused when it is older, is locked against others,
  synced to the LIM's disk, put at position 1, compared text for text, and comes over a restricted key."""


def machine() -> dict[str, object]:
    """Where it was run."""
    return {
        "at": time.strftime("%Y-%m-%d", time.gmtime()),
        "processors": os.cpu_count(),
        "kernel": platform.release().split("-")[0],
        "python": platform.python_version(),
        "redundancyd": metadata.version("redundancyd"),
        "keepalived": _keepalived_version(),
    }


def _keepalived_version() -> str:
    """It says its version where others complain."""
    if shutil.which("keepalived") is None:
        return "none"
    said = subprocess.run(["keepalived", "--version"], capture_output=True, text=True, timeout=10, check=True).stderr
    return said.split()[1].lstrip("v")


def load() -> float:
    """How busy the machine was in the last minute."""
    return round(os.getloadavg()[0], 1)


def cuts_as_json(cuts: Cuts, busy: float) -> dict[str, object]:
    """One pace."""
    ours, theirs = cuts.ours, cuts.theirs
    parts = {name: cuts.spread(ours, name).as_json() for name in ("answer_ms", "all_lims_ms", *PARTS)}
    return {
        "interval_ms": cuts.beats.interval_ms,
        "timeout_ms": cuts.beats.timeout_ms,
        "missed": cuts.beats.missed,
        "runs": len(ours),
        "phases": [round(phase, 4) for phase in cuts.phases],
        "redundancyd": parts,
        "keepalived": {name: cuts.spread(theirs, name).as_json() for name in ("usual_ms", "quick_ms")},
        "ratio": round(cuts.ratio, 3),
        "least_skew_ratio": round(cuts.strict_ratio, 3),
        "goals": [goal.as_json() | {"text": str(goal)} for goal in cuts.goals],
        "load": busy,
    }


def idle_as_json(idle: Idle, busy: float) -> dict[str, object]:
    """Memory and processor time."""

    def amount(found: Memory) -> dict[str, float]:
        return {"rss_mib": round(found.rss_mib, 1), "pss_mib": round(found.pss_mib, 1)}

    return {
        "seconds": round(idle.seconds, 1),
        "redundancyd": {**amount(idle.ours), "cpu_percent": round(idle.our_percent, 2)},
        "keepalived": {**amount(idle.theirs), "cpu_percent": round(idle.their_percent, 2)},
        "on_a_lim": {**amount(idle.agents), "cpu_percent": round(idle.lim_percent, 2)},
        "goals": [goal.as_json() | {"text": str(goal)} for goal in idle.goals],
        "load": busy,
    }


def orders_as_json(orders: Orders, busy: float) -> dict[str, object]:
    """Manual takeovers."""
    ours = ("all_ms", "saving_ms", "blocking_ms", "allowing_ms")
    theirs = ("all_ms", "blocking_ms", "allowing_ms")
    return {
        "runs": len(orders.ours),
        "redundancyd": {name: orders.spread(orders.ours, name).as_json() for name in ours},
        "script": {name: orders.spread(orders.theirs, name).as_json() for name in theirs},
        "ratio": round(orders.ratio, 3),
        "load": busy,
    }


def answers_as_json(answers: Answers, busy: float) -> dict[str, object]:
    """The operator's program."""
    named = {"python": answers.python, "help": answers.help, "status": answers.status, "dialog": answers.dialog}
    return {
        "runs": len(answers.help),
        **{name: Spread(tuple(runs)).as_json() for name, runs in named.items()},
        "goals": [goal.as_json() | {"text": str(goal)} for goal in answers.goals],
        "load": busy,
    }


def page(found: Page) -> str:
    """The whole as markdown."""
    where = found["machine"]
    tested = ", ".join(f"{name} {where[name]}" for name in ("kernel", "python", "redundancyd", "keepalived"))
    head = [
        "# Figures",
        "",
        "Printed by `make bench`, each figure beside a peer that did the same in the same bed and in the same run.",
        "Medians, with the least and the most in brackets; ratios tell more than times.",
        "",
        f"{where['at']}: {where['processors']} processors, {tested}; 2 + 2 LIMs; seed {found['seed']}.",
        "",
    ]
    parts = [cuts_page(found["cuts"])] if found.get("cuts") else []
    parts += [idle_page(found["idle"])] if found.get("idle") else []
    parts += [orders_page(found["orders"])] if found.get("orders") else []
    parts += [answers_page(found["answers"])] if found.get("answers") else []
    parts += data_report.pages(found)
    return "\n".join([*head, *("\n".join([*part, ""]) for part in parts)]).rstrip() + "\n"


def cuts_page(paces: Sequence[Page]) -> list[str]:
    """From a silent cut to the first answer."""
    rows = [
        [
            f"{pace['interval_ms'] / 1000:g} s x {pace['missed']}",
            _spread(pace["redundancyd"]["answer_ms"]),
            _spread(pace["keepalived"]["usual_ms"]),
            f"{pace['ratio']:.2f}",
            _spread(pace["keepalived"]["quick_ms"]),
            f"{pace['least_skew_ratio']:.2f}",
            f"{pace['runs']}",
            f"{pace['load']}",
        ]
        for pace in paces
    ]
    head = ["", "redundancyd ms", "keepalived ms", "ratio", "least skew ms", "ratio", "runs", "load"]
    timeouts = ", ".join(f"{pace['timeout_ms']} ms at {pace['interval_ms'] / 1000:g} s" for pace in paces)
    notes = [
        CUT_NOTES.format(timeouts=timeouts),
        *(f"- {goal['text']}." for pace in paces for goal in pace["goals"]),
        "",
        "Where redundancyd's time goes, ms:",
        "",
    ]
    spent = [[what, *(_spread(pace["redundancyd"][name]) for pace in paces)] for name, what in PARTS.items()]
    spent.append(
        ["cut to the last LIM's first answer", *(_spread(pace["redundancyd"]["all_lims_ms"]) for pace in paces)]
    )
    paced = ["", *(f"{pace['interval_ms'] / 1000:g} s x {pace['missed']}" for pace in paces)]
    return ["## Silent cut to the first answer", "", *table(head, rows), *notes, *table(paced, spent)]


def idle_page(idle: Page) -> list[str]:
    """At rest."""
    rows = [
        [what, f"{found['rss_mib']}", f"{found['pss_mib']}", f"{found['cpu_percent']:.2f}"]
        for what, found in (
            ("redundancyd, beats of 1 s", idle["redundancyd"]),
            ("keepalived (two processes), adverts of 1 s", idle["keepalived"]),
            ("a LIM: redundancy-lim with its sshd; processor time of the whole LIM", idle["on_a_lim"]),
        )
    ]
    return [
        "## At rest",
        "",
        *table(["", "RSS MiB", "PSS MiB", "% of a core"], rows),
        IDLE_NOTE.format(seconds=idle["seconds"], load=idle["load"]),
        *(f"- {goal['text']}." for goal in idle["goals"]),
    ]


def orders_page(orders: Page) -> list[str]:
    """A manual takeover."""
    names = {"all_ms": "all", "saving_ms": "goal on disk", "blocking_ms": "block", "allowing_ms": "allow"}
    rows = [
        [what, *(_spread(orders[who][name]) if name in orders[who] else "-" for name in names)]
        for what, who in (("redundancyd", "redundancyd"), ("shell script", "script"))
    ]
    return [
        "## Manual takeover, `decided` to the last LIM read back",
        "",
        *table(["ms", *names.values()], rows),
        ORDER_NOTES.format(runs=orders["runs"], load=orders["load"], ratio=orders["ratio"]),
    ]


def answers_page(found: Page) -> list[str]:
    """What the operator waits for."""
    told = {
        "python": "a Python that does nothing, to its end",
        "help": "redundancyctl --help, to its end",
        "status": "redundancyctl status, to its end",
        "dialog": "redundancyctl without words, to the whole first dialog",
    }
    rows = [[what, _spread(found[name])] for name, what in told.items()]
    return [
        "## The operator's program",
        "",
        *table(["", "ms"], rows),
        f"\n- On LIM 1 of the alternate, beside the daemon at rest; {found['runs']} runs, load {found['load']}.",
        *(f"- {goal['text']}." for goal in found["goals"]),
    ]


def _spread(found: Page) -> str:
    return str(Spread(tuple(found["values"])))
