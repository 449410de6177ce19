"""All kinds of receivers, in the order of the fields in the CRD: add at the end."""

from typing import Any, Final

from gameday.notify import grafana, pager_duty, slack, webhook
from gameday.notify.kind import ReceiverKind

KINDS: Final[tuple[ReceiverKind[Any], ...]] = (slack.KIND, webhook.KIND, pager_duty.KIND, grafana.KIND)
