"""How many generated cases a test tries: ten thousand as a rule, a million with REDUNDANCY_CASES=1000000."""

import os
import random
from collections.abc import Iterator

import pytest

CASES = int(os.environ.get("REDUNDANCY_CASES", "10000"))

# So many cases take as long as they take.
many_cases = pytest.mark.timeout(120 if CASES <= 10_000 else 0)


def chances(cases: int = CASES) -> Iterator[random.Random]:
    """A source of chance for each case; the number of a case repeats it."""
    for number in range(cases):
        yield random.Random(number)


def damage(chance: random.Random, text: str, insertions: tuple[str, ...]) -> str:
    """The text with a few stretches taken out, doubled, or replaced."""
    for _ in range(chance.randint(1, 4)):
        start = chance.randint(0, len(text))
        end = min(len(text), start + chance.choice((0, 0, 1, 2, 5, 40, 400)))
        other = chance.choice((*insertions, "", chr(chance.randint(0, 0x2FF)), text[start:end] * 2))
        text = text[:start] + other + text[end:]
    return text
