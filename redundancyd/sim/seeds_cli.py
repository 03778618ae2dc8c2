"""`redundancy-sim seeds` and `seed`: their words."""

import argparse
from pathlib import Path


def add_parsers(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Make `seeds` and `seed` known."""
    several = commands.add_parser("seeds", help="long random runs of the whole daemon, one for each seed")
    several.add_argument("count", type=int, help="how many seeds")
    several.add_argument("--hours", type=float, default=1.0, help="simulated hours for each (default: %(default)s)")
    several.add_argument("--first", type=int, default=1, help="the first seed (default: %(default)s)")
    several.add_argument("--fresh", action="store_true", help="begin with a seed that nobody has drawn yet, and say it")
    several.add_argument("--jobs", type=int, default=2, help="processes side by side (default: %(default)s)")
    several.add_argument("--pages", type=Path, default=Path(), help="where pages of failed seeds are written")
    several.set_defaults(does=_seeds)
    again = commands.add_parser("seed", help="repeat one seed, or the page of one that failed, and print the journal")
    again.add_argument("seed", help="its number, or the file of its page")
    again.add_argument("--hours", type=float, default=1.0, help="simulated hours (default: %(default)s)")
    again.add_argument("--journal", metavar="FILE", type=Path, help="write the journal there")
    again.set_defaults(does=_seed)


def _seeds(arguments: argparse.Namespace) -> int:
    from redundancyd.sim.campaign import many  # noqa: PLC0415 - the whole daemon, which `explore` need not load

    return many(arguments)


def _seed(arguments: argparse.Namespace) -> int:
    from redundancyd.sim.campaign import one  # noqa: PLC0415

    return one(arguments)
