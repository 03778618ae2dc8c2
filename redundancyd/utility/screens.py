"""Pages of the socket -> text of 80 columns, for somebody who was woken at three in the morning.  Pure.

First what is wrong and who has to act, then where the traffic is, then the rest.
"""

from collections.abc import Iterator
from typing import Any

from redundancyd.utility import exchange_screens
from redundancyd.utility.sentences import sentence
from redundancyd.utility.text import PLAIN, WIDTH, Paint, ago, box, plain, span, wrapped

Page = dict[str, Any]
SEVERITIES = {0: "cleared", 1: "information", 2: "minor", 3: "major", 4: "critical"}
_MAJOR = 3
_BEATS_SHOWN = 10
_LABEL = 18
_VERDICTS = {"lost": "LOST", "isolated": "ISOLATED", "unsure": "not sure yet"}
_EXCHANGE = {True: "exchange runs", False: "EXCHANGE STOPPED", None: "exchange not known"}
_ORIGINS = {"hand": "BY HAND", "hold": "holds after a restart"}
_LONG_MS = 20_000  # of a LIM in reach; it is looked at every few seconds


def status(page: Page, paint: Paint = PLAIN) -> str:
    """The status page."""
    lines: list[str] = [*_head(page, paint), ""]
    for part in (
        _unfenced,
        _awaits,
        _paused,
        _heartbeat,
        _systems,
        _methods,
        _would_go_wrong,
        _alarms,
        exchange_screens.lines,
    ):
        found = list(part(page, paint))
        lines += [*found, ""] if found else []
    return "\n".join(lines[:-1])


def alarms(page: Page, paint: Paint = PLAIN) -> str:
    """The alarms that stand, gravest first."""
    if not page["alarms"]:
        return "No alarm stands."
    lines = []
    for alarm in page["alarms"]:
        named = f"{alarm['severity']} {SEVERITIES.get(alarm['severity'], '')}".ljust(14)
        lines.append(_graded(alarm["severity"], named, paint) + plain(alarm["handle"]))
        lines += wrapped(alarm["text"], " " * 14)
    return "\n".join(lines)


def preview(page: Page, paint: Paint = PLAIN) -> str:
    """Now, will do, afterwards; or why not."""
    lines = [paint.bold("Now:"), *_listed(page["now"])]
    if page["refused"]:
        return "\n".join([*lines, *wrapped(page["refused"], "It would be refused: ", "  ")])
    lines += [paint.bold("Will do:"), *_listed(page["will_do"], numbered=True)]
    return "\n".join([*lines, paint.bold("Afterwards:"), *_listed(page["afterwards"])])


def event(line: Page, paint: Paint = PLAIN) -> str:
    """One record, as a line that is read from left to right; the time is that of the boot-time clock."""
    stamp = f"[{line['at_ms'] / 1000:12.3f}] "
    grades = {"critical": paint.bad, "error": paint.bad, "warning": paint.warn}
    kind = grades.get(line.get("level", ""), paint.bold)(plain(line["event"]))
    told = plain(sentence(line))
    return f"{stamp}{kind}: {told}" if told else f"{stamp}{kind}"


def facts(page: object, name: str = "") -> Iterator[str]:
    """Every fact of a page on a line of its own, by the name that programs use."""
    match page:
        case dict() if page:
            for key, value in page.items():
                yield from facts(value, f"{name}.{key}" if name else key)
        case list() if page:
            for index, value in enumerate(page):
                yield from facts(value, f"{name}[{index}]")
        case None:
            yield f"{name} = -"
        case bool():
            yield f"{name} = {'yes' if page else 'no'}"
        case dict() | list():
            yield f"{name} = (none)"
        case _:
            yield f"{name} = {plain(page)}"


def _head(page: Page, paint: Paint) -> Iterator[str]:
    goal = page["goal"]
    told = f"redundancyd {plain(page['version'])}, running for {span(page['started_ago_ms'])}"
    yield told + f"phase {plain(page['phase'])}".rjust(WIDTH - len(told))
    yield ""
    if goal is None:
        yield " " + paint.bad("NO SYSTEM IS ACTIVE BY OUR ORDER: no goal is known")
        return
    done = "done" if goal["done"] else "UNDER WAY"
    active = f"ACTIVE: {plain(goal['active']).upper()} SYSTEM"
    told = f"   takeover {goal['number']}, {done}, decided {ago(goal['decided_ago_ms'])}"
    yield " " + (paint.bold(active) if goal["done"] else paint.warn(active)) + told
    by = "by the operator" if goal["by"] == "operator" else "by itself"
    yield from wrapped(f"{by}: {goal['reason']}", " ")
    if goal["revert_in_ms"] is not None:
        back = f"goes back by itself in {span(goal['revert_in_ms'])} unless 'manual-takeover confirm'"
        yield " " + paint.warn(back)
    if page["under_way"]:
        waits = ", ".join(page["under_way"]["waits_for"]) or "nobody"
        yield from wrapped(f"{page['under_way']['word']} is under way, waits for {waits}", " ", "   ")


def _unfenced(page: Page, paint: Paint) -> Iterator[str]:
    if page["unfenced"]:
        active = page["goal"]["active"]
        told = f"have not confirmed that they are blocked while the {active} system is active: both may carry traffic."
        yield from box([f"UNFENCED: {', '.join(page['unfenced'])}", told], paint)


def _awaits(page: Page, paint: Paint) -> Iterator[str]:
    if page["awaits_operator"]:
        other = "primary" if page["goal"]["active"] == "alternate" else "alternate"
        yield " " + paint.alarm(f">>> A TAKEOVER TO THE {other.upper()} AWAITS YOU <<<")
        yield from wrapped(page["awaits_operator"], "     ")
        yield f"     redundancyctl manual-takeover traffic-in-{other}"


def _paused(page: Page, paint: Paint) -> Iterator[str]:
    pause = page["pause"]
    if pause is not None:
        told = wrapped(f"PAUSED for {span(pause['left_ms'])} more: {pause['reason']}", " ", "   ")
        yield from (paint.warn(line) for line in told)


def _heartbeat(page: Page, paint: Paint) -> Iterator[str]:
    heart, verdict = page["heartbeat"], plain(page["verdict"])
    missed = f"{heart['missed']} beats missed (lost at {heart['of']}), " if heart["missed"] else ""
    said = f"{missed}last answer {ago(heart['last_answer_ago_ms'])}"
    paints = {"heard": paint.good, "lost": paint.bad, "isolated": paint.bad}
    yield f" Primary           {paints.get(verdict, paint.warn)(_VERDICTS.get(verdict, verdict))}; {said}"
    control = paint.good("answers") if heart["control_answers"] else paint.bad("SILENT")
    silent = f" ({heart['control_silent']} beats in a row)" if heart["control_silent"] else ""
    yield f" Network control   {control}{silent}"
    beats = heart["beats"][-_BEATS_SHOWN:]
    if beats:
        marks = {"answered": "|", "silent": ".", "unsent": "!"}
        primary = "".join(marks.get(beat["primary"], "?") for beat in beats)
        control = "".join(marks.get(beat["control"], "?") for beat in beats)
        yield f" Latest beats      primary {primary}  control {control}"
        if set(primary + control) != {"|"}:
            yield " " * 19 + "(| answered, . silent, ! not sent: our own host)"


def _systems(page: Page, paint: Paint) -> Iterator[str]:
    goal = page["goal"]
    width = max(len(plain(lim["address"])) for system in page["systems"].values() for lim in system["lims"])
    for name, system in page["systems"].items():
        wanted = None if goal is None else ("allowed" if goal["active"] == name else "blocked")
        ready = "ready" if system["ready"] else paint.warn("not ready")
        head = f" {name.upper()} SYSTEM".ljust(_LABEL + width + 2)
        yield head + _traffic(plain(system["traffic"]).ljust(8), wanted, paint) + "  " + ready
        for lim in system["lims"]:
            yield from _lim(lim, width, wanted, paint)
        for lim in system["not_listed"]:
            yield "   " + paint.alarm(f"LIM {lim} is not listed in the settings: UNFENCED")


def _lim(lim: Page, width: int, wanted: str | None, paint: Paint) -> Iterator[str]:
    label = f"   LIM {lim['lim']}" + (" standby" if lim["standby"] else "")
    head = f"{label.ljust(_LABEL)}{plain(lim['address']).ljust(width)}  "
    traffic = plain(lim["traffic"]).ljust(8)
    first, *rest = wrapped(_remarks(lim), f"{head}{traffic}  ", " " * _LABEL)
    yield head + _traffic(traffic, wanted, paint) + first[len(head) + len(traffic) :]
    yield from rest


def _remarks(lim: Page) -> str:
    said: list[str] = []
    if not lim["reach"]:
        said.append(f"OUT OF REACH ({lim['unreached'] or 'no channel yet'})")
        if lim["last_traffic"] != "unknown":
            said.append(f"was {lim['last_traffic']}")
    if lim["origin"] == "order":
        said.append(f"order {lim['number']} ({lim['word']})")
    elif lim["origin"] != "none":
        said.append(_ORIGINS.get(lim["origin"], str(lim["origin"])))
    if lim["refused"]:
        said.append(f"REFUSED: {lim['refused']}")
    if lim["reach"]:
        said.append(_EXCHANGE[lim["exchange_running"]])
    if not lim["reach"] or (lim["heard_ago_ms"] or 0) > _LONG_MS:
        said.append(f"heard {ago(lim['heard_ago_ms'])}")
    return ", ".join(said)


def _methods(page: Page, _: Paint) -> Iterator[str]:
    for direction, method in page["methods"].items():
        yield f" {plain(direction).ljust(26)}{plain(method)}"


def _would_go_wrong(page: Page, paint: Paint) -> Iterator[str]:
    wrong = page["would_go_wrong"]
    if not wrong:
        yield " " + paint.good("A takeover would work now.")
        return
    yield " " + paint.warn("What would go wrong now:")
    for reason in wrong:
        if not reason.startswith("UNFENCED"):  # stands above, in its box
            yield from wrapped(reason, "   - ")


def _alarms(page: Page, paint: Paint) -> Iterator[str]:
    found = [alarm for alarm in page["alarms"] if alarm["name"] != "unfenced"]
    if found:
        yield " Alarms:"
    for alarm in found:
        first, *rest = wrapped(alarm["text"], f"   {alarm['severity']} ")
        yield _graded(alarm["severity"], first, paint)
        yield from rest


def _traffic(traffic: str, wanted: str | None, paint: Paint) -> str:
    if traffic.strip() == wanted:
        return paint.good(traffic)
    return paint.warn(traffic) if traffic.strip() == "unknown" else paint.bad(traffic)


def _graded(severity: int, text: str, paint: Paint) -> str:
    return paint.bad(text) if severity >= _MAJOR else paint.warn(text)


def _listed(lines: list[str], *, numbered: bool = False) -> list[str]:
    if not lines:
        return ["  nothing"]
    return [
        folded
        for index, line in enumerate(lines, 1)
        for folded in wrapped(line, f"  {index}. " if numbered else "  ", "     " if numbered else "    ")
    ]
