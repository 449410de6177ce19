"""What may befall a process of either simulation: to die, at a moment or at a call, or to stand still."""

from simulation.scenario import Trouble, What


class Mortal:
    """A process that can be killed and frozen; its simulation says what ``kill`` is."""

    crash: tuple[int, str] | None = None
    """At which of its next writing calls it dies, and at which moment of it."""
    freeze: tuple[int, float] | None = None
    """At which of its next writing calls it stands still, and for how many seconds."""
    frozen_until: float = 0.0

    def kill(self) -> None:
        """SIGKILL."""
        raise NotImplementedError

    def suffer(self, trouble: Trouble, now: float) -> None:
        """Have one of its troubles; others are none of it."""
        match trouble.what:
            case What.CRASH:
                self.kill()
            case What.CRASH_AT_CALL:
                self.crash = trouble.count, trouble.detail
            case What.FREEZE:
                self.frozen_until = now + trouble.seconds
            case What.FREEZE_AT_CALL:
                self.freeze = trouble.count, trouble.seconds
            case _:
                pass

    def next_write(self, now: float) -> str:
        """The moment of this writing call at which the process dies, or nothing; from here on it may stand still."""
        if self.freeze is not None:
            left, seconds = self.freeze
            self.freeze = (left - 1, seconds) if left > 1 else None
            self.frozen_until = now + seconds if left <= 1 else self.frozen_until
        if self.crash is None:
            return ""
        count, moment = self.crash
        self.crash = (count - 1, moment) if count > 1 else None
        return moment if count <= 1 else ""
