"""What the redis probe says of a plan: where its Redis is, who asks it, and what that agent gets."""

import pytest

from gameday.model.plan import RunsIn, SecretKey, ServiceRef
from gameday.probes.redis.kind import KIND, Queue, RedisProbe


def test_a_host_that_is_none_is_a_finding() -> None:
    assert [finding.path for finding in KIND.check(RedisProbe(host="a\0b"))] == ["host"]
    assert list(KIND.check(RedisProbe(host="10.0.0.3"))) == []


@pytest.mark.parametrize(
    ("settings", "name", "port"),
    [
        (RedisProbe(service=ServiceRef("redis")), "redis.shop.svc", 6379),
        (RedisProbe(service=ServiceRef("redis", "data", 6380)), "redis.data.svc", 6380),
        (RedisProbe(host="10.0.0.3", port=6381), "10.0.0.3", 6381),
    ],
)
def test_a_redis_is_named_by_its_service_or_its_host(settings: RedisProbe, name: str, port: int) -> None:
    assert (settings.destination.name("shop"), settings.destination.port) == (name, port)


def test_the_client_asks_it_with_the_password_from_a_file() -> None:
    settings = RedisProbe(
        service=ServiceRef("redis"),
        username="probe",
        password=SecretKey("redis", "word"),
        queue=Queue("bullmq", "jobs"),
    )
    assert (settings.runs_in, settings.secrets) == (RunsIn.CLIENT, (SecretKey("redis", "word"),))
    server = {"host": "redis.shop.svc", "port": 6379, "username": "probe", "tls": False}
    assert KIND.config(settings, "shop") == {
        "server": server | {"password_file": "/run/gameday/secrets/redis/word"},
        "queue_kind": "bullmq",
        "queue_keys": "bull:jobs",
    }
