"""How a load of the alternate is followed to its end, and what the words mean by which a LIM refuses one.

The words are those of docs/lim-data-words.md.
"""

from collections.abc import Awaitable, Callable

from redundancyd.adapters.clock import Clock
from redundancyd.adapters.data_files import LoadBegun
from redundancyd.adapters.pull import MOVED
from redundancyd.core.data_job import Ended
from redundancyd.data_steps import Steps
from redundancyd.errors import FarDataRefused, OutOfReach

WATCH_AGAIN_MS = 2000
NOT_BEGUN = frozenset(
    {"accept_failed", "not_configured", "busy", "lock_busy", "not_passive", "wrong_system", "data_info_failed"}
    | {"no_such_backup", "no_folder", "not_saved", "bad_request"}
)
"""Words by which a LIM answers `load STAMP` that it reloaded nothing"""
NOT_LOADING = frozenset({"nothing_loaded", "bad_request"})
"""Words by which a LIM says that no load was ever begun there"""
ENDED_BADLY = frozenset({"reload_failed", "reload_hangs", "reload_unknown", ""})
"""Words by which a LIM says that what was begun last did not end well, or that nobody knows how"""
MOVING = frozenset({MOVED, "changing", "no_such_backup"})
"""Words by which it is said that the primary makes or removes backups meanwhile"""
Outcome = tuple[Ended, str]
Running = Callable[[str, int], None]
Follow = Callable[[Steps, Clock, LoadBegun, Running], Awaitable[Outcome]]
"""`watch` or `hear`"""


async def watch(steps: Steps, clock: Clock, begun: LoadBegun, running: Running) -> Outcome:
    """Load; where the LIM is lost sight of, how it ended is heard as long as the decision waits."""
    try:
        await steps.load(begun.stamp, running)
    except FarDataRefused as error:
        return (Ended.NOT_BEGUN if error.word in NOT_BEGUN else Ended.FAILED), str(error)
    except OutOfReach:
        await clock.sleep_until(clock.now() + WATCH_AGAIN_MS)  # what was asked for may be on its way still
        return await hear(steps, clock, begun, running)
    return Ended.DONE, ""


async def hear(steps: Steps, clock: Clock, begun: LoadBegun, running: Running) -> Outcome:
    """How a load ended that nobody watched; its LIM may still be at it, as long as the decision waits."""
    while True:
        try:
            loaded = await steps.last_load(running)
        except (FarDataRefused, OutOfReach) as error:
            refused = error.word if isinstance(error, FarDataRefused) else "out_of_reach"
            if refused in NOT_LOADING:
                return Ended.CALLED_OFF, str(error)
            if refused in ENDED_BADLY:
                return Ended.FAILED, str(error)
            if clock.now() >= begun.until:
                return Ended.OUT_OF_REACH, str(error)
            await clock.sleep_until(clock.now() + WATCH_AGAIN_MS)
        else:
            ours = loaded.stamp == begun.stamp
            return (Ended.DONE, "") if ours else (Ended.CALLED_OFF, f"the alternate runs {loaded.stamp}")
