"""Before a pair is there, and how it becomes one -> text of 80 columns.  Pure."""

from collections.abc import Iterator
from typing import Any

from redundancyd.utility import screens
from redundancyd.utility.data_screens import size
from redundancyd.utility.text import PLAIN, WIDTH, Paint, box, plain, span, wrapped

Page = dict[str, Any]
_NAME = 16
_IN_ORDER = frozenset({"met", "accepted"})
_MARKS = {"met": "  ok ", "accepted": "  yes", "to be accepted": "  ?  ", "not met": "  NO "}


def unconfigured(page: Page, paint: Paint = PLAIN) -> str:
    """The status page of a daemon without a pair."""
    setup = page["setup"]
    told = f"redundancyd {plain(page['version'])}, running for {span(page['started_ago_ms'])}"
    lines = [told + "not configured".rjust(WIDTH - len(told)), ""]
    lines += box(["NOT CONFIGURED: nobody supervises the primary", _what_to_do(setup)], paint)
    if setup["overlap"]:
        lines += ["", *(paint.bad(line) for line in wrapped(setup["overlap"]))]
    lines += ["", *doing(setup), *_behind(setup)]
    for name in ("primary", "alternate"):
        system = page["systems"][name]
        lines.append(paint.bold(f"{name} system: {plain(system['traffic'])}"))
        for lim in system["lims"]:
            lines += wrapped(_lim(lim), "   ", "      ")
    return "\n".join(lines)


def _what_to_do(setup: Page) -> str:
    if setup["step"] != "resting":
        return "Watch it with 'redundancyctl status --watch'; 'redundancyctl remove' stops and undoes it."
    return "Make a pair of the two systems: redundancyctl configure"


def doing(setup: Page) -> Iterator[str]:
    """What a configuration is at; nothing while it rests."""
    if setup["step"] != "resting":
        detail = f": {setup['detail']}" if setup["detail"] else ""
        yield from wrapped(f"{setup['step']}{detail}", "Now            ", " " * 15)
    if setup["progress"] is not None:
        done, total = setup["progress"]["done_bytes"], setup["progress"]["all_bytes"]
        yield f"               {size(done)}" + (f" of {size(total)}" if total else "")


def _behind(setup: Page) -> Iterator[str]:
    """What came of the last try, and what is left to do."""
    if setup["last"] is not None:
        yield from wrapped(f"{setup['last']['result']}: {setup['last']['why']}", "Last try       ", " " * 15)
    if setup["to_disarm"]:
        names = ", ".join(setup["to_disarm"])
        why = f"{names}: would hold after a restart still; as root there: redundancy-lim remove"
        yield from wrapped(why, "Left to do     ", " " * 15)
    if setup["step"] != "resting" or setup["last"] is not None or setup["to_disarm"]:
        yield ""


def _lim(lim: Page) -> str:
    told = f"{lim['name']} {lim['address']}: {lim['traffic']}"
    return told if lim["reach"] else f"{told}, out of reach: {lim['unreached']}".rstrip(": ")


def prerequisites(found: list[Page], paint: Paint = PLAIN) -> str:
    """The list: what is not met with what was found, what was expected, and the remedy."""
    lines = [paint.bold("Prerequisites:")]
    for each in found:
        outcome = plain(each["outcome"])
        mark = {"not met": paint.bad, "to be accepted": paint.warn}.get(outcome, paint.good)(
            _MARKS.get(outcome, "  ?  ")
        )
        is_met = outcome == "met"
        told = each["found"][0] if is_met and len(each["found"]) == 1 else each["expected"] if is_met else outcome
        first, *rest = wrapped(told, f"      {each['name']}".ljust(_NAME + 6))
        lines += [f"{mark}{first[5:]}", *rest]
        if not is_met:
            lines += _explained(each)
    return "\n".join(lines)


def _explained(each: Page) -> Iterator[str]:
    for text in each["found"]:
        yield from wrapped(text, " " * 8 + "found:    ")
    yield from wrapped(each["expected"], " " * 8 + "expected: ")
    if each["remedy"] and each["outcome"] != "accepted":
        yield from wrapped(each["remedy"], " " * 8 + "remedy:   ")


def preview(page: Page, paint: Paint = PLAIN) -> str:
    """The list where there is one, then now, will do, afterwards."""
    told = screens.preview(page, paint)
    found = page.get("prerequisites")
    return told if found is None else f"{prerequisites(found, paint)}\n\n{told}"


def refusal(page: Page, hint: str, paint: Paint = PLAIN) -> str:
    """A preview that was refused, for a screen of which the first lines are seen first: what hinders stands there."""
    found = page.get("prerequisites")
    if found is None:
        return "\n".join([screens.preview(page, paint), "", *wrapped(hint)])
    refused = [paint.bad(line) for line in wrapped(page["refused"], "It would be refused: ", "  ")]
    first = sorted(found, key=lambda each: each["outcome"] in _IN_ORDER)
    return "\n".join([*refused, *wrapped(hint), "", prerequisites(first, paint)])
