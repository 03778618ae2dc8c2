"""Foreign addresses that the operator has accepted as they are.  Pure."""

from dataclasses import replace

from redundancyd.core.findings import Kind
from redundancyd.data_steps import Translation

FOREIGN = "foreign"
"""by this name they are accepted"""


def new_in(made: Translation) -> frozenset[str]:
    """All foreign addresses that nobody had confirmed."""
    lims = {} if made.seen is None else made.seen.lims
    return frozenset(address for each in lims.values() for kind, address in each.addresses if kind is Kind.NEW)


def confirmed(made: Translation) -> Translation:
    """The same, now that its foreign addresses are confirmed."""
    counts = dict(made.counts)
    counts[Kind.FOREIGN] = counts.get(Kind.FOREIGN, 0) + counts.pop(Kind.NEW, 0)
    return replace(made, unconfirmed=(), counts={**counts, str(Kind.NEW): 0})
