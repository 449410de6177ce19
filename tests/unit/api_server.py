"""The simulation's API server (``simulation/store.py``) on a real socket, for tests of what goes over HTTP.

It adds what a socket needs: paths, statuses, watches as streams, discovery and logs. And what a test wants to go wrong:
``forbidden`` holds verbs, alone or as ``list pods``, that it answers with 403; in namespaces that are ``ending`` it
creates nothing; while ``down`` it answers everything with 503. There is no kubelet: a pod that is deleted is gone.
"""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import yaml
from aiohttp import web

from gameday.api.record import moment
from gameday.cluster import resources
from gameday.cluster.client import Cluster
from gameday.cluster.resources import PODS, Object, Resource
from gameday.errors import AlreadyExists, Conflict, GameDayError, NotFound, Rejected, TooManyRequests
from simulation.store import PERSON, Change, Key, Store
from simulation.world import World

VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
STATUSES: Mapping[type[GameDayError], tuple[int, str]] = {
    NotFound: (404, "NotFound"),
    AlreadyExists: (409, "AlreadyExists"),
    Conflict: (409, "Conflict"),
    Rejected: (422, "Invalid"),
    TooManyRequests: (429, "TooManyRequests"),
}
KINDS = {
    resource.plural: resource for resource in reversed(list(vars(resources).values())) if isinstance(resource, Resource)
}


class Objects(Mapping[Key, Object]):
    """What is stored, by plural, namespace and name."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getitem__(self, key: Key) -> Object:
        """The newest version."""
        plural, namespace, name = key
        return self._store.things[plural, namespace][name]

    def __iter__(self) -> Iterator[Key]:
        """The keys of all that is there."""
        return ((*where, name) for where, things in self._store.things.items() for name in things)

    def __len__(self) -> int:
        """How many there are."""
        return sum(map(len, self._store.things.values()))


class ApiServer:
    """Start it, make a ``Cluster`` of it, and stop it."""

    def __init__(self) -> None:
        world = World(0)
        world.now = moment("2026-11-24T12:00:00Z")
        self.store = Store(world)
        self.store.listeners.append(self._end_pod)
        self.objects = Objects(self.store)
        self.forbidden: set[str] = set()
        self.rules: list[Object] = []
        """What a SelfSubjectRulesReview answers."""
        self.ending: set[str] = set()
        self.unserved: set[str] = set()
        """Plurals of kinds that are not installed."""
        self.groups: dict[str, dict[str, list[str] | None]] = {}
        """What discovery answers: plurals by group and version; None where the group's own server is down."""
        self.of_cluster: set[str] = set()
        """Plurals of kinds whose objects discovery says to be in no namespace."""
        self.aggregates = True
        """Whether discovery can answer with all kinds at once."""
        self.logs: dict[str, dict[str, str]] = {}
        """Logs by pod and container."""
        self.admission: Callable[[str, Object], Object] = lambda _, body: body
        """What admission makes of an object of a plural that is created."""
        self.unknown_fields: dict[str, set[str]] = {}
        """Fields of a spec that a kind of this plural does not know: refused if the request is strict, else dropped."""
        self.down = False
        self.busy: list[tuple[int, str]] = []
        """Answers to the next calls: status and Retry-After."""
        self.conflicts = 0
        """How many of the next changes find that somebody else has just changed the object."""
        self.short = False
        """Whether watches end as soon as they begin."""
        self.asked = 0
        """Calls so far."""
        self.mute = False
        """Whether watches tell nothing any more although they stay open."""
        self.port: int = 0
        """Where it listens, once it was started."""

    async def start(self) -> None:
        """Listen."""
        app = web.Application()
        app.add_routes([web.route("*", "/{path:.*}", self._answer)])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """End all connections."""
        await self._runner.cleanup()

    def kubeconfig(self, folder: Path, namespace: str = "") -> Path:
        """A kubeconfig that names it, and a namespace where one is given."""
        path = folder / "kubeconfig"
        server = {"cluster": {"server": f"http://127.0.0.1:{self.port}"}, "name": "it"}
        chosen = {"cluster": "it", "user": "it"} | ({"namespace": namespace} if namespace else {})
        context = {"context": chosen, "name": "it"}
        users = [{"name": "it", "user": {}}]
        config = {"clusters": [server], "contexts": [context], "users": users, "current-context": "it"}
        path.write_text(yaml.safe_dump(config))
        return path

    async def connect(self, folder: Path) -> Cluster:
        """A client of it."""
        return await Cluster.connect(self.kubeconfig(folder))

    def put(self, plural: str, namespace: str, thing: Object) -> Object:
        """Store an object as it is, and tell the watches."""
        return self.store.place(_kind(plural), namespace, thing)

    def watched(self, plural: str) -> bool:
        """Whether a watch of such objects is open."""
        return any(stream.resource.plural == plural for stream in self.store.streams)

    def drop(self, plural: str, namespace: str, name: str) -> None:
        """Take an object away, and tell the watches."""
        self.store.remove(PERSON, _kind(plural), namespace, name)

    def _end_pod(self, change: Change) -> None:
        if change.resource is PODS and change.verb == "delete":
            metadata = change.thing["metadata"]
            self.drop("pods", metadata["namespace"], metadata["name"])

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.asked += 1
        if self.busy:
            status, after = self.busy.pop(0)
            return _refusal(status, "TooManyRequests", "please wait", {"Retry-After": after} if after else None)
        if self.down:
            return _refusal(503, "ServiceUnavailable", "the server is down")
        parts = request.path.strip("/").split("/")
        if parts[0] == "apis" and len(parts) < 4:
            return self._discovered(request.headers.get("Accept", ""), *parts[1:])
        rest = parts[2 if parts[0] == "api" else 3 :]
        namespace = ""
        if rest[0] == "namespaces" and len(rest) > 2:
            namespace, rest = rest[1], rest[2:]
        plural, name = rest[0], rest[1] if len(rest) > 1 else ""
        if plural in self.unserved:
            return _refusal(404, "NotFound", "the server could not find the requested resource")
        verb = VERBS.get(request.method, "get" if name else "list")
        if verb == "create" and namespace in self.ending:
            what = f"unable to create new content in namespace {namespace} because it is being terminated"
            return _refusal(403, "Forbidden", what)
        if self.forbidden & {verb, f"{verb} {plural}"}:
            resource = _kind(plural)
            where = f'in the namespace "{namespace}"' if namespace else "at the cluster scope"
            right = f'cannot {verb} resource "{plural}" in API group "{resource.group}" {where}'
            what = f'{resource.full_name} "{name}" is forbidden: User "jane" {right}'
            return _refusal(403, "Forbidden", what)
        try:
            if verb == "list":
                watches = request.query.get("watch") == "true"
                return await (self._watch if watches else self._list)(request, _kind(plural), namespace)
            if verb == "get" and request.path.endswith("/log"):
                return self._log(request, name)
            body = await request.json() if request.body_exists else {}
            return web.json_response(self._one(verb, request, _kind(plural), namespace, name, body))
        except GameDayError as error:
            return _refusal(*STATUSES[type(error)], str(error))

    def _discovered(self, accepted: str, group: str = "", version: str = "") -> web.Response:
        if not group and "APIGroupDiscoveryList" in accepted and self.aggregates:
            return web.json_response({"kind": "APIGroupDiscoveryList", "items": list(map(self._kinds_of, self.groups))})
        if not group:
            listed = [{"name": name, "versions": [{"version": v} for v in own]} for name, own in self.groups.items()]
            return web.json_response({"kind": "APIGroupList", "groups": listed})
        plurals = self.groups[group][version]
        if plurals is None:
            return _refusal(503, "ServiceUnavailable", "the server is currently unable to handle the request")
        return web.json_response({"kind": "APIResourceList", "resources": [{"name": plural} for plural in plurals]})

    def _kinds_of(self, group: str) -> Object:
        versions: list[Object] = []
        for version, plurals in self.groups[group].items():
            kinds = [
                {
                    "resource": plural,
                    "responseKind": {"group": "", "version": "", "kind": _kind(plural).kind},
                    "scope": "Cluster" if plural in self.of_cluster else "Namespaced",
                    "subresources": [{"subresource": "status"}],
                }
                for plural in plurals or ()
            ]
            versions.append({"version": version, "resources": kinds, "freshness": "Current" if kinds else "Stale"})
        return {"metadata": {"name": group}, "versions": versions}

    def _one(
        self, verb: str, request: web.Request, resource: Resource, namespace: str, name: str, body: Object
    ) -> Object:
        store, dry_run = self.store, request.query.get("dryRun") == "All"
        if resource is resources.RULES_REVIEWS:
            return {"status": {"resourceRules": self.rules}}
        if verb in {"update", "patch"} and self.conflicts:
            self.conflicts -= 1
            raise Conflict(f'{resource.plural} "{name}": the object has been modified')
        match verb:
            case "create" if request.path.endswith("/eviction"):
                store.evict(PERSON, namespace, name, body["deleteOptions"]["preconditions"]["uid"])
                return {"kind": "Status", "status": "Success"}
            case "create":
                metadata = body["metadata"]
                name = metadata.get("name") or f"{metadata['generateName']}{store.version}"
                body = self._decoded(resource.plural, body, strict=request.query.get("fieldValidation") == "Strict")
                body = self.admission(resource.plural, body | {"metadata": metadata | {"name": name}})
                return store.create(PERSON, resource, namespace, body, dry_run=dry_run)
            case "update" if request.path.endswith("/status"):
                return store.replace_status(PERSON, resource, namespace, name, body)
            case "update":
                return store.replace(PERSON, resource, namespace, name, body)
            case "patch":
                return store.patch(PERSON, resource, namespace, name, body, dry_run=dry_run)
            case "delete":
                only = body.get("preconditions", {})
                store.delete(PERSON, resource, namespace, name, only.get("uid"), only.get("resourceVersion"))
                return {"kind": "Status", "status": "Success"}
            case _:
                return store.need(resource, namespace, name)

    def _decoded(self, plural: str, body: Object, *, strict: bool) -> Object:
        unknown = self.unknown_fields.get(plural, set()) & set(body.get("spec") or {})
        if unknown and strict:
            raise Rejected(
                "; ".join(f'strict decoding error: unknown field "spec.{field}"' for field in sorted(unknown))
            )
        return body | {"spec": {k: v for k, v in body["spec"].items() if k not in unknown}} if unknown else body

    def _log(self, request: web.Request, pod: str) -> web.Response:
        logs, container = self.logs[pod], request.query.get("container", "")
        if not container and len(logs) > 1:
            what = f"a container name must be specified for pod {pod}, choose one of: [{' '.join(logs)}]"
            return _refusal(400, "BadRequest", what)
        return web.Response(text=logs[container or next(iter(logs))])

    async def _list(self, request: web.Request, resource: Resource, namespace: str) -> web.StreamResponse:
        items, version = self.store.list(resource, namespace or None, *_selectors(request))
        return web.json_response({"metadata": {"resourceVersion": version}, "items": items})

    async def _watch(self, request: web.Request, resource: Resource, namespace: str) -> web.StreamResponse:
        version = request.query["resourceVersion"]
        stream = self.store.watch(resource, namespace or None, version, *_selectors(request))
        answer, happened = web.StreamResponse(), asyncio.Event()
        stream.wake = happened.set
        await answer.prepare(request)
        try:
            while not self.short:
                while stream.queue:
                    event = stream.queue.popleft()
                    if not self.mute:
                        await answer.write(json.dumps(event).encode() + b"\n")
                happened.clear()
                await happened.wait()
        finally:
            self.store.streams.remove(stream)
        return answer


def _kind(plural: str) -> Resource:
    return KINDS.get(plural) or Resource("", "v1", plural, plural)


def _selectors(request: web.Request) -> tuple[str, str]:
    return request.query.get("labelSelector", ""), request.query.get("fieldSelector", "")


def _refusal(status: int, reason: str, message: str, headers: Mapping[str, str] | None = None) -> web.Response:
    body = {"kind": "Status", "reason": reason, "message": message}
    return web.json_response(body, status=status, headers=headers)
