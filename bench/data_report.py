"""The figures of exchange data, as JSON, and that JSON as parts of the page."""

from collections.abc import Mapping
from typing import Any

from bench.copies import AT_MOST, LIMS, LINE_MBIT_S, Copies
from bench.figures import Spread, table
from bench.job import BEATS, JobFigures
from bench.translation import ADDRESSES, SED_SHARE, Translations

Page = Mapping[str, Any]

TRANSLATION_NOTES = """
- {size_mb} MB of CSV, {addresses} addresses, {runs} runs of each in turn, load {load}; all at the same niceness.
  One line in eight has an address of the table, one in sixteen a near miss or a foreign address.
- perl: one alternation of all addresses with looks to the left and to the right, and a hash.
- sed -E: an expression for each address, again while it finds one, because neighbours share what is between them;
  LC_ALL=C; on a part of 1/{share}, its time times {share}.
- All outputs were the same, byte for byte.  redundancyd also tells every foreign address with its file and line; the
  others do not."""

COPY_NOTES = """
- {files} files of {size_mb} MB together in {lims} LIMs; then one of {large_mb} MB, of whose blocks of 4 KiB a hundredth
  changed, on a line of {line} Mbit/s.  {runs} runs of each in turn, load {load}.  Every backup was written anew, so no
  time stamp is as it was; where something was changed, what is the same has to be found by its contents.
- redundancyd: a whole pull, from the question which backup is current to a mirror that is listed: SHA-256 of every file
  made on the LIM, all that came held against it, synced, and asked again whether the backup still stands.
- rsync: `-a --checksum --link-dest=`the copy before, with root's key over the same sshd, all LIMs at once, ssh as it
  comes.  The third column is the same with the words of ssh that we use: AES-GCM costs less than what ssh takes.
- All copies were the same as what the LIMs have, file for file."""
JOB_NOTES = """
- {files} files of {size_mb} MB together in {lims} LIMs, ordered by `data copy` and `data load`; load {load}.
- Beats of {interval} ms as they arrived at the network control address: {beats} of them.
- Memory: the most that the daemon had resident since its start.  Translation, ssh, rsync and tar are processes of their
  own."""
KINDS = {
    "first": "first copy",
    "unchanged": "the same again, new time stamps",
    "changed": "a hundredth of the files changed",
    "large": "one large file, a hundredth of its blocks changed, narrow line",
}


def translation_as_json(found: Translations, busy: float) -> dict[str, object]:
    """Exchange data."""
    named = {"redundancyd": found.ours, "perl": found.perl, "sed": found.sed}
    return {
        "size_mb": found.size_mb,
        "runs": len(found.ours),
        **{
            name: {"s": found.spread(runs).as_json(), "cpu_s": found.spread(runs, 1).as_json()}
            for name, runs in named.items()
        },
        "goals": [goal.as_json() | {"text": str(goal)} for goal in found.goals],
        "load": busy,
    }


def copies_as_json(found: Copies, busy: float) -> dict[str, object]:
    """Pulls."""

    def seconds(runs: list[float]) -> dict[str, object]:
        return Spread(tuple(runs)).as_json()

    return {
        "files": found.files,
        "size_mb": found.size_mb,
        "large_mb": found.large_mb,
        "runs": len(found.ours["first"]),
        "redundancyd": {kind: seconds(found.ours[kind]) for kind in AT_MOST},
        "rsync": {kind: seconds(found.theirs[kind]) for kind in AT_MOST},
        "rsync_with_our_ciphers": {kind: seconds(found.tuned[kind]) for kind in AT_MOST},
        "ratio": {kind: round(found.ratio(kind), 3) for kind in AT_MOST},
        "goals": [goal.as_json() | {"text": str(goal)} for goal in found.goals],
        "load": busy,
    }


def job_as_json(found: JobFigures, busy: float) -> dict[str, object]:
    """The daemon meanwhile."""
    return {
        "files": found.files,
        "size_mb": found.size_mb,
        "copy_s": round(found.copy_s, 2),
        "load_s": round(found.load_s, 2),
        "memory_mb": round(found.memory_mb, 1),
        "interval_ms": BEATS.interval_ms,
        "late_ms": [round(late, 1) for late in found.late_ms],
        "goals": [goal.as_json() | {"text": str(goal)} for goal in found.goals],
        "load": busy,
    }


def pages(found: Page) -> list[list[str]]:
    """Those parts that were measured."""
    parts = [copies_page(found["copies"])] if found.get("copies") else []
    parts += [translation_page(found["translation"])] if found.get("translation") else []
    parts += [job_page(found["job"])] if found.get("job") else []
    return parts


def copies_page(found: Page) -> list[str]:
    """A pull."""
    rows = [
        [
            what,
            _spread(found["redundancyd"][kind]),
            _spread(found["rsync"][kind]),
            f"{found['ratio'][kind]:.2f}",
            _spread(found["rsync_with_our_ciphers"][kind]),
        ]
        for kind, what in KINDS.items()
    ]
    notes = COPY_NOTES.format(**{**found, "lims": LIMS, "line": LINE_MBIT_S})
    head = ["", "redundancyd s", "rsync s", "ratio", "rsync with our ciphers s"]
    return [
        "## Pull of exchange data",
        "",
        *table(head, rows),
        notes,
        *(f"- {goal['text']}." for goal in found["goals"]),
    ]


def job_page(found: Page) -> list[str]:
    """The daemon meanwhile."""
    late = Spread(tuple(found["late_ms"]))
    row = [f"{found['copy_s']:.1f}", f"{found['load_s']:.1f}", f"{found['memory_mb']:.1f}", str(late)]
    head = ["copy s", "translate, send and load s", "peak memory MB", "beats late ms"]
    words = {"lims": LIMS, "interval": found["interval_ms"], "beats": len(found["late_ms"]) + 1}
    return [
        "## The daemon while exchange data is copied and loaded",
        "",
        *table(head, [row]),
        JOB_NOTES.format(**{**found, **words}),
        *(f"- {goal['text']}." for goal in found["goals"]),
    ]


def translation_page(found: Page) -> list[str]:
    """Exchange data."""
    rows = [
        [
            name,
            _spread(found[name]["s"]),
            _spread(found[name]["cpu_s"]),
            f"{found['size_mb'] / found[name]['s']['median']:.0f}",
            f"{found[name]['s']['median'] / found['redundancyd']['s']['median']:.2f}",
        ]
        for name in ("redundancyd", "perl", "sed")
    ]
    notes = TRANSLATION_NOTES.format(
        size_mb=found["size_mb"], addresses=ADDRESSES, runs=found["runs"], load=found["load"], share=SED_SHARE
    )
    return [
        "## Translation of exchange data",
        "",
        *table(["", "s", "s of a processor", "MB/s", "of redundancyd's time"], rows),
        notes,
        *(f"- {goal['text']}." for goal in found["goals"]),
    ]


def _spread(found: Page) -> str:
    return str(Spread(tuple(found["values"])))
