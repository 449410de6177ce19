"""A message in Slack, by an incoming webhook."""

import json
from collections.abc import Iterator
from typing import Any

from gameday.model.agent import Delivery
from gameday.model.notice import Severity
from gameday.model.plan import SecretKey
from gameday.notify.kind import ReceiverKind, file_of
from gameday.notify.message import Message, clock
from gameday.schema.base import ApiModel
from gameday.schema.bounds import cut
from gameday.schema.references import ValueFrom

SIGNS = {
    Severity.INFO: ":information_source:",
    Severity.WARNING: ":warning:",
    Severity.ERROR: ":x:",
    Severity.CRITICAL: ":rotating_light:",
}
LONGEST = 3000
"""Most characters of a text that Slack takes; it takes ten texts in a context."""
PASSED = ":white_check_mark:"


class Slack(ApiModel):
    """A channel, by the URL of an incoming webhook."""

    url_from: ValueFrom
    """Where the webhook's URL comes from: whoever has it can write to the channel."""


class SlackKind(ReceiverKind[Slack]):
    """Slack cannot recognize a message that it has, so one without an answer is not sent again."""

    name = "slack"
    description = "A channel of Slack."
    spec = Slack

    def secrets(self, spec: Slack) -> tuple[SecretKey, ...]:
        """See the base class."""
        return (spec.url_from.parsed(),)

    def delivery(self, spec: Slack, path: str, message: Message) -> Delivery:
        """See the base class."""
        body = {"text": _plain(message.summary), "blocks": list(_blocks(message))}
        return Delivery(
            message.event.value,
            url_file=file_of(spec.url_from),
            where=path,
            body=json.dumps(body, ensure_ascii=False),
        )


def _blocks(message: Message) -> Iterator[dict[str, Any]]:
    """The sentence, why, what to do, the times, whom to ask and where to look."""
    sign = PASSED if message.verdict == "Passed" else SIGNS[message.severity]
    yield _section(f"{sign} *{_plain(message.summary)}*")
    if message.why:
        yield _section(_plain(message.why))
    if message.todo:
        yield _section(f"*What to do:* {_plain(message.todo)}")
    about = message.about
    yield _context(
        f"GameDay *{_plain(about.gameday)}*",
        f"drill `{about.drill}`",
        f"namespace `{about.namespace}`",
        *(f"{name} {clock(at)}" for name, at in message.times),
    )
    if about.contacts:
        yield _context(*(f"*{_plain(name)}* {_plain(how)}" for name, how in about.contacts))
    if about.links:
        yield _context(*(f"<{_plain(url)}|{_plain(name)}>" for name, url in about.links))


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": cut(text, LONGEST)}}


def _context(*texts: str) -> dict[str, Any]:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text} for text in texts]}


def _plain(text: str) -> str:
    """A text without what Slack takes for a mention, a link or a line's end."""
    for sign, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("|", "¦")):
        text = text.replace(sign, entity)
    return " ".join(text.split())


KIND = SlackKind()
