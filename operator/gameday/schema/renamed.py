"""Fields whose names have changed: each old name is refused with the new one, and a plan frozen before is still read.

An unknown field would be pruned in silence where a client does not ask for strict validation. So an old name stays in
the schema, with a rule that always fails.
"""

from collections.abc import Mapping
from typing import Any, Final

from gameday.schema.frozen import partitions, with_dependencies

Names = Mapping[str, str]
"""New names of the fields of one object, by the old ones."""

WHEN: Final = "Mon-Thu 09:00-17:00 Europe/Berlin"
"""An example of hours of the week."""
STAGE: Final[Names] = {"lasts": "duration"}
PROBE: Final[Names] = {"every": "interval"}
EXPECTATION: Final[Names] = {"holds": "for"}
PARTITION: Final[Names] = {"existing": "openConnections", "mustStay": "mustRemainReachable"}
REDIS: Final[Mapping[str, str]] = {
    "service": "object",
    "host": "string",
    "port": "integer",
    "tls": "boolean",
    "auth": "object",
}
"""Fields of a redis probe that stand in a dependency now, with their types."""
TO: Final = (
    "to is a list of names of dependencies now: move this block to spec.dependencies (as redis with "
    "service or host, or as tcp with service, host or cidrs), and write its name here, as in to: "
    "[redis]"
)
"""What a person is told who describes in ``to`` what is cut."""
ONE_DEPENDENCY: Final = "to must have exactly one name, because a partition cuts its pods off from one dependency"
LISTS: Final = frozenset({"mustStay"})
"""Old names of lists of objects; all others are of texts."""
BLACKOUT: Final[Names] = {"cron": "when", "lasts": "when"}
LIMITS: Final[Names] = {
    "longestOutage": "maxOutage",
    "mostPods": "maxPods",
    "largestShare": "maxWorkloadPercent",
    "allowedHours": "when",
    "drillsAtOnce": "maxConcurrentDrills",
}
HOURS: Final = f"write days, hours and a time zone, such as {WHEN}"
REMEDIES: Final = {
    ("cron", "when"): HOURS,
    ("lasts", "when"): HOURS,
    ("largestShare", "maxWorkloadPercent"): "write 50 instead of 50%",
}
"""What to do where a new name alone is not enough, by the old name and the new one."""
CONNECTIONS: Final = {"Sever": "Close", "Keep": "Keep"}
"""What ``openConnections`` says, by what ``existing`` said."""
DECISIONS: Final = {"Coming": "Scheduled"}
"""What became of a slot, by the word that an earlier operator left in a GameDay's status; both are read."""


def message(old: str, new: str) -> str:
    """What a person is told who uses an old name."""
    return f"{old} is called {new} now: {REMEDIES.get((old, new), 'rename it')}"


def refuse(schema: dict[str, Any], names: Names) -> None:
    """Have an object's schema refuse old names; a new name that is required is asked for by a rule.

    The API server checks no rule where a required field is missing, and would not name the new field then.
    """
    required = schema.get("required", [])
    rules = schema.setdefault("x-kubernetes-validations", [])
    for old, new in names.items():
        if new in required:
            required.remove(new)
            rules.append({"rule": f"has(self.{new}) || has(self.{old})", "message": f"{new} is missing: write it"})
        rules.append({"rule": f"!has(self.{old})", "message": message(old, new)})
        objects = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        kind = {"type": "array", "maxItems": 8, "items": objects} if old in LISTS else {"type": "string"}
        # Long enough for what stood there: a text that is too long is refused before any rule is looked at.
        size = {} if old in LISTS else {"maxLength": 128}
        schema["properties"][old] = {"description": f"The earlier name of {new}; refused.", **kind, **size}
    if not required:
        schema.pop("required", None)


def moved(*old: str) -> str:
    """What a person is told who describes a Redis in a probe."""
    return (
        f"{', '.join(old)} moved to spec.dependencies: describe the Redis there, as in "
        f"{{name: redis, redis: {{{old[0]}: ...}}}}, and name it here, as in dependency: redis"
    )


_OF_TYPE: Final[Mapping[str, dict[str, Any]]] = {
    "object": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    "string": {"type": "string", "maxLength": 253},
    "integer": {"type": "integer"},
    "boolean": {"type": "boolean"},
}


def refuse_moved(schema: dict[str, Any], fields: Mapping[str, str], new: str) -> None:
    """Have an object's schema refuse fields that stand elsewhere; ``new`` is the one that refers to them now."""
    rules = schema.setdefault("x-kubernetes-validations", [])
    for old, kind in fields.items():
        rules.append({"rule": f"!has(self.{old})", "message": moved(old)})
        schema["properties"][old] = {"description": "Moved to spec.dependencies; refused.", **_OF_TYPE[kind]}
    schema["required"].remove(new)
    given = " || ".join(f"has(self.{name})" for name in (new, *fields))
    rules.append({"rule": given, "message": f"{new} is missing: name one of spec.dependencies"})
    if not schema["required"]:
        del schema["required"]


def modern(plan: Any, namespace: str) -> Any:
    """A plan that an earlier operator froze in a namespace, in the names of today; one of today stays as it is.

    Raises:
        KeyError, TypeError, AttributeError: when it is no plan at all.

    """
    for stage in ("steadyState", "outage", "recovery"):
        _rename(plan[stage], STAGE)
        for expectation in plan[stage].get("expect", ()):
            _rename(expectation, EXPECTATION)
    for probe in plan["probes"]:
        _rename(probe, PROBE)
    for partition in partitions(plan):
        if "existing" in partition:
            partition["existing"] = CONNECTIONS[partition["existing"]]
        _rename(partition, PARTITION)
    with_dependencies(plan, namespace)
    return plan


def _rename(fields: dict[str, Any], names: Names) -> None:
    for old, new in names.items():
        if old in fields:
            fields[new] = fields.pop(old)
