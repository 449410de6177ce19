"""A user of a Redis, and what the agents are given that switch it off and on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from gameday.model.agent import AgentConfig, Peers, RedisAddress, WaitingFuseConfig, tuples

LOGIN: Final = "gameday-login"
"""What connections of redisLogin probes are called, where the user may say so: they are no other client's."""


@dataclass(frozen=True, slots=True)
class RedisUser:
    """A user of a Redis, who is switched off and on by its administrator on every server."""

    user: str
    administrator: RedisAddress
    """Where it is, with the credentials of the administrator."""
    peers: Peers | None = None
    """How its servers are asked who the others are, where clients reach several one by one."""
    sentinel_port: int = 0
    closes: bool = True
    """Whether the user's open connections are closed once it is off."""

    @classmethod
    def read(cls, fields: Mapping[str, Any]) -> Self:
        """Read it from JSON; raises TypeError or KeyError when it is not such a user."""
        peers = fields.get("peers")
        return cls(
            **{
                **fields,
                "administrator": RedisAddress(**fields["administrator"]),
                "peers": Peers(**peers) if peers is not None else None,
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class UserSwitchConfig(AgentConfig):
    """The pod that switches a user of a Redis off, or on again."""

    AGENT = "userSwitch"

    user: RedisUser
    on: bool
    """Whether it is switched on again."""
    targets: tuple[str, ...] = ()
    """Addresses of the targets, whose connections may be there as the user."""
    others_affected: bool = False
    """Whether the user may have other clients."""
    servers: tuple[tuple[str, int], ...] = ()
    """Addresses and ports of servers that an earlier pod switched it off on, besides those that are found."""
    forgets_at: float = 0.0
    """The Unix second from which such a server may be gone, where no other server names it."""
    waits: float = 0.0
    """Seconds from its start before which nothing is changed."""
    until: float = 0.0
    """The Unix second from which on nothing is changed any more; 0: as long as it runs."""
    tries_for: float = 0.0
    """Seconds for which it tries again after a failure."""

    @classmethod
    def typed(cls, fields: Mapping[str, Any]) -> dict[str, Any]:
        """See the base class."""
        return {
            **fields,
            "user": RedisUser.read(fields["user"]),
            "targets": tuple(fields.get("targets", ())),
            "servers": tuples(fields.get("servers", ())),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class UserFuseConfig(WaitingFuseConfig):
    """The fuse of a user that is switched off: it switches the user on again."""

    AGENT = "userFuse"

    user: RedisUser
    arms_within: float
    """Seconds from the start of its Job for its dry run before the change; a user that is off then was off."""
    forgets_after: float
    """Seconds of trying after which a server that no other server names may be gone."""

    @classmethod
    def typed(cls, fields: Mapping[str, Any]) -> dict[str, Any]:
        """See the base class."""
        return {**fields, "user": RedisUser.read(fields["user"])}
