"""A user of a Redis whom a drill switches off: such a Redis is like a platform that is asked to suspend its users.

The pods that switch it are given a user and not a request. What they ask for is written here as that of a platform.
"""

from typing import Final

import yaml

from gameday.cluster.resources import Object
from gameday.model.agent import CallerConfig, CallFuseConfig, RequestConfig, WaitingFuseConfig, read_config
from gameday.model.redis_user import UserFuseConfig, UserSwitchConfig

LOGIN: Final = "login"
"""Name of the probe that logs in as the user."""
REFUSED: Final = "was not switched off: user app has 1 connection of others: 10.0.0.9 reports"
"""What the pod says that finds another client of the user."""
BY_ACL: Final = """
name: suspend
redisAcl:
  dependency: users
  user: app
  administrator: {username: admin, passwordFrom: {secretKeyRef: {name: admin, key: password}}}
  provenBy: login
  podSelector: {matchLabels: {app: api}}
"""
PROBE: Final = """
name: login
interval: 1s
timeout: 1s
redisLogin: {dependency: users, user: app, passwordFrom: {secretKeyRef: {name: app, key: password}}}
"""


def by_acl(spec: Object) -> Object:
    """The same plan, but that a user is switched off in the place of its faults."""
    return spec | {
        "dependencies": [*spec["dependencies"], {"name": "users", "redis": {"host": "redis.example.com"}}],
        "probes": [*spec["probes"], yaml.safe_load(PROBE)],
        "outage": spec["outage"] | {"faults": [yaml.safe_load(BY_ACL)]},
    }


def undo_of(config: WaitingFuseConfig) -> CallFuseConfig | None:
    """What a fuse asks for, as that of a call has it; None for a fuse that asks for nothing."""
    if isinstance(config, UserFuseConfig):
        return CallFuseConfig(namespace=config.namespace, lasts=config.lasts, request=_request(), timeout=10.0)
    return config if isinstance(config, CallFuseConfig) else None


def of_pod(pod: Object) -> CallerConfig:
    """What a pod is to ask for."""
    env = pod["spec"]["containers"][0]["env"][0]["value"]
    config = read_config(env, CallerConfig, UserSwitchConfig)
    if isinstance(config, CallerConfig):
        return config
    if not isinstance(config, UserSwitchConfig):
        raise TypeError(f"{type(config).__name__} asks for nothing")
    return CallerConfig(
        request=_request(suspends=not config.on), timeout=10.0, waits=config.waits, until=config.until,
        tries_for=config.tries_for,
    )  # fmt: skip


def _request(*, suspends: bool = False) -> RequestConfig:
    return RequestConfig(f"http://users/store/{'suspend' if suspends else 'resume'}", "POST")
