"""What each defect of the shop must make a drill of ``manifests/examples/redis-failover.yaml`` miss, and only that."""

from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class Defect:
    """``must`` are the names of expectations that the shop misses for certain, ``may`` of those that it may miss too.

    ``repaired`` says whether the rollback (workers stopped and started) brings the shop back.
    """

    must: frozenset[str]
    may: frozenset[str] = field(default_factory=frozenset)
    repaired: bool = False

    def explains(self, missed: frozenset[str]) -> bool:
        """Whether a drill that missed these told this shop from a good one, and accused it of nothing else."""
        return self.must <= missed <= self.must | self.may


def _defect(*must: str, may: tuple[str, ...] = (), repaired: bool = False) -> Defect:
    return Defect(frozenset(must), frozenset(may), repaired)


DEFECTS: Final = {
    "LIE_HEALTHY": _defect("redis reported down"),
    # A replica that never looks for Redis again goes on telling what it knew last.
    "NEVER_RECONNECT": _defect("healthy again", "jobs flow", "redis is fast", may=("backlog back", "nothing lost")),
    # Nothing takes the jobs that come after the outage: the queue grows by one a second.
    "STUCK_WORKER": _defect("jobs flow", may=("backlog back",), repaired=True),
    # Without the breaker each webhook waits for Redis until the client's timeout, a second, and only then gets its 503.
    "NO_BREAKER": _defect("breaker opens"),
    # A breaker needs two failures of a second each; until then its replica accepts what it cannot write and then drops.
    # So at one webhook a second at least one is lost, whichever replicas the webhooks meet.
    "LOSE_BUFFER": _defect("nothing lost"),
    "SILENT_ALERTS": _defect("team is alerted"),
}
