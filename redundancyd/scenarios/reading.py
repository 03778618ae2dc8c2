"""Reads scenario pages: text in, a Page out, or a PageError that names the line and what would be right."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from redundancyd.scenarios.pages import (
    FACTS,
    FOLDER,
    LARGEST_PAGE,
    NAME,
    NEEDS,
    PARTS,
    PROMISES,
    SETTING,
    SIMULATED,
    VERBS,
    WHERE,
    At,
    Do,
    Expect,
    Fact,
    Page,
    PageError,
    Repeat,
    Step,
    Until,
    Wait,
)
from redundancyd.scenarios.spans import Span
from redundancyd.scenarios.vocabulary import check_verb, suits, suits_fleet

MOST_REPEATS = 1000


def names() -> list[str]:
    """The pages that ship with redundancyd."""
    return sorted(path.stem for path in FOLDER.glob("*.txt"))


def load(name: str) -> Page:
    """The page of that name, or in that file; PageError when there is none."""
    path = Path(name) if "/" in name or name.endswith(".txt") else FOLDER / f"{name}.txt"
    if path.parent == FOLDER and not NAME.fullmatch(path.stem):
        raise PageError(f"{name!r} is no name of a page")
    try:
        text = path.read_text()[: LARGEST_PAGE + 1]
    except OSError as error:
        raise PageError(f"there is no page {name!r}; there are: {', '.join(names())}") from error
    return read(path.stem, text)


def read_settings(pairs: Sequence[str]) -> dict[str, str]:
    """Settings as a command line gives them, `heartbeat.interval_ms=1000`; ValueError for what is none."""
    settings = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not SETTING.fullmatch(key):
            raise ValueError(f"--set {pair}: write section.key=value, such as heartbeat.interval_ms=1000")
        settings[key] = value
    return settings


def check_places(page: Page, named: Callable[[str], object]) -> None:
    """`named` raises ValueError for a LIM that is not there; each that the page speaks of is tried."""
    for step in page.flat():
        words = step.words if isinstance(step, Do) else step.fact.words if isinstance(step, Expect | Until) else ()
        for word in words:
            if WHERE.fullmatch(word):
                named(word)


@dataclass(slots=True)
class _Reader:
    """What has been read so far; the stack holds the steps of each `repeat` that is still open."""

    settings: list[tuple[str, str]] = field(default_factory=list)
    promises: list[str] = field(default_factory=list)
    fleet: list[tuple[str, ...]] = field(default_factory=list)
    differs: list[tuple[str, str]] = field(default_factory=list)
    needs: list[str] = field(default_factory=list)
    stack: list[tuple[int, int, list[Step]]] = field(default_factory=lambda: [(0, 1, [])])

    def take(self, line: int, words: list[str]) -> None:
        """One directive."""
        match words:
            case ["set", name, *value] if SETTING.fullmatch(name) and value:
                self.settings.append((name, " ".join(value)))
            case ["promise", *promises] if promises and set(promises) <= set(PROMISES):
                self.promises += promises
            case ["fleet", *words] if suits_fleet(words):
                self.fleet.append(tuple(words))
            case ["differs", part, "because", *why] if part in PARTS and why:
                self.differs.append((part, " ".join(why)))
            case ["needs", what] if what in NEEDS:
                self.needs.append(what)
            case ["repeat", times] if times.isdecimal() and 0 < int(times) <= MOST_REPEATS:
                self.stack.append((line, int(times), []))
            case ["end"] if len(self.stack) > 1:
                start, repeats, steps = self.stack.pop()
                self.stack[-1][2].append(Repeat(start, repeats, tuple(steps)))
            case _:
                self.stack[-1][2].append(_step(line, words))


def read(name: str, text: str) -> Page:
    """The page in a text; PageError names the first line that cannot be played."""
    if len(text) > LARGEST_PAGE:
        raise PageError(f"{name}: longer than {LARGEST_PAGE} characters")
    about: list[str] = []
    reader = _Reader()
    in_about = True
    for line, written in enumerate(text.splitlines(), 1):
        words = written.partition("#")[0].split()
        if not words:
            in_about = in_about and not about
        elif in_about:
            about += words
        else:
            try:
                reader.take(line, words)
            except ValueError as error:
                raise PageError(f"{name}, line {line}: {error}") from error
    if len(reader.stack) > 1:
        raise PageError(f"{name}, line {reader.stack[-1][0]}: repeat without end")
    if not about or not reader.stack[0][2]:
        raise PageError(f"{name}: a page has a sentence, an empty line, and something that happens")
    steps, fleet, differs = tuple(reader.stack[0][2]), tuple(reader.fleet), tuple(reader.differs)
    settings, promises, needs = tuple(reader.settings), tuple(reader.promises), tuple(reader.needs)
    page = Page(name, " ".join(about), settings, promises, steps, fleet, differs, needs)
    if page.untold_need:
        raise PageError(f"{name}: `{page.untold_need}` needs a line `needs exchange-data` in the page's head")
    return page


def _step(line: int, words: list[str]) -> Step:
    match words:
        case ["wait", "until", *rest]:
            fact, within, lasting = _fact_and_span(rest)
            if within is None or lasting is not None:
                raise ValueError("wait until … needs `within SPAN`: everything that waits has a deadline")
            return Until(line, fact, within)
        case ["wait", span]:
            shortest, _, longest = span.partition("..")
            return Wait(line, Span(shortest), Span(longest) if longest else None)
        case ["at", instant]:
            return At(line, Span(instant))
        case ["expect", promise, *rest] if promise.endswith(":"):
            if promise[:-1] not in PROMISES:
                raise ValueError(f"no promise is called {promise[:-1]!r}; there are {', '.join(PROMISES)}")
            return _expect(line, promise[:-1], rest)
        case ["expect", *rest]:
            return _expect(line, None, rest)
        case [verb, *rest] if verb in VERBS or verb in SIMULATED:
            check_verb(verb, rest)
            return Do(line, verb, tuple(rest))
    said = "set, needs, promise, fleet, differs, wait, at, expect, repeat, end"
    raise ValueError(f"{' '.join(words)!r}: a page says {said}, or {', '.join((*VERBS, *SIMULATED))}")


def _expect(line: int, promise: str | None, words: list[str]) -> Expect:
    fact, within, lasting = _fact_and_span(words)
    return Expect(line, fact, promise, within, lasting)


def _fact_and_span(words: list[str]) -> tuple[Fact, Span | None, Span | None]:
    """Split `FACT [within SPAN | for SPAN]`, and check the fact."""
    within = lasting = None
    if len(words) > 2 and words[-2] == "within":  # noqa: PLR2004 - a fact, `within`, a span
        within, words = Span(words[-1]), words[:-2]
    elif len(words) > 2 and words[-2] == "for":  # noqa: PLR2004
        lasting, words = Span(words[-1]), words[:-2]
    name, *rest = words or [""]
    if name not in FACTS or not suits(name, rest):
        known = f"{name} {FACTS[name]}" if name in FACTS else ", ".join(FACTS)
        raise ValueError(f"{' '.join(words)!r} is nothing that can be seen: {known}")
    return Fact(name, tuple(rest)), within, lasting
