"""What is put on a LIM: one shell program, its settings, its units, and the lines that let the supervision in."""

from pathlib import Path


def path(name: str = "redundancy-lim") -> Path:
    """The file of that name as it ships with this package; without a name the program itself."""
    found = Path(__file__).parent / name
    if not found.is_file():
        raise FileNotFoundError(found)
    return found
