"""What the run found, as a page: docs/mutants.md is this text."""

from collections.abc import Iterable, Sequence

from mutants.damage import Group
from mutants.run import NOT_ASKED, Verdict, of_group

GROUPS: dict[Group, str] = {
    Group.ROW: "Rows of the takeover table",
    Group.VERDICT: "The verdict, and what is due",
    Group.DEADLINE: "Deadlines, and who is waited for",
    Group.FOLD: "Folds: many answers and facts become one",
    Group.GOAL: "Goals: what is saved",
    Group.GUARD: "Guards of redundancy-lim",
}
EXPLAINED_AT_MOST = 0.1
LEAST = 60


def page(verdicts: Sequence[Verdict], seconds: float) -> str:
    """The whole as markdown."""
    parts = [HEAD.format(seconds=seconds), *table(COLUMNS, [counts(group, verdicts) for group in GROUPS]), ""]
    for group, title in GROUPS.items():
        found = of_group(verdicts, group)
        if found:
            rows = [[verdict.mutant.name, noticed_by(verdict), law(verdict)] for verdict in found]
            parts += [f"## {title}", "", *table(["damage", "noticed by", "law"], rows), ""]
    return "\n".join(parts)


HEAD = """# Mutants

Printed by `make mutants`.
It does each of these damages to a copy of the sources, one at a time, and asks whether anybody notices.
*Noticed by* is the first test that fails.
*Law* is what a small exploration (`redundancy-sim explore`) says by itself: a law is broken, or the core raises.
A dash: the laws were not asked.
A damage that nobody notices has its explanation, or the run fails.

The last run took {seconds:.0f} s.
"""
COLUMNS = ["", "mutants", "noticed by a test", "noticed by a law", "explained"]


def counts(group: Group, verdicts: Iterable[Verdict]) -> list[str]:
    """One group's line of the summary."""
    found = of_group(verdicts, group)
    by_test, by_law = [v for v in found if v.test], [v for v in found if v.law not in {"", NOT_ASKED}]
    explained = [v for v in found if not v.noticed and v.why]
    return [GROUPS[group], f"{len(found)}", f"{len(by_test)}", f"{len(by_law)}", f"{len(explained)}"]


def noticed_by(verdict: Verdict) -> str:
    """The test, or why nobody has to."""
    if verdict.test:
        return verdict.test
    if verdict.noticed:
        return "the law alone"
    return f"explained: {verdict.why}" if verdict.why else "**NOBODY**"


def law(verdict: Verdict) -> str:
    """What the exploration said."""
    return verdict.law or "none"


def mistakes(verdicts: Sequence[Verdict], explained: Iterable[str], *, whole: bool) -> list[str]:
    """What makes the run fail; empty when every mutant is noticed or explained."""
    names = {verdict.mutant.name for verdict in verdicts}
    found = [f"nobody notices: {v.mutant.name}" for v in verdicts if not v.noticed and not v.why]
    found += [f"is explained, and noticed after all: {v.mutant.name}" for v in verdicts if v.noticed and v.why]
    if not whole:
        return found
    found += [f"is explained, and no mutant any more: {name}" for name in explained if name not in names]
    if len(verdicts) < LEAST:
        found.append(f"only {len(verdicts)} mutants, not {LEAST}")
    spared = sum(not verdict.noticed for verdict in verdicts)
    if spared >= EXPLAINED_AT_MOST * len(verdicts):
        found.append(f"{spared} of {len(verdicts)} are explained away")
    return found


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A markdown table; a bar inside a cell is escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]
