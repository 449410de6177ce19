"""What may happen to a process of either simulation: to die, at a moment or at a call, or to stand still."""

from simulation.scenario import Failure, What
from simulation.world import World


class KillableProcess:
    """A process that can be killed and frozen; its simulation says what ``kill`` is."""

    crash: tuple[int, str] | None = None
    """At which of its next writing calls it dies, and at which moment of it."""
    freeze: tuple[int, float] | None = None
    """At which of its next writing calls it stands still, and for how many seconds."""
    frozen_until: float = 0.0
    clock: World
    """The world's clock, and its tally."""
    dead: bool = False
    _dying: What | None = None
    """By which trouble it is about to die."""
    _freezing: What | None = None
    """By which trouble it stands still, until it was seen to put something off."""

    def kill(self) -> None:
        """SIGKILL."""
        raise NotImplementedError

    def inject(self, failure: Failure, now: float) -> None:
        """Have one of its troubles; others are none of it."""
        match failure.what:
            case What.CRASH:
                self._dying = What.CRASH
                self.kill()
            case What.CRASH_AT_CALL:
                self.crash = failure.count, failure.detail
            case What.FREEZE:
                self.frozen_until, self._freezing = now + failure.seconds, What.FREEZE
            case What.FREEZE_AT_CALL:
                self.freeze = failure.count, failure.seconds
            case _:
                pass

    def next_write(self, now: float) -> str:
        """The moment of this writing call at which the process dies, or nothing; from here on it may stand still."""
        if self.freeze is not None:
            left, seconds = self.freeze
            self.freeze = (left - 1, seconds) if left > 1 else None
            if left <= 1:
                self.frozen_until, self._freezing = now + seconds, What.FREEZE_AT_CALL
        if self.crash is None:
            return ""
        count, moment = self.crash
        self.crash = (count - 1, moment) if count > 1 else None
        if count > 1:
            return ""
        self._dying = What.CRASH_AT_CALL
        return moment

    def dies(self) -> None:
        """It is dead; by a trouble, unless it ended by itself."""
        if self._dying is not None:
            self.clock.tally.took_effect(self._dying)

    def note_delay(self) -> None:
        """It stands still although it had something to do."""
        if self._freezing is not None:
            self.clock.tally.took_effect(self._freezing)
            self._freezing = None
