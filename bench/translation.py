"""200 MB of exchange data with 100 addresses to translate: redundancyd beside perl and sed, which do the same.

perl has one alternation of all addresses with a look to the left and to the right, sed an expression for each address.
The three outputs are compared: a faster translation that gives something else would be no figure.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.figures import Goal, Spread
from redundancyd.adapters.translation_engine import PROGRAM
from redundancyd.adapters.translation_job import NICE, Job
from redundancyd.core.translation import Rules
from redundancyd.core.translation_table import Table, parse_table
from redundancyd.lab.system import LabError

SIZE_MB, QUICK_SIZE_MB = 200, 20
ADDRESSES = 100
SED_SHARE = 10
"""sed gets a tenth of the data, and its time counts tenfold: it would take minutes"""
RUNS, SED_RUNS = 5, 3
OF_PERL, OF_SED = 1 / 1.3, 1 / 15
DEADLINE_S = 600
_NAMES = ("Anna Berg", "Björn Ek", "Reception", "Växel 3", "Fax", "Door", "Lars Olsson", "Ward 7")

Tell = Callable[[str], None]


@dataclass
class Translations:
    """Seconds of each run, on the clock and of a processor."""

    size_mb: int
    ours: list[tuple[float, float]] = field(default_factory=list)
    perl: list[tuple[float, float]] = field(default_factory=list)
    sed: list[tuple[float, float]] = field(default_factory=list)

    def spread(self, runs: Sequence[tuple[float, float]], column: int = 0) -> Spread:
        """The clock's seconds, or the processor's."""
        return Spread(tuple(run[column] for run in runs))

    def share_of(self, peer: Sequence[tuple[float, float]]) -> float:
        """Our time as a share of a peer's."""
        return self.spread(self.ours).median / self.spread(peer).median

    @property
    def goals(self) -> list[Goal]:
        """What is wanted."""
        return [
            Goal("translation, of perl's time", self.share_of(self.perl), round(OF_PERL, 3), " x"),
            Goal("translation, of sed's time", self.share_of(self.sed), round(OF_SED, 3), " x"),
        ]


def entries(chance: random.Random) -> Table:
    """Hosts of the primary's net and what they become in the alternate's."""
    old = [f"10.{number // 16}.{number % 16}.{chance.randint(1, 99)}" for number in range(ADDRESSES)]
    return parse_table("\n".join(f"{each} 172.16.{number}.1" for number, each in enumerate(old)))


def rows(table: Table, chance: random.Random, count: int) -> bytes:
    """Extensions: of sixteen lines two have an address of the table, and one a near miss or a foreign address."""
    old = [str(each) for each in table.hosts]
    lines = []
    for number in range(count):
        address = chance.choice(old)
        match number % 16:
            case 0:
                value = f'"sip:{40_000 + number}@{address}:5060"'
            case 8:
                value = address
            case 4:
                near = (f"{address}7", f"{address}.5", f"1{address}", "17.8.1.0.19")
                value = chance.choice((*near, "203.0.113.9", "198.51.100.7"))
            case _:
                value = ""
        lines.append(
            f'{40_000 + number},"{chance.choice(_NAMES)}",{number % 12 + 1},1A-{number % 4}-{number % 30:02},'
            f'"2026-03-09 03:15:02",{value},ext-{number:x},active,{number * 7}\n'
        )
    return "".join(lines).encode("latin-1")


def perl_program(table: Table) -> str:
    """All at once: one alternation and a hash."""
    pairs = ",".join(f"'{old}'=>'{new}'" for old, new in table.hosts.items())
    one_of = "|".join(str(old).replace(".", "\\.") for old in table.hosts)
    found = f"(?<![0-9])(?<![0-9]\\.)({one_of})(?!\\.?[0-9])"
    return f"my %new = ({pairs});\nwhile (<>) {{ s/{found}/$new{{$1}}/g; print; }}\n"


def sed_program(table: Table) -> str:
    """One after the other, which is right only because no new address is an old one; again while it finds one, since
    neighbours share what is between them.
    """
    before, behind = r"(^|[^0-9.]|(^|[^0-9])\.)", r"($|[^0-9.]|\.($|[^0-9]))"
    lines = []
    for number, (old, new) in enumerate(table.hosts.items()):
        quad = str(old).replace(".", "[.]")
        lines += [f":a{number}", f"s/{before}{quad}{behind}/\\1{new}\\3/", f"ta{number}"]
    return "\n".join(lines) + "\n"


def run_translations(found: Translations, runs: int, chance: random.Random, tell: Tell) -> None:
    """Each program on the same data, in turn."""
    table = entries(chance)
    with tempfile.TemporaryDirectory(prefix="redundancyd-bench-") as folder:
        place = Path(folder)
        _write_inputs(place, table, chance, found.size_mb)
        for number in range(runs):
            tell(f"translation {number + 1} of {runs}")
            found.perl.append(_timed(["perl", "translate.pl", "whole/data.csv"], place, "perl.csv"))
            found.ours.append(_our_run(place, "whole", table))
            _assert_same(place / "perl.csv", place / "ours" / "data.csv")
        for _ in range(min(runs, SED_RUNS)):
            tell("sed on a tenth of it")
            clock, processor = _timed(["sed", "-E", "-f", "translate.sed", "tenth/data.csv"], place, "sed.csv")
            found.sed.append((clock * SED_SHARE, processor * SED_SHARE))
        _our_run(place, "tenth", table)
        _assert_same(place / "sed.csv", place / "ours" / "data.csv")


def _write_inputs(place: Path, table: Table, chance: random.Random, size_mb: int) -> None:
    for name in ("whole", "tenth"):
        (place / name).mkdir()
    (place / "translate.pl").write_text(perl_program(table))
    (place / "translate.sed").write_text(sed_program(table))
    part = rows(table, chance, 25_000)
    times = size_mb * 10**6 // len(part) + 1
    (place / "whole" / "data.csv").write_bytes(part * times)
    (place / "tenth" / "data.csv").write_bytes(part * max(1, times // SED_SHARE))


def _our_run(place: Path, source: str, table: Table) -> tuple[float, float]:
    target = place / "ours"
    subprocess.run(["rm", "-rf", str(target)], check=True)
    job = Job(place / source, target, ("data.csv",), Rules(table), DEADLINE_S)
    return _timed(PROGRAM, place, "ours.json", json.dumps(job.as_json()).encode(), nice=False)  # it is nice by itself


def _timed(
    words: Sequence[str], place: Path, output: str, question: bytes = b"", *, nice: bool = True
) -> tuple[float, float]:
    """Seconds on the clock and of a processor, as nice as ours is."""
    whole = ["nice", "-n", str(NICE), *words] if nice else list(words)
    environment = os.environ | {"LC_ALL": "C"}
    (place / "question").write_bytes(question)
    with (place / output).open("wb") as to, (place / "question").open("rb") as asked:
        started = time.monotonic()
        process = subprocess.Popen(whole, cwd=place, stdin=asked, stdout=to, env=environment)
        _, status, used = os.wait4(process.pid, 0)
        ended = time.monotonic()
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise LabError(f"{words[0]} ended with {process.returncode}")
    return ended - started, used.ru_utime + used.ru_stime


def _assert_same(one: Path, other: Path) -> None:
    if subprocess.run(["cmp", str(one), str(other)], stdout=sys.stderr, check=False).returncode != 0:
        raise LabError("the translations differ")
