"""The limits of the operator's owner as they are written: one YAML document in a ConfigMap, refused whole or taken."""

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import yaml
from pydantic import Field, StrictInt, ValidationError

from gameday.errors import GameDayError
from gameday.model import limits as model
from gameday.schema.base import MOST, ApiModel, Duration
from gameday.schema.durations import seconds

DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_HOURS: Final = re.compile(r"(\S+) ([0-9]{2}):([0-9]{2})-([0-9]{2}):([0-9]{2}) (\S+)")
_MIDNIGHT: Final = 24 * 60
WRITTEN: Final = "write it as 'Mon-Fri 09:00-17:00 Europe/Berlin'"


class LimitsInvalid(GameDayError):
    """A limits document that says nothing certain; with one no drill begins."""

    reason = "LimitsInvalid"
    retry = False


class Limits(ApiModel):
    """What no drill may exceed, whoever wrote its plan; what is left out is not limited."""

    longest_outage: Duration | None = None
    """Longest outage.duration of any plan."""
    most_pods: Annotated[StrictInt, Field(ge=1)] | None = None
    """Most pods that one drill may cut at once."""
    largest_share: Annotated[str, Field(pattern=r"^([1-9][0-9]?|100)%$")] | None = None
    """Largest share of the ready pods of any one workload that one drill may cut, such as 50%."""
    allowed_hours: Annotated[tuple[str, ...], Field(min_length=1, max_length=MOST)] | None = None
    """Hours in which drills may begin and cut: any one of them, such as Mon-Fri 09:00-17:00 Europe/Berlin."""
    drills_at_once: Annotated[StrictInt, Field(ge=1)] | None = None
    """Most drills that run at the same time in the whole cluster."""
    assume_not_isolated_by: Annotated[tuple[str, ...], Field(min_length=1, max_length=MOST)] | None = None
    """Kinds of policies that are taken to isolate no target, such as globalnetworkpolicies.projectcalico.org."""


def limits_of(data: Mapping[str, Any]) -> model.Limits:
    """The limits in a ConfigMap's ``data``.

    Raises:
        LimitsInvalid: with every finding; nothing of the document holds then.

    """
    if unknown := sorted(set(data) - {model.DOCUMENT}):
        raise LimitsInvalid(f"{', '.join(unknown)}: no such key: all limits stand under {model.DOCUMENT}")
    if model.DOCUMENT not in data:
        raise LimitsInvalid(f"{model.DOCUMENT} is missing: write the limits there, or delete the ConfigMap")
    try:
        document = yaml.safe_load(str(data[model.DOCUMENT]))
    # PyYAML lets through what its own types refuse, such as a date of no calendar, or a nesting without end.
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        raise LimitsInvalid(f"{model.DOCUMENT} is no YAML: {' '.join(str(error).split())}") from error
    try:
        written = Limits.model_validate({} if document is None else document)
    except ValidationError as error:
        found = (f"{_path(one['loc'])}: {one['msg']}" for one in error.errors())
        raise LimitsInvalid("; ".join(found)) from error
    return model.Limits(
        longest_outage=seconds(written.longest_outage) if written.longest_outage is not None else None,
        most_pods=written.most_pods,
        largest_share=int(written.largest_share.removesuffix("%")) if written.largest_share is not None else None,
        allowed_hours=tuple(hours_of(text) for text in written.allowed_hours or ()),
        drills_at_once=written.drills_at_once,
        assume_not_isolated_by=_isolators(written.assume_not_isolated_by or ()),
    )


def hours_of(text: str) -> model.Hours:
    """The hours that a text names.

    Raises:
        LimitsInvalid: when it names none.

    """
    found = _HOURS.fullmatch(text)
    if found is None:
        raise LimitsInvalid(f"limits.allowedHours: {text!r}: {WRITTEN}")
    days, zone = found[1], found[6]
    begins, ends = (60 * int(found[i]) + int(found[i + 1]) for i in (2, 4))
    minutes_good = int(found[3]) < 60 and int(found[5]) < 60
    if not minutes_good or begins >= _MIDNIGHT or ends > _MIDNIGHT or begins == ends:
        raise LimitsInvalid(f"limits.allowedHours: {text!r}: the times must lie within 00:00-24:00 and differ")
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError) as error:
        why = f"{zone} is no time zone: write one as Europe/Berlin or UTC"
        raise LimitsInvalid(f"limits.allowedHours: {text!r}: {why}") from error
    return model.Hours(text, frozenset(_days(text, days)), begins, ends, zone)


def _isolators(names: Iterable[str]) -> frozenset[str]:
    for name in names:
        if name not in model.ISOLATORS:
            known = ", ".join(sorted(model.ISOLATORS))
            raise LimitsInvalid(f"limits.assumeNotIsolatedBy: {name!r} is no such kind of policy: {known}")
    return frozenset(names)


def _days(text: str, days: str) -> set[int]:
    found: set[int] = set()
    for part in days.split(","):
        first, dash, last = part.partition("-")
        if first not in DAYS or (dash and last not in DAYS):
            raise LimitsInvalid(f"limits.allowedHours: {text!r}: {part!r} is no day or days: {WRITTEN}")
        begins, ends = DAYS.index(first), DAYS.index(last if dash else first)
        found |= {(begins + i) % 7 for i in range((ends - begins) % 7 + 1)}
    return found


def _path(location: tuple[int | str, ...]) -> str:
    return "limits" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
