"""An API server behind real TLS that knows its callers: by a bearer token, or by the name on a client's certificate.

It serves GameDays and Drills, of which it has none but what a test puts there, to whoever is ``known``; to all others
it answers 401. It is about TLS and credentials alone: no rule of Kubernetes is in it.
"""

import asyncio
import json
import ssl
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web

GROUP = "/apis/gameday.dev/v1alpha1"
KINDS = {"gamedays": "GameDay", "drills": "Drill"}
OBJECT = {
    "apiVersion": "gameday.dev/v1alpha1",
    "kind": "GameDay",
    "metadata": {"name": "redis", "namespace": "shop", "uid": "1", "resourceVersion": "2"},
}


@dataclass(frozen=True)
class Authority:
    """A certificate authority, and what it signed: pairs ``<name>.crt`` and ``<name>.key`` in its folder."""

    folder: Path

    @property
    def certificate(self) -> Path:
        """Its own."""
        return self.folder / "ca.crt"

    def sign(self, name: str, alternative: str = "") -> None:
        """Sign a certificate for a server, or for a client of this name."""
        extensions = ["-addext", f"subjectAltName={alternative}"] if alternative else []
        signer = ["-CA", str(self.certificate), "-CAkey", str(self.folder / "ca.key")]
        _openssl(self.folder, name, *signer, "-addext", "basicConstraints=critical,CA:FALSE", *extensions)

    def pair(self, name: str) -> tuple[Path, Path]:
        """The certificate and the key of a name."""
        return self.folder / f"{name}.crt", self.folder / f"{name}.key"


def authority(folder: Path) -> Authority:
    """A new one, with a server for 127.0.0.1 that is also called api.shop, and the clients jane and john."""
    _openssl(folder, "ca", "-addext", "keyUsage=critical,keyCertSign")
    made = Authority(folder)
    made.sign("server", "IP:127.0.0.1,DNS:api.shop")
    made.sign("elsewhere", "DNS:api.shop")
    made.sign("jane")
    made.sign("john")
    return made


def _openssl(folder: Path, name: str, *more: str) -> None:
    make = ["openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    where = ["-subj", f"/CN={name}", "-keyout", str(folder / f"{name}.key"), "-out", str(folder / f"{name}.crt")]
    subprocess.run([*make, *where, *more], check=True, capture_output=True)


@dataclass
class TlsApi:
    """Start it and stop it; ``callers`` are who asked, in that order, with the answer's status."""

    signed_by: Authority
    server: str = "server"
    known: set[str] = field(default_factory=lambda: {"jane"})
    callers: list[tuple[str, int]] = field(default_factory=list)
    writes: int = 0
    """Requests that changed something."""
    watched: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once a watch is open."""
    statuses: "asyncio.Queue[int]" = field(default_factory=asyncio.Queue)
    """Of each answer, as it is given."""
    port: int = 0
    events: list[dict[str, Any]] = field(default_factory=list)
    happened: asyncio.Event = field(default_factory=asyncio.Event)

    async def start(self) -> None:
        """Listen."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.signed_by.pair(self.server))
        context.load_verify_locations(self.signed_by.certificate)
        context.verify_mode = ssl.CERT_OPTIONAL
        app = web.Application()
        app.add_routes([web.route("*", "/{path:.*}", self._answer)])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=context)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """End all connections."""
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"https://127.0.0.1:{self.port}"

    def put(self) -> None:
        """Let a GameDay appear to those that watch."""
        self.events.append({"type": "ADDED", "object": OBJECT})
        self.happened.set()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        who = _caller(request)
        status = 200 if who in self.known else 401
        self.callers.append((who, status))
        self.statuses.put_nowait(status)
        if who not in self.known:
            return web.json_response({"kind": "Status", "message": "Unauthorized"}, status=401)
        self.writes += request.method != "GET"
        parts = request.path.split("/")
        if request.query.get("watch") == "true":
            return await self._watch(request, parts[-1])
        return web.json_response(_discovered(request.path) or {"metadata": {"resourceVersion": "1"}, "items": []})

    async def _watch(self, request: web.Request, plural: str) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        if plural == "gamedays":
            self.watched.set()
        await self.happened.wait()
        for event in self.events if plural == "gamedays" else ():
            await answer.write(json.dumps(event).encode() + b"\n")
        await asyncio.Event().wait()
        return answer


def _caller(request: web.Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token
    transport = request.transport
    certificate = transport.get_extra_info("peercert") if transport is not None else None
    names = dict(part for parts in (certificate or {}).get("subject", ()) for part in parts)
    return str(names.get("commonName", "nobody"))


def _discovered(path: str) -> dict[str, Any] | None:
    version = {"groupVersion": "gameday.dev/v1alpha1", "version": "v1alpha1"}
    group = {"name": "gameday.dev", "preferredVersion": version, "versions": [version]}
    verbs = ["get", "list", "watch", "patch"]
    resources = [
        {"name": plural, "kind": kind, "singularName": kind.lower(), "namespaced": True, "verbs": verbs}
        for plural, kind in KINDS.items()
    ]
    core = [{"name": "namespaces", "kind": "Namespace", "singularName": "", "namespaced": False, "verbs": verbs}]
    answers: dict[str, dict[str, Any]] = {
        "/api": {"versions": ["v1"]},
        "/api/v1": {"groupVersion": "v1", "resources": core},
        "/apis": {"groups": [group]},
        GROUP: {"groupVersion": "gameday.dev/v1alpha1", "resources": resources},
    }
    return answers.get(path.rstrip("/"))


def kubeconfig(
    path: Path,
    server: str,
    user: dict[str, Any],
    *,
    context: str = "it",
    current: str | None = None,
    **cluster: Any,
) -> Path:
    """Write a kubeconfig with one context, one cluster and one user, all of the same name."""
    config = {
        "clusters": [{"name": context, "cluster": {"server": server} | cluster}],
        "contexts": [{"name": context, "context": {"cluster": context, "user": context}}],
        "users": [{"name": context, "user": user}],
        "current-context": context if current is None else current,
    }
    path.write_text(yaml.safe_dump(config))
    return path
