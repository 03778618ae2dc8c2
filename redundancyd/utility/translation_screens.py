"""The page of the translation -> text of 80 columns.  Pure."""

from collections.abc import Iterator
from typing import Any

from redundancyd.utility.text import PLAIN, Paint, plain, wrapped

Page = dict[str, Any]
NOTHING = "This daemon has nothing to do with exchange data."
_PLACES = 3
_LABEL = 15
_HEADS = {
    "missing": "OWN, AND NOT IN THE TABLE: nothing is loaded before each has an entry",
    "new": "NEW: nothing is loaded before each is confirmed, or has an entry",
    "untouched": "Own, in a file that is no text and stays as it is: would the alternate mind?",
    "foreign": "Somebody else's, confirmed",
    "translated": "Translated",
}
_REMEDIES = {
    "missing": "redundancyctl settings translation set ADDRESS THE-ALTERNATE'S, or edit",
    "new": "redundancyctl settings translation confirm",
}


def table(page: Page, paint: Paint = PLAIN) -> str:
    """What holds back a load, then every address with where it stands."""
    if not page:
        return NOTHING
    parts = [_head(page, paint), *(_of_kind(page, kind, paint) for kind in _HEADS), _gone(page), _left_out(page)]
    blocks = ["\n".join(lines) for part in parts if (lines := list(part))]
    return "\n\n".join(blocks)


def _head(page: Page, paint: Paint) -> Iterator[str]:
    counts = page["counts"]
    if page["mirror"] is None:
        yield f"{_label('Mirror')}none was looked through yet; 'redundancyctl data copy' makes one"
    else:
        told = ", ".join(f"{count} {plain(kind)}" for kind, count in counts.items() if count) or "no address in it"
        yield from wrapped(f"{page['mirror']}: {told}", _label("Mirror"))
    held = [f"{counts['missing']} own not in the table"] if counts["missing"] else []
    held += [f"{counts['new']} new"] if counts["new"] else []
    held += ["the systems are not as they were configured"] if page["differences"] else []
    if page["unread"]:
        yield from (paint.bad(line) for line in wrapped(page["unread"], _label("UNREADABLE")))
    if held:
        yield from (paint.bad(line) for line in wrapped(", ".join(held), _label("HELD BACK")))
    elif page["mirror"] is not None and not page["unread"]:
        yield paint.good(f"{_label('Loads')}nothing in the table holds them back")


def _of_kind(page: Page, kind: str, paint: Paint) -> Iterator[str]:
    found = [each for each in page["addresses"] if each["kind"] == kind]
    if not found:
        return
    head = _HEADS[kind]
    yield paint.bad(head) if kind in _REMEDIES else paint.bold(head)
    for each in found:
        becomes = f" -> {plain(each['becomes'])}" if each["becomes"] else ""
        times = f"{each['count']} times" if each["count"] > 1 else "once"
        yield from wrapped(f"{plain(each['address'])}{becomes}, {times}: {places(each)}", "  ", "      ")
    if kind in _REMEDIES:
        yield f"  => {_REMEDIES[kind]}"


def places(each: Page) -> str:
    """The first places of an address."""
    told = [f"LIM {place['lim']} {plain(place['file'])}:{place['line']}" for place in each["places"][:_PLACES]]
    return ", ".join(told) + (" ..." if each["count"] > len(told) else "")


def _gone(page: Page) -> Iterator[str]:
    if page["gone"] and page["mirror"] is not None:
        yield "No longer there: in the table or confirmed, and nowhere in the mirror"
        yield from wrapped(", ".join(map(plain, page["gone"])), "  ")


def _left_out(page: Page) -> Iterator[str]:
    if page["not_shown"]:
        yield f"{page['not_shown']} more addresses are not shown"
    if page["left_out"]:
        yield f"{page['left_out']} more places are counted and not shown"


def _label(text: str) -> str:
    return text.ljust(_LABEL)
