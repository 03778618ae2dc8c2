"""A bed with its daemon: what the verbs of a page are done to, and what was last ordered."""

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from redundancyd.lab.bed import Bed
from redundancyd.lab.daemon_process import Daemon
from redundancyd.lab.lim import Lim
from redundancyd.scenarios.links import Way
from redundancyd.scenarios.stage import Ordered

ORDER_ENDS = {0: "done", 3: "refused"}


@dataclass(slots=True)
class World:
    """A bed with its daemon, and what was last ordered."""

    bed: Bed
    daemon: Daemon
    ordered: Ordered = field(default_factory=Ordered)
    begun: "subprocess.Popen[bytes] | None" = None  # an order that was begun, until its end was noticed
    standing: set[Way] = field(default_factory=set)  # the ways that are cut
    unfinished: str = ""  # the stamp of the backup that was begun
    data_trees: dict[str, Mapping[str, tuple[int, ...]]] = field(default_factory=dict)  # what `untouched` compares with

    def lims(self, words: Sequence[str]) -> list[Lim]:
        """The LIMs that words such as `primary alternate-2` mean."""
        return [lim for word in words for lim in self.bed.named(word)]

    def ended(self, code: int, said: str) -> None:
        """Note how an order ended."""
        self.ordered = Ordered(ORDER_ENDS.get(code, "failed"), code, said.strip())

    def notice_end(self) -> None:
        """Note the end of the order that was begun, once it has ended."""
        if self.begun is not None and (code := self.begun.poll()) is not None:
            self.begun = None
            self.ended(code, self.begun_file.read_text(errors="replace"))

    @property
    def begun_file(self) -> Path:
        """What the order that was begun has said so far."""
        return self.bed.plan.folder / "begun"
