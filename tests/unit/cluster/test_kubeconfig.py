"""What is read of a pod's account and of kubeconfig files: kubectl's rules, and in words what is wrong with them."""

import asyncio
import os
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from gameday.cluster import kubeconfig as module
from gameday.cluster.kubeconfig import read
from gameday.errors import NoCluster
from unit.tls_api import Authority, authority, kubeconfig

SERVER = "https://127.0.0.1:6443"
TOKEN = {"token": "jane"}


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(module, "SERVICE_ACCOUNT", tmp_path / "no-account")


def plugin(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def executed(command: str, **more: Any) -> dict[str, Any]:
    return {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": command, "args": ["get-token"]} | more}


async def said(path: Path, context: str | None = None) -> str:
    with pytest.raises(NoCluster) as caught:
        await read(path, context)
    return str(caught.value)


async def test_kubectls_default_is_read_where_nothing_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoCluster, match=r"no kubeconfig: .*/home/.kube/config does not exist; name one with"):
        await read()
    folder = tmp_path / "home" / ".kube"
    folder.mkdir(parents=True)
    kubeconfig(folder / "config", SERVER, TOKEN)
    login = await read()
    assert (login.server, login.authorization, login.context) == (SERVER, "Bearer jane", "it")


async def test_the_first_of_several_files_decides_as_in_kubectl(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, signed: Authority
) -> None:
    """Upstream takes the last file's current context: a halt would go to another cluster than kubectl's."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    for folder in ("a", "b"):
        (tmp_path / folder / "ca.crt").write_bytes(signed.certificate.read_bytes())
    ca = {"certificate-authority": "ca.crt"}
    empty = kubeconfig(tmp_path / "a" / "empty", SERVER, {"token": "nobody"}, context="zero", current="")
    first = kubeconfig(tmp_path / "a" / "config", SERVER, TOKEN, context="one", **ca)
    other = kubeconfig(tmp_path / "b" / "config", "https://10.0.0.1", {"token": "john"}, context="two", **ca)
    missing = tmp_path / "missing"
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join(map(str, (missing, empty, first, other))))
    login = await read()
    assert (login.context, login.server, login.authorization) == ("one", SERVER, "Bearer jane")
    assert login.configuration.ssl_ca_cert == str(tmp_path / "a" / "ca.crt"), "a path counts from its own file"
    login = await read(context="two")
    assert (login.server, login.authorization) == ("https://10.0.0.1", "Bearer john")
    assert yaml.safe_load(first.read_text())["current-context"] == "one"
    login = await read(other)
    assert login.context == "two", "--kubeconfig is more than the variable"


async def test_what_a_cluster_says_about_its_connections_is_kept(tmp_path: Path) -> None:
    more: dict[str, Any] = {
        "proxy-url": "http://127.0.0.1:3128",
        "tls-server-name": "api.shop",
        "insecure-skip-tls-verify": True,
    }
    settings = (await read(kubeconfig(tmp_path / "config", SERVER, TOKEN, **more))).configuration
    assert (settings.proxy, settings.tls_server_name, settings.verify_ssl) == (
        "http://127.0.0.1:3128",
        "api.shop",
        False,
    )


async def test_a_pods_account_is_read_only_where_nothing_else_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, signed: Authority
) -> None:
    account = tmp_path / "account"
    account.mkdir()
    (account / "token").write_text("of-the-pod")
    (account / "ca.crt").write_bytes(signed.certificate.read_bytes())
    monkeypatch.setattr(module, "SERVICE_ACCOUNT", account)
    with pytest.raises(NoCluster, match=r"this pod's ServiceAccount in .*: Service host/port is not set"):
        await read()
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    login = await read()
    assert (login.server, login.authorization.lower()) == ("https://[fd00::1]:443", "bearer of-the-pod")
    assert login.rotates
    assert login.namespace == ""
    (account / "namespace").write_text("shop\n")
    assert (await read()).namespace == "shop"
    named = kubeconfig(tmp_path / "config", SERVER, TOKEN)
    assert (await read(named)).server == SERVER
    monkeypatch.setenv("KUBECONFIG", str(named))
    assert (await read()).server == SERVER
    (account / "token").write_text("")
    monkeypatch.delenv("KUBECONFIG")
    with pytest.raises(NoCluster, match="Token file exists but empty"):
        await read()


async def test_a_token_file_may_end_with_a_newline(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("jane\n")
    login = await read(kubeconfig(tmp_path / "config", SERVER, {"tokenFile": "token"}))
    assert login.authorization == "Bearer jane"
    assert login.rotates


async def test_a_plugins_relative_path_counts_from_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "jane"}}'
    (tmp_path / "bin").mkdir()
    plugin(tmp_path / "bin" / "login", f'test "$1" = get-token -a "$AS" = x && echo \'{answer}\'')
    path = kubeconfig(tmp_path / "config", SERVER, executed("bin/login", env=[{"name": "AS", "value": "x"}]))
    monkeypatch.chdir("/")
    assert (await read(path)).authorization == "Bearer jane"


@pytest.mark.parametrize(
    ("does", "hint", "words"),
    [
        ("echo no session >&2; exit 3", "", "exit code 3: no session; run `"),
        ("echo it\\'s '\"over\"' >&2; exit 1", "", 'it\'s "over"; run `'),
        ("echo no JSON", "", "its output is not JSON: Expecting value"),
        ("echo '[]'", "", "its output is not an ExecCredential with apiVersion and status"),
        (
            'echo \'{"apiVersion": "client.authentication.k8s.io/v1beta1", "kind": "ExecCredential", "status": {}}\'',
            "",
            (
                "it answers in client.authentication.k8s.io/v1beta1, but the kubeconfig says "
                "client.authentication.k8s.io/"
            ),
        ),
        (
            'echo \'{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {}}\'',
            "Ask the platform team.\n",
            ("its output has neither a token nor a clientCertificateData with its clientKeyData; Ask the platform"),
        ),
    ],
)
async def test_a_plugin_that_fails_is_named_with_what_it_said(tmp_path: Path, does: str, hint: str, words: str) -> None:
    """Upstream logs it and goes on as nobody, so that a person reads of missing rights."""
    command = plugin(tmp_path / "login", does)
    more = {"installHint": hint} if hint else {}
    message = await said(kubeconfig(tmp_path / "config", SERVER, executed(command, **more)))
    assert message.startswith(f"context it of {tmp_path}/config: the exec plugin failed: ")
    assert words in message
    assert message.endswith(f"run `{command} get-token` to see why")


async def test_a_plugin_may_write_more_than_a_pipe_holds(tmp_path: Path) -> None:
    answer = '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "jane"}}'
    command = plugin(tmp_path / "login", f"head -c 300000 /dev/zero >&2; echo '{answer}'")
    async with asyncio.timeout(20):
        login = await read(kubeconfig(tmp_path / "config", SERVER, executed(command)))
    assert login.authorization == "Bearer jane"


@pytest.mark.parametrize("does", ["exec sleep 600", "trap '' TERM; while :; do sleep 20 & wait; done"])
async def test_a_plugin_that_nobody_waits_for_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, does: str
) -> None:
    monkeypatch.setattr("gameday.cluster.plugin.ENDS_WITHIN", 0.2)
    command = plugin(tmp_path / "login", f"echo $$ >{tmp_path}/began; mv {tmp_path}/began {tmp_path}/pid; {does}")
    asks = asyncio.create_task(read(kubeconfig(tmp_path / "config", SERVER, executed(command))))
    async with asyncio.timeout(20):
        while not (tmp_path / "pid").exists():  # noqa: ASYNC110  another program makes it
            await asyncio.sleep(0.02)
        asks.cancel()
        await asyncio.wait({asks})
    assert asks.cancelled()
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


async def test_a_plugin_that_is_not_installed_is_named(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path / "config", SERVER, executed("kubelogin-of-nobody", installHint="See the wiki"))
    message = await said(path)
    assert "No such file or directory: 'kubelogin-of-nobody'; See the wiki" in message


BROKEN: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "no server": ({}, {"server": ""}, "cluster it has no server"),
    "a CA that is not there": ({}, {"certificate-authority": "ca.crt"}, "File does not exists: "),
    "a CA that is none": (
        {},
        {"certificate-authority-data": "bm9uZQ=="},
        "its CA, certificate or key cannot be used: ",
    ),
    "base64 that is none": ({}, {"certificate-authority-data": "abc"}, "whose name ends in -data is not base64"),
    "a key that is not there": ({"client-certificate": "jane.crt", "client-key": "jane.key"}, {}, "jane."),
    "somebody else": ({"as": "admin"}, {}, "user it acts as somebody else by `as`, which is not supported"),
    "an old provider": ({"auth-provider": {"name": "azure"}}, {}, "auth-provider azure of user it is not supported"),
    "SOCKS": ({}, {"proxy-url": "socks5://127.0.0.1:1080"}, "only HTTP proxies are supported"),
}


@pytest.mark.parametrize("what", BROKEN)
async def test_what_cannot_be_used_is_refused_at_the_start_with_its_context(tmp_path: Path, what: str) -> None:
    user, cluster, words = BROKEN[what]
    settings = {"server": SERVER} | cluster
    message = await said(kubeconfig(tmp_path / "config", settings.pop("server"), TOKEN | user, **settings))
    assert message.startswith(f"context it of {tmp_path}/config: ")
    assert words in message


@pytest.mark.parametrize("text", ["", "just words", "- a\n- list", "users: 3"])
async def test_a_file_that_is_no_kubeconfig_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config"
    path.write_text(text)
    assert await said(path) == f"{path} is not a kubeconfig; name another with --kubeconfig or KUBECONFIG"


async def test_a_file_that_is_no_yaml_is_named(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("a: [")
    assert (await said(path)).startswith(f"{path} cannot be read: ")
    path.write_bytes(b"\xff\xfe\x00")
    assert (await said(path)).startswith(f"{path} cannot be read: ")
    assert (await said(tmp_path)).startswith(f"{tmp_path} cannot be read: ")


async def test_a_context_that_is_not_there_is_answered_with_those_that_are(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path / "config", SERVER, TOKEN, context="kind", current="")
    words = f"{path} has no current-context; name a context with --context: it has kind"
    assert await said(path) == words
    assert await said(path, "prod") == f"{path} has no context prod: it has kind"
    config = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump(config | {"users": []}))
    assert await said(path, "kind") == f"context kind of {path}: user kind is not there"
    path.write_text(yaml.safe_dump(config | {"clusters": []}))
    assert "kind" in (message := await said(path, "kind"))
    assert "clusters" in message
    path.write_text(yaml.safe_dump(config | {"contexts": None}))
    assert await said(path) == f"{path} has no current-context; name a context with --context: it has none"
