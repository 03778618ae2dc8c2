"""What happens on a page, in words for somebody who has not read it."""

from collections.abc import Iterator

from redundancyd.scenarios.pages import FACTS, FLEET, SIMULATED, VERBS, Do
from redundancyd.scenarios.reading import load, names

SAYS = {
    "power-off": "power cut of {all}, silent and at once",
    "power-on": "power back for {all}: boots on the same disk",
    "order": "redundancyctl {all}",
    "begin": "redundancyctl {all}",
    "by-hand": "redundancy-lim {first} --by-hand on {rest}",
    "freeze": "{all} is frozen (stopped, not ended)",
    "thaw": "{all} is thawed",
    "unplug": "the cable of {all} is pulled",
    "plug": "the cable of {all} is back",
    "keep": "the daemon's {all} is copied away",
    "restore": "the old copy of the daemon's {all} comes back",
    "kill": "kill -9 of the daemon",
    "flush-rules": "iptables -F and -X on {all}",
    "refuse": "iptables-restore on {rest} fails from now on",
    "step-clock": "the daemon's wall clock jumps by {all}",
}
BY_OPERATORS = {"order", "begin", "by-hand"}


def told(step: Do) -> str:
    """One step in words."""
    words = step.words
    says = SAYS.get(step.verb, f"{step.verb} {{all}}")
    return says.format(all=" ".join(words), first=" ".join(words[:1]), rest=" ".join(words[1:]))


def teller(step: Do) -> str:
    """Who lets it happen: an operator, or fate."""
    return "operator" if step.verb in BY_OPERATORS else "FAULT"


def told_last(said: str) -> list[str]:
    """The end of what the utility said: what stands behind the events it followed."""
    lines = said.splitlines()
    followed = [number for number, line in enumerate(lines) if line.startswith("[")]
    return lines[followed[-1] + 1 if followed else -1 :][-3:]


def pages() -> Iterator[str]:
    """Each page that ships: its name, what it is about, what it exercises."""
    for name in names():
        page = load(name)
        yield f"{name:<28} {page.about}  [{' '.join(page.promises)}]"


def words() -> Iterator[str]:
    """What can happen on a page, and what can be expected."""
    yield "What can happen:"
    yield from (f"  {verb:<22} {text}" for verb, text in VERBS.items())
    yield "What can be expected, `within SPAN`, `for SPAN` or now, after `expect` or `expect S4:`:"
    yield from (f"  {fact:<22} {text}" for fact, text in FACTS.items())
    yield "What only the simulator can let happen, besides `at SPAN`, an instant of the run:"
    yield from (f"  {verb:<22} {text}" for verb, text in SIMULATED.items())
    yield "How the simulator is set up, after `fleet`:"
    yield from (f"  {key:<22} {text}" for key, text in FLEET.items())
