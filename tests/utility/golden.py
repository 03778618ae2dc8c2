"""Text with golden answers: `WRITE_GOLDEN=1` writes what is missing or has changed, and fails, so that it is read."""

import os
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "golden"


def compare(name: str, text: str) -> None:
    """Fail unless the text is the one that was once read and found good."""
    path = FOLDER / f"{name}.txt"
    known = path.read_text() if path.exists() else None
    if known == text + "\n":
        return
    if os.environ.get("WRITE_GOLDEN"):
        FOLDER.mkdir(exist_ok=True)
        path.write_text(text + "\n")
        pytest.fail(f"written: read {path}")
    assert text + "\n" == known
