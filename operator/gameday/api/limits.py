"""The administrator's limits as they are written: one YAML document in a ConfigMap, refused whole or taken."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import yaml
from pydantic import BeforeValidator, Field, StrictInt, ValidationError

from gameday.actions.registry import KINDS
from gameday.errors import GameDayError
from gameday.model import limits as model
from gameday.schema import renamed
from gameday.schema.base import MOST, ApiModel, Duration
from gameday.schema.durations import seconds
from gameday.schema.findings import findings_of
from gameday.schema.when import When, hours_of


class LimitsInvalid(GameDayError):
    """A limits document that says nothing certain; with one no drill begins."""

    reason = "LimitsInvalid"
    retry = False


def _listed(value: Any) -> Any:
    """One text as a list of one; what is wrong in it is said of the field itself, which has no items."""
    if isinstance(value, str):
        hours_of(value)
        return (value,)
    return value


class Limits(ApiModel):
    """The limits of every drill; a field that is left out is not limited."""

    RENAMED = renamed.LIMITS
    max_outage: Duration | None = None
    """Longest that faults may stand: outage.duration, with what the ``within`` of later faults is longer than 30 s, and
    with what the last sample of a slow probe may take longer than that."""
    max_pods: Annotated[StrictInt, Field(ge=1)] | None = None
    """Most pods that one drill may cut at once."""
    max_workload_percent: Annotated[StrictInt, Field(ge=1, le=100)] | None = None
    """Most of the ready pods of any one workload that one drill may cut, in per cent, such as 50."""
    when: Annotated[tuple[When, ...], Field(min_length=1, max_length=MOST), BeforeValidator(_listed)] | None = None
    """Hours in which drills may begin and cut, one text or a list of which one is enough."""
    max_concurrent_drills: Annotated[StrictInt, Field(ge=1)] | None = None
    """Most drills that run at the same time in the whole cluster."""
    allowed_faults: Annotated[tuple[str, ...], Field(min_length=1, max_length=MOST)] | None = None
    """Kinds of faults and steps that change things for everybody who uses them, and that may run: http, httpOnce."""
    assume_not_isolated_by: Annotated[tuple[str, ...], Field(min_length=1, max_length=MOST)] | None = None
    """Kinds of policies that are taken to isolate no target, such as globalnetworkpolicies.projectcalico.org."""


def limits_of(data: Mapping[str, Any]) -> model.Limits:
    """The limits in a ConfigMap's ``data``.

    Raises:
        LimitsInvalid: with every finding; nothing of the document holds then.

    """
    if unknown := sorted(set(data) - {model.DOCUMENT}):
        raise LimitsInvalid(f"{', '.join(unknown)} is not a known key: write all limits under {model.DOCUMENT}")
    if model.DOCUMENT not in data:
        raise LimitsInvalid(f"{model.DOCUMENT} is missing: write the limits there, or delete the ConfigMap")
    try:
        document = yaml.safe_load(str(data[model.DOCUMENT]))
    # PyYAML lets through what its own types refuse, such as a date of no calendar, or a nesting without end.
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        raise LimitsInvalid(f"{model.DOCUMENT} is not valid YAML: {' '.join(str(error).split())}") from error
    try:
        written = Limits.model_validate({} if document is None else document)
    except ValidationError as error:
        found = findings_of(error, "limits")
        raise LimitsInvalid("; ".join(f"{path}: {message}" for path, message in found)) from error
    return model.Limits(
        max_outage=seconds(written.max_outage) if written.max_outage is not None else None,
        max_pods=written.max_pods,
        max_workload_percent=written.max_workload_percent,
        when=tuple(hours_of(text) for text in written.when or ()),
        max_concurrent_drills=written.max_concurrent_drills,
        allowed_faults=_allowed(written.allowed_faults or ()),
        assume_not_isolated_by=_isolators(written.assume_not_isolated_by or ()),
    )


def _allowed(names: Iterable[str]) -> frozenset[str]:
    known = {kind.name for kind in KINDS if kind.beyond}
    for name in names:
        if name not in known:
            text = f"limits.allowedFaults: {name!r} is not a kind that needs to be allowed"
            raise LimitsInvalid(f"{text}: the kinds are {', '.join(sorted(known))}")
    return frozenset(names)


def _isolators(names: Iterable[str]) -> frozenset[str]:
    for name in names:
        if not model.is_isolator(name):
            known = ", ".join(sorted(model.ISOLATORS))
            raise LimitsInvalid(
                f"limits.assumeNotIsolatedBy: {name!r} is not a kind of policy that limits can name: {known}, "
                f"or any other whose name ends with {model.NAMED}, with its group"
            )
    return frozenset(names)
