"""What the translation is measured beside does the same."""

import random
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.translation import entries, perl_program, rows, sed_program
from redundancyd.core.findings import Findings
from redundancyd.core.translation import Rules, translate
from redundancyd.core.translation_table import Table

TABLE = entries(random.Random(1))
OLD = [str(old) for old in TABLE.hosts]
TEXT = (
    rows(TABLE, random.Random(2), 200)
    + (
        f"{OLD[0]},{OLD[0]},{OLD[1]} {OLD[0]}.{OLD[0]}. x.{OLD[2]} 1.{OLD[2]} {OLD[3]}.5 {OLD[4]}9\n{OLD[5]}\n.{OLD[6]}"
    ).encode()
)


@pytest.mark.parametrize(("program", "words"), [(perl_program, ["perl"]), (sed_program, ["sed", "-E", "-f"])])
def test_a_peer_gives_what_the_reference_gives(program: Callable[[Table], str], words: list[str], tmp_path: Path):
    """
    Neighbours that share a separator, near misses, ends of lines.
    """
    (tmp_path / "program").write_text(program(TABLE))
    (tmp_path / "data.csv").write_bytes(TEXT)
    found = subprocess.run(
        [*words, "program", "data.csv"], cwd=tmp_path, env={"LC_ALL": "C"}, capture_output=True, check=True
    )
    assert found.stdout == translate("data.csv", TEXT, Rules(TABLE), Findings())
    assert found.stdout != TEXT
