"""The project's exceptions: the class says whether to retry, the message says what to do."""

from typing import Any, ClassVar


class GameDayError(Exception):
    """Raised on purpose. ``retry`` is False when only a person can clear it."""

    reason: ClassVar[str] = "Error"
    retry: ClassVar[bool] = True
    after: float = 0.0
    """Seconds for which the API server asks to be left alone before the next try; 0 when it does not say."""


class ClusterUnreachable(GameDayError):
    """The API server did not answer in time, or answered that it cannot."""

    reason = "ClusterUnreachable"

    def __init__(self, message: str, after: float = 0.0) -> None:
        super().__init__(message)
        self.after = after


class OutcomeUnknown(ClusterUnreachable):
    """A request was sent, and no answer says what came of it: it may have been carried out, or may still be."""

    reason = "OutcomeUnknown"


class Unauthenticated(ClusterUnreachable):
    """The API server does not know who we are: it has done nothing, and may know us again in a moment."""

    reason = "Unauthenticated"


class NotLeading(GameDayError):
    """The Lease of our process was not renewed for so long that another one may act."""

    reason = "NotLeading"


class NoCluster(GameDayError):
    """No configuration says which cluster to talk to."""

    reason = "NoCluster"
    retry = False


class TooManyRequests(GameDayError):
    """The API server has too much to do."""

    reason = "TooManyRequests"

    def __init__(self, message: str, after: float) -> None:
        super().__init__(message)
        self.after = after


class Forbidden(GameDayError):
    """An authorizer, a quota or admission says no; ``answer`` is the API server's alone.

    Where a right is missing, the message ends with what grants it.
    """

    reason = "Forbidden"
    retry = False

    def __init__(self, message: str, answer: str = "") -> None:
        super().__init__(message)
        self.answer = answer or message


class NamespaceBusy(GameDayError):
    """Another drill holds the namespace."""

    reason = "Busy"


class Conflict(GameDayError):
    """The object was changed since it was read."""

    reason = "Conflict"


class AlreadyExists(GameDayError):
    """An object of that name is there."""

    reason = "AlreadyExists"


class NotFound(GameDayError):
    """An object, its namespace or its kind is not there."""

    reason = "Absent"
    retry = False


class ResourceExpired(GameDayError):
    """The resourceVersion is too old: list anew."""

    reason = "Gone"


class Rejected(GameDayError):
    """The API server refuses the object itself."""

    reason = "Refused"
    retry = False


class ChangedByAdmission(GameDayError):
    """Admission made something else of an object as it was written, so it was deleted again at once.

    ``left`` is the object where that failed: it is still there.
    """

    reason = "ChangedByAdmission"
    retry = False

    def __init__(self, message: str, left: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.left = left


class StateUnreadable(GameDayError):
    """What an earlier process left in a status cannot be read: it is newer, damaged or was edited."""

    reason = "StateUnreadable"
    retry = False


class PlanInvalid(GameDayError):
    """A spec that the schema does not admit; ``findings`` are (path, message)."""

    reason = "GameDayInvalid"
    retry = False

    def __init__(self, findings: tuple[tuple[str, str], ...]) -> None:
        self.findings = findings
        super().__init__("; ".join(f"{path}: {message}" for path, message in findings))
