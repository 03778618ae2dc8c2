"""The checks of the house: where things may stand, and that every promise has somebody who tries it."""

import ast
import re
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from redundancyd.config import Config, parse
from tests.house import COLLECTED, PACKAGE, PROMISES, TOP, Collected, imports, names_read, sources

LINES_AT_MOST = 320

# Value modules: they compute, and neither wait nor look at anything outside.
OPEN_TO_THE_CORE = frozenset(
    {"__future__", "abc", "bisect", "collections", "copy", "dataclasses", "enum", "functools", "hashlib", "heapq"}
    | {"ipaddress", "itertools", "json", "math", "operator", "re", "string", "struct", "textwrap", "types", "typing"}
)

# Knowledge with a single home.
HOMES = {
    "ahocorasick_rs": {"adapters/fast_translation.py"},
    "asyncssh": {"adapters/ssh.py", "adapters/admin_ssh.py"},  # kept channels; a person's login, once
    "cronsim": {"adapters/daily.py"},
    "icmplib": {"adapters/probes.py"},
    "aiohttp": {"api.py"},
    "structlog": {"adapters/journal.py"},
    "logging_journald": {"adapters/journal.py"},
}

CLOCKS = (
    "time.time",
    "time.time_ns",
    "time.monotonic",
    "time.monotonic_ns",
    "time.perf_counter",
    "time.perf_counter_ns",
    "time.clock_gettime",
    "time.clock_gettime_ns",
    "time.localtime",
    "time.gmtime",
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "loop.time",
)
# The lab and the simulator stand outside of what they measure and have clocks of their own.
MAY_READ_CLOCKS = ("adapters/clock.py", "lab/", "sim/")


@pytest.fixture
def collected(request: pytest.FixtureRequest) -> Collected:
    """What this run has found; a run of some files only can't say anything about the whole."""
    found = request.config.stash[COLLECTED]
    if left_out := found.not_run():
        if request.config.getoption("--whole"):
            pytest.fail(f"should be a whole run, but has nothing of {', '.join(sorted(left_out))}")
        pytest.skip("only a run of all test files can tell")
    return found


@pytest.mark.parametrize("promise", PROMISES)
def test_each_promise_is_tried_by_a_test(collected: Collected, promise: str):
    """
    A promise that nothing exercises fails the run.
    """
    assert promise in collected.marks, f"no test is marked {promise}"


def test_each_scenario_page_is_played_by_a_test(collected: Collected):
    """
    A page that is not played is only a story.
    """
    pages = {page.stem for page in (PACKAGE / "scenarios").glob("*.txt")}
    assert pages, "no scenario pages"
    assert pages - collected.scenarios == set()


@pytest.mark.parametrize("name", sources())
def test_a_file_is_short_enough_to_be_read(name: str):
    """
    No file of the package has more lines than one sits down to read.
    """
    assert len((PACKAGE / name).read_text().splitlines()) <= LINES_AT_MOST


def test_the_core_imports_value_modules_and_itself():
    """
    Nothing the core imports can wait, read a clock, or know of a server.
    """
    foreign = {
        f"{name}: {module}"
        for name, tree in sources().items()
        if name.startswith("core/")
        for module in imports(tree)
        if module.split(".")[0] not in OPEN_TO_THE_CORE and not is_core(module)
    }
    assert foreign == set()


def is_core(module: str) -> bool:
    """Whether a dotted name is the core or in it."""
    return module == "redundancyd.core" or module.startswith("redundancyd.core.")


@pytest.mark.parametrize(("library", "homes"), HOMES.items())
def test_a_library_is_known_in_its_own_files_only(library: str, homes: set[str]):
    """
    Where the library has to be replaced one day, one file changes.
    """
    users = {name for name, tree in sources().items() if library in {module.split(".")[0] for module in imports(tree)}}
    assert users == homes


def test_one_file_reads_clocks():
    """
    Everything else is given the time, so the simulator can give another.
    """
    reads = {
        f"{name}:{line}: {dotted}"
        for name, tree in sources().items()
        if not name.startswith(MAY_READ_CLOCKS)
        for dotted, line in names_read(tree)
        if dotted.endswith(CLOCKS)
    }
    assert reads == set()


def test_no_clock_is_imported_under_a_bare_name():
    """
    A name like monotonic, imported alone, would hide a clock from the check above.
    """
    bare = {
        f"{name}: {module}"
        for name, tree in sources().items()
        if not name.startswith(MAY_READ_CLOCKS)
        for module in imports(tree)
        if module in CLOCKS
    }
    assert bare == set()


def all_settings_shown() -> str:
    """The settings file as delivered, with each default that it shows in force."""
    return re.sub(r"^#(?! \S)", "", (TOP / "config" / "redundancyd.toml").read_text(), flags=re.MULTILINE)


def test_every_setting_is_in_the_settings_file():
    """
    Whoever reads the delivered file has seen each setting there is.
    """
    shown = tomllib.loads(all_settings_shown())
    tables = {name: field.annotation for name, field in Config.model_fields.items()}
    assert {name: set(table.model_fields) for name, table in tables.items() if table is not None} == {
        name: set(values) for name, values in shown.items()
    }


def test_the_settings_file_shows_the_true_defaults():
    """
    Removing every # before a setting changes nothing.
    """
    assert parse(all_settings_shown().encode()) == parse((TOP / "config" / "redundancyd.toml").read_bytes())


def calls(folder: Path) -> Iterator[tuple[str, ast.Call]]:
    """Each call in the sources of a folder, with where it stands."""
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                yield f"{path.relative_to(TOP)}:{node.lineno}", node


@pytest.mark.parametrize("folder", ["redundancyd", "tests", "bench", "mutants", "branches"])
def test_host_keys_are_checked_everywhere(folder: str):
    """
    No call anywhere turns off the check of host keys.
    """
    unchecked = {
        place
        for place, call in calls(TOP / folder)
        for word in call.keywords
        if word.arg == "known_hosts" and isinstance(word.value, ast.Constant) and word.value.value is None
    }
    assert unchecked == set()


def test_no_shell_is_built_from_strings():
    """
    No call of the package hands a string to a shell.
    """
    through_a_shell = {
        place
        for place, call in calls(PACKAGE)
        if any(word.arg == "shell" and not is_false(word.value) for word in call.keywords)
        or ast.unparse(call.func) in {"os.system", "os.popen", "asyncio.create_subprocess_shell"}
    }
    assert through_a_shell == set()


def is_false(value: ast.expr) -> bool:
    """Whether an argument is the word False."""
    return isinstance(value, ast.Constant) and value.value is False


def test_the_wheel_carries_what_is_not_python(tmp_path: Path):
    """
    An installed package has the shell file of the LIMs and every scenario page.
    """
    built = next(WheelBuilder(str(TOP)).build(directory=str(tmp_path), versions=["standard"]))
    carried = set(zipfile.ZipFile(built).namelist())
    others = {path for path in PACKAGE.rglob("*") if path.is_file() and path.suffix not in {".py", ".pyc"}}
    assert PACKAGE / "lim" / "redundancy-lim" in others
    assert {path.relative_to(TOP).as_posix() for path in others} - carried == set()
