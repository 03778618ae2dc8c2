"""The translation in a process of its own: what it writes, how it ends, and that nothing waits for it."""

import asyncio
import json
import os
import resource
import signal
import sys
from pathlib import Path

import pytest

from redundancyd.adapters import translation_engine, translation_job
from redundancyd.adapters.translation_engine import Translated, translate_files
from redundancyd.adapters.translation_job import Job, pieces, run
from redundancyd.core import translation
from redundancyd.core.findings import Findings, Kind
from redundancyd.core.translation import LINE_MAX_BYTES, Rules, translate
from redundancyd.core.translation_table import parse_table
from redundancyd.errors import TranslationFailed
from tests.cases import chances
from tests.exchange_text import case

RULES = Rules(parse_table("10.0.0.1 10.1.0.1\n2001:db8::9 2001:db8:1::9"))
TEXT = b"sip:?@10.0.0.1:5060\n[2001:DB8::9]\nv\xe4xel 192.0.2.7"
NEW = b"sip:?@10.1.0.1:5060\n[2001:db8:1::9]\nv\xe4xel 192.0.2.7"


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    """A folder with a few files, one of them not text."""
    folder = tmp_path / "mirror"
    (folder / "lim-1" / "cassandra").mkdir(parents=True)
    (folder / "lim-1" / "SIROU.D").write_bytes(TEXT)
    (folder / "lim-1" / "cassandra" / "snapshot.db").write_bytes(b"\0\n\0" + TEXT)
    (folder / "lim-1" / os.fsdecode(b"V\xe4xel.D")).write_bytes(b"")
    return folder


FILES = ("lim-1/SIROU.D", "lim-1/cassandra/snapshot.db", "lim-1/V%E4xel.D")


async def translated(mirror: Path, files: tuple[str, ...] = FILES, **more: object) -> Translated:
    """Translate into a folder beside the mirror."""
    target = mirror.with_name("alternate")
    return await translate_files(mirror, target, files, RULES, **({"deadline_ms": 20_000} | more))  # type: ignore[arg-type]


@pytest.mark.D3
async def test_every_file_is_written_anew_and_told_of(mirror: Path):
    """
    Text is translated, the rest is copied, and the mirror stays as it was.
    """
    done = await translated(mirror)
    target = mirror.with_name("alternate") / "lim-1"
    assert (target / "SIROU.D").read_bytes() == NEW
    assert (target / "cassandra" / "snapshot.db").read_bytes() == b"\0\n\0" + TEXT
    assert (target / os.fsdecode(b"V\xe4xel.D")).read_bytes() == b""
    assert (mirror / "lim-1" / "SIROU.D").read_bytes() == TEXT
    assert (done.files, done.size_bytes) == (3, len(NEW) + 3 + len(TEXT))
    assert [(kind, address, tally.places) for kind, address, tally in done.findings.told()] == [
        (Kind.UNTOUCHED, "10.0.0.1", [("lim-1/cassandra/snapshot.db", 2)]),
        (Kind.UNTOUCHED, "2001:db8::9", [("lim-1/cassandra/snapshot.db", 3)]),
        (Kind.NEW, "192.0.2.7", [("lim-1/SIROU.D", 3)]),
        (Kind.TRANSLATED, "10.0.0.1", [("lim-1/SIROU.D", 1)]),
        (Kind.TRANSLATED, "2001:db8::9", [("lim-1/SIROU.D", 2)]),
    ]


async def test_without_a_target_the_same_is_found_and_nothing_is_written(mirror: Path):
    """
    A mirror is looked through before anybody loads it.
    """
    looked = await translate_files(mirror, None, FILES, RULES, deadline_ms=20_000)
    assert [path.name for path in mirror.parent.iterdir()] == ["mirror"]
    assert (looked.files, looked.size_bytes) == (3, 0)
    assert looked.findings == (await translated(mirror)).findings


@pytest.mark.D3
async def test_a_file_that_is_there_already_is_never_written_to(mirror: Path):
    """
    It may be the same file as that of an older mirror: hard links share what is in them.
    """
    target = mirror.with_name("alternate") / "lim-1"
    target.mkdir(parents=True)
    os.link(mirror / "lim-1" / "SIROU.D", target / "SIROU.D")
    with pytest.raises(TranslationFailed, match=r"SIROU\.D: File exists"):
        await translated(mirror)
    assert (mirror / "lim-1" / "SIROU.D").read_bytes() == TEXT


@pytest.mark.parametrize("there", ["source", "target"])
async def test_a_link_leads_nowhere(mirror: Path, there: str):
    """
    Neither read through nor written through.
    """
    secret = mirror.with_name("secret")
    secret.write_bytes(TEXT)
    folder = mirror if there == "source" else mirror.with_name("alternate")
    (folder / "lim-1").mkdir(parents=True, exist_ok=True)
    (folder / "lim-1" / "SIROU.D").unlink(missing_ok=True)
    (folder / "lim-1" / "SIROU.D").symlink_to(secret)
    with pytest.raises(TranslationFailed, match=r"SIROU\.D: (Too many levels|File exists)"):
        await translated(mirror)
    assert secret.read_bytes() == TEXT


async def test_a_path_that_leads_out_of_the_folder_is_refused(mirror: Path):
    """
    Whatever a manifest says, the process looks again.
    """
    with pytest.raises(TranslationFailed, match=r"the job is not understood.*has a part \. or \.\."):
        await translated(mirror, ("../secret",))


async def test_a_missing_file_is_named(mirror: Path):
    """
    The error says which one.
    """
    with pytest.raises(TranslationFailed, match=r"lim-2/SIROU\.D: No such file or directory \(exit status 1\)"):
        await translated(mirror, ("lim-2/SIROU.D",))


PROGRAMS = {
    "killed": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "mute": "import sys; sys.exit(3)",
    "babbles": "print('[]')",
    "lies": 'print(\'{"findings": {"counts": {}}}\')',
    "fails": "raise RuntimeError('\\x1b[31m broken')",
}


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("killed", r"the process said nothing \(ended by signal 9\)"),
        ("mute", r"the process said nothing \(exit status 3\)"),
        ("babbles", "the findings are not understood"),
        ("lies", "the findings are not understood"),
        ("fails", r"RuntimeError: \?\[31m broken \(exit status 1\)"),
    ],
)
async def test_a_process_that_ends_badly_is_a_clear_error(mirror: Path, program: str, why: str):
    """
    Killed, silent, or talking nonsense: it is said, and nothing of ours ends with it.
    """
    with pytest.raises(TranslationFailed, match=why):
        await translated(mirror, program=(sys.executable, "-c", PROGRAMS[program]))
    with pytest.raises(TranslationFailed, match="could not be started: No such file"):
        await translated(mirror, program=("/nonexistent",))


async def test_a_process_that_hangs_is_ended_at_its_deadline(mirror: Path, tmp_path: Path):
    """
    It is gone when the error is told.
    """
    mark = tmp_path / "pid"
    program = f"import os, time; open({str(mark)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    with pytest.raises(TranslationFailed, match="not done within 1500 ms"):
        await translated(mirror, deadline_ms=1500, program=(sys.executable, "-c", program))
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text()), 0)


async def test_a_process_that_not_even_a_kill_ends_is_left_alone(mirror: Path, monkeypatch: pytest.MonkeyPatch):
    """
    It waits for a disk that is gone; whoever waits for the process would wait as long.
    """

    async def never(_process: object) -> int:
        return await asyncio.Event().wait()

    monkeypatch.setattr(asyncio.subprocess.Process, "wait", never)
    monkeypatch.setattr(translation_engine, "_END_S", 0.1)
    async with asyncio.timeout(20):
        with pytest.raises(TranslationFailed, match="not done within 500 ms"):
            await translated(mirror, deadline_ms=500, program=(sys.executable, "-c", "import time; time.sleep(60)"))


async def test_a_takeover_ends_a_translation_at_once(mirror: Path, tmp_path: Path):
    """
    Cancelled, it kills the process and returns.
    """
    mark = tmp_path / "pid"
    program = f"import os, time; open({str(mark)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    task = asyncio.create_task(translated(mirror, program=(sys.executable, "-c", program)))
    while not (mark.exists() and mark.read_text()):
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text()), 0)


def job(mirror: Path, files: tuple[str, ...]) -> Job:
    """The same job inside this process."""
    return Job(mirror, mirror.with_name("alternate"), files, RULES, 60)


def test_a_job_comes_over_as_it_was(mirror: Path):
    """
    Table, own addresses and networks, confirmed ones.
    """
    rules = Rules(RULES.table, frozenset(RULES.table.hosts), (), frozenset({"192.0.2.7", "192.0.2.0/24"}))
    sent = Job(mirror, mirror, FILES, rules, 60)
    assert Job.from_json(sent.as_json()) == sent


def test_files_of_any_size_are_cut_into_whole_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """
    Blocks end anywhere; pieces end behind a line, and what they give is what the reference gives.
    """
    monkeypatch.setattr(translation_job, "PIECE_BYTES", 7)
    monkeypatch.setattr(translation, "LINE_MAX_BYTES", 50)
    path = tmp_path / "mirror" / "A.D"
    path.parent.mkdir()
    for number, chance in enumerate(chances(300)):
        made = case(chance)
        path.write_bytes(made.text)
        target = tmp_path / str(number)
        result = run(Job(path.parent, target, ("A.D",), made.rules, 60))
        findings = Findings()
        assert (target / "A.D").read_bytes() == translate("A.D", made.text, made.rules, findings)
        assert result["findings"] == findings.as_json()
        assert b"".join(made.text[start:end] for start, end in pieces(made.text)) == made.text


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"10.0.0.1\n" * 20_000, True),
        (b"10.0.0.1\n" * 20_000 + b"\0", False),
        (b"10.0.0.1\n" * 20_000 + b"x" * LINE_MAX_BYTES + b"\n", False),
        (b"10.0.0.1\n" * 20_000 + b"x" * (LINE_MAX_BYTES - 1) + b"\n", True),
    ],
)
def test_a_file_is_text_only_if_it_is_so_to_the_end(tmp_path: Path, data: bytes, text: bool):
    """
    A zero byte or an endless line far behind: nothing of the file is rewritten, and its addresses are told.
    """
    (tmp_path / "A.D").write_bytes(data)
    result = run(Job(tmp_path, tmp_path / "new", ("A.D",), RULES, 60))
    assert ((tmp_path / "new" / "A.D").read_bytes() == data) is not text
    assert result["findings"]["counts"]["translated" if text else "untouched"] == 20_000


async def test_the_process_is_nice_and_its_memory_bounded(mirror: Path, tmp_path: Path):
    """
    Seen from inside, at the moment it works.
    """
    seen = tmp_path / "seen"
    program = (
        "import os, sys; from resource import *; from redundancyd.adapters import translation_job as job\n"
        f"def run(_): open({str(seen)!r}, 'w').write(f'{{os.nice(0)}} {{getrlimit(RLIMIT_DATA)[0]}}');"
        " raise MemoryError\n"
        "job.run = run; sys.exit(job.main())"
    )
    with pytest.raises(TranslationFailed, match="more than 1073741824 bytes of memory would be needed"):
        await translated(mirror, program=(sys.executable, "-c", program))
    nice, memory = seen.read_text().split()
    assert int(nice) == max(os.nice(0), translation_job.NICE)
    assert int(memory) == translation_job.MEMORY_BYTES
    assert resource.getrlimit(resource.RLIMIT_DATA)[0] != translation_job.MEMORY_BYTES


async def test_an_orphan_ends_itself(mirror: Path):
    """
    The daemon was killed: nobody ends the process but its own alarm.
    """
    program = (
        "import sys, time; from redundancyd.adapters import translation_job as job\n"
        "job.run = lambda _: time.sleep(60)\n"
        "sys.exit(job.main())"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL
    )
    question = json.dumps(job(mirror, ()).as_json() | {"deadline_s": 1}).encode()
    await process.communicate(question)
    assert process.returncode == -signal.SIGALRM
