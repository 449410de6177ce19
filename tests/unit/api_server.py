"""A small API server on a real socket: objects of any kind are listed, watched, read, created, replaced and deleted.

It knows no rules of Kubernetes but versions, names, field selectors by name, and the CRDs of our own kinds, to which it
holds what comes over the wire; ``forbidden`` holds verbs, alone or as ``list pods``, that it answers with 403; in
namespaces that are ``ending`` it creates nothing; while ``down`` it answers everything with 503.
"""

import asyncio
import json
import socket
from bisect import bisect_right
from collections.abc import Callable, Mapping
from pathlib import Path

import yaml
from aiohttp import web

from gameday.cluster.client import Cluster
from gameday.cluster.kinds import DRILLS, GAMEDAYS, Object
from gameday.errors import Refused
from simulation.crd import admitted

VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
Key = tuple[str, str, str]
"""Plural, namespace and name."""


class ApiServer:
    """Start it, make a ``Cluster`` of it, and stop it."""

    def __init__(self) -> None:
        self.objects: dict[Key, Object] = {}
        self.forbidden: set[str] = set()
        self.rules: list[Object] = []
        """What a SelfSubjectRulesReview answers."""
        self.ending: set[str] = set()
        self.unserved: set[str] = set()
        """Plurals of kinds that are not installed."""
        self.groups: dict[str, dict[str, list[str] | None]] = {}
        """What discovery answers: plurals by group and version; None where the group's own server is down."""
        self.logs: dict[str, dict[str, str]] = {}
        """Logs by pod and container."""
        self.admission: Callable[[str, Object], Object] = lambda _, body: body
        """What admission makes of an object of a plural that is created."""
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
        self.version = 1
        self._events: list[tuple[str, str, Object]] = []
        """Plural, namespace and event of all that ever happened, so that a watch misses nothing since its list."""
        self._happened = asyncio.Event()
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            self.port: int = one.getsockname()[1]

    async def start(self) -> None:
        """Listen."""
        app = web.Application()
        app.add_routes([web.route("*", "/{path:.*}", self._answer)])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def stop(self) -> None:
        """End all connections."""
        await self._runner.cleanup()

    def kubeconfig(self, folder: Path) -> Path:
        """A kubeconfig that names it."""
        path = folder / "kubeconfig"
        server = {"cluster": {"server": f"http://127.0.0.1:{self.port}"}, "name": "it"}
        context = {"context": {"cluster": "it", "user": "it"}, "name": "it"}
        users = [{"name": "it", "user": {}}]
        config = {"clusters": [server], "contexts": [context], "users": users, "current-context": "it"}
        path.write_text(yaml.safe_dump(config))
        return path

    async def connect(self, folder: Path) -> Cluster:
        """A client of it."""
        return await Cluster.connect(self.kubeconfig(folder))

    def put(self, plural: str, namespace: str, thing: Object) -> Object:
        """Store an object, and tell the watches."""
        name = thing["metadata"]["name"]
        known = (plural, namespace, name) in self.objects
        self.version += 1
        body = thing | {
            "metadata": {"uid": f"uid-{self.version}", "creationTimestamp": "2026-11-24T12:00:00Z"}
            | thing["metadata"]
            | {"namespace": namespace, "resourceVersion": str(self.version)}
        }
        self.objects[plural, namespace, name] = body
        self._tell("MODIFIED" if known else "ADDED", plural, namespace, body)
        return body

    def drop(self, plural: str, namespace: str, name: str) -> bool:
        """Delete an object, and tell the watches."""
        body = self.objects.pop((plural, namespace, name), None)
        if body is None:
            return False
        self.version += 1
        gone = body | {"metadata": body["metadata"] | {"resourceVersion": str(self.version)}}
        self._tell("DELETED", plural, namespace, gone)
        return True

    def _tell(self, kind: str, plural: str, namespace: str, body: Object) -> None:
        self._events.append((plural, namespace, {"type": kind, "object": body}))
        happened, self._happened = self._happened, asyncio.Event()
        happened.set()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.asked += 1
        if self.busy:
            status, after = self.busy.pop(0)
            return _refusal(status, "TooManyRequests", "please wait", {"Retry-After": after} if after else None)
        if self.down:
            return _refusal(503, "ServiceUnavailable", "the server is down")
        parts = request.path.strip("/").split("/")
        if parts[0] == "apis" and len(parts) < 4:
            return self._discovered(*parts[1:])
        rest = parts[2 if parts[0] == "api" else 3 :]
        namespace = ""
        if rest[0] == "namespaces" and len(rest) > 2:
            namespace, rest = rest[1], rest[2:]
        plural, name = rest[0], rest[1] if len(rest) > 1 else ""
        if plural in self.unserved:
            return _refusal(404, "NotFound", "the server could not find the requested resource")
        field = request.query.get("fieldSelector", "").removeprefix("metadata.name=")
        verb = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}.get(
            request.method, "get" if name else "list"
        )
        if verb == "create" and namespace in self.ending:
            what = f"unable to create new content in namespace {namespace} because it is being terminated"
            return _refusal(403, "Forbidden", what)
        if self.forbidden & {verb, f"{verb} {plural}"}:
            what = f'{plural} is forbidden: User "jane" cannot {verb} resource "{plural}"'
            return _refusal(403, "Forbidden", what)
        if verb == "list":
            watches = request.query.get("watch") == "true"
            return await (self._watch if watches else self._list)(request, plural, namespace, field)
        return await self._one(request, plural, namespace, name)

    def _discovered(self, group: str = "", version: str = "") -> web.Response:
        if not group:
            listed = [{"name": name, "versions": [{"version": v} for v in own]} for name, own in self.groups.items()]
            return web.json_response({"kind": "APIGroupList", "groups": listed})
        plurals = self.groups[group][version]
        if plurals is None:
            return _refusal(503, "ServiceUnavailable", "the server is currently unable to handle the request")
        return web.json_response({"kind": "APIResourceList", "resources": [{"name": plural} for plural in plurals]})

    async def _one(self, request: web.Request, plural: str, namespace: str, name: str) -> web.StreamResponse:
        body = await request.json() if request.method in {"POST", "PUT", "PATCH"} else {}
        if plural == "selfsubjectrulesreviews":
            return web.json_response({"status": {"resourceRules": self.rules}})
        name = name or body["metadata"].get("name") or f"{body['metadata']['generateName']}{self.version}"
        key = (plural, namespace, name)
        if request.method == "POST" and key in self.objects:
            return _refusal(409, "AlreadyExists", f'{plural} "{name}" already exists')
        if request.method != "POST" and key not in self.objects:
            return _refusal(404, "NotFound", f'{plural} "{name}" not found')
        if request.method == "DELETE":
            self.drop(*key)
            return web.json_response({"kind": "Status", "status": "Success"})
        if request.method == "GET" and request.path.endswith("/log"):
            return self._log(request, name)
        if request.method == "GET":
            return web.json_response(self.objects[key])
        if self.conflicts and request.method in {"PUT", "PATCH"}:
            self.conflicts -= 1
            return _refusal(409, "Conflict", f'{plural} "{name}": the object has been modified')
        version = body["metadata"].get("resourceVersion") if "metadata" in body else None
        if version not in {None, self.objects.get(key, body)["metadata"].get("resourceVersion")}:
            return _refusal(409, "Conflict", f'{plural} "{name}": the object has been modified')
        if request.method == "PATCH":
            body = _merged(self.objects[key], body)
        if request.method == "PUT" and request.path.endswith("/status"):
            body = self.objects[key] | {"status": body["status"]}
        body = body | {"metadata": body["metadata"] | {"name": name}}
        try:
            if request.method == "POST":
                body = self.admission(plural, body)
            if request.method == "POST" and request.query.get("dryRun") == "All":
                return web.json_response(body)
            for kind in (DRILLS, GAMEDAYS):
                body = admitted(kind, None, body) if kind.plural == plural else body
        except Refused as error:
            return _refusal(422, "Invalid", str(error))
        return web.json_response(self.put(plural, namespace, body))

    def _log(self, request: web.Request, pod: str) -> web.Response:
        logs, container = self.logs[pod], request.query.get("container", "")
        if not container and len(logs) > 1:
            what = f"a container name must be specified for pod {pod}, choose one of: [{' '.join(logs)}]"
            return _refusal(400, "BadRequest", what)
        return web.Response(text=logs[container or next(iter(logs))])

    async def _list(self, request: web.Request, plural: str, namespace: str, name: str) -> web.StreamResponse:
        items = [
            body
            for (kind, where, called), body in self.objects.items()
            if kind == plural and namespace in {"", where} and name in {"", called}
        ]
        return web.json_response({"metadata": {"resourceVersion": str(self.version)}, "items": items})

    async def _watch(self, request: web.Request, plural: str, namespace: str, name: str) -> web.StreamResponse:
        since = int(request.query["resourceVersion"])
        told = bisect_right(
            self._events, since, key=lambda event: int(event[2]["object"]["metadata"]["resourceVersion"])
        )
        answer = web.StreamResponse()
        await answer.prepare(request)
        while not self.short:
            happened = self._happened
            for wanted, where, event in self._events[told:]:
                told += 1
                metadata = event["object"]["metadata"]
                meant = wanted == plural and namespace in {"", where} and name in {"", metadata["name"]}
                if meant and not self.mute:
                    await answer.write(json.dumps(event).encode() + b"\n")
            await happened.wait()
        return answer


def _merged(whole: Object, part: Object) -> Object:
    return whole | {
        key: _merged(whole.get(key, {}), value) if isinstance(value, dict) else value for key, value in part.items()
    }


def _refusal(status: int, reason: str, message: str, headers: Mapping[str, str] | None = None) -> web.Response:
    body = {"kind": "Status", "reason": reason, "message": message}
    return web.json_response(body, status=status, headers=headers)
