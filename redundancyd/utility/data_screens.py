"""What the status page tells of exchange data -> text of 80 columns.  Pure."""

from collections.abc import Iterator
from typing import Any

from redundancyd.utility.text import PLAIN, Paint, ago, plain, span, wrapped

Page = dict[str, Any]
_BAR = 40
_LABEL = 15
_STEP = 1000
_NOTHING = "This daemon has nothing to do with exchange data."
_NO_PAIR = "Nothing is configured, so nothing is copied: redundancyctl configure"


def data(page: Page, paint: Paint = PLAIN) -> str:
    """What is going on, how the last job ended, and the mirrors."""
    found = page["exchange_data"]
    if found is None:
        return _none(page)
    parts = (
        now(found, paint),
        _auto(found),
        _last(found, paint),
        _findings(found, paint),
        _untold(found),
        _mirrors(found, paint),
    )
    return "\n".join(line for part in parts for line in part)


def auto(page: Page, _: Paint = PLAIN) -> str:
    """When the daily copy is made."""
    found = page["exchange_data"]
    return _none(page) if found is None else "\n".join(_auto(found))


def _none(page: Page) -> str:
    return _NOTHING if page.get("configured", True) else _NO_PAIR


def size(count: int) -> str:
    """Bytes, as people say them."""
    value, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < _STEP:
            break
        value, unit = value / _STEP, larger
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"


def now(found: Page, paint: Paint) -> Iterator[str]:
    """What is going on, and how far a copy is."""
    stamp = f" {found['stamp']}" if found["stamp"] and found["step"] != "resting" else ""
    doing = f": {plain(found['exchange'])}" if found["exchange"] else ""
    yield paint.bold(f"{_label('Now')}{plain(found['step'])}{plain(stamp)}{doing}")
    progress = found["progress"]
    if progress is not None:
        yield from (f"{_label('')}{line}" for line in _bar(progress))


def _bar(progress: Page) -> Iterator[str]:
    done, total, rate = progress["done_bytes"], progress["all_bytes"], progress["bytes_per_second"]
    told = f"{size(done)}, {size(rate)}/s"
    if not total:
        yield f"{told}; the LIMs still count"
        return
    filled = _BAR * done // total
    left = "" if progress["left_s"] is None else f", {span(progress['left_s'] * 1000)} left"
    yield f"[{'#' * filled}{'.' * (_BAR - filled)}] {100 * done // total} % of {size(total)}"
    yield f"{told}{left}"


def _auto(found: Page) -> Iterator[str]:
    if found["auto"] is None:
        yield f"{_label('Daily copy')}none; 'data auto create --at 02:30' makes one"
        return
    yield f"{_label('Daily copy')}{plain(found['auto'])}, next in {span(found['next_in_ms'])}"
    if found["again_in_ms"] is not None:
        yield f"{_label('')}tried again in {span(found['again_in_ms'])}"


def _last(found: Page, paint: Paint) -> Iterator[str]:
    last = found["last"]
    if last["result"] is None:
        yield f"{_label('Last job')}none"
    else:
        good = last["result"] in {"loaded", "copied", "nothing to do"}
        first, *rest = wrapped(f"{last['result']} {ago(last['ended_ago_ms'])}: {last['why']}", _label("Last job"))
        yield first if good else paint.warn(first)
        yield from rest
        yield f"{_label('Success')}{ago(last['success_ago_ms'])}"
    yield f"{_label('Alternate')}{_runs(found)}"


def _runs(found: Page) -> str:
    if not found["loaded"]:
        return "was given nothing by this daemon yet"
    return f"was given {plain(found['loaded'])}, of mirror {plain(found['loaded_from'])}"


def _findings(found: Page, paint: Paint) -> Iterator[str]:
    if found["findings"] is not None:
        counts = ", ".join(f"{count} {plain(kind)}" for kind, count in found["findings"].items())
        yield from wrapped(counts, _label("Addresses"))
    for missing in found["missing"]:
        yield from (paint.bad(line) for line in wrapped(missing, f"{_label('')}MISSING "))
    for new in found["unconfirmed"]:
        yield from (paint.bad(line) for line in wrapped(new, f"{_label('')}NEW     "))
    for behind in found["behind"]:
        yield from (paint.bad(line) for line in wrapped(behind, f"{_label('')}WITHOUT "))
    for different in found["differences"]:
        yield from (paint.bad(line) for line in wrapped(different, f"{_label('')}DIFFERS "))


def _untold(found: Page) -> Iterator[str]:
    """What no command of the site tells, so that nobody compares it."""
    if found["layout"]["untold"]:
        yield from wrapped(f"nobody tells the {', '.join(found['layout']['untold'])}", _label("Not compared"))


def _mirrors(found: Page, paint: Paint) -> Iterator[str]:
    if not found["mirrors"]:
        yield f"{_label('Mirrors')}none"
    for place, mirror in enumerate(found["mirrors"]):
        told = f"{mirror['stamp']}  {mirror['condition']}  {size(mirror['size_bytes'])}  {mirror['detail']}"
        lines = wrapped(told.rstrip(), _label("" if place else "Mirrors"))
        yield from lines if mirror["condition"] == "whole" else (paint.warn(line) for line in lines)


def _label(text: str) -> str:
    return text.ljust(_LABEL)
