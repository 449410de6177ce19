"""What the undo log has of a user that is switched off: all that it takes to switch it on, and no Secret's value."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from gameday.model.hosts import host_port, one_form
from gameday.model.places import peers_of, redis_at, redis_server
from gameday.model.plan import ConfigMapKey, Destination, SecretKey, Sentinel, ServiceRef, Trust
from gameday.model.redis_user import RedisUser


@dataclass(frozen=True, slots=True)
class Administered:
    """A user of a Redis, and the Redis with the credentials of its administrator."""

    user: str
    redis: Destination
    closes: bool = True

    def of(self, namespace: str) -> RedisUser:
        """As agents of this namespace have it."""
        sentinel = self.redis.sentinel
        return RedisUser(
            self.user,
            redis_server(self.redis, namespace),
            peers_of(self.redis),
            sentinel.port if sentinel is not None else 0,
            self.closes,
        )

    def address(self, namespace: str) -> str:
        """Where it is, as two plans that mean the same write it."""
        return host_port(one_form(self.redis.name(namespace)), self.redis.port)

    def noted(self) -> dict[str, Any]:
        """As JSON, for the undo log; what is empty is left out."""
        redis, trust, sentinel = self.redis, self.redis.trust, self.redis.sentinel
        return _without_empty(
            {
                "user": self.user,
                "closes": self.closes,
                "service": [redis.service.name, redis.service.namespace or ""] if redis.service is not None else None,
                "host": redis.host,
                "port": redis.port,
                "tls": redis.tls,
                "username": redis.username,
                "usernameFrom": _key(redis.username_from),
                "passwordFrom": _key(redis.password),
                "caFrom": _key(trust.ca),
                "caIsConfigMap": isinstance(trust.ca, ConfigMapKey),
                "serverName": trust.server_name,
                "certificate": trust.certificate,
                "cluster": redis.cluster,
                "sentinel": _sentinel(sentinel) if sentinel is not None else None,
            }
        )

    @classmethod
    def read(cls, noted: Mapping[str, Any]) -> Self:
        """Read what ``noted`` made.

        Raises:
            TypeError, KeyError, ValueError, AttributeError: when somebody has edited or damaged it.

        """
        service, ca = noted.get("service"), noted.get("caFrom")
        trusted = (ConfigMapKey(*ca) if noted.get("caIsConfigMap") else SecretKey(*ca)) if ca is not None else None
        sentinel = noted.get("sentinel")
        port = int(noted["port"])
        redis = redis_at(
            ServiceRef(service[0], service[1] or None) if service is not None else None,
            noted.get("host", ""),
            port,
            tls=noted.get("tls") is True,
            username=noted.get("username"),
            password=_read_key(noted.get("passwordFrom")),
            username_from=_read_key(noted.get("usernameFrom")),
            trust=Trust(trusted, noted.get("serverName", ""), noted.get("certificate", "")),
            cluster=noted.get("cluster") is True,
            sentinel=_read_sentinel(sentinel) if sentinel is not None else None,
        )
        return cls(str(noted["user"]), redis, noted.get("closes") is True)


def _sentinel(one: Sentinel) -> dict[str, Any]:
    return _without_empty(
        {
            "master": one.master,
            "port": one.port,
            "username": one.username,
            "usernameFrom": _key(one.username_from),
            "passwordFrom": _key(one.password),
        }
    )


def _read_sentinel(noted: Mapping[str, Any]) -> Sentinel:
    return Sentinel(
        str(noted["master"]),
        int(noted["port"]),
        noted.get("username"),
        _read_key(noted.get("usernameFrom")),
        _read_key(noted.get("passwordFrom")),
    )


def _key(key: SecretKey | ConfigMapKey | None) -> list[str] | None:
    return [key.name, key.key] if key is not None else None


def _read_key(noted: list[str] | None) -> SecretKey | None:
    return SecretKey(*noted) if noted is not None else None


def _without_empty(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value}
