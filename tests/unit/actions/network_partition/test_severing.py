"""Open connections are ended at the Redis that is cut and at no other, or the preflight says why they are not."""

from dataclasses import replace

import pytest

from gameday.actions.network_partition.checks import check, warnings
from gameday.actions.network_partition.severing import MOST_SERVERS, severing_of
from gameday.cluster.kinds import Object
from gameday.model.plan import CidrTarget, HostTarget, OpenConnections, Plan, Probe, SecretKey, ServiceRef, Target
from gameday.model.setup import Severing
from gameday.preflight.snapshot import Sight
from gameday.probes.redis.kind import RedisProbe
from unit.preflight.things import endpoints, partition, plan, service, sight

PASSWORD = SecretKey("redis", "password")
CACHE = Probe("cache", RedisProbe(service=ServiceRef("redis-cache"), password=PASSWORD))
STORE = Probe("store", RedisProbe(service=ServiceRef("redis"), password=PASSWORD))
PORTS: list[Object] = [{"name": "metrics", "port": 9121}, {"name": "redis", "port": 6379}]


def two_redis() -> Sight:
    """A namespace with a Redis for each of CACHE and STORE."""
    cache = service("redis-cache", [{"port": 6379}], "10.96.0.8", selector={"app": "cache"})
    return sight(services=(service("redis", [{"port": 6379}]), cache))


def severed(there: Sight, wanted: Plan) -> Severing | None:
    return severing_of(there, wanted, wanted.outage.faults[0].partition)


def with_service(one: Object, *slices: Object) -> Sight:
    there = sight()
    there.service, there.endpoints = one, slices or there.endpoints
    return there


@pytest.mark.parametrize("probes", [(CACHE, STORE), (STORE, CACHE)], ids=["other first", "other last"])
def test_the_probe_of_the_cut_service_is_taken_wherever_it_stands(probes: tuple[Probe, ...]) -> None:
    assert severed(two_redis(), plan(probes=probes)) == Severing("store")
    assert check(two_redis(), plan(probes=probes)) == ()


def test_one_with_credentials_is_taken_where_several_talk_to_what_is_cut() -> None:
    open_one = Probe("open", RedisProbe(service=ServiceRef("redis")))
    assert severed(sight(), plan(probes=(open_one, STORE))) == Severing("store")
    assert severed(sight(), plan(probes=(open_one,))) == Severing("open")


@pytest.mark.parametrize("to", [ServiceRef("redis"), ServiceRef("redis", "shop")], ids=["own", "said"])
@pytest.mark.parametrize("probed", [ServiceRef("redis"), ServiceRef("redis", "shop")], ids=["own", "said"])
def test_a_namespace_that_is_left_out_is_the_drills(to: ServiceRef, probed: ServiceRef) -> None:
    assert severed(sight(), plan(partition(to), probes=(Probe("it", RedisProbe(service=probed)),))) == Severing("it")


@pytest.mark.parametrize(
    ("to", "probed", "severs"),
    [
        (ServiceRef("redis"), ServiceRef("redis"), True),
        (ServiceRef("redis", port=6379), ServiceRef("redis"), True),
        (ServiceRef("redis", port="redis"), ServiceRef("redis", port=6379), True),
        (ServiceRef("redis", port=9121), ServiceRef("redis"), False),
        (ServiceRef("redis", port=6379), ServiceRef("redis", port=9121), False),
        (ServiceRef("redis"), ServiceRef("redis", port=6380), False),
    ],
)
def test_the_probe_must_talk_to_a_port_that_is_cut(to: ServiceRef, probed: ServiceRef, severs: bool) -> None:
    there = with_service(service("redis", PORTS), endpoints("10.0.0.3", ports={"redis": 6379, "metrics": 9121}))
    found = severed(there, plan(partition(to), probes=(Probe("it", RedisProbe(service=probed)),)))
    assert (found is not None) is severs


@pytest.mark.parametrize(
    ("probes", "told"),
    [
        ((), "the plan has none"),
        ((CACHE,), "cache (Service shop/redis-cache:6379)"),
        ((Probe("far", RedisProbe(service=ServiceRef("redis", "data"))),), "far (Service data/redis:6379)"),
        ((Probe("named", RedisProbe(host="redis.shop.svc")),), "named (redis.shop.svc:6379)"),
    ],
    ids=["none", "another", "another namespace", "by host"],
)
def test_without_a_probe_of_the_cut_service_nothing_is_severed_and_what_there_is_is_named(
    probes: tuple[Probe, ...], told: str
) -> None:
    wanted = plan(probes=probes)
    assert severed(two_redis(), wanted) is None
    (warning,) = warnings(two_redis(), wanted)
    assert warning.startswith("spec.outage.faults[partition].networkPartition.openConnections: ")
    assert told in warning
    assert "makes the drill Inconclusive" in warning


@pytest.mark.parametrize("to", [CidrTarget(("203.0.113.7/32",), (6379,)), HostTarget("203.0.113.7", (6379,))])
def test_severing_needs_a_service(to: Target) -> None:
    wanted = plan(partition(to))
    assert severed(sight(), wanted) is None
    (warning,) = warnings(sight(), wanted)
    assert "Close needs to.service" in warning
    assert "makes the drill Inconclusive" in warning
    assert warnings(sight(), plan(partition(to, open_connections=OpenConnections.KEEP))) == ()


def test_each_server_that_is_ready_is_asked_where_there_are_several() -> None:
    unready = endpoints("10.0.0.5")
    unready["endpoints"][0]["conditions"] = {"ready": False}
    redis = service("redis", [{"port": 6379, "targetPort": 7000}])
    there = with_service(redis, endpoints("10.0.0.4", "10.0.0.3", ports={"": 7000}), unready)
    assert severed(there, plan()) == Severing("redis", (("10.0.0.3", 7000), ("10.0.0.4", 7000)))


def test_a_service_of_very_many_servers_is_not_severed_and_says_so() -> None:
    there = replace(sight(), endpoints=(endpoints(*(f"10.0.0.{n}" for n in range(1, MOST_SERVERS + 2))),))
    assert severed(there, plan()) is None
    assert f"{MOST_SERVERS + 1} servers stand behind Service redis" in warnings(there, plan())[0]


def test_connections_that_are_to_be_kept_are_kept_without_a_word() -> None:
    kept = plan(partition(open_connections=OpenConnections.KEEP))
    assert severed(sight(), kept) is None
    assert check(sight(), kept) == ()
