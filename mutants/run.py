"""The run: every mutant is asked of its tests, and of the laws where it is one of the core."""

import queue
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from pathlib import PurePath

from mutants.damage import TOP, Group, Mutant
from mutants.explained import EXPLAINED
from mutants.trees import Asked, Tree, Unsound, another

NOT_ASKED = "-"
LAW_SECONDS = 780
"""So long the laws are asked about mutants that a test has noticed already; the rest of 15 minutes is a reserve."""

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Killer:
    """What is asked of a mutant."""

    tests: Asked
    laws: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a mutant fared."""

    mutant: Mutant
    test: str  # the test that noticed; "" when none did
    law: str = NOT_ASKED  # the law that noticed; "" when none did

    @property
    def noticed(self) -> bool:
        """Whether anything did."""
        return bool(self.test) or self.law not in {"", NOT_ASKED}

    @property
    def why(self) -> str:
        """Why it may survive, if somebody said so."""
        return EXPLAINED.get(self.mutant.name, "")


_NOT_ASKED_OF_CORE = {
    f"test_{name}"
    for name in (
        "table",  # the page printed from the table as data notices anything
        # What decides nothing.
        "address_list",
        "backups",
        "clusters",
        "exchange_alarms",
        "layout",
        "manifest",
        "mirrors",
        "prerequisites",
        "setup_plan",
        "table_text",
        "translation",
        "translation_properties",
        "translation_table",
    )
}


@cache
def core_tests(path: str) -> Asked:
    """The core's tests of the decision, likeliest first."""
    stem = PurePath(path).stem
    names = {file.stem for file in (TOP / "tests/core").glob("test_*.py")}
    found = sorted(names - _NOT_ASKED_OF_CORE)
    first = [name for name in (f"test_{stem}", "test_rows", "test_promises") if name in found]
    return Asked(tuple(f"tests/core/{name}.py" for name in [*first, *(name for name in found if name not in first)]))


class Run:
    """Asks about all mutants, some at once, each in a copy of its own."""

    def __init__(
        self,
        first: Tree,
        killers: Callable[[Mutant], Killer],
        jobs: int,
        tell: Tell,
        *,
        law_seconds: float = LAW_SECONDS,
    ) -> None:
        self._started = time.monotonic()
        self._killers = killers
        self._tell = tell
        self._first = first
        self._jobs = jobs
        self._law_seconds = law_seconds
        self._trees: queue.SimpleQueue[Tree] = queue.SimpleQueue()

    def prepare(self, mutants: Iterable[Mutant]) -> None:
        """Unsound unless the undamaged copy passes everything, and a ruined one passes nothing."""
        killers: dict[Killer, Mutant] = {}
        for mutant in mutants:
            killers.setdefault(self._killers(mutant), mutant)
        for killer, mutant in killers.items():
            self._check(killer, mutant)
        for number in range(self._jobs):
            self._trees.put(self._first if number == 0 else another(self._first, number))

    def _check(self, killer: Killer, mutant: Mutant) -> None:
        if said := self._first.tested(killer.tests, keep_compiled=True) or (killer.laws and self._first.judged()):
            raise Unsound(f"without any damage: {said}")
        ruins = "raise ImportError\n" if mutant.path.endswith(".py") else "exit 7\n"
        ruined = replace(mutant, name="a file in ruins", start=0, end=0, new=ruins)
        with self._first.damaged(ruined):
            if not self._first.tested(killer.tests) or (killer.laws and not self._first.judged()):
                raise Unsound(f"{mutant.path} in ruins goes unnoticed: it is not the copy that is tested")

    def ask(self, mutants: list[Mutant]) -> list[Verdict]:
        """First the tests; then the laws, where no test noticed, and elsewhere while there is time."""
        with ThreadPoolExecutor(self._jobs) as pool:
            tested = list(pool.map(self._test, mutants))
            self._tell(f"{self.seconds():.0f} s  the laws")
            return list(pool.map(self._judge, tested))

    def seconds(self) -> float:
        """How long it has taken so far."""
        return time.monotonic() - self._started

    def _test(self, mutant: Mutant) -> Verdict:
        tree = self._trees.get()
        try:
            with tree.damaged(mutant):
                said = tree.tested(self._killers(mutant).tests)
        finally:
            self._trees.put(tree)
        self._tell(f"{self.seconds():.0f} s  {mutant.group}  {mutant.name}: {said or 'no test'}")
        return Verdict(mutant, said)

    def _judge(self, verdict: Verdict) -> Verdict:
        if not self._killers(verdict.mutant).laws or (verdict.test and self.seconds() > self._law_seconds):
            return verdict
        tree = self._trees.get()
        try:
            with tree.damaged(verdict.mutant):
                said = tree.judged()
        finally:
            self._trees.put(tree)
        if not verdict.test:
            self._tell(f"{self.seconds():.0f} s  {verdict.mutant.group}  {verdict.mutant.name}: {said or 'SURVIVES'}")
        return replace(verdict, law=said)


def of_group(verdicts: Iterable[Verdict], group: Group) -> list[Verdict]:
    """Those of one group."""
    return [verdict for verdict in verdicts if verdict.mutant.group is group]
