"""Has a mirror translated by a process of its own, so that no beat waits for it and its end is not ours."""

import asyncio
import contextlib
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from redundancyd.adapters.translation_job import JOB_MAX_BYTES, Job
from redundancyd.core.findings import Findings
from redundancyd.core.translation import Rules
from redundancyd.errors import TranslationFailed

ANSWER_MAX_BYTES = 64 * 2**20
_COMPLAINT_MAX = 500
_END_S = 5.0
PROGRAM = (sys.executable, "-I", "-m", "redundancyd.adapters.translation_job")


@dataclass(frozen=True, slots=True)
class Translated:
    """Files for the alternate, and what was found in those of the primary."""

    findings: Findings
    files: int
    size_bytes: int


async def translate_files(
    source: Path,
    target: Path | None,
    files: Sequence[str],
    rules: Rules,
    *,
    deadline_ms: int,
    program: Sequence[str] = PROGRAM,
) -> Translated:
    """Translate these files of one folder into another, where none of them may be; TranslationFailed says why not.

    Without a target nothing is written: the files are only looked through.

    Cancelled, it ends the process before it returns.  What is in the target after a failure is worthless.
    """
    job = Job(source, target, tuple(files), rules, deadline_s=deadline_ms // 1000 + 1 + round(_END_S))
    question = await asyncio.to_thread(lambda: json.dumps(job.as_json()).encode())
    tried = f"translating {len(files)} files of {source}"
    if len(question) > JOB_MAX_BYTES:
        raise TranslationFailed(tried, f"a job of {len(question)} bytes is more than {JOB_MAX_BYTES}")
    try:
        async with asyncio.timeout(deadline_ms / 1000):
            status, answer, complaint = await _run(question, program)
    except TimeoutError:
        remedy = "Look at the disk and at the load of this host; the mirror is as it was."
        raise TranslationFailed(tried, f"not done within {deadline_ms} ms", remedy) from None
    except OSError as error:
        raise TranslationFailed(tried, f"the process could not be started: {error.strerror}") from error
    if status != 0:
        how = f"ended by signal {-status}" if status < 0 else f"exit status {status}"
        remedy = "Look at the disk: df, df -i; the mirror is as it was."
        raise TranslationFailed(tried, f"{complaint or 'the process said nothing'} ({how})", remedy)
    return await asyncio.to_thread(_understood, tried, answer)


async def _run(question: bytes, program: Sequence[str]) -> tuple[int, bytes, str]:
    """Exit status, what it answered, and its last words; it has ended when this returns or is cancelled."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*program, stdin=pipe, stdout=pipe, stderr=pipe, cwd="/")
    try:
        answer, complaint = await process.communicate(question)
    finally:
        if process.returncode is None:
            process.kill()
            with contextlib.suppress(TimeoutError):  # one that waits for a dead disk ends with the disk
                async with asyncio.timeout(_END_S):
                    await process.wait()
    assert process.returncode is not None
    return process.returncode, answer, _last_words(complaint)


def _last_words(complaint: bytes) -> str:
    lines = complaint.decode("utf-8", "backslashreplace").strip().split("\n")
    return "".join(character if character.isprintable() else "?" for character in lines[-1][-_COMPLAINT_MAX:])


def _understood(tried: str, answer: bytes) -> Translated:
    if len(answer) > ANSWER_MAX_BYTES:
        raise TranslationFailed(tried, f"findings of {len(answer)} bytes are more than {ANSWER_MAX_BYTES}")
    try:
        value = json.loads(answer)
        return Translated(Findings.from_json(value["findings"]), int(value["files"]), int(value["size_bytes"]))
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise TranslationFailed(tried, f"the findings are not understood: {error!r}") from error
