"""One login for both clients, ours and Kopf's, against a real API server behind TLS, and its renewal while they run."""

import asyncio
import contextlib
import json
import logging
import stat
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import kopf
import pytest
import yaml

from gameday.cli import login as login_module
from gameday.cli.login import Logins, register_login
from gameday.cluster import credentials as module
from gameday.cluster.client import Cluster
from gameday.cluster.credentials import Credentials
from gameday.cluster.resources import CONFIG_MAPS, GAMEDAYS
from gameday.errors import NoCluster, NotLeading, Unauthenticated
from gameday.handlers.events import AGAIN_AFTER, GROUP, VERSION, NoDifference
from unit.tls_api import Authority, TlsApi, authority, kubeconfig

API = "client.authentication.k8s.io/v1"


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
async def api(signed: Authority) -> AsyncIterator[TlsApi]:
    server = TlsApi(signed)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AGAIN_AFTER", 0.0)
    monkeypatch.setattr(login_module, "SHORTEST_PAUSE", 0.01)


class Plugin:
    """An exec plugin that answers with what stands in its file, and notes each run."""

    def __init__(self, folder: Path) -> None:
        self.path, self._answer, self._runs = folder / "login", folder / "answer", folder / "runs"
        self.path.write_text(f"#!/bin/sh\necho >>{self._runs}\ncat {self._answer}\n")
        self.path.chmod(self.path.stat().st_mode | stat.S_IXUSR)

    def says(self, **status: str) -> "Plugin":
        self._answer.write_text(json.dumps({"apiVersion": API, "kind": "ExecCredential", "status": status}))
        return self

    def fails(self) -> None:
        self._answer.unlink()

    @property
    def runs(self) -> int:
        return len(self._runs.read_text().splitlines())

    @property
    def user(self) -> dict[str, Any]:
        return {"exec": {"apiVersion": API, "command": str(self.path)}}


def ca(signed: Authority) -> dict[str, Any]:
    return {"certificate-authority": str(signed.certificate)}


def pem(signed: Authority, name: str) -> dict[str, str]:
    certificate, key = signed.pair(name)
    return {"clientCertificateData": certificate.read_text(), "clientKeyData": key.read_text()}


@asynccontextmanager
async def clients(path: Path, **more: Any) -> AsyncIterator[tuple[Cluster, Logins, Credentials]]:
    credentials = await Credentials.load(path, **more)
    cluster = Cluster.by(credentials)
    yield cluster, Logins(credentials), credentials
    await cluster.close()


async def kopf_asks(session: kopf.AiohttpSession) -> int:
    async with session.aiohttp_session.get(f"{session.server}/apis", allow_redirects=False) as answer:
        return answer.status


async def both(cluster: Cluster, logins: Logins) -> int:
    """Ask once through each; Kopf's answer."""
    await cluster.list(GAMEDAYS, "shop")
    session = await logins.again()
    try:
        return await kopf_asks(session)
    finally:
        await session.aiohttp_session.close()


@pytest.mark.parametrize("way", ["token", "token file", "certificate files", "plugin's token", "plugin's certificate"])
async def test_both_clients_ask_the_same_server_as_the_same_user(
    tmp_path: Path, api: TlsApi, signed: Authority, way: str
) -> None:
    (tmp_path / "token").write_text("jane\n")
    for name, source in zip(("jane.crt", "jane.key"), signed.pair("jane"), strict=True):
        (tmp_path / name).write_bytes(source.read_bytes())
    plugin = Plugin(tmp_path)
    user: dict[str, dict[str, Any]] = {
        "token": {"token": "jane"},
        "token file": {"tokenFile": "token"},
        "certificate files": {"client-certificate": "jane.crt", "client-key": "jane.key"},
        "plugin's token": plugin.says(token="jane").user if way == "plugin's token" else {},
        "plugin's certificate": plugin.says(**pem(signed, "jane")).user if way == "plugin's certificate" else {},
    }
    path = kubeconfig(tmp_path / "config", api.url, user[way], **ca(signed))
    async with clients(path) as (cluster, logins, _):
        assert await both(cluster, logins) == 200
    assert api.callers == [("jane", 200), ("jane", 200)]


@pytest.mark.parametrize(
    "how", [{"tls-server-name": "api.shop"}, {"insecure-skip-tls-verify": True, "certificate-authority": None}]
)
async def test_both_clients_reach_a_server_whose_certificate_bears_another_name(
    tmp_path: Path, signed: Authority, how: dict[str, Any]
) -> None:
    api = TlsApi(signed, server="elsewhere")
    await api.start()
    given = {key: value for key, value in (ca(signed) | how).items() if value is not None}
    path = kubeconfig(tmp_path / "config", api.url, {"token": "jane"}, **given)
    async with clients(path) as (cluster, logins, _):
        assert await both(cluster, logins) == 200
    await api.stop()
    assert api.callers == [("jane", 200), ("jane", 200)]


async def test_both_clients_go_through_the_clusters_proxy(tmp_path: Path, api: TlsApi, signed: Authority) -> None:
    asked: list[bytes] = []
    relays: list[asyncio.Task[Any]] = []

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """An HTTP proxy for one CONNECT."""
        relays.append(asyncio.current_task() or pytest.fail("no task"))
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        answers, server = await asyncio.open_connection("127.0.0.1", api.port)
        await asyncio.gather(pump(reader, server), pump(answers, writer))

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    proxy = await asyncio.start_server(relay, "127.0.0.1", 0)
    port = proxy.sockets[0].getsockname()[1]
    more = {"proxy-url": f"http://127.0.0.1:{port}"}
    path = kubeconfig(tmp_path / "config", api.url, {"token": "jane"}, **ca(signed), **more)
    async with clients(path) as (cluster, logins, _):
        assert await both(cluster, logins) == 200
    await asyncio.gather(*relays)
    proxy.close()
    assert [line.split()[:2] for line in asked] == [[b"CONNECT", f"127.0.0.1:{api.port}".encode()]] * 2


async def test_a_token_that_a_file_replaces_is_used_without_a_new_login(
    tmp_path: Path, api: TlsApi, signed: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a kubelet does with an account's token: the old one still holds for a while."""
    monkeypatch.setattr(module, "REREAD_EVERY", 0.0)
    (tmp_path / "token").write_text("jane")
    path = kubeconfig(tmp_path / "config", api.url, {"tokenFile": "token"}, **ca(signed))
    api.known = {"jane", "john"}
    async with clients(path) as (cluster, logins, credentials):
        session = await logins.again()
        await kopf_asks(session)
        (tmp_path / "token").write_text("")
        while not credentials.problem:
            await cluster.list(GAMEDAYS, "shop")
        assert "the token's file is empty" in credentials.problem
        (tmp_path / "fresh").write_text("john")
        (tmp_path / "fresh").replace(tmp_path / "token")
        while credentials.number == 0:
            await cluster.list(GAMEDAYS, "shop")
        await kopf_asks(session)
        await session.aiohttp_session.close()
    assert api.callers[-1] == ("john", 200)
    assert {status for _, status in api.callers} == {200}


@pytest.mark.parametrize("way", ["token", "certificate"])
async def test_what_the_server_refuses_is_renewed_by_the_plugin_once_for_all_calls(
    tmp_path: Path, api: TlsApi, signed: Authority, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AGAIN_AFTER", 60.0)
    statuses = {name: {"token": name} if way == "token" else pem(signed, name) for name in ("jane", "john")}
    plugin = Plugin(tmp_path).says(**statuses["jane"])
    path = kubeconfig(tmp_path / "config", api.url, plugin.user, **ca(signed))
    async with clients(path) as (cluster, logins, _):
        old = await logins.again()
        assert await kopf_asks(old) == 200
        plugin.says(**statuses["john"])
        api.known = {"john"}
        body = {"metadata": {"name": "note"}}
        calls = [cluster.create(CONFIG_MAPS, "shop", body), *[cluster.list(GAMEDAYS, "shop") for _ in range(5)]]
        await asyncio.gather(*calls)
        assert plugin.runs == 2
        assert api.writes == 1
        # Kopf may go on with its session where only the token is another one, else it must make a new one.
        if way == "token":
            assert await kopf_asks(old) == 200
        else:
            with pytest.raises(RuntimeError, match="Session is closed"):
                await kopf_asks(old)
            assert old.aiohttp_session.closed
        await old.aiohttp_session.close()
        fresh = await logins.again()
        assert await kopf_asks(fresh) == 200
        await fresh.aiohttp_session.close()
    assert plugin.runs == 2
    assert api.callers[-1] == ("john", 200)


async def test_a_plugins_token_is_renewed_before_it_expires_while_the_old_one_still_holds(
    tmp_path: Path, api: TlsApi, signed: Authority
) -> None:
    """A plugin of a cloud takes seconds, longer than the Lease may go without a renewal."""
    plugin = Plugin(tmp_path).says(token="jane", expirationTimestamp="2026-11-29T12:00:00.2Z")
    path = kubeconfig(tmp_path / "config", api.url, plugin.user, **ca(signed))
    noon = 1_795_953_600.0
    async with clients(path, wall=lambda: noon) as (cluster, _, credentials):
        plugin.says(token="john", expirationTimestamp="2026-11-29T13:00:00Z")
        api.known = {"jane", "john"}
        while credentials.number == 0:
            await cluster.list(GAMEDAYS, "shop")
        await cluster.list(GAMEDAYS, "shop")
    assert plugin.runs == 2
    assert {status for _, status in api.callers} == {200}
    assert api.callers[-1] == ("john", 200)


async def test_a_certificate_that_is_replaced_in_its_file_is_used_once_the_old_one_is_refused(
    tmp_path: Path, api: TlsApi, signed: Authority
) -> None:
    files = (tmp_path / "client.crt", tmp_path / "client.key")
    for file, source in zip(files, signed.pair("jane"), strict=True):
        file.write_bytes(source.read_bytes())
    user = {"client-certificate": str(files[0]), "client-key": str(files[1])}
    path = kubeconfig(tmp_path / "config", api.url, user, **ca(signed))
    async with clients(path) as (cluster, _, _):
        await cluster.list(GAMEDAYS, "shop")
        watch = cluster.watch(GAMEDAYS, "shop", "1")
        first = asyncio.ensure_future(anext(watch))
        await api.watched.wait()
        for file, source in zip(files, signed.pair("john"), strict=True):
            file.write_bytes(source.read_bytes())
        api.known = {"john"}
        await cluster.list(GAMEDAYS, "shop")
        api.put()
        assert (await first)["object"]["metadata"]["name"] == "redis", "a watch that is open goes on"
        await watch.aclose()


async def test_a_renewal_stays_with_the_context_of_the_start(tmp_path: Path, api: TlsApi, signed: Authority) -> None:
    """`kubectl config use-context` in another window must not lead a running drill to another cluster."""
    path = kubeconfig(tmp_path / "config", api.url, {"token": "jane"}, **ca(signed))
    other = kubeconfig(tmp_path / "other", "https://127.0.0.1:1", {"token": "nobody"}, context="other", **ca(signed))
    async with clients(path) as (cluster, _, credentials):
        config, more = yaml.safe_load(path.read_text()), yaml.safe_load(other.read_text())
        mixed = {key: config[key] + more[key] for key in ("clusters", "contexts", "users")}
        mixed["users"][0]["user"] = {"token": "john"}
        path.write_text(yaml.safe_dump(mixed | {"current-context": "other"}))
        api.known = {"john"}
        await cluster.list(GAMEDAYS, "shop")
        assert credentials.login.context == "it"


async def test_a_renewal_never_leads_to_another_server(
    tmp_path: Path, api: TlsApi, signed: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    path = kubeconfig(tmp_path / "config", api.url, {"token": "jane"}, **ca(signed))
    async with clients(path) as (cluster, _, _):
        kubeconfig(path, "https://127.0.0.1:1", {"token": "john"}, **ca(signed))
        api.known = {"john"}
        with pytest.raises(Unauthenticated) as caught:
            await cluster.list(GAMEDAYS, "shop")
    words = (
        f"context it of {path} now points to https://127.0.0.1:1 and no longer to {api.url}; restart the "
        "process to use it"
    )
    assert words in str(caught.value)
    assert words in caplog.text
    assert [caller for caller, _ in api.callers] == ["jane"]


async def test_a_refusal_that_a_renewal_does_not_cure_says_what_to_do(
    tmp_path: Path, api: TlsApi, signed: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin = Plugin(tmp_path).says(token="john")
    path = kubeconfig(tmp_path / "config", api.url, plugin.user, **ca(signed))
    async with clients(path) as (cluster, _, _):
        with pytest.raises(Unauthenticated, match="rejects the credentials; log in again, or check the kube"):
            await cluster.list(GAMEDAYS, "shop")
        assert len(api.callers) == 1, "the same credentials are not sent twice"
        plugin.fails()
        with pytest.raises(Unauthenticated, match=r"the exec plugin failed: .*answer: No such file") as caught:
            await cluster.list(GAMEDAYS, "shop")
        assert caught.value.retry
        monkeypatch.setattr(module, "AGAIN_AFTER", 60.0)
        for _ in range(3):
            with pytest.raises(Unauthenticated):
                await cluster.list(GAMEDAYS, "shop")
        assert plugin.runs == 4, "a plugin is left alone for a while after it was asked"


async def test_a_plugin_that_waits_for_a_person_is_ended(
    tmp_path: Path, api: TlsApi, signed: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    plugin = Plugin(tmp_path).says(token="john")
    path = kubeconfig(tmp_path / "config", api.url, plugin.user, **ca(signed))
    async with clients(path) as (cluster, _, credentials):
        plugin.path.write_text("#!/bin/sh\nexec sleep 60\n")
        with pytest.raises(Unauthenticated):
            await cluster.list(GAMEDAYS, "shop")
        monkeypatch.setattr(module, "PLUGIN_SECONDS", 0.3)
        with pytest.raises(NoCluster, match=r"no credentials after 0 s; does the plugin wait for input\?"):
            await Credentials.load(path)
        assert credentials.number == 0


async def test_a_write_that_was_refused_is_not_sent_again_once_another_process_may_lead(
    tmp_path: Path, api: TlsApi, signed: Authority
) -> None:
    plugin = Plugin(tmp_path).says(token="jane")
    path = kubeconfig(tmp_path / "config", api.url, plugin.user, **ca(signed))
    api.known = {"john"}
    async with clients(path) as (cluster, _, _):
        plugin.says(token="john")
        leads = iter([True, False])
        with pytest.raises(NotLeading):
            await cluster.with_write_fence(lambda: next(leads)).create(
                CONFIG_MAPS, "shop", {"metadata": {"name": "note"}}
            )
    assert api.writes == 0


@asynccontextmanager
async def kopf_runs(credentials: Credentials) -> AsyncIterator[asyncio.Queue[str]]:
    """Kopf itself, watching GameDays; the names of those that it sees."""
    seen: asyncio.Queue[str] = asyncio.Queue()
    registry = kopf.OperatorRegistry()
    register_login(registry, credentials)

    @kopf.on.startup(registry=registry)
    async def configure(settings: kopf.OperatorSettings, **_: Any) -> None:
        settings.posting.enabled = False
        settings.persistence.diffbase_storage = NoDifference()
        settings.scanning.disabled = True
        settings.networking.error_backoffs = AGAIN_AFTER

    @kopf.on.event(GROUP, VERSION, "gamedays", registry=registry)
    async def changed(name: str, **_: Any) -> None:
        seen.put_nowait(name)

    stop = asyncio.Event()
    runs = asyncio.create_task(
        kopf.operator(registry=registry, clusterwide=True, standalone=True, stop_flag=stop, identity="it")  # type: ignore[arg-type]  # a NewType that Kopf does not export
    )
    yield seen
    stop.set()
    await runs


async def test_kopf_goes_on_after_its_credentials_were_refused_for_a_while(
    tmp_path: Path, api: TlsApi, signed: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    """While an API server starts it may know nobody: the very token is accepted again a moment later."""
    caplog.set_level(logging.INFO)
    path = kubeconfig(tmp_path / "config", api.url, {"token": "jane"}, **ca(signed))
    api.known = set()
    async with clients(path) as (_, _, credentials), kopf_runs(credentials) as seen, asyncio.timeout(20):
        for _ in range(4):
            assert await api.statuses.get() == 401
        api.known = {"jane"}
        await api.watched.wait()
        api.put()
        assert await seen.get() == "redis"
    assert {caller for caller, _ in api.callers} == {"jane"}


async def test_kopf_is_logged_in_anew_by_the_plugin(tmp_path: Path, api: TlsApi, signed: Authority) -> None:
    plugin = Plugin(tmp_path).says(token="jane")
    path = kubeconfig(tmp_path / "config", api.url, plugin.user, **ca(signed))
    async with clients(path) as (_, _, credentials):
        plugin.says(token="john")
        api.known = {"john"}
        async with kopf_runs(credentials) as seen, asyncio.timeout(20):
            await api.watched.wait()
            api.put()
            assert await seen.get() == "redis"
    assert plugin.runs == 2


async def test_a_session_that_kopf_closes_under_a_request_is_one_to_log_in_anew(
    tmp_path: Path, api: TlsApi, signed: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kopf closes it when one of several requests is refused; aiohttp's AssertionError of another would end Kopf."""
    begun, closed = threading.Event(), threading.Event()

    def no_proxy(_: Any) -> Any:
        begun.set()
        assert closed.wait(10)
        raise LookupError

    path = kubeconfig(tmp_path / "config", api.url, {"token": "jane"}, **ca(signed))
    async with clients(path) as (_, logins, _):
        session = await logins.again()
        monkeypatch.setattr("aiohttp.client.get_env_proxy_for_url", no_proxy)
        asks = asyncio.create_task(kopf_asks(session))
        assert await asyncio.to_thread(begun.wait, 10)
        await session.aiohttp_session.close()
        closed.set()
        with pytest.raises(RuntimeError, match="Session is closed"):
            await asks
    assert api.callers == []


async def test_an_open_watch_of_kopfs_goes_on_while_its_token_is_replaced(
    tmp_path: Path, api: TlsApi, signed: Authority
) -> None:
    plugin = Plugin(tmp_path).says(token="jane")
    path = kubeconfig(tmp_path / "config", api.url, plugin.user, **ca(signed))
    async with clients(path) as (_, logins, _):
        session = await logins.again()
        watch = f"{session.server}/apis/gameday.dev/v1alpha1/gamedays?watch=true"
        async with session.aiohttp_session.get(watch) as answer:
            plugin.says(token="john")
            api.known = {"john"}
            assert await kopf_asks(session) == 200
            api.put()
            assert b"redis" in await answer.content.readline()
        await session.aiohttp_session.close()
    assert api.callers[-2:] == [("jane", 401), ("john", 200)]


async def test_what_never_worked_is_handed_to_kopf_at_longer_and_longer_intervals(
    tmp_path: Path, api: TlsApi, signed: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(login_module, "SHORTEST_PAUSE", 1.0)
    path = kubeconfig(tmp_path / "config", api.url, {"token": "john"}, **ca(signed))
    async with clients(path) as (_, logins, _):
        monkeypatch.setattr("gameday.cli.login.asyncio.sleep", pause)
        for _ in range(8):
            session = await logins.again()
            await kopf_asks(session)
            await session.aiohttp_session.close()
        api.known = {"john"}
        session = await logins.again()
        await kopf_asks(session)
        await session.aiohttp_session.close()
        session = await logins.again()
        await session.aiohttp_session.close()
    assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0, 0.0]
