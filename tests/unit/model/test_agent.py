"""An agent reads its own configuration and no other's, and says what is wrong with one."""

import json

import pytest

from gameday.model.agent import (
    AgentConfig,
    CallerConfig,
    CallFuseConfig,
    CloserConfig,
    CounterConfig,
    Delivery,
    Dial,
    FuseConfig,
    HttpAccess,
    NotifierConfig,
    ObserverConfig,
    Peers,
    ProbeTask,
    RedisAddress,
    RequestConfig,
    RequestHeader,
    WitnessConfig,
    read_config,
)
from gameday.model.agent_configs import CONFIGS
from gameday.model.redis_user import RedisUser, UserFuseConfig, UserSwitchConfig

REDIS = RedisAddress("redis.shop.svc", password_file="/run/gameday/secrets/redis/password")
PODS, SERVERS = (("pod a", "10.0.0.9", "fd00::9"),), (("10.0.0.3", 6379),)
CALL = RequestConfig(
    "http://api/v1/suspend", "POST", (RequestHeader("X-Key", "1"),), "{}", HttpAccess(bearer_file="/run/token")
)
EACH: tuple[AgentConfig, ...] = (
    ObserverConfig(
        probes=(ProbeTask("health", "http", 1.0, 2.0, (("body", "list", 0),), {"url": "http://api"}),), ends_after=9.0
    ),
    WitnessConfig(dials=(Dial("target:a", "10.0.0.3", 6379, "redis"),), nameservers=True, every=0.5, ends_after=9.0),
    WitnessConfig(redis=REDIS, peers=Peers("mymaster", password_file="/run/gameday/secrets/s/p"), ends_after=9.0),
    CounterConfig(redis=REDIS, servers=SERVERS, pods=PODS, ends_after=9.0),
    CloserConfig(redis=REDIS, servers=SERVERS, pods=PODS, until=99.5, seen=("10.0.0.9",), ends_after=9.0),
    FuseConfig(namespace="shop", workload="worker", lasts=9.0, replicas=3, wanted=0, job="fuse", ends_after=9.0),
    CallerConfig(request=CALL, statuses=(202,), timeout=2.0, tries_for=30.0, ends_after=9.0),
    CallFuseConfig(namespace="shop", lasts=9.0, job="fuse", request=CALL, timeout=2.0, ends_after=9.0),
    UserSwitchConfig(
        user=RedisUser("app", REDIS, Peers("mymaster"), 26379, closes=False),
        on=True,
        targets=("10.0.0.9",),
        servers=SERVERS,
        forgets_at=99.5,
        tries_for=20.0,
        ends_after=9.0,
    ),
    UserFuseConfig(
        namespace="shop",
        lasts=9.0,
        job="fuse",
        user=RedisUser("app", REDIS),
        arms_within=30.0,
        forgets_after=300.0,
        ends_after=9.0,
    ),
    NotifierConfig(
        deliveries=(Delivery("verdict", "http://bus", headers={"Content-Type": "application/json"}, body="{}"),),
        tries_for=60.0,
        ends_after=9.0,
    ),
)


@pytest.mark.parametrize("config", EACH, ids=lambda config: config.AGENT)
def test_what_is_written_is_read_back(config: AgentConfig) -> None:
    assert read_config(config.to_json(), *CONFIGS) == config


def test_every_agent_is_tested_here() -> None:
    assert {type(config) for config in EACH} == set(CONFIGS)


@pytest.mark.parametrize("config", EACH, ids=lambda config: config.AGENT)
def test_another_agents_configuration_is_refused(config: AgentConfig) -> None:
    others = [cls for cls in CONFIGS if cls is not type(config)]
    with pytest.raises(
        ValueError, match=f"^GAMEDAY_AGENT is the configuration of agent '{config.AGENT}', but this agent is"
    ):
        read_config(config.to_json(), *others)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"agent": "juggler"}', "agent 'juggler', but this agent is observer"),
        ("{}", "agent None, but this agent is observer"),
        ("[]", "is not a JSON object"),
        ('{"agent": "observer", "deployment": "worker"}', "not a configuration of agent observer: .*deployment"),
        ('{"agent": "observer", "probes": [{"name": "a"}]}', "not a configuration of agent observer: .*kind"),
    ],
)
def test_what_is_no_configuration_is_refused(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        read_config(text, ObserverConfig)


def test_a_probe_is_its_name_kind_times_and_paths_and_what_its_kind_made() -> None:
    (probe,) = json.loads(EACH[0].to_json())["probes"]
    assert probe.keys() == {"name", "kind", "every", "timeout", "paths", "config"}
