"""What coverage has measured -> the branches that nobody entered, each with a name that outlives a move of its line."""

import ast
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coverage import Coverage

Arc = tuple[int, int]  # from a line to a line; a negative one is the end of what begins there


@dataclass(frozen=True, slots=True)
class Unentered:
    """A branch that was not entered, or a line that never ran."""

    path: Path
    line: int
    name: str

    def __str__(self) -> str:
        return f"{self.path.name}:{self.line}: {self.name}"


@contextmanager
def measured(into: Path, files: Sequence[Path]) -> Iterator[None]:
    """What happens meanwhile in these files is kept in the folder, beside what others measure."""
    coverage = _coverage(into, files, suffix=True)
    coverage.start()
    try:
        yield
    finally:
        coverage.stop()
        coverage.save()


def unentered(into: Path, files: Sequence[Path], rules: Iterable[str]) -> tuple[int, list[Unentered]]:
    """How many branches these files have, and those that nobody entered in all that the folder holds."""
    coverage = _coverage(into, files, suffix=False)
    for rule in rules:
        coverage.exclude(rule)
    coverage.combine([str(into)], keep=True)
    page = into / "page.json"
    coverage.json_report(morfs=[str(path) for path in files], outfile=str(page))
    told = json.loads(page.read_text())
    found = [each for name, of_file in sorted(told["files"].items()) for each in _of_file(Path(name), of_file)]
    return told["totals"]["num_branches"], found


def mistakes(found: Sequence[Unentered], explained: Iterable[str]) -> Iterator[str]:
    """What fails the run: a branch without a sentence, and a sentence without a branch."""
    left = Counter(list(explained))
    for each in found:
        if not left[each.name]:
            yield f"never entered: {each}"
        left[each.name] -= 1
    yield from (f"is explained, and entered after all or gone: {name}" for name, times in left.items() if times > 0)


def idle_rules(rules: Iterable[str], files: Sequence[Path]) -> Iterator[str]:
    """The rules that leave nothing out."""
    text = "\n".join(path.read_text() for path in files)
    yield from (f"leaves nothing out: {rule}" for rule in rules if not re.search(rule, text))


def _coverage(into: Path, files: Sequence[Path], *, suffix: bool) -> Coverage:
    include = [str(path) for path in files]
    return Coverage(
        branch=True, data_file=str(into / "measured"), data_suffix=suffix, include=include, config_file=False
    )


def _of_file(path: Path, told: Mapping[str, Any]) -> Iterator[Unentered]:
    text = path.read_text()
    lines, tree = text.splitlines(), ast.parse(text)
    complete, of_functions = set(_complete_matches(tree)), _functions(tree)
    arcs: list[Arc] = [(start, end) for start, end in told["missing_branches"] if end > 0 or start not in complete]
    for start, end in arcs:
        there = "its end" if end < 0 else f"`{lines[end - 1].strip()}`"
        where = ".".join((path.stem, *of_functions.get(start, [])))
        yield Unentered(path, start, f"{where}: `{lines[start - 1].strip()}` -> {there}")
    told_already = {line for arc in arcs for line in arc}
    for line in told["missing_lines"]:
        if line in of_functions and line not in told_already:  # the others ran before anybody measured
            where = ".".join((path.stem, *of_functions[line]))
            yield Unentered(path, line, f"{where}: `{lines[line - 1].strip()}` never runs")


def _functions(tree: ast.Module) -> dict[int, list[str]]:
    """The lines in bodies of functions, each with the functions that it is in, the outermost first."""
    found: dict[int, list[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            for line in range(node.body[0].lineno, (node.end_lineno or 0) + 1):
                found.setdefault(line, []).append(node.name)
    return found


def _complete_matches(tree: ast.Module) -> Iterator[int]:
    """Last cases of matches that end a function which returns something: the type checker lets none of them miss."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and isinstance(node.body[-1], ast.Match):
            returns_nothing = node.returns is None or ast.unparse(node.returns) == "None"
            if not returns_nothing:
                yield node.body[-1].cases[-1].pattern.lineno
