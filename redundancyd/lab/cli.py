"""`redundancy-lab`: builds beds, plays scenario pages on them, and lets people walk in."""

import argparse
import json
import os
import random
import shutil
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from redundancyd.core.systems import System
from redundancyd.lab import bed as beds
from redundancyd.lab.daemon_process import Daemon
from redundancyd.lab.lim import Lim
from redundancyd.lab.network import PHONES, ROUTER
from redundancyd.lab.plan import CONTROL, BedPlan, lims_named, master_address
from redundancyd.lab.stage import LabStage
from redundancyd.lab.system import PATH, LabError, check_machine
from redundancyd.scenarios import telling
from redundancyd.scenarios.pages import Do, Page, PageError
from redundancyd.scenarios.playing import Player, Result
from redundancyd.scenarios.reading import check_places, load, read_settings
from redundancyd.scenarios.report import report
from redundancyd.scenarios.timeline import Timeline

NOT_HELD = 1
WRONG_WORDS = 2
ABOUT = """\
Two telephone systems, phones and a router in network namespaces on this machine, with real sshd, iptables, SIP and
the real redundancyd in LIM 1 of the alternate.  Nothing is linked to the network; everything is gone afterwards."""
EXAMPLES = """\
examples:
  redundancy-lab play primary_lost                 the primary loses its power; see who notices, and what the phones do
  redundancy-lab play primary_lost --json out.json the same, with verdict and figures for a program
  redundancy-lab pages                             every page, and what it is about
  redundancy-lab up                                a bed that stays, with the daemon running
  redundancy-lab shell alternate-1                 walk in, and say: redundancyctl status
  redundancy-lab shell primary-1 iptables -S       one command in a LIM
  redundancy-lab down --prefix lab                 take it away, or what a killed run has left

Exit status: 0 held or done, 1 not held or failed, 2 wrong words."""


def main(words: Sequence[str] | None = None) -> int:
    """The command; gives the exit status."""
    arguments = _parser().parse_args(words)
    try:
        done: int = arguments.does(arguments)
    except (LabError, OSError) as error:
        print(f"redundancy-lab: {error}", file=sys.stderr)
        return 1
    except (PageError, ValueError) as error:
        print(f"redundancy-lab: {error}", file=sys.stderr)
        return WRONG_WORDS
    except KeyboardInterrupt:
        print("redundancy-lab: interrupted; the bed is gone", file=sys.stderr)
        return 130
    return done


def _parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("redundancy-lab", description=ABOUT, epilog=EXAMPLES, formatter_class=raw)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    play = commands.add_parser("play", help="play a scenario page", description="Plays a page on a bed of its own.")
    play.add_argument("name", help="a page (redundancy-lab pages), or a file")
    play.add_argument("--json", metavar="FILE", type=Path, help="write verdict, figures and timeline there")
    play.add_argument("--journal", metavar="FILE", type=Path, help="keep the daemon's journal there")
    play.add_argument("--seed", type=int, default=None, help="for waits by lot; printed, so that a run can be repeated")
    play.add_argument("--quiet", action="store_true", help="only the report")
    _bed_options(play, f"play-{os.getpid()}")
    play.set_defaults(does=_play)

    up = commands.add_parser(
        "up", help="build a bed that stays", description="Builds a bed and starts the daemon in it."
    )
    up.add_argument("--without-daemon", action="store_true", help="LIMs and phones alone")
    _bed_options(up, "lab")
    up.set_defaults(does=_up)

    down = commands.add_parser("down", help="take a bed away", description="Takes a bed away, or what is left of one.")
    which = down.add_mutually_exclusive_group(required=True)
    which.add_argument("--prefix", help="the bed's prefix (redundancy-lab list)")
    which.add_argument("--left-over", action="store_true", help="every bed whose owner was killed")
    down.set_defaults(does=_down)

    listing = commands.add_parser("list", help="the beds that stand, and what killed runs left")
    listing.set_defaults(does=_list)

    shell = commands.add_parser("shell", help="walk into a LIM, the router or the phones' network")
    shell.add_argument("where", nargs="?", default="alternate-1", help="primary-1, alternate-2, phones, router")
    shell.add_argument("words", nargs=argparse.REMAINDER, help="a command instead of a shell")
    shell.add_argument("--prefix", default="lab")
    shell.set_defaults(does=_shell)

    pages = commands.add_parser("pages", help="every page; the words a page may use")
    pages.add_argument("--words", action="store_true", help="what can happen on a page, and what can be expected")
    pages.set_defaults(does=_pages)
    return parser


def _bed_options(parser: argparse.ArgumentParser, prefix: str) -> None:
    parser.add_argument("--lims", type=int, default=2, help="LIMs in each system (default 2)")
    parser.add_argument("--prefix", default=prefix, help=f"keeps beds apart (default {prefix})")
    parser.add_argument("--backend", choices=("nft", "legacy"), default="", help="which iptables the LIMs use")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of redundancyd.toml")


def _plan(arguments: argparse.Namespace, page_settings: Sequence[tuple[str, str]] = ()) -> BedPlan:
    settings = {**dict(page_settings), **read_settings(arguments.set)}
    return BedPlan(arguments.prefix, arguments.lims, arguments.backend, settings)


def play(page: Page, plan: BedPlan, *, seed: int, quiet: bool = False, journal: Path | None = None) -> Result:
    """Play a page on a bed of its own; the bed is gone when this returns, or raises."""
    timeline = Timeline(quiet=quiet)
    steps_clock = any(isinstance(step, Do) and step.verb == "step-clock" for step in page.flat())
    with beds.standing(plan) as bed:
        values = " ".join(f"{key}={value}" for key, value in plan.settings.items())
        timeline.say(
            f"bed: {plan.lims} + {plan.lims} LIMs, {len(plan.phones)} phones, up in {bed.built_ms} ms; {values}"
        )
        for system in System:
            lims = ", ".join(f"{lim.name} {lim.address}" for lim in plan.of(system))
            timeline.say(f"{system}: {lims}, master IP address {master_address(system)}")
        phones = ", ".join(f"phone {phone.number} {phone.address} ({phone.transport})" for phone in plan.phones)
        timeline.say(f"{phones}; network control address {CONTROL}; redundancyd runs in {plan.supervisor.name}")
        timeline.say("  seconds  who           what")
        daemon = Daemon(bed, steppable_clock=steps_clock)
        try:
            with LabStage(bed, daemon) as stage:
                return Player(page, stage, timeline, random.Random(seed)).play()
        finally:
            if journal is not None and daemon.journal.exists():
                shutil.copyfile(daemon.journal, journal)


def _play(arguments: argparse.Namespace) -> int:
    page = load(arguments.name)
    if page.only_simulated:
        remedy = f"redundancy-sim play {arguments.name}"
        raise PageError(f"{page.name}: `{page.only_simulated}` is for the simulator: {remedy}")
    plan = _plan(arguments, page.settings)
    check_places(page, partial(lims_named, plan))
    seed = arguments.seed if arguments.seed is not None else random.randrange(1_000_000)
    check_machine()
    print(f"{page.name}: {page.about}  (seed {seed})", flush=True)
    result = play(page, plan, seed=seed, quiet=arguments.quiet, journal=arguments.journal)
    print("\n".join(report(result)))
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(result.as_json(), indent=1) + "\n")
    return 0 if result.held else NOT_HELD


def _up(arguments: argparse.Namespace) -> int:
    plan = _plan(arguments)
    bed = beds.build(plan, owner=None)
    print(f"bed {plan.prefix}: {plan.lims} + {plan.lims} LIMs and {len(plan.phones)} phones are up ({bed.built_ms} ms)")
    if not arguments.without_daemon:
        try:
            daemon = Daemon(bed)
            daemon.first_goal(System.PRIMARY)
            daemon.start()
            daemon.wait_answering()
        except BaseException:
            beds.remove(plan.prefix)
            raise
        print(f"redundancyd runs in alternate-1; its journal is {daemon.journal}")
    named = "" if plan.prefix == "lab" else f" --prefix {plan.prefix}"
    print(
        f"walk in: redundancy-lab shell{named} alternate-1     take it away: redundancy-lab down --prefix {plan.prefix}"
    )
    return 0


def _down(arguments: argparse.Namespace) -> int:
    chosen = [arguments.prefix]
    if arguments.left_over:
        records = {prefix: beds.read_record(prefix) for prefix in beds.prefixes()}
        chosen = [prefix for prefix, record in records.items() if record is None or beds.is_left_over(record)]
    for prefix in chosen:
        was_there = prefix in beds.prefixes()
        beds.remove(prefix)
        print(f"bed {prefix}: {'gone' if was_there else 'there was none'}")
    return 0


def _list(_arguments: argparse.Namespace) -> int:
    found = beds.prefixes()
    for prefix in found:
        record = beds.read_record(prefix)
        if record is None or beds.is_left_over(record):
            print(f"{prefix:<24} left over: redundancy-lab down --prefix {prefix}")
        else:
            plan = beds.read_plan(prefix)
            lims = " ".join(lim.name for lim in plan.all_lims)
            print(f"{prefix:<24} {lims} phones router")
    if not found:
        print("no bed stands")
    return 0


def _shell(arguments: argparse.Namespace) -> int:
    """Become a shell, or a command, inside."""
    plan = beds.read_plan(arguments.prefix)
    words = arguments.words or ["bash", "--norc", "-i"]
    path = f"{Path(sys.prefix) / 'bin'}:{PATH}:/opt/eri_sn/bin"
    environment = {"PATH": path, "TERM": os.environ.get("TERM", "dumb"), "HOME": "/root"}
    environment["PS1"] = f"[{arguments.where}] \\w # "
    if arguments.where in {PHONES, ROUTER}:
        inside = ["nsenter", f"--net=/run/netns/{plan.namespace(arguments.where)}", *words]
    else:
        (lim,) = lims_named(plan, arguments.where)
        inside = Lim(plan, lim).inside(words)
    sys.stdout.flush()
    os.execvpe(inside[0], inside, environment)  # noqa: S606 - to become it is the purpose


def _pages(arguments: argparse.Namespace) -> int:
    print("\n".join(telling.words() if arguments.words else telling.pages()))
    return 0
