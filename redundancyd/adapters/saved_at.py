"""When something was saved, on which clock: so that its instants survive a reboot."""

from dataclasses import dataclass

from redundancyd.adapters.clock import Clock


@dataclass(frozen=True, slots=True)
class SavedAt:
    """One instant on both clocks, and which boot it was."""

    boot_id: str
    boot_ms: int
    wall_ms: int

    @classmethod
    def now(cls, clock: Clock) -> "SavedAt":
        """This instant."""
        return cls(clock.boot_id(), clock.now(), clock.wall_ms())

    def shift_ms(self, clock: Clock) -> int:
        """What has to be added to instants of that time; 0 in the same boot.

        A wall clock that was set back meanwhile counts as no time passed.
        """
        if self.boot_id == clock.boot_id():
            return 0
        passed = max(0, clock.wall_ms() - self.wall_ms)
        return clock.now() - passed - self.boot_ms
