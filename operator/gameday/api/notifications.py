"""Who gets which messages about a drill: ``spec.notifications``; no part of the plan, so a change counts at once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import Field, ValidationError, create_model

from gameday.errors import PlanInvalid
from gameday.model.finding import Finding
from gameday.model.notice import Event, Receiver
from gameday.notify.kind import EVERYTHING, ReceiverKind
from gameday.notify.kinds import KINDS
from gameday.schema.base import ATOMIC, ApiModel, cel
from gameday.schema.findings import findings_of
from gameday.schema.one_of import exactly_one

MOST: Final = 8
"""Most receivers of a GameDay: each may have a pod of its own."""
EVENTS: Final = tuple(event.value for event in Event if event in EVERYTHING)

if TYPE_CHECKING:
    EventName = str
else:
    EventName = Literal[EVENTS]


class NotificationBase(ApiModel):
    """A receiver of messages about drills. A message that cannot be sent delays no drill; the Drill says so."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=24)]
    """Name of the receiver, for the Drill's status: small letters, digits and dashes."""
    events: Annotated[tuple[EventName, ...] | None, Field(min_length=1, max_length=8, json_schema_extra=ATOMIC)] = None
    """What is sent; default: everything, to pagerDuty what needs a person. cut is when all faults are proven."""
    only_on_failure: bool | None = None
    """Whether only a guardrail, a leftover and a verdict other than Passed are sent; default: true for pagerDuty."""

    def given(self) -> tuple[tuple[ReceiverKind[Any], Any], ...]:
        """The kinds that are given, each with its spec: one, where the API server checked the rules."""
        specs = ((kind, getattr(self, kind.name)) for kind in KINDS)
        return tuple((kind, spec) for kind, spec in specs if spec is not None)


class _Ruled(NotificationBase):
    __doc__ = NotificationBase.__doc__
    model_config = {
        "json_schema_extra": cel(
            exactly_one(tuple(kind.name for kind in KINDS)),
            (
                "!has(self.grafana) || !(has(self.events) || has(self.onlyOnFailure))",
                "a grafana receiver gets one annotation for each drill: remove events and onlyOnFailure",
            ),
        )
    }


if TYPE_CHECKING:
    Notification = NotificationBase
else:
    Notification = create_model(
        "Notification",
        __base__=_Ruled,
        __doc__=NotificationBase.__doc__,
        **{
            kind.name: (kind.spec | None, Field(default=None, alias=kind.name, description=kind.description))
            for kind in KINDS
        },
    )


class _Part(ApiModel):
    """The part of a spec that is read here."""

    model_config = {"extra": "ignore"}
    notifications: tuple[Notification, ...] = ()


@dataclass(frozen=True, slots=True)
class Notify:
    """A receiver with its kind, and the part of the GameDay that names it."""

    receiver: Receiver
    kind: ReceiverKind[Any]
    spec: Any

    @property
    def path(self) -> str:
        """Where it stands, by its name."""
        return f"spec.notifications[{self.receiver.name}].{self.kind.name}"


def notifications_of(spec: Mapping[str, Any]) -> tuple[Notify, ...]:
    """The receivers of a GameDay's spec.

    Raises:
        PlanInvalid: when they are not what the CRD admits.

    """
    try:
        part = _Part.model_validate({"notifications": spec.get("notifications", ())})
    except ValidationError as error:
        raise PlanInvalid(tuple(findings_of(error, "spec"))) from error
    return tuple(_notify(f"spec.notifications[{index}]", one) for index, one in enumerate(part.notifications))


def _notify(path: str, one: Notification) -> Notify:
    given = one.given()
    if len(given) != 1:
        raise PlanInvalid(((path, exactly_one(tuple(kind.name for kind in KINDS))[1]),))
    kind, spec = given[0]
    events = frozenset(map(Event, one.events)) if one.events is not None else kind.events
    only = kind.only_on_failure if one.only_on_failure is None else one.only_on_failure
    return Notify(Receiver(one.name, events, only), kind, spec)


def check_notifications(spec: Mapping[str, Any]) -> Iterator[Finding]:
    """What is wrong with receivers that no schema can say.

    Raises:
        PlanInvalid: when they are not what the CRD admits.

    """
    for index, one in enumerate(notifications_of(spec)):
        for finding in one.kind.check(one.spec):
            yield Finding(f"spec.notifications[{index}].{one.kind.name}.{finding.path}", finding.message)
