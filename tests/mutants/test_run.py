"""How mutants are asked about: in a copy that is mended afterwards, by tests and by laws; and what the page says."""

from dataclasses import replace
from pathlib import Path

import pytest

from mutants import laws, trees
from mutants.damage import Group, Mutant
from mutants.report import mistakes, page
from mutants.run import Killer, Run, Verdict
from mutants.trees import Asked, Tree, Unsound
from redundancyd.core import decision
from redundancyd.core.state import Phase
from redundancyd.core.systems import Method, Methods
from redundancyd.core.takeover import TABLE, Ask, Trigger
from redundancyd.sim.explore import FINE, Bounds

SOURCE = "def larger(a, b):\n    return a if a >= b else b\n"
TEST = "from thing import larger\n\n\ndef test_the_larger_one():\n    assert larger(1, 2) == 2\n"
TESTS = Asked(("test_thing.py",))


def mutant(old: str, new: str, name: str = "larger: spoiled") -> Mutant:
    """A damage to the source above."""
    start = SOURCE.index(old)
    return Mutant(name, Group.VERDICT, "thing.py", start, start + len(old), new)


SEEN = mutant("a >= b", "a <= b")
UNSEEN = mutant(">=", ">")
ENDLESS = mutant("    return", "    while True: pass\n    return")


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A tree of one function and its test."""
    (tmp_path / "thing.py").write_text(SOURCE)
    (tmp_path / "test_thing.py").write_text(TEST)
    return Tree(tmp_path)


@pytest.mark.parametrize(("damage", "said"), [(SEEN, "test_thing.py::test_the_larger_one"), (ENDLESS, "it never ends")])
def test_a_damage_is_done_asked_about_and_mended(
    tree: Tree, monkeypatch: pytest.MonkeyPatch, damage: Mutant, said: str
):
    """
    The first test that fails is named; afterwards the file is as it was, and so is what was compiled of it.
    """
    monkeypatch.setattr(trees, "CPU_S", 1)
    assert tree.tested(TESTS, keep_compiled=True) == ""
    with tree.damaged(damage):
        assert tree.tested(TESTS) == said
    assert (tree.top / "thing.py").read_text() == SOURCE
    assert tree.tested(TESTS) == ""


def test_a_run_asks_about_each_and_says_who_noticed(tree: Tree, tmp_path_factory: pytest.TempPathFactory):
    """
    The undamaged copy passes, a ruined one does not: then the answers mean something.
    """
    run = Run(tree, lambda _: Killer(TESTS), 1, lambda _: None)
    run.prepare([SEEN])
    verdicts = run.ask([SEEN, UNSEEN])
    assert [(verdict.test, verdict.law, verdict.noticed) for verdict in verdicts] == [
        ("test_thing.py::test_the_larger_one", "-", True),
        ("", "-", False),
    ]


def test_a_copy_that_fails_without_damage_says_nothing(tree: Tree):
    """
    Everything would seem to be noticed.
    """
    (tree.top / "test_thing.py").write_text(TEST.replace("== 2", "== 3"))
    with pytest.raises(Unsound, match="without any damage"):
        Run(tree, lambda _: Killer(TESTS), 1, lambda _: None).prepare([SEEN])


def test_a_ruin_that_nobody_notices_says_nothing(tree: Tree):
    """
    Something else than the copy is tested.
    """
    (tree.top / "test_thing.py").write_text("def test_nothing():\n    pass\n")
    with pytest.raises(Unsound, match="not the copy"):
        Run(tree, lambda _: Killer(TESTS), 1, lambda _: None).prepare([SEEN])


def test_the_laws_notice_by_themselves(monkeypatch: pytest.MonkeyPatch):
    """
    Nothing in the core as it is; allowing without blocking is a broken law, a core that raises is an error.
    """
    methods, bounds = Methods(Method.AUTOMATIC, Method.MANUAL), Bounds(0, 1, 0)
    assert laws.explored(methods, bounds, FINE, None) == ""
    pair = (Phase.SAVING, Trigger.SAVED)
    damaged = {**TABLE, pair: replace(TABLE[pair], ask=Ask.ALLOW, phase=Phase.ALLOWING)}
    monkeypatch.setattr(decision, "TABLE", damaged)
    assert laws.explored(methods, bounds, FINE, None) != ""
    monkeypatch.setattr(decision, "TABLE", {})
    assert laws.explored(methods, bounds, FINE, None) == "KeyError"


NOTICED = Verdict(SEEN, "test_thing.py::test_the_larger_one", "S1 law")
BY_LAW = Verdict(mutant(">=", ">", "by the law"), "", "S1 law")
SURVIVOR = Verdict(mutant(">=", ">", "a | b"), "", "")


def test_the_page_has_a_line_for_each():
    """
    Who noticed, and nobody; a bar in a name does not end its cell.
    """
    text = page([NOTICED, BY_LAW, SURVIVOR], 61.4)
    assert "| larger: spoiled | test_thing.py::test_the_larger_one | S1 law |" in text
    assert "| by the law | the law alone | S1 law |" in text
    assert "| a \\| b | **NOBODY** | none |" in text
    assert "took 61 s" in text


def test_what_makes_a_run_fail(monkeypatch: pytest.MonkeyPatch):
    """
    A survivor, an explanation of what is noticed, one of what is gone; too few, and too many explained away.
    """
    assert mistakes([NOTICED, BY_LAW], [], whole=False) == []
    assert mistakes([SURVIVOR], [], whole=False) == ["nobody notices: a | b"]
    monkeypatch.setattr("mutants.run.EXPLAINED", {"a | b": "so it is", "larger: spoiled": "so it is"})
    assert mistakes([SURVIVOR], [], whole=False) == []
    assert mistakes([NOTICED], [], whole=False) == ["is explained, and noticed after all: larger: spoiled"]
    found = mistakes([SURVIVOR], ["a | b", "gone"], whole=True)
    assert found == [
        "is explained, and no mutant any more: gone",
        "only 1 mutants, not 60",
        "1 of 1 are explained away",
    ]
