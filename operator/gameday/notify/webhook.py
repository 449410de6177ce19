"""A message as a CloudEvent 1.0, for programs: structured JSON by HTTP POST."""

import json
from collections.abc import Iterator
from typing import Annotated, Any, Final

from pydantic import ConfigDict, Field

from gameday.model.agent import Delivery, HttpAccess
from gameday.model.finding import Finding
from gameday.model.notice import Event
from gameday.model.plan import ConfigMapKey, SecretKey
from gameday.notify.kind import ReceiverKind, file_of
from gameday.notify.message import Message
from gameday.probes.web import Access, Auth, Tls, Url, access_of, check_access, check_url
from gameday.schema.base import ApiModel, cel
from gameday.schema.one_of import exactly_one
from gameday.schema.references import ValueFrom
from gameday.schema.times import timestamp

TYPE: Final = "dev.gameday.drill"
"""Begins the type of each event."""
DATA_VERSION: Final = 1
"""Rises when a field of the data goes or changes its meaning; new ones may come at any time."""


class Webhook(ApiModel):
    """A program that takes CloudEvents 1.0 in structured JSON."""

    model_config = ConfigDict(json_schema_extra=cel(exactly_one(("url", "urlFrom"))))
    url: Url | None = None
    """Its URL, as a pod of this namespace sees it."""
    url_from: ValueFrom | None = None
    """Where the URL comes from, if it is a Secret."""
    auth: Annotated[Auth | None, Field(description="Who the pod is to the receiver.")] = None
    tls: Annotated[Tls | None, Field(description="How its certificate is verified; default: by public CAs.")] = None

    @property
    def access(self) -> Access:
        """Who the pod is, and whom it trusts."""
        return access_of(self.auth, self.tls)


class WebhookKind(ReceiverKind[Webhook]):
    """An event's id tells whether it was received before."""

    name = "webhook"
    description = "A program that takes CloudEvents 1.0 in structured JSON."
    spec = Webhook

    def secrets(self, spec: Webhook) -> tuple[SecretKey, ...]:
        """See the base class."""
        own = (spec.url_from.parsed(),) if spec.url_from is not None else ()
        return (*own, *spec.access.secrets)

    def config_maps(self, spec: Webhook) -> tuple[ConfigMapKey, ...]:
        """See the base class."""
        return spec.access.config_maps

    def check(self, spec: Webhook) -> Iterator[Finding]:
        """See the base class."""
        if spec.url is not None:
            yield from check_url("url", spec.url)
            yield from check_access(spec.url, spec.access)

    def delivery(self, spec: Webhook, path: str, message: Message) -> Delivery:
        """See the base class."""
        access: HttpAccess = spec.access.config()
        return Delivery(
            message.event.value,
            url=spec.url or "",
            url_file=file_of(spec.url_from) if spec.url_from is not None else "",
            where=path,
            headers={"Content-Type": "application/cloudevents+json; charset=utf-8"},
            access=access,
            body=json.dumps(cloud_event(message), ensure_ascii=False),
            repeatable=True,
        )


def cloud_event(message: Message) -> dict[str, Any]:
    """The event; docs/notifications.md describes its data."""
    about = message.about
    return {
        "specversion": "1.0",
        "id": message.id,
        "source": f"/apis/gameday.dev/v1alpha1/namespaces/{about.namespace}/gamedays/{about.gameday}",
        "type": f"{TYPE}.{message.event.value}",
        "subject": about.drill,
        "time": timestamp(message.at),
        "datacontenttype": "application/json",
        "data": data(message),
    }


def data(message: Message) -> dict[str, Any]:
    """What a message says, for programs."""
    about, outage = message.about, message.outage
    return {
        "version": DATA_VERSION,
        "event": message.event.value,
        "severity": message.severity.value,
        "summary": message.summary,
        "why": message.why,
        "whatToDo": message.todo,
        "namespace": about.namespace,
        "gameDay": about.gameday,
        "drill": about.drill,
        "drillUID": about.uid if message.event not in {Event.COUNTDOWN, Event.CANCELLED} else "",
        "verdict": message.verdict,
        "reason": message.reason,
        "times": {name: timestamp(at) for name, at in message.times},
        "outage": {"from": timestamp(outage[0]), "until": timestamp(outage[1])} if outage is not None else None,
        "contacts": [{"name": name, "contact": how} for name, how in about.contacts],
        "links": [{"name": name, "url": url} for name, url in about.links],
    }


KIND = WebhookKind()
