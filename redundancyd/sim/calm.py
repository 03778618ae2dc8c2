"""What follows what when everything is mended and nothing further happens, and whether all of it comes to rest."""

SETTLED = 0
"""Where every calm run should end."""


class Calm:
    """States, each with the one that follows it in a calm run."""

    def __init__(self) -> None:
        self._next: dict[int, int] = {}
        self._seen_by: dict[int, int] = {}

    def follows(self, key: int, next_key: int, number: int) -> None:
        """In calm `next_key` follows `key`; `number` tells how one came there."""
        if key not in self._next:
            self._next[key] = next_key
            self._seen_by[key] = number

    def knows(self, key: int) -> bool:
        """Whether it is known what follows a state."""
        return key in self._next

    def restless(self) -> int | None:
        """How one came to a state from which calm never comes to rest; None when there is none."""
        good = {SETTLED}
        for start in self._next:
            passed = []
            key = start
            while key not in good:
                passed.append(key)
                follower = self._next.get(key)
                if follower is None or len(passed) > len(self._next):
                    return self._seen_by[start]
                key = follower
            good.update(passed)
        return None
