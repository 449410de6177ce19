"""The client: kubectl's verbs over kubernetes.aio's generic calls, as ourselves or as a namespace's account.

The typed API modules would cost 43 MB of memory (measured); none is imported here.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, Self

import aiohttp
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.rest import RESTResponse

from gameday.cluster.connections import Pool
from gameday.cluster.credentials import Credentials
from gameday.cluster.discovery import EVERY_KIND, kinds_ending
from gameday.cluster.http_errors import error_of, parsed
from gameday.cluster.resources import PODS, RULES_REVIEWS, Object, Resource
from gameday.errors import ClusterUnreachable, NotFound, NotLeading, OutcomeUnknown

CALL_SECONDS: Final = 10.0
"""How long any single call may take in all."""

WATCH_SECONDS: Final = 300
"""How long the API server keeps one watch open."""

SILENCE_SECONDS: Final = 90.0
"""Longest silence of a watch, in seconds: bookmarks arrive about every minute, so more means a dead connection."""

UNAUTHORIZED: Final = 401
"""The HTTP status with which the API server refuses credentials."""

ACCOUNT: Final = "gameday"
"""The ServiceAccount as which the operator acts in a namespace."""

CONTAINER: Final = "agent"
"""The container of an agent's pod, whose log is read; whatever else runs there was injected."""


class Cluster:
    """A connection to one API server; ``as_account`` gives a view of it that acts as a namespace's account.

    Every call raises a GameDayError when the API server refuses it or does not answer.
    """

    def __init__(
        self,
        api: ApiClient,
        pool: Pool,
        headers: Mapping[str, str],
        requests: Counter[tuple[str, str]],
        may_write: Callable[[], bool] = lambda: True,
    ) -> None:
        self._api = api
        self._pool = pool
        self._headers = dict(headers)
        self._may_write = may_write
        self.requests = requests
        """Calls made so far by verb and plural; watches and followed logs count once each time they are opened."""

    @classmethod
    async def connect(cls, kubeconfig: Path | None = None, context: str | None = None) -> Self:
        """Connect as a pod's ServiceAccount where no kubeconfig is named and there is one, else by kubeconfig.

        Raises:
            NoCluster: when no cluster is named, or what it needs is missing.

        """
        return cls.by(await Credentials.load(kubeconfig, context))

    @classmethod
    def by(cls, credentials: Credentials) -> Self:
        """Connect where these credentials lead; they may serve other clients as well, and are closed with this one."""
        return cls(ApiClient(credentials.login.configuration), Pool(credentials), {}, Counter())

    async def close(self) -> None:
        """Close the connections."""
        await self._pool.credentials.close()
        await self._pool.close()
        await self._api.close()  # type: ignore[no-untyped-call]  # untyped upstream

    def as_account(self, namespace: str) -> "Cluster":
        """The same connection, acting as the namespace's account; its groups follow from its name."""
        user = f"system:serviceaccount:{namespace}:{ACCOUNT}"
        return Cluster(self._api, self._pool, {"Impersonate-User": user}, self.requests, self._may_write)

    def with_write_fence(self, may_write: Callable[[], bool]) -> "Cluster":
        """The same connection, which asks ``may_write`` right before each write is sent.

        A process that stood still for a while must not go on with what it was about to do: by now another one may have
        undone it.
        """
        return Cluster(self._api, self._pool, self._headers, self.requests, may_write)

    async def get(
        self, resource: Resource, namespace: str | None, name: str, subresource: str | None = None
    ) -> Object | None:
        """Read an object, or None when it is not there."""
        try:
            return await self._call("GET", resource, namespace, name, subresource, verb="get")
        except NotFound:
            return None

    async def list(
        self, resource: Resource, namespace: str | None, labels: str = "", fields: str = ""
    ) -> tuple[tuple[Object, ...], str]:
        """Read a collection; its objects and its resourceVersion."""
        query = _selectors(labels, fields)
        answer = await self._call("GET", resource, namespace, query=query, verb="list")
        items: list[Object] = answer.get("items", [])
        return tuple(items), answer["metadata"]["resourceVersion"]

    async def create(
        self, resource: Resource, namespace: str | None, body: Object, *, dry_run: bool = False, strict: bool = False
    ) -> Object:
        """Create an object; with ``strict`` one that has fields which the API server does not know is refused.

        Raises:
            AlreadyExists: when one of its name is there.

        """
        query = ({"dryRun": "All"} if dry_run else {}) | ({"fieldValidation": "Strict"} if strict else {})
        return await self._call("POST", resource, namespace, body=body, query=query, verb="create")

    async def replace(self, resource: Resource, namespace: str | None, name: str, body: Object) -> Object:
        """Replace an object.

        Raises:
            Conflict: when it changed since ``body`` was read.

        """
        return await self._call("PUT", resource, namespace, name, body=body, verb="update")

    async def replace_status(self, resource: Resource, namespace: str | None, name: str, body: Object) -> Object:
        """Replace an object's status.

        Only the status and what identifies the object are sent: the API server reads nothing else of ``body``.

        Raises:
            Conflict: when the object changed since ``body`` was read.

        """
        metadata = {key: body["metadata"][key] for key in ("name", "namespace", "uid", "resourceVersion")}
        sent = {
            "apiVersion": resource.api_version,
            "kind": resource.kind,
            "metadata": metadata,
            "status": body["status"],
        }
        return await self._call("PUT", resource, namespace, name, "status", body=sent, verb="update")

    async def patch(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        body: Object,
        subresource: str | None = None,
        *,
        dry_run: bool = False,
    ) -> Object:
        """Merge ``body`` into an object; a resourceVersion in it makes the patch conditional.

        Raises:
            Conflict: when that version is no longer the object's.

        """
        query = {"dryRun": "All"} if dry_run else {}
        return await self._call("PATCH", resource, namespace, name, subresource, body=body, query=query, verb="patch")

    async def delete(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        *,
        uid: str | None = None,
        version: str | None = None,
        grace: int | None = None,
    ) -> bool:
        """Delete an object, and what it owns in the background; False when it was not there.

        With ``uid`` only that very object is deleted, with ``version`` only at this resourceVersion. ``grace`` is in
        seconds.

        Raises:
            Conflict: when it is another object, or at another version.

        """
        body: Object = {"propagationPolicy": "Background"}
        asked = {"uid": uid, "resourceVersion": version}
        if only := {key: value for key, value in asked.items() if value is not None}:
            body["preconditions"] = only
        if grace is not None:
            body["gracePeriodSeconds"] = grace
        try:
            await self._call("DELETE", resource, namespace, name, body=body, verb="delete")
        except NotFound:
            return False
        return True

    async def evict(self, namespace: str, pod: str, *, uid: str) -> bool:
        """Have a pod evicted, as ``kubectl drain`` does; False when it was not there.

        Raises:
            TooManyRequests: when a PodDisruptionBudget does not allow it now.
            Conflict: when the pod of that name is another one.

        """
        metadata = {"name": pod, "namespace": namespace}
        body = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": metadata,
            "deleteOptions": {"preconditions": {"uid": uid}},
        }
        try:
            await self._call("POST", PODS, namespace, pod, "eviction", body=body, verb="evict")
        except NotFound:
            return False
        return True

    async def served(self, resources: Iterable[Resource]) -> frozenset[Resource]:
        """Which of these resources the API server serves, whether this process may read them or not.

        A group that cannot say what it holds (its own server is down) counts as serving all of them.
        """
        wanted = tuple(resources)
        listed = await self._discover("/apis")
        there = {
            (group["name"], version["version"]) for group in listed.get("groups", ()) for version in group["versions"]
        }
        found: set[Resource] = set()
        for group, version in sorted({(resource.group, resource.version) for resource in wanted} & there):
            own = {resource for resource in wanted if (resource.group, resource.version) == (group, version)}
            try:
                holds = (await self._discover(f"/apis/{group}/{version}")).get("resources", ())
            except (ClusterUnreachable, NotFound):
                found |= own
            else:
                found |= {kind for kind in own if kind.plural in {resource["name"] for resource in holds}}
        return frozenset(found)

    async def kinds_ending(self, ending: str) -> dict[Resource, bool]:
        """Every kind that is served and whose plural has this ending, and whether its objects are in namespaces.

        A kind is listed once for each version of it, the preferred one first. Of a group whose own server is down only
        what is still known is listed.

        Raises:
            Rejected: when the API server cannot list all kinds at once.

        """
        return kinds_ending(await self._discover("/apis", EVERY_KIND), ending)

    async def _discover(self, path: str, accept: str = "application/json") -> Object:
        timeout = aiohttp.ClientTimeout(total=CALL_SECONDS)
        self.requests["get", "apis"] += 1
        async with self._open("GET", path, f"get {path}", None, timeout, accept=accept) as answer:
            return parsed(await answer.response.read())

    async def rules(self, namespace: str) -> tuple[Object, ...]:
        """What we may do in a namespace, as RBAC rules."""
        body = {"apiVersion": RULES_REVIEWS.api_version, "kind": RULES_REVIEWS.kind, "spec": {"namespace": namespace}}
        answer = await self.create(RULES_REVIEWS, None, body)
        rules: list[Object] = answer["status"].get("resourceRules", [])
        return tuple(rules)

    async def watch(
        self, resource: Resource, namespace: str | None, version: str, labels: str = "", fields: str = ""
    ) -> AsyncGenerator[Object, None]:
        """The events of a collection since a resourceVersion, bookmarks among them, until the API server ends it.

        Raises:
            ResourceExpired: when the version is too old.
            ClusterUnreachable: when the connection broke or fell silent.

        """
        query = _selectors(labels, fields) | {
            "watch": "true",
            "resourceVersion": version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(WATCH_SECONDS),
        }
        timeout = aiohttp.ClientTimeout(sock_connect=CALL_SECONDS, sock_read=SILENCE_SECONDS)
        what = f"watch {resource.plural}"
        self.requests["watch", resource.plural] += 1
        async with self._open("GET", resource.path(namespace), what, namespace, timeout, query=query) as answer:
            async for line in answer.response.content:
                yield json.loads(line)

    async def log(self, namespace: str, pod: str) -> AsyncGenerator[bytes, None]:
        """The log of an agent's pod in pieces as they come, from its beginning, until its container has ended.

        The container is named: a cluster may inject others, and without a name the API server then refuses.

        Raises:
            NotFound: when the pod is gone.
            Rejected: when its container has not started yet.
            ClusterUnreachable: when the stream broke.

        """
        timeout = aiohttp.ClientTimeout(sock_connect=CALL_SECONDS, sock_read=None)
        self.requests["get", "pods/log"] += 1
        path = PODS.path(namespace, pod, "log")
        what = f"follow the log of pod {pod}"
        query = {"container": CONTAINER, "follow": "true"}
        async with self._open("GET", path, what, namespace, timeout, query=query) as answer:
            async for chunk in answer.response.content.iter_any():
                yield chunk

    async def _call(
        self,
        method: str,
        resource: Resource,
        namespace: str | None,
        name: str | None = None,
        subresource: str | None = None,
        *,
        verb: str,
        body: Object | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Object:
        path = resource.path(namespace, name, subresource)
        what = f"{verb} {resource.plural}{f' {name}' if name else ''}"
        timeout = aiohttp.ClientTimeout(total=CALL_SECONDS)
        self.requests[verb, resource.plural] += 1
        async with self._open(method, path, what, namespace, timeout, body, query) as answer:
            return parsed(await answer.response.read())

    @asynccontextmanager
    async def _open(
        self,
        method: str,
        path: str,
        what: str,
        namespace: str | None,
        timeout: aiohttp.ClientTimeout,
        body: Object | None = None,
        query: Mapping[str, str] | None = None,
        accept: str = "application/json",
    ) -> AsyncIterator[RESTResponse]:
        """Open one request; errors of the connection and of the server become ours."""
        headers = {"Accept": accept, "Content-Type": "application/json"} | self._headers
        if method == "PATCH":
            headers["Content-Type"] = "application/merge-patch+json"
        # The body is JSON already: the client's own way through all of it would cost a third of a call.
        query_params = list((query or {}).items())
        request: Any = await self._api.param_serialize(method, path, query_params=query_params, header_params=headers)
        try:
            async with asyncio.timeout(timeout.total):
                answer = await self._sent(request, body, what, timeout)
            try:
                if not 200 <= answer.status <= 299:
                    retry_after = answer.headers.get("Retry-After")
                    body_read, own = await answer.response.read(), not self._headers
                    raise error_of(
                        answer.status, body_read, what, namespace, retry_after, own=own,
                        problem=self._pool.credentials.problem, writes=method != "GET",
                    )  # fmt: skip
                yield answer
            finally:
                answer.response.close()
        except aiohttp.ClientConnectorError as error:
            raise ClusterUnreachable(f"{what}: the API server did not answer: {error}") from error
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            text = str(error) or type(error).__name__
            raise OutcomeUnknown(f"{what}: the API server did not answer: {text}") from error

    async def _sent(self, request: Any, body: Object | None, what: str, timeout: aiohttp.ClientTimeout) -> RESTResponse:
        """The answer to a request, which is sent once more with renewed credentials where these are refused."""
        number = self._pool.credentials.number
        answer = await self._send(request, body, what, timeout)
        if answer.status == UNAUTHORIZED and await self._pool.credentials.renew(number):
            answer.response.close()
            return await self._send(request, body, what, timeout)
        return answer

    async def _send(self, request: Any, body: Object | None, what: str, timeout: aiohttp.ClientTimeout) -> RESTResponse:
        method, url, headers, _, _ = request
        if method != "GET" and not self._may_write():
            raise NotLeading(f"{what}: not sent, because the Lease of this process was not renewed in time")
        self._api.rest_client = await self._pool.connections()
        sent = headers | self._pool.credentials.headers()
        answer: RESTResponse = await self._api.call_api(method, url, sent, body, _request_timeout=timeout)
        return answer


def _selectors(labels: str, fields: str) -> dict[str, str]:
    query = {"labelSelector": labels, "fieldSelector": fields}
    return {key: value for key, value in query.items() if value}
