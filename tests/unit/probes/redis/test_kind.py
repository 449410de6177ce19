"""What the redis probe says of a plan: where its Redis is, who asks it, and what that agent gets."""

from dataclasses import asdict

import pytest

from gameday.errors import PlanInvalid
from gameday.model.agent import RedisAddress
from gameday.model.places import redis_at
from gameday.model.plan import ConfigMapKey, Dependency, HostTarget, RunsIn, SecretKey, Sentinel, ServiceRef, Trust
from gameday.probes.redis.kind import KIND, Queue, Redis, RedisProbe, RedisQueue
from gameday.probes.redis.layouts import LAYOUTS, Command
from gameday.schema.named import Dependencies

NAMED = Dependencies(
    (
        Dependency("redis", ServiceRef("redis"), redis_at(ServiceRef("redis"))),
        Dependency("outside", HostTarget("10.0.0.1", (443,))),
    ),
    "spec.probes[1].redis",
)


def test_its_redis_is_the_dependency_that_it_names() -> None:
    queue = RedisQueue(kind="bullmq", name="jobs")
    assert KIND.parse(Redis(dependency="redis", queue=queue), NAMED) == RedisProbe(
        redis_at(ServiceRef("redis")), Queue("bullmq", "jobs")
    )


@pytest.mark.parametrize(
    ("dependency", "told"),
    [
        ("outside", "dependency 'outside' is not a redis: use the name of one that is"),
        (
            "cache",
            ("there is no dependency 'cache'; the dependencies are redis, outside: correct the name, or add it"),
        ),
    ],
)
def test_what_it_names_must_be_a_redis(dependency: str, told: str) -> None:
    with pytest.raises(PlanInvalid) as caught:
        KIND.parse(Redis(dependency=dependency), NAMED)
    assert caught.value.findings == (("spec.probes[1].redis.dependency", told),)


@pytest.mark.parametrize(
    ("settings", "name", "port"),
    [
        (RedisProbe(redis_at(ServiceRef("redis"))), "redis.shop.svc", 6379),
        (RedisProbe(redis_at(ServiceRef("redis", "data", 6380))), "redis.data.svc", 6380),
        (RedisProbe(redis_at(host="10.0.0.3", port=6381)), "10.0.0.3", 6381),
    ],
)
def test_a_redis_is_named_by_its_service_or_its_host(settings: RedisProbe, name: str, port: int) -> None:
    assert (settings.destination.name("shop"), settings.destination.port) == (name, port)


def test_the_client_asks_it_with_the_password_from_a_file() -> None:
    server = redis_at(ServiceRef("redis"), username="probe", password=SecretKey("redis", "word"))
    settings = RedisProbe(server, Queue("bullmq", "jobs"))
    assert (settings.runs_in, settings.secrets) == (RunsIn.CLIENT, (SecretKey("redis", "word"),))
    plain = RedisAddress("redis.shop.svc", username="probe", password_file="/run/gameday/secrets/redis/word")
    assert KIND.config(settings, "shop") == {
        "server": asdict(plain),
        "queue_kind": "bullmq",
        "queue_name": "jobs",
        "queue_prefix": "bull",
        "cluster": False,
    }


def test_the_client_is_given_the_files_of_tls_and_of_the_user_and_the_database() -> None:
    trust = Trust(ConfigMapKey("redis-ca", "ca.crt"), "eu1.redis.test", "redis-client")
    server = redis_at(
        host="redis.example.com", tls=True, trust=trust, database=3, username_from=SecretKey("redis", "user"),
        password=SecretKey("redis", "word"),
    )  # fmt: skip
    settings, secrets = RedisProbe(server), "/run/gameday/secrets"
    assert settings.config_maps == (ConfigMapKey("redis-ca", "ca.crt"),)
    keys = [("redis", "user"), ("redis", "word"), ("redis-client", "tls.crt"), ("redis-client", "tls.key")]
    assert settings.secrets == tuple(SecretKey(*key) for key in keys)
    assert KIND.config(settings, "shop")["server"] == asdict(
        RedisAddress(
            "redis.example.com", password_file=f"{secrets}/redis/word", tls=True,
            username_file=f"{secrets}/redis/user", ca_file="/run/gameday/configmaps/redis-ca/ca.crt",
            server_name="eu1.redis.test", certificate_file=f"{secrets}/redis-client/tls.crt",
            key_file=f"{secrets}/redis-client/tls.key", database=3,
        )
    )  # fmt: skip


def test_a_ca_may_be_kept_in_a_secret() -> None:
    server = redis_at(host="redis.example.com", tls=True, trust=Trust(SecretKey("redis", "ca.crt")))
    assert (server.secrets, server.config_maps) == ((SecretKey("redis", "ca.crt"),), ())
    assert KIND.config(RedisProbe(server), "shop")["server"]["ca_file"] == "/run/gameday/secrets/redis/ca.crt"


@pytest.mark.parametrize(
    ("kind", "prefix", "given"),
    [
        ("bullmq", None, "bull"),
        ("bullmq", "b", "b"),
        ("celery", None, ""),
        ("celery", "shop:", "shop:"),
        ("sidekiq", None, ""),
    ],
)
def test_without_a_prefix_a_queue_has_its_librarys(kind: str, prefix: str | None, given: str) -> None:
    queue = RedisQueue.model_validate({"kind": kind, "name": "jobs", "prefix": prefix})
    config = KIND.config(KIND.parse(Redis(dependency="redis", queue=queue), NAMED), "shop")
    assert (config["queue_kind"], config["queue_name"], config["queue_prefix"]) == (kind, "jobs", given)


@pytest.mark.parametrize(
    ("kind", "command", "keys"),
    [
        ("bullmq", ("LLEN", "{p}{n}:wait"), ("LLEN", "bull:jobs:wait")),
        ("celery", ("LLEN", "{p}{n}"), ("LLEN", "bulljobs")),
        ("sidekiq", ("LLEN", "{p}queue:{n}"), ("LLEN", "bull:queue:jobs")),
    ],
)
def test_keys_are_made_as_the_library_makes_them(kind: str, command: Command, keys: Command) -> None:
    assert LAYOUTS[kind].command(command, "bull", "jobs") == keys


def test_a_name_that_looks_like_a_placeholder_stays_what_it_is() -> None:
    assert LAYOUTS["bullmq"].command(("LLEN", "{p}{n}:wait"), "{n}", "{p}") == ("LLEN", "{n}:{p}:wait")


@pytest.mark.parametrize(
    ("kind", "figure", "why"),
    [
        ("celery", "failed", "a celery queue has no failed: it has depth, active"),
        ("sidekiq", "active", "a sidekiq queue has no active: it has depth, delayed, retrying, failed"),
        ("bullmq", "retrying", "a bullmq queue has no retrying: it has depth, waiting, active, delayed, "),
        ("", "depth", "depth is a figure of a queue: name the queue in redis.queue"),
        ("celery", "active", ""),
        ("bullmq", "paused", ""),
        ("celery", "role", ""),
        ("", "role", ""),
        ("", "ok", ""),
    ],
)
def test_what_a_queue_does_not_have_is_refused_when_the_plan_is_read(kind: str, figure: str, why: str) -> None:
    settings = RedisProbe(redis_at(ServiceRef("redis")), Queue(kind, "jobs") if kind else None)
    found = KIND.check_path(settings, (figure,))
    assert found.startswith(why) if why else found == ""


def test_a_queue_of_a_cluster_is_a_finding_unless_its_keys_have_a_hash_tag() -> None:
    queue = Queue("bullmq", "jobs")
    cluster = redis_at(ServiceRef("redis"), cluster=True)
    (finding,) = KIND.check(RedisProbe(cluster, queue))
    assert finding.path == "queue.prefix"
    assert "write the prefix that the application uses there, such as {bull}" in finding.message
    assert not [*KIND.check(RedisProbe(cluster)), *KIND.check(RedisProbe(redis_at(ServiceRef("redis")), queue))]


def test_a_probe_does_not_ask_a_host_that_leads_to_sentinels() -> None:
    by_host = redis_at(host="sentinels.example.com", sentinel=Sentinel("mymaster"))
    assert [finding.path for finding in KIND.check(RedisProbe(by_host))] == ["dependency"]
    assert list(KIND.check(RedisProbe(redis_at(ServiceRef("redis"), sentinel=Sentinel("mymaster"))))) == []
    assert list(KIND.check(RedisProbe(redis_at(host="sessions.example.com", cluster=True)))) == []
