"""Changes that actions make to the cluster, as the undo log records them and as they are observed.

The engine knows changes only; ``actions`` implements them per kind.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

State = Mapping[str, Any]
"""What a kind notes of an object, as JSON: ``{"replicas": 3}``."""


class ChangeState(enum.Enum):
    """How far an entry of the undo log has come; only ``UNDONE`` holds nothing."""

    REGISTERED = "Registered"
    ARMED = "Armed"
    REQUESTED = "Requested"
    ACTIVE = "Active"
    UNDOING = "Undoing"
    UNDONE = "Undone"


ASKED = "undo"
"""Key of what a person is to do, in what the undo log holds of a change that nothing else undoes."""


@dataclass(frozen=True, slots=True)
class Change:
    """An entry of the undo log: a change that may have been made, and how it is undone.

    ``name`` is that of its fault or step, ``kind`` that of its action in the registry. ``before`` is the exact prior
    state and ``wanted`` what was set; both are None where the object was not there. ``fuse_deadline`` is the Unix
    second at which the fuse undoes the change without us. ``seen_at`` is the Unix second at which the change was first
    seen to be there.
    """

    name: str
    kind: str
    object_kind: str
    object_name: str
    fuse_name: str
    state: ChangeState = ChangeState.REGISTERED
    before: State | None = None
    wanted: State | None = None
    object_uid: str | None = None
    fuse_uid: str | None = None
    fuse_deadline: float | None = None
    registered_at: float = 0.0
    requested_at: float | None = None
    seen_at: float | None = None
    effect_at: float | None = None
    """When the effect of a fault began, as it was proven."""
    effect_resolution: float = 0.0
    proven_at: float | None = None
    waits: bool = False
    """Whether its undo waits for that of faults which were applied after it."""
    undo_requested_at: float | None = None
    undo_again: bool = False
    """Whether it must be put back once more, although its object shows that it was."""
    undo_again_at: float | None = None
    undone_at: float | None = None

    @property
    def touched(self) -> bool:
        """Whether the change may have reached the cluster."""
        return self.requested_at is not None

    @property
    def by_hand(self) -> bool:
        """Whether only a person can undo it, if it does not end by itself: it has no fuse."""
        return not self.fuse_name

    @property
    def asked(self) -> str:
        """What a person is to do who undoes it, "" where the undo log does not say it."""
        return str((self.wanted or {}).get(ASKED, "")) if self.by_hand else ""

    @property
    def open(self) -> bool:
        """Whether anything is still to be undone or tidied."""
        return self.state is not ChangeState.UNDONE


class Presence(enum.Enum):
    """Whether a change is in the cluster."""

    UNKNOWN = "Unknown"
    """The object was not read yet."""
    ABSENT = "Absent"
    """The object is as it was before."""
    PRESENT = "Present"
    DRIFTED = "Drifted"
    """It is there, and no longer covers all that it is to cover: it is to be applied again."""
    TAMPERED = "Tampered"
    """Somebody else made something else of it, which is never fought for."""
    GONE = "Gone"
    """The object does not exist, so there is nothing to revert."""


THERE = frozenset({Presence.PRESENT, Presence.DRIFTED, Presence.TAMPERED})


@dataclass(frozen=True, slots=True)
class Observed:
    """A change as it is seen: all that the engine knows of what a kind does.

    ``object_kind``, ``object_name``, ``before`` and ``wanted`` are what a new entry of the undo log would
    say.
    """

    presence: Presence = Presence.UNKNOWN
    object_kind: str = ""
    object_name: str = ""
    before: State | None = None
    wanted: State | None = None
    uid: str | None = None
    version: str = ""
    """The resourceVersion at which the object was seen like this, where a change depends on it."""
    detail: str = ""
    """What somebody else did to it, or why there is nothing to change; a sentence."""
    by_admission: bool = False
    """Whether admission did it, as the object was created, and nobody since."""
    shown: str = ""
    """How the object stands, for the timeline: ``worker is at 0``."""
    carried_out: bool = False
    """Whether something that helps or harms the system surely followed from it by now, as a pod that is ready. That the
    API server has an object which a pod or a controller is still to act on is not enough."""
    settled: bool = True
    """Whether what follows from the object's state has happened: the pods of a workload are there, or gone."""
    followed: bool = True
    """Whether the object's controller has seen its newest state: before, what it will do is not known."""
    relapsed: str = ""
    """What shows that its effect is over although the object is as we set it, or ""; it counts once it was settled."""
    by_hand: bool = False
    """Whether nothing but a person takes this change back, if it does not end by itself: all we do is to ask."""
    asks: str = ""
    """What a person is asked for who takes it back, where ``shown`` does not say it."""
    refused: str = ""
    """Why the change will never be made, and nothing was touched, or ""."""
    may_arrive: bool = False
    """Whether a request of which nothing was heard may still change something after its undo, and stay."""

    @property
    def known(self) -> bool:
        """Whether it was seen at all; otherwise the rest says nothing."""
        return self.presence is not Presence.UNKNOWN

    @property
    def there(self) -> bool:
        """Whether anything of the change is in the cluster."""
        return self.presence in THERE


NOTHING = Observed()


class RunState(enum.Enum):
    """How far the run of an irreversible action has come."""

    UNKNOWN = "Unknown"
    """The object was not read yet."""
    ABSENT = "Absent"
    NEXT = "Next"
    """Its next part may be requested; requesting a part twice executes it once."""
    RUNNING = "Running"
    DONE = "Done"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True)
class Ran:
    """A run as it is seen."""

    state: RunState = RunState.ABSENT
    notes: State | None = None
    """Before it begins: what a later process must know to go on with it."""
    shown: str = ""
    """Its state as a text, for the timeline and for messages about why it is not done."""
    waits: bool = False
    """Whether its object is there and nothing of it was carried out: it is deleted if the step is given up."""
    carried_out: bool = False
    """Whether something of it surely was carried out by now. Where a pod may have begun, or not, that is not known."""


NOT_RUN = Ran()
