"""What the checks of the house look at: the sources as syntax trees, and the tests that a run has found."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Self

import pytest

TOP = Path(__file__).resolve().parents[1]
PACKAGE = TOP / "redundancyd"
PROMISES = ("S0", "S1", "S2", "S3", "S4", "S5", "S6", "L1", "L2", "L3", "D1", "D2", "D3", "D4")
"""The promises that a run without a test of them must not pass."""


@dataclass(frozen=True, slots=True)
class Collected:
    """What a run has found before anything was deselected."""

    files: frozenset[Path]
    """test files with a test in them"""
    marks: frozenset[str]
    """names of all marks on them"""
    scenarios: frozenset[str]
    """names of the scenario pages that a test plays"""

    @classmethod
    def of(cls, items: Iterable[pytest.Item]) -> Self:
        """Fold the items of a session."""
        items = list(items)
        return cls(
            frozenset(item.path for item in items),
            frozenset(mark.name for item in items for mark in item.iter_markers()),
            frozenset(str(mark.args[0]) for item in items for mark in item.iter_markers("scenario")),
        )

    def not_run(self) -> set[str]:
        """Test files of the tree that this run has left out; empty for a whole run."""
        with_tests = {path for path in (TOP / "tests").rglob("test_*.py") if "def test_" in path.read_text()}
        return {path.relative_to(TOP).as_posix() for path in with_tests - self.files}


COLLECTED = pytest.StashKey[Collected]()


@cache
def sources() -> dict[str, ast.Module]:
    """The package's files by their path in it, parsed."""
    return {
        path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text(), str(path))
        for path in sorted(PACKAGE.rglob("*.py"))
    }


def imports(tree: ast.Module) -> Iterator[str]:
    """Each module that a file imports, as a dotted name, wherever in the file."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(module), level=0, names=names):
                yield module
                yield from (f"{module}.{alias.name}" for alias in names)


def names_read(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Each dotted name that a file uses, with its line: `time.monotonic`, `datetime.now`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name):
            dotted = ast.unparse(node).replace("()", "")
            if dotted.replace(".", "").replace("_", "").isalnum():
                yield dotted, node.lineno
