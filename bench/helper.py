"""A helper process in a namespace of a bed that prints lines of JSON, and ends when its owner lets go of it."""

import json
import os
import select
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from redundancyd.lab.bed import Bed
from redundancyd.lab.disk import base_python
from redundancyd.lab.network import PHONES
from redundancyd.lab.system import PATH, Cgroup, LabError

HERE = Path(__file__).parent
PROBE_EVERY_MS = 4

Line = dict[str, Any]


class Helper:
    """One such process; its cgroup is one of the bed's, so that nothing outlives the bed."""

    def __init__(self, bed: Bed, place: str, script: str, words: Sequence[str]) -> None:
        cgroup = Cgroup(bed.plan.prefix, "bench")
        cgroup.make()
        inside = ["nsenter", f"--net=/run/netns/{bed.plan.namespace(place)}", base_python(), str(HERE / script), *words]
        self._process = subprocess.Popen(
            cgroup.entering(inside), stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={"PATH": PATH}
        )
        assert self._process.stdout
        os.set_blocking(self._process.stdout.fileno(), False)
        self._rest = b""
        self.what = f"{script} in {place}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(2)

    def lines(self) -> list[Line]:
        """What it has said since the last time."""
        assert self._process.stdout
        data = self._process.stdout.read() or b""
        *whole, self._rest = (self._rest + data).split(b"\n")
        return [json.loads(line) for line in whole]

    def wait(self, wanted: Callable[[Line], bool], deadline_s: float) -> Line:
        """The first line from now on that is wanted; LabError when there is none in time."""
        give_up = time.monotonic() + deadline_s
        while True:
            for line in self.lines():
                if wanted(line):
                    return line
            left = give_up - time.monotonic()
            if left <= 0 or self._process.poll() is not None:
                raise LabError(f"{self.what}: not what was waited for within {deadline_s} s")
            assert self._process.stdout
            select.select([self._process.stdout], [], [], left)


def probing(bed: Bed, addresses: Sequence[str]) -> Helper:
    """A probe in the phones' namespace that asks these addresses."""
    return Helper(bed, PHONES, "probe.py", [str(PROBE_EVERY_MS), *addresses])
