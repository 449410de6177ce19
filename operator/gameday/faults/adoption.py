"""Who would take one of our pods for its own, or send it traffic, because it wears a target's labels."""

from collections.abc import Iterator, Mapping

from gameday.cluster.kinds import DAEMON_SETS, REPLICA_SETS, SERVICES, STATEFUL_SETS
from gameday.faults.findings import Finding
from gameday.faults.selectors import selects
from gameday.faults.sight import Sight
from gameday.faults.targets import pairs
from gameday.model.plan import Selector

TWINS = ("-witness", "-control")
"""How names of twins end before their number. A StatefulSet takes only pods that are named ``<itself>-<number>``
(Kubernetes, stateful_set_utils.go: isMemberOf), so others cannot adopt one.
"""


def check(sight: Sight, path: str, selector: Selector) -> Iterator[Finding]:
    """Findings about the twins that a cut's selector asks for."""
    told: set[str] = set()
    for pair in pairs(sight, selector):
        for finding in (*_adopters(sight, path, pair.labels), *_senders(sight, path, pair.labels)):
            if finding.message not in told:
                told.add(finding.message)
                yield finding


def _adopters(sight: Sight, path: str, labels: Mapping[str, str]) -> Iterator[Finding]:
    for kind in (REPLICA_SETS, STATEFUL_SETS, DAEMON_SETS):
        for owner in sight.of(kind):
            name = owner["metadata"]["name"]
            if kind is STATEFUL_SETS and not name.endswith(TWINS):
                continue
            if "deletionTimestamp" not in owner["metadata"] and selects(owner["spec"].get("selector"), labels):
                yield Finding(
                    "WouldBeAdopted",
                    path,
                    f"{kind.name}/{name} selects pods by these labels alone and would adopt or delete a witness",
                    "give its selector and its pods a label of their own, and leave that out of podSelector",
                )


def _senders(sight: Sight, path: str, labels: Mapping[str, str]) -> Iterator[Finding]:
    for service in sight.of(SERVICES):
        spec = service["spec"]
        chosen = spec.get("selector")
        if spec.get("publishNotReadyAddresses") and chosen and selects({"matchLabels": chosen}, labels):
            yield Finding(
                "WouldGetTraffic",
                path,
                f"Service/{service['metadata']['name']} publishes pods that are not ready, so it would send traffic "
                "to a witness",
                "set its publishNotReadyAddresses to false, or select the targets by labels that it does not select on",
            )
