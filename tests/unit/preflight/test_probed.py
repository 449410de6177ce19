"""A redis probe that can never succeed is warned of, before the system is blamed for it."""

from dataclasses import replace

import pytest

from gameday.actions.network_partition.action import OpenConnections
from gameday.actions.preflight import check, warnings
from gameday.model.places import redis_at
from gameday.model.plan import ConfigMapKey, Probe, ServiceRef, Trust
from gameday.preflight.findings import Severity
from gameday.probes.redis.kind import RedisProbe
from unit.preflight.things import a_snapshot, known, partition, plan


@pytest.mark.parametrize(
    ("redis", "code", "where", "told"),
    [
        (
            RedisProbe(redis_at(service=ServiceRef("redis-master"))),
            "NoService",
            "service",
            "Service shop/redis-master does not exist",
        ),
        (
            RedisProbe(redis_at(service=ServiceRef("redis", port=6380))),
            "NoPort",
            "service.port",
            "its ports are: 6379",
        ),
        (RedisProbe(redis_at(service=ServiceRef("redis"), port=6380)), "NoPort", "port", "its ports are: 6379"),
        (RedisProbe(redis_at(service=ServiceRef("redis"), tls=True)), "PrivateCa", "tls", "public CAs"),
        (
            RedisProbe(redis_at(service=ServiceRef("redis", "data"), tls=True)),
            "PrivateCa",
            "tls",
            "give its CA in tls.caFrom",
        ),
    ],
    ids=["no Service", "no port", "another port", "TLS", "TLS elsewhere"],
)
def test_is_warned_of(redis: RedisProbe, code: str, where: str, told: str) -> None:
    wanted = plan(partition(open_connections=OpenConnections.KEEP), probes=(Probe("store", redis),))
    (finding,) = check(a_snapshot(), wanted)
    assert (finding.code, finding.path, finding.severity) == (
        code,
        f"spec.dependencies[store].redis.{where}",
        Severity.WARN,
    )
    (text,) = warnings(a_snapshot(), wanted)
    assert told in text


@pytest.mark.parametrize(
    "redis",
    [
        RedisProbe(redis_at(service=ServiceRef("redis", "shop", 6379))),
        RedisProbe(redis_at(service=ServiceRef("redis", "data"))),
        RedisProbe(redis_at(service=ServiceRef("redis"), tls=True, trust=Trust(ConfigMapKey("ca", "ca.crt")))),
        RedisProbe(redis_at(host="my.cache.amazonaws.com", tls=True)),
    ],
    ids=["there", "another namespace", "its own CA", "outside"],
)
def test_what_may_well_answer_is_not(redis: RedisProbe) -> None:
    assert (
        check(a_snapshot(), plan(partition(open_connections=OpenConnections.KEEP), probes=(Probe("store", redis),)))
        == ()
    )


def test_tls_is_warned_of_where_only_open_connections_are_closed_there() -> None:
    cut = partition(redis=redis_at(service=ServiceRef("redis"), tls=True))
    (finding,) = check(a_snapshot(), plan(cut, probes=()))
    assert (finding.code, finding.path) == ("PrivateCa", "spec.dependencies[redis].redis.tls")
    assert check(a_snapshot(), plan(replace(cut, open_connections=OpenConnections.KEEP), probes=())) == ()


def test_what_nothing_asks_is_not() -> None:
    wanted = plan(partition(open_connections=OpenConnections.KEEP), probes=())
    unused = known("unused", redis_at(service=ServiceRef("not-there"), tls=True))
    assert check(a_snapshot(), replace(wanted, dependencies=(*wanted.dependencies, unused))) == ()
