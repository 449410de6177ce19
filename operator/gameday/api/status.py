"""The schemas of the statuses, as `kubectl explain` shows them. The operator alone writes them, and reads leniently."""

import enum
from collections.abc import Iterable
from typing import Any, Final

from gameday.api import dry_run, versions
from gameday.api.undo_log import KINDS
from gameday.model.change import ChangeState
from gameday.model.notice import Event
from gameday.model.record import Phase, Verdict
from gameday.model.schedule import Decision
from gameday.schema.bounds import (
    ENTRIES,
    LINE,
    LISTED,
    MACHINE_BYTES,
    MESSAGE,
    NAME,
    NOTED,
    OBJECT,
    PLAN_BYTES,
    SLOTS,
    UNIT,
    WORD,
)
from gameday.schema.renamed import DECISIONS

Schema = dict[str, Any]


def text(description: str, limit: int = MESSAGE) -> Schema:
    """A string of a status."""
    return {"type": "string", "maxLength": limit, "description": description}


def word(description: str, words: Iterable[enum.Enum | str]) -> Schema:
    """One word of a few."""
    return {
        "type": "string",
        "enum": [one.value if isinstance(one, enum.Enum) else one for one in words],
        "description": description,
    }


def time(description: str) -> Schema:
    """A time of a status."""
    return {"type": "string", "format": "date-time", "description": description}


def number(description: str) -> Schema:
    """A number of a status."""
    return {"type": "number", "description": description}


def things(
    description: str, properties: Schema, most: int = ENTRIES, key: str | None = None, needs: tuple[str, ...] = ()
) -> Schema:
    """A list of objects in a status."""
    schema: Schema = {
        "type": "array",
        "maxItems": most,
        "description": description,
        "items": {"type": "object", "properties": properties},
    }
    if needs or key:
        schema["items"]["required"] = [*needs, *([key] if key and key not in needs else [])]
    if key is None:
        return schema | {"x-kubernetes-list-type": "atomic"}
    return schema | {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [key]}


def lines(description: str) -> Schema:
    """A list of lines, each of the form that ``lines.py`` describes."""
    return {
        "type": "array",
        "maxItems": ENTRIES,
        "description": description,
        "items": {"type": "string", "maxLength": LISTED},
        "x-kubernetes-list-type": "atomic",
    }


def notifications(description: str) -> Schema:
    """What became of messages, by receiver."""
    outcomes = (
        ("sent", "the receiver has accepted"),
        ("failed", "was not sent"),
        ("unknown", "was sent, and may not have arrived; it is not sent again"),
    )
    lists = {
        field: {
            "type": "array",
            "maxItems": len(Event),
            "items": {"type": "string", "maxLength": NAME},
            "description": f"Events whose message {what}.",
            "x-kubernetes-list-type": "atomic",
        }
        for field, what in outcomes
    }
    properties = {"name": text("Name of the receiver.", NAME), **lists}
    return things(
        description, properties | {"message": text("What went wrong last, and what to do.", LINE)}, key="name"
    )


CONDITIONS = things(
    "Conditions, by Kubernetes' conventions.",
    {
        "type": text("Kind of condition.", WORD),
        "status": word("Whether it is so.", ("True", "False", "Unknown")),
        "reason": text("A CamelCase word.", WORD),
        "message": text("What it means and what to do."),
        "lastTransitionTime": time("When status last changed."),
        "observedGeneration": {"type": "integer", "description": "Generation of the spec it speaks of."},
    },
    most=16,
    key="type",
)

_REFERENCE: Schema = {
    "type": "object",
    "required": ["kind", "name"],
    "properties": {
        "kind": word("Its kind.", KINDS),
        "name": text("Name.", OBJECT),
        "uid": text("UID.", WORD),
        "deadline": time("When it fires."),
    },
}

UNSEEN: Final = {"observedGeneration": -1}
"""Status of an object that the operator has not seen yet: by the rules of kstatus it is under way, not done."""

DRILL_STATUS: Schema = {
    "type": "object",
    "default": UNSEEN,
    "description": "What the drill decided, holds and found. Written by the operator alone.",
    "properties": {
        "phase": word("Where the drill is.", Phase),
        "verdict": word("What the drill says about the system.", Verdict),
        "reason": text("Why, in a word.", WORD),
        "message": text("Why, in a sentence."),
        "summary": text("What came of it in one sentence, to paste; there once the drill has ended.", LINE),
        "changed": {
            "type": "boolean",
            "description": "Whether anything may have been changed but for pods of the drill's own.",
        },
        "operator": text("Which operator carries it out, by the namespace and the name of its Lease.", 320),
        "startedAt": time("When the drill took its namespace."),
        "finishedAt": time("When nothing of it was left."),
        "took": text("Length of the drill.", UNIT),
        "notifications": notifications(
            "What became of the messages to each receiver of spec.notifications; never the receiver's URL."
        ),
        "samples": text("Name of the ConfigMap that has its samples, where they were kept.", OBJECT),
        "unreported": {"type": "boolean", "description": "Whether its GameDay does not show it yet."},
        "recoveredBy": word("What repaired what was missed.", ("Rollback", "Mitigation")),
        "missedBeforeAbort": {"type": "array", "items": text("Name of an expectation.", NAME), "maxItems": ENTRIES},
        "observedGeneration": {"type": "integer", "description": "Generation of the spec that was seen."},
        "conditions": CONDITIONS,
        "expectations": lines("What became of each expectation, with times and resolution, and since when it is so."),
        "measurements": {
            "type": "object",
            "maxProperties": ENTRIES,
            "description": "Figures by name: value, unit, and how finely it is known, in the same unit.",
            "additionalProperties": {"type": "string", "maxLength": 3 * WORD},
        },
        "undo": things(
            "The undo log: every change, recorded with what undoes it before it is made.",
            {
                "name": text("Fault or step.", NAME),
                "kind": text("What kind of action made it.", NAME),
                "changes": text("The object that is changed: KIND/NAME (UID).", LINE),
                "fusedBy": text("What undoes it when no operator does: KIND/NAME (UID) until DEADLINE.", LINE),
                "times": text("When it was registered, requested, its undo requested, and undone.", LINE),
                "object": _REFERENCE | {"description": "Of an operator of an earlier version: what is changed."},
                "fuse": _REFERENCE | {"description": "Of an operator of an earlier version: its fuse."},
                "before": text("The exact prior state.", NOTED),
                "wanted": text("What was set, or which pods were deleted.", NOTED),
                "state": word("How far it has come.", ChangeState),
                "registeredAt": time("Of an operator of an earlier version. When it was recorded."),
                "requestedAt": time("Of an operator of an earlier version. When the change was asked for."),
                "undoRequestedAt": time("Of an operator of an earlier version. When its undo was asked for."),
                "undoneAt": time("Of an operator of an earlier version. When its undo was verified."),
            },
            needs=("name", "kind", "state"),
        ),
        "targets": versions.SCHEMA,
        "dryRun": dry_run.SCHEMA,
        "mitigations": lines("The mitigations that have begun, and how far each has come."),
        "steps": lines("Steps of mitigations and of the rollback, and how far each has come."),
        "timeline": lines("What happened, but for expectations; the oldest lines go first."),
        "plan": text("Where an operator of an earlier version kept the plan; it moves into state.", PLAN_BYTES),
        "planDigest": text("SHA-256 of the plan as it was when the drill began.", 80),
        "state": text("What the operator goes on from: the plan, and what it decided; its own.", MACHINE_BYTES),
    },
}

GAMEDAY_STATUS: Schema = {
    "type": "object",
    "default": UNSEEN,
    "description": "Whether the plan can run, and what its last drill found. Written by the operator alone.",
    "properties": {
        "observedGeneration": {"type": "integer", "description": "Generation of the spec that was checked."},
        "conditions": CONDITIONS,
        "lastDrill": text("Name of the last finished drill.", OBJECT),
        "lastVerdict": word("Its verdict.", Verdict),
        "lastReason": text("Why, in a word.", WORD),
        "lastDetect": text("Its timeToDetect.", UNIT),
        "lastRecover": text("Its timeToRecover.", UNIT),
        "lastFinishedAt": time("When it finished."),
        "announced": {
            "type": "object",
            "description": "What became of the messages about the newest slot that was announced.",
            "properties": {
                "slot": time("The slot."),
                "notifications": notifications("By receiver."),
            },
        },
        "nextRun": text("The next run in the schedule's time zone, or why there is none.", WORD),
        "next": {
            "type": "array",
            "maxItems": 8,
            "items": text("A time in the schedule's time zone.", WORD),
            "description": "The next runs that the calendar knows.",
        },
        "lastDecidedSlot": time("The newest slot that was decided or is scheduled; it never goes back."),
        "slots": things(
            "The newest decided slots, and why those that did not run did not.",
            {
                "at": time("The slot."),
                "decision": word("What became of it; Coming is Scheduled's earlier word.", (*Decision, *DECISIONS)),
                "message": text("Why."),
                "count": {"type": "integer", "description": "How many slots this stands for, the newest of them at."},
                "drillUID": text("UID of the Drill that began for it: no other one does.", WORD),
            },
            most=SLOTS,
        ),
        "schedule": {
            "type": "object",
            "description": "Which schedule the slots are of; the operator's own.",
            "properties": {
                "digest": text("Tells one schedule from another.", WORD),
                "generation": {"type": "integer", "description": "Generation of the spec it was seen in."},
                "since": time("When it became what it is; no slot up to then is its own."),
            },
        },
    },
}
