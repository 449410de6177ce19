"""What the redisLogin probe says of a plan."""

from dataclasses import asdict

import pytest

from gameday.errors import PlanInvalid
from gameday.model.agent import RedisAddress
from gameday.model.places import redis_at
from gameday.model.plan import Dependency, HostTarget, RunsIn, SecretKey, Sentinel, ServiceRef
from gameday.probes.redis_login.kind import KIND, RedisLogin, RedisLoginProbe
from gameday.schema.named import Dependencies
from gameday.schema.references import SecretKeyRef, ValueFrom

SERVER = redis_at(
    ServiceRef("redis"), username="probe", password=SecretKey("redis", "word"), database=3, sentinel=Sentinel("main")
)
NAMED = Dependencies(
    (Dependency("redis", ServiceRef("redis"), SERVER), Dependency("outside", HostTarget("10.0.0.1", (443,)))),
    "spec.probes[0].redisLogin",
)


def spec(user: str = "app", dependency: str = "redis") -> RedisLogin:
    password = ValueFrom(secret_key_ref=SecretKeyRef(name="app", key="password"))
    return RedisLogin(dependency=dependency, user=user, password_from=password)


def test_it_logs_in_as_its_own_user_and_not_as_that_of_the_dependency() -> None:
    settings = KIND.parse(spec(), NAMED)
    assert settings == RedisLoginProbe(
        redis_at(ServiceRef("redis"), username="app", password=SecretKey("app", "password")), "redis"
    )
    assert (settings.runs_in, settings.secrets) == (RunsIn.CLIENT, (SecretKey("app", "password"),))
    file = "/run/gameday/secrets/app/password"
    assert KIND.config(settings, "shop") == {
        "server": asdict(RedisAddress("redis.shop.svc", username="app", password_file=file))
    }


def test_what_it_names_must_be_a_redis() -> None:
    with pytest.raises(PlanInvalid) as caught:
        KIND.parse(spec(dependency="outside"), NAMED)
    assert caught.value.findings[0][0] == "spec.probes[0].redisLogin.dependency"


def test_the_default_user_is_refused() -> None:
    (found,) = KIND.check(KIND.parse(spec("default"), NAMED))
    assert found.path == "user"
    assert not list(KIND.check(KIND.parse(spec(), NAMED)))
