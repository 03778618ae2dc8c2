"""The program `redundancy-sim`: think the decision through, anywhere, without privileges."""

import argparse
import sys
from collections.abc import Sequence

from redundancyd.sim import explore_cli, play, seeds_cli, way


def main(words: Sequence[str] | None = None) -> int:
    """The program; returns its exit status."""
    return play.run(_parser().parse_args(words))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="redundancy-sim",
        description="Thinks the decision through, with a clock of its own: anywhere, without privileges.",
        epilog="Each command has its own --help, with examples.  Exit status: 0 held, 1 not, 2 wrong words.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    play.add_parsers(commands)
    explore_cli.add_parser(commands)
    seeds_cli.add_parsers(commands)
    return parser


play.OTHERS[way.FIRST_WORDS] = explore_cli.play


if __name__ == "__main__":
    sys.exit(main())
