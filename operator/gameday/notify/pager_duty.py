"""An incident in PagerDuty, by Events API v2."""

import json
from collections.abc import Iterator
from typing import Any, Final

from gameday.model.agent import Delivery
from gameday.model.finding import Finding
from gameday.model.notice import Event
from gameday.model.plan import SecretKey
from gameday.notify.kind import ReceiverKind, file_of
from gameday.notify.message import Message, identity
from gameday.notify.webhook import data
from gameday.probes.web import Url, check_url
from gameday.schema.base import ApiModel
from gameday.schema.references import ValueFrom
from gameday.schema.times import timestamp

ENQUEUE: Final = "https://events.pagerduty.com/v2/enqueue"
NEEDS_A_PERSON: Final = frozenset({Event.GUARDRAIL, Event.LEFTOVER, Event.VERDICT})


class PagerDuty(ApiModel):
    """A service of PagerDuty, by an integration of its Events API v2."""

    routing_key_from: ValueFrom
    """Where the integration key comes from."""
    url: Url = ENQUEUE
    """The API's URL; accounts of the EU have https://events.eu.pagerduty.com/v2/enqueue."""


class PagerDutyKind(ReceiverKind[PagerDuty]):
    """A ``dedup_key`` tells whether an incident is known; that of a leftover is resolved once nothing is left."""

    name = "pagerDuty"
    description = "A service of PagerDuty (Events API v2); by default it gets failures only."
    spec = PagerDuty
    events = NEEDS_A_PERSON
    only_on_failure = True

    def secrets(self, spec: PagerDuty) -> tuple[SecretKey, ...]:
        """See the base class."""
        return (spec.routing_key_from.parsed(),)

    def check(self, spec: PagerDuty) -> Iterator[Finding]:
        """See the base class."""
        yield from check_url("url", spec.url)

    def delivery(self, spec: PagerDuty, path: str, message: Message) -> Delivery:
        """See the base class."""
        return Delivery(
            message.event.value,
            url=spec.url,
            where=path,
            body=json.dumps(event(message), ensure_ascii=False),
            body_field="routing_key",
            body_file=file_of(spec.routing_key_from),
            repeatable=True,
        )


def event(message: Message) -> dict[str, Any]:
    """The event but for its routing key."""
    about = message.about
    if message.event is Event.CLEARED:
        return {"event_action": "resolve", "dedup_key": identity(about.uid, Event.LEFTOVER)}
    return {
        "event_action": "trigger",
        "dedup_key": message.id,
        "client": "gameday",
        "payload": {
            "summary": message.summary,
            "source": f"{about.namespace}/{about.drill}",
            "severity": message.severity.value,
            "timestamp": timestamp(message.at),
            "component": about.gameday,
            "group": about.namespace,
            "class": message.event.value,
            "custom_details": data(message),
        },
        "links": [{"href": url, "text": name} for name, url in about.links],
    }


KIND = PagerDutyKind()
