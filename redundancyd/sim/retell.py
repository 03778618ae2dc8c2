"""A plan as a scenario page: what a seed did, in words that `redundancy-sim play` does again at the same instants."""

from collections.abc import Iterator

from redundancyd.sim.swarm import Plan
from redundancyd.sim.timeline import MS


def page_of(plan: Plan, about: str) -> str:
    """The text of the page; `about` is its sentence."""
    return "".join(f"{line}\n" for line in _lines(plan, " ".join(about.split())))


def _lines(plan: Plan, about: str) -> Iterator[str]:
    yield about
    yield ""
    setup = plan.setup
    yield from (f"set {name} {value}" for name, value in setup.settings.items())
    yield f"fleet seed {setup.seed}"
    yield f"fleet lims {setup.lims}"
    if setup.standby:
        yield f"fleet standby {' '.join(f'{system}-{lim}' for system, lim in setup.standby)}"
    if setup.watchdog:
        yield "fleet watchdog"
    if setup.loss:
        yield f"fleet loss {setup.loss}"
    least, most = setup.boot_us
    yield f"fleet boot {least // MS}ms {most // MS}ms"
    yield ""
    at_ms = 0
    for deed in plan.deeds:
        if deed.at_ms != at_ms:
            at_ms = deed.at_ms
            yield f"at {at_ms}ms"
        # An order of a plan is said, and nobody waits for its end.
        yield " ".join(("begin" if deed.verb == "order" else deed.verb, *deed.words))
    yield f"at {plan.until_ms}ms"
