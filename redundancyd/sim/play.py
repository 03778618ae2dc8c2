"""`redundancy-sim play`: a scenario page on a virtual clock, the whole daemon over a fleet of models; no privileges."""

import argparse
import json
import random
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from redundancyd.errors import RedundancyError
from redundancyd.scenarios import telling
from redundancyd.scenarios.pages import LARGEST_PAGE, NEEDS, Page, PageError
from redundancyd.scenarios.playing import Player, Result
from redundancyd.scenarios.reading import check_places, load, read, read_settings
from redundancyd.scenarios.report import report
from redundancyd.scenarios.timeline import Timeline
from redundancyd.sim import seed_page
from redundancyd.sim.retell import page_of
from redundancyd.sim.stage import SimStage

NOT_HELD = 1
WRONG_WORDS = 2
FIRST = 200  # characters of a file that show what it is
MOST_LIMS = 60
ABOUT = """\
Plays a page as redundancy-lab does, with the same words, facts and verdict: the whole daemon runs, on a virtual clock,
over models of LIMs, lines and phones.  A run repeats exactly: the same seed, the same run."""

Plays: TypeAlias = Callable[[Path, argparse.Namespace], int]
OTHERS: dict[str, Plays] = {}
"""Files that are no pages, by how their first line begins: who plays them.  A page begins with its sentence."""


def add_parsers(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Make `play` and `pages` known."""
    parser = commands.add_parser("play", help="play a scenario page", description=ABOUT)
    parser.add_argument("name", help="a page (redundancy-sim pages), or a file")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write verdict, figures and timeline there")
    parser.add_argument("--journal", metavar="FILE", type=Path, help="keep the daemon's journal there")
    parser.add_argument("--seed", type=int, default=0, help="for everything by lot (default %(default)s)")
    parser.add_argument("--lims", type=int, default=2, help="LIMs in each system (default %(default)s)")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of redundancyd.toml")
    parser.add_argument("--quiet", action="store_true", help="only the report")
    parser.set_defaults(does=_play)
    listing = commands.add_parser("pages", help="every page; the words a page may use")
    listing.add_argument("--words", action="store_true", help="what can happen on a page, and what can be expected")
    listing.set_defaults(does=_pages)


def run(arguments: argparse.Namespace) -> int:
    """What the words say; gives the exit status."""
    try:
        done: int = arguments.does(arguments)
    except (OSError, RedundancyError) as error:
        print(f"redundancy-sim: {error}", file=sys.stderr)
        return NOT_HELD
    except (PageError, ValueError) as error:
        print(f"redundancy-sim: {error}", file=sys.stderr)
        return WRONG_WORDS
    return done


def play(page: Page, *, seed: int = 0, lims: int = 2, quiet: bool = False, journal: Path | None = None) -> Result:
    """Play a page on a fleet of its own."""
    if page.needs:
        why = "; ".join(f"`needs {what}`: {NEEDS[what]}" for what in page.needs)
        raise PageError(f"{page.name}: {why}: redundancy-lab play {page.name}")
    timeline = Timeline(quiet=quiet)
    with SimStage(page, seed=seed, lims=lims) as stage:
        check_places(page, stage.named)
        values = " ".join(f"{name}={value}" for name, value in page.settings)
        size = stage.fleet.setup.lims
        timeline.say(f"fleet: {size} + {size} LIMs, {size + 1} phones, a virtual clock; {values}")
        timeline.say("  seconds  who           what")
        result = Player(page, stage, timeline, random.Random(seed)).play()
        if journal is not None:
            journal.write_text("".join(f"{line}\n" for line in stage.journal()))
        return result


def _play(arguments: argparse.Namespace) -> int:
    if not 1 <= arguments.lims <= MOST_LIMS:
        raise ValueError(f"--lims {arguments.lims}: 1 to {MOST_LIMS} in each system")
    if (other := other_player(arguments.name, OTHERS)) is not None:
        return other(Path(arguments.name), arguments)
    page = _load(arguments.name)
    page = replace(page, settings=tuple({**dict(page.settings), **read_settings(arguments.set)}.items()))
    print(f"{page.name}: {page.about}  (seed {arguments.seed})")
    result = play(page, seed=arguments.seed, lims=arguments.lims, quiet=arguments.quiet, journal=arguments.journal)
    print("\n".join(report(result)))
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(result.as_json(), indent=1) + "\n")
    return 0 if result.held else NOT_HELD


def _load(name: str) -> Page:
    """A page by its name, a file of one, or the page of a seed that failed, which goes by the instants of its run."""
    path = Path(name)
    if path.is_file() and seed_page.is_one(text := path.read_text(errors="replace")[: LARGEST_PAGE + 1]):
        return read(path.stem, page_of(seed_page.read(text), text.partition("\n")[0]))
    return load(name)


def other_player(name: str, others: Mapping[str, Plays]) -> Plays | None:
    """Who plays a file that is no page; None for a page."""
    path = Path(name)
    if not path.is_file():
        return None
    with path.open(errors="replace") as file:
        first = file.read(FIRST)
    return next((plays for begins, plays in others.items() if first.startswith(begins)), None)


def _pages(arguments: argparse.Namespace) -> int:
    print("\n".join(telling.words() if arguments.words else telling.pages()))
    return 0
