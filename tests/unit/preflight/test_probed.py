"""A redis probe that can never succeed is warned of, before the system is blamed for it."""

import pytest

from gameday.actions.network_partition.checks import check, warnings
from gameday.model.plan import OpenConnections, Probe, ServiceRef
from gameday.preflight.findings import Severity
from gameday.probes.redis.kind import RedisProbe
from unit.preflight.things import partition, plan, sight


@pytest.mark.parametrize(
    ("redis", "code", "where", "told"),
    [
        (
            RedisProbe(service=ServiceRef("redis-master")),
            "NoService",
            "service",
            "there is no Service shop/redis-master",
        ),
        (RedisProbe(service=ServiceRef("redis", port=6380)), "NoPort", "service.port", "its ports are: 6379"),
        (RedisProbe(service=ServiceRef("redis"), tls=True), "PrivateCa", "tls", "public CAs"),
        (RedisProbe(service=ServiceRef("redis", "data"), tls=True), "PrivateCa", "tls", "a CA cannot be given yet"),
    ],
    ids=["no Service", "no port", "TLS", "TLS elsewhere"],
)
def test_is_warned_of(redis: RedisProbe, code: str, where: str, told: str) -> None:
    wanted = plan(partition(open_connections=OpenConnections.KEEP), probes=(Probe("store", redis),))
    (finding,) = check(sight(), wanted)
    assert (finding.code, finding.path, finding.severity) == (code, f"spec.probes[store].redis.{where}", Severity.WARN)
    (text,) = warnings(sight(), wanted)
    assert told in text


@pytest.mark.parametrize(
    "redis",
    [
        RedisProbe(service=ServiceRef("redis", "shop", 6379)),
        RedisProbe(service=ServiceRef("redis", "data")),
        RedisProbe(host="my.cache.amazonaws.com", tls=True),
    ],
    ids=["there", "another namespace", "outside"],
)
def test_what_may_well_answer_is_not(redis: RedisProbe) -> None:
    assert check(sight(), plan(partition(open_connections=OpenConnections.KEEP), probes=(Probe("store", redis),))) == ()
