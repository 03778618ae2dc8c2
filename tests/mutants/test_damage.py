"""What is damaged: every mutant fits the sources of today, and Python is spoiled where it decides."""

import ast
import subprocess

import pytest

from mutants.__main__ import all_mutants, killer
from mutants.damage import TOP, Group, Stale, of_text, read
from mutants.explained import EXPLAINED
from mutants.report import EXPLAINED_AT_MOST, LEAST
from mutants.shell import PATH
from mutants.spoil import Spoiler
from redundancyd.core.takeover import TABLE

MUTANTS = all_mutants()


def test_every_damage_fits_and_leaves_a_program():
    """
    Each changes its file, and what it leaves can still be read: otherwise anything would notice it.
    """
    for mutant in MUTANTS:
        damaged = mutant.applied(read(mutant.path))
        if mutant.path.endswith(".py"):
            ast.parse(damaged)


def test_every_damaged_guard_leaves_a_shell_program():
    """
    dash can parse each of them.
    """
    for mutant in MUTANTS:
        if mutant.path == PATH:
            subprocess.run(["sh", "-n"], input=mutant.applied(read(PATH)), text=True, timeout=5, check=True)


def test_mutants_have_names_of_their_own_and_tests_that_are_there():
    """
    A page with a line for each would say nothing otherwise.
    """
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
    assert len({(mutant.path, mutant.applied(read(mutant.path))) for mutant in MUTANTS}) == len(MUTANTS)
    assert {file for mutant in MUTANTS for file in killer(mutant).tests.files if not (TOP / file).is_file()} == set()


def test_every_kind_has_its_mutants_and_every_row_some():
    """
    Rows, verdict, deadlines, folds, goals and guards.
    """
    assert {mutant.group for mutant in MUTANTS} == set(Group)
    damaged_rows = {mutant.name.split()[0] for mutant in MUTANTS if mutant.group is Group.ROW}
    assert damaged_rows == {row.number for row in TABLE.values()}


def test_few_are_explained_away_and_none_that_is_not_there():
    """
    A sentence for each.
    """
    assert set(EXPLAINED) - {mutant.name for mutant in MUTANTS} == set()
    assert all(len(why) > 20 for why in EXPLAINED.values())
    assert len(MUTANTS) >= LEAST
    assert len(EXPLAINED) < EXPLAINED_AT_MOST * len(MUTANTS)


@pytest.mark.parametrize("old", ["no such text", "fi\n"])
def test_a_text_that_is_not_there_once_is_stale(old: str):
    """
    Not there, or more than once: nobody can tell what would be damaged.
    """
    with pytest.raises(Stale):
        of_text("a guard", Group.GUARD, PATH, old, "")


def test_a_damage_that_changes_nothing_is_stale():
    """
    It would survive for ever.
    """
    text = "only root can see or change the rules"
    with pytest.raises(Stale):
        of_text("a guard", Group.GUARD, PATH, text, text).applied(read(PATH))


@pytest.mark.parametrize(
    ("code", "damaged"),
    [
        ("return a >= b", ["return (a > b)", "return (not (a >= b))"]),
        ("return a < b <= c", ["return (a < b < c)", "return (a <= b <= c)", "return (not (a < b <= c))"]),
        ("return a is b", ["return (not (a is b))"]),
        ("return a is None", []),
        ("return a and b()", ["return (a)", "return (b())"]),
        ("return a is not None or b()", ["return (a is not None)"]),
        ("if a():\n        return b", ["if ((a()) and False):\n        return b"]),
        ("return not a()", ["return (a())"]),
        ("return any(a)", ["return all(a)"]),
        ("return max(a, b)", ["return min(a, b)"]),
        ("return a + b", ["return (a)"]),
        ("return 2 * a", ["return (a)"]),
        ("return a + (b,)", []),
        ("return [a for a in b if a()]", ["return [a for a in b if ((a()) or True)]"]),
        ("return replace(a, b=c)", ["return replace(a)"]),
        ("return f(System.PRIMARY)", ["return f(System.ALTERNATE)"]),
        ("return s.block_deadline_ms", ["return s.allow_deadline_ms"]),
        ("assert a >= b", []),
        ('return f"{a + b}"', []),
    ],
)
def test_how_python_is_spoiled(code: str, damaged: list[str]):
    """
    Each comparison, condition, fold, sum and note by itself; what spares an exception is left alone.
    """
    source = f"def f():\n    {code}\n"
    spoiler = Spoiler(source, {})
    [(_, function)] = spoiler.functions()
    spoils = spoiler.of_function(function)
    assert sorted(source[: s.start] + s.new + source[s.end :] for s in spoils) == sorted(
        f"def f():\n    {each}\n" for each in damaged
    )


def test_how_numbers_with_a_name_are_spoiled():
    """
    Small ones by one, large ones by half.
    """
    said = [(spoil.says, spoil.new) for spoil in Spoiler("A = 3\nB = 200\nC = 'text'\n", {}).of_constants()]
    assert said == [("A is 2", "2"), ("A is 4", "4"), ("B is 100", "100"), ("B is 400", "400")]
