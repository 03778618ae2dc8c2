"""Copies of the tree in which a damage is done, and what is asked there: tests, and the laws of the exploration.

The work tree is never touched.  A copy is damaged, asked in processes of their own, and mended.  Times are of the
processor, since others may be busy beside us.
"""

import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mutants.damage import TOP, Mutant

COPIED = ("redundancyd", "tests", "mutants", "pyproject.toml")
CPU_S = 10
"""What each killer may use of a processor; a damage that makes it run on and on is noticed by that."""
WALL_S = 240
"""And of the clock on the wall, which others can make long."""

TEST_S = 15
_LATER_NS = 1000 * 10**9
_ENDLESS = "it never ends"


class Unsound(Exception):
    """The run itself says nothing: the undamaged copy fails, or a damaged one is not what is tested."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Test files, in the order in which they are asked, and which of their tests."""

    files: tuple[str, ...]
    choice: str = ""  # pytest's -k

    @property
    def words(self) -> list[str]:
        """The command."""
        quiet = ["-x", "-q", "--no-header", "--tb=no", f"--timeout={TEST_S}", "-p", "no:cacheprovider"]
        plugins = ["-p", "pytest_asyncio.plugin", "-p", "pytest_timeout"]
        chosen = ["-k", self.choice] if self.choice else []
        return ["-m", "pytest", *quiet, *plugins, *chosen, *self.files]


class Tree:
    """One copy."""

    def __init__(self, top: Path) -> None:
        self.top = top

    @contextmanager
    def damaged(self, mutant: Mutant) -> Iterator[None]:
        """The copy with this damage, mended afterwards; a time of its own keeps compiled files apart."""
        path = self.top / mutant.path
        before, text = path.stat(), path.read_text()
        path.write_text(mutant.applied(text))
        later = before.st_mtime_ns + _LATER_NS
        os.utime(path, ns=(later, later))
        try:
            yield
        finally:
            path.write_text(text)
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    def tested(self, tests: Asked, *, keep_compiled: bool = False) -> str:
        """The first test that fails, or "" when none does."""
        done = self._run(tests.words, keep_compiled=keep_compiled)
        if done is None:
            return _ENDLESS
        if found := re.search(r"^(?:FAILED|ERROR) (?:tests/)?(\S+(?:\[.*?\])?)", done.stdout, re.MULTILINE):
            return found[1]
        if done.returncode == 0:
            return ""
        raise Unsound(f"pytest ended with status {done.returncode}: {(done.stdout + done.stderr)[-2000:]}")

    def judged(self) -> str:
        """The law that is broken, or "" when none is."""
        done = self._run(["-m", "mutants.laws"])
        if done is None:
            return _ENDLESS
        if done.returncode:  # not even the modules could be read
            return done.stderr.strip().rpartition("\n")[2].partition(":")[0]
        return done.stdout

    def _run(self, words: Sequence[str], *, keep_compiled: bool = False) -> subprocess.CompletedProcess[str] | None:
        """A process in this copy; None when its time was up."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST", "COV"))}
        environment = kept | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        if not keep_compiled:
            environment["PYTHONDONTWRITEBYTECODE"] = "1"
        command = [sys.executable, *words]
        with subprocess.Popen(
            command, cwd=self.top, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            resource.prlimit(process.pid, resource.RLIMIT_CPU, (CPU_S, CPU_S + 1))
            try:
                out, err = process.communicate(timeout=WALL_S)
            except subprocess.TimeoutExpired:
                process.kill()
                return None
        if process.returncode in {-signal.SIGXCPU, -signal.SIGKILL}:
            return None
        return subprocess.CompletedProcess(command, process.returncode, out, err)


@contextmanager
def first_tree() -> Iterator[Tree]:
    """A copy of this tree, removed on every way out; others are copied from it."""
    with tempfile.TemporaryDirectory(prefix="redundancyd-mutants-") as folder:
        top = Path(folder) / "0"
        top.mkdir()
        for name in COPIED:
            if (TOP / name).is_dir():
                shutil.copytree(TOP / name, top / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(TOP / name, top / name)
        yield Tree(top)


def another(tree: Tree, number: int) -> Tree:
    """One more copy beside it, with what is compiled already."""
    top = tree.top.parent / str(number)
    shutil.copytree(tree.top, top)
    return Tree(top)
