"""Who an http probe is to a server, and whose certificates it trusts: against real servers, with files as mounted."""

import base64
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import BasicAuth, web

from gameday.model.agent import HttpAccess
from gameday.model.plan import ConfigMapKey, SecretKey
from gameday.probes.http.kind import KIND, Http, HttpProbe
from gameday.probes.http.runner import HttpRunner
from gameday.probes.io.secrets import HIDDEN, Secrets
from gameday.probes.request import Header
from gameday.probes.runner import ProbeResult
from gameday.probes.web import Access
from gameday.schema.named import Dependencies
from unit.probes.tasks import http_task
from unit.tls_api import Authority, TlsApi, authority

TOKEN, PASSWORD = SecretKey("api", "token"), SecretKey("api", "password")
CA = ConfigMapKey("corporate", "ca.crt")


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
async def api(signer: Authority) -> AsyncIterator[TlsApi]:
    server = TlsApi(signer)
    await server.start()
    yield server
    await server.stop()


def file(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text)
    return str(folder / name)


def probe(url: str, access: HttpAccess, **config: Any) -> HttpRunner:
    return HttpRunner(
        http_task("probe", 1.0, 20.0, (("status",), ("body",)), url=url, access=access, **config), Secrets()
    )


async def test_a_token_admits_the_probe_and_a_private_ca_vouches_for_the_server(api: TlsApi, tmp_path: Path) -> None:
    token = file(tmp_path, "token", "jane\n")
    access = HttpAccess(bearer_file=token, ca_file=str(api.signed_by.certificate))
    ask = probe(f"{api.url}/apis", access)
    result = await ask()
    assert (result.ok, result.error, result.unknown) == (True, None, ())
    file(tmp_path, "token", "somebody-else")
    assert (await ask()).error == "http 401", "the token is read anew for each request"
    assert [who for who, _ in api.callers] == ["jane", "somebody-else"]


async def test_a_server_that_the_ca_does_not_vouch_for_says_nothing(api: TlsApi, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = authority(tmp_path / "other").certificate
    public = await probe(api.url, HttpAccess())()
    private = await probe(api.url, HttpAccess(ca_file=str(other)))()
    why = "the certificate is not trusted ({})"
    assert public == ProbeResult(ok=False, error="tls", unknown=(((), why.format("give its CA in tls.caFrom")),))
    wrong = why.format("no CA in tls.caFrom has signed it")
    assert private == ProbeResult(ok=False, error="tls", unknown=(((), wrong),))
    assert api.callers == [], "nothing was sent to either"


async def test_a_server_of_another_name_says_nothing(signer: Authority) -> None:
    server = TlsApi(signer, server="elsewhere")
    await server.start()
    result = await probe(server.url, HttpAccess(ca_file=str(signer.certificate)))()
    await server.stop()
    ((path, why),) = result.unknown
    assert (result.error, path, server.callers) == ("tls", (), [])
    assert "IP address mismatch" in why


@pytest.mark.parametrize("text", ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"])
async def test_a_ca_that_is_none_says_nothing_and_is_never_replaced_by_public_ones(
    api: TlsApi, tmp_path: Path, text: str
) -> None:
    result = await probe(api.url, HttpAccess(ca_file=file(tmp_path, "ca.crt", text)))()
    why = "tls.caFrom has no certificate in PEM format: check its ConfigMap or Secret"
    assert result == ProbeResult(ok=False, error="tls", unknown=(((), why),))


async def test_files_that_are_not_there_say_nothing_of_the_system(api: TlsApi, tmp_path: Path) -> None:
    none, ca = str(tmp_path / "none"), str(api.signed_by.certificate)
    wanted = {
        "the CA in tls.caFrom cannot be read: check its ConfigMap or Secret": HttpAccess(ca_file=none),
        "the value of auth.bearer.tokenFrom cannot be read: check its Secret": HttpAccess(none, ca_file=ca),
        "the value of auth.basic.passwordFrom cannot be read: check its Secret": HttpAccess("", "jane", none, ca),
    }
    for why, access in wanted.items():
        assert (await probe(api.url, access)()).unknown == (((), why),)
    assert api.callers == []


async def test_a_ca_that_is_rotated_counts_at_the_next_request(api: TlsApi, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    ca = file(tmp_path, "ca.crt", authority(tmp_path / "other").certificate.read_text())
    ask = probe(api.url, HttpAccess(file(tmp_path, "token", "jane"), ca_file=ca))
    assert (await ask()).error == "tls"
    file(tmp_path, "ca.crt", api.signed_by.certificate.read_text())
    assert (await ask()).ok


@pytest.fixture
async def echo() -> AsyncIterator[str]:
    """Answers who asks, in clear and as it was sent."""

    async def who(request: web.Request) -> web.Response:
        sent = request.headers.get("Authorization", "")
        user = BasicAuth.decode(sent) if sent.startswith("Basic ") else None
        said = {"user": user.login if user else None, "password": user.password if user else None}
        return web.json_response({**said, "sent": sent, "last": sent.split(" ")[-1], "length": len(sent)})

    app = web.Application()
    app.add_routes([web.get("/", who)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    await runner.cleanup()


async def test_basic_auth_names_the_user_and_nothing_of_the_password_comes_back(echo: str, tmp_path: Path) -> None:
    password = file(tmp_path, "password", "correct:horse é\n")
    body = ((await probe(echo, HttpAccess("", "jane", password))()).values or {})["body"]
    pair = base64.b64encode("jane:correct:horse é".encode())
    assert (body["user"], body["length"]) == ("jane", len("Basic ") + len(pair))
    assert [body[key] for key in ("password", "sent", "last")] == [HIDDEN] * 3


async def test_nothing_of_a_token_comes_back(echo: str, tmp_path: Path) -> None:
    body = ((await probe(echo, HttpAccess(file(tmp_path, "token", "s3cret")))()).values or {})["body"]
    assert (body["sent"], body["last"], body["length"]) == (HIDDEN, HIDDEN, len("Bearer s3cret"))


async def test_a_token_that_no_header_holds_says_nothing_of_the_system(echo: str, tmp_path: Path) -> None:
    result = await probe(echo, HttpAccess(file(tmp_path, "token", "one\r\nX-Two: 2")))()
    assert (result.ok, result.error, [path for path, _ in result.unknown]) == (
        False,
        "the request cannot be sent",
        [()],
    )


def test_the_agent_is_given_files_and_the_kubelet_mounts_them() -> None:
    bearer = HttpProbe("https://api/", access=Access(bearer=TOKEN, ca=CA))
    basic = HttpProbe("https://api/", access=Access(username="jane", password=PASSWORD, ca=SecretKey("tls", "ca")))
    assert (bearer.secrets, bearer.config_maps) == ((TOKEN,), (CA,))
    assert (basic.secrets, basic.config_maps) == ((PASSWORD, SecretKey("tls", "ca")), ())
    files = {"bearer_file": "/run/gameday/secrets/api/token", "ca_file": "/run/gameday/configmaps/corporate/ca.crt"}
    assert KIND.config(bearer, "shop")["access"] == {"username": "", "password_file": "", **files}
    assert KIND.config(basic, "shop")["access"]["ca_file"] == "/run/gameday/secrets/tls/ca"


def test_what_contradicts_itself_is_a_finding() -> None:
    named = Header("authorization", "Basic x")
    found = {
        "auth.basic.username": HttpProbe("https://api/", access=Access(username="a:b", password=PASSWORD)),
        "tls": HttpProbe("http://api/", access=Access(ca=CA)),
        "headers[0].name": HttpProbe("https://api/", headers=(named,), access=Access(bearer=TOKEN)),
    }
    for path, settings in found.items():
        assert [finding.path for finding in KIND.check(settings)] == [path]
    assert list(KIND.check(HttpProbe("https://api/", headers=(named,), access=Access(ca=CA)))) == []
    assert list(KIND.check(replace(found["tls"], url="HTTPS://api/"))) == []


def read(**fields: Any) -> HttpProbe:
    """The settings of what stands in YAML."""
    return KIND.parse(Http.model_validate({"url": "https://api/", **fields}), Dependencies(()))


def test_what_stands_in_yaml_is_what_the_agent_gets() -> None:
    token, password = ({"secretKeyRef": {"name": "api", "key": key}} for key in ("token", "password"))
    config_map = {"caFrom": {"configMapKeyRef": {"name": "corporate", "key": "ca.crt"}}}
    secret = {"caFrom": {"secretKeyRef": {"name": "tls", "key": "ca"}}}
    assert read().access == Access()
    assert read(auth={"bearer": {"tokenFrom": token}}, tls=config_map).access == Access(bearer=TOKEN, ca=CA)
    basic = {"basic": {"username": "jane", "passwordFrom": password}}
    wanted = Access(username="jane", password=PASSWORD, ca=SecretKey("tls", "ca"))
    assert read(auth=basic, tls=secret).access == wanted
