"""The outage as a region on dashboards of Grafana."""

import html
import json
from collections.abc import Iterator
from typing import Annotated, Any, Final

from pydantic import Field

from gameday.model.agent import Delivery, HttpAccess, secret_file
from gameday.model.finding import Finding
from gameday.model.notice import Event
from gameday.model.plan import ConfigMapKey, SecretKey
from gameday.notify.kind import ReceiverKind
from gameday.notify.message import Message
from gameday.probes.web import Access, Tls, Url, check_access, check_base
from gameday.schema.base import ATOMIC, ApiModel, Name
from gameday.schema.references import ValueFrom

API: Final = "/api/annotations"


class Grafana(ApiModel):
    """Annotations in Grafana: one region for each drill, from the proven start of the faults to their end."""

    url: Url
    """Grafana's URL, such as https://grafana.example; its path /api/annotations is asked."""
    token_from: ValueFrom
    """Where the token of a service account comes from that may create annotations."""
    dashboard_uid: Annotated[str | None, Field(alias="dashboardUID", min_length=1, max_length=64)] = None
    """UID of the dashboard; without it the annotation is one of the organization, which dashboards query by tag."""
    panel_id: Annotated[int | None, Field(ge=0, le=1_000_000_000)] = None
    """Id of a panel of that dashboard."""
    tags: Annotated[tuple[Name, ...], Field(max_length=8, json_schema_extra=ATOMIC)] = ()
    """Tags beside gameday, the GameDay's name and the verdict."""
    tls: Annotated[Tls | None, Field(description="How its certificate is verified; default: by public CAs.")] = None

    @property
    def access(self) -> Access:
        """Who the pod is, and whom it trusts."""
        ca = self.tls.ca_from.parsed() if self.tls is not None else None
        return Access(bearer=self.token_from.parsed(), ca=ca)


class GrafanaKind(ReceiverKind[Grafana]):
    """Grafana would make a second annotation of a second request, so one without an answer is not sent again."""

    name = "grafana"
    description = "Grafana: the outage of each drill as an annotation, sent once the drill has its verdict."
    spec = Grafana
    events = frozenset({Event.VERDICT})

    def secrets(self, spec: Grafana) -> tuple[SecretKey, ...]:
        """See the base class."""
        return spec.access.secrets

    def config_maps(self, spec: Grafana) -> tuple[ConfigMapKey, ...]:
        """See the base class."""
        return spec.access.config_maps

    def check(self, spec: Grafana) -> Iterator[Finding]:
        """See the base class."""
        yield from check_base("url", spec.url)
        yield from check_access(spec.url, spec.access)
        if spec.panel_id is not None and spec.dashboard_uid is None:
            yield Finding("panelId", "a panel belongs to a dashboard: give dashboardUID as well")

    def delivery(self, spec: Grafana, path: str, message: Message) -> Delivery | None:
        """See the base class; a drill whose faults had no proven effect leaves nothing to mark."""
        if message.outage is None or message.event is not Event.VERDICT:
            return None
        key = spec.token_from.parsed()
        ca: HttpAccess = spec.access.config()
        return Delivery(
            message.event.value,
            url=f"{spec.url.rstrip('/')}{API}",
            where=path,
            access=HttpAccess(bearer_file=secret_file(key.name, key.key), ca_file=ca.ca_file),
            body=json.dumps(annotation(spec, message, message.outage), ensure_ascii=False),
        )


def annotation(spec: Grafana, message: Message, outage: tuple[float, float]) -> dict[str, Any]:
    """The region of an outage; Grafana shows its text as HTML."""
    about = message.about
    links = [f'<a href="{html.escape(url)}">{html.escape(name)}</a>' for name, url in about.links]
    asked = [f"{html.escape(name)}: {html.escape(how)}" for name, how in about.contacts]
    place = {"dashboardUID": spec.dashboard_uid, "panelId": spec.panel_id}
    return {key: value for key, value in place.items() if value is not None} | {
        "time": round(outage[0] * 1000),
        "timeEnd": round(outage[1] * 1000),
        "tags": ["gameday", about.gameday, message.verdict, *spec.tags],
        "text": "<br>".join([html.escape(message.summary), html.escape(message.todo), *asked, *links]),
    }


KIND = GrafanaKind()
