"""Reads the API server's address and the credentials from a pod's ServiceAccount, or from kubeconfig files.

kubernetes.aio reads the files. This module adds kubectl's rules that it does not know, refuses what it would ignore
silently, and explains errors.
"""

import binascii
import hashlib
import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.client.rest import RESTClientObject
from kubernetes.aio.config import ConfigException
from kubernetes.aio.config.incluster_config import InClusterConfigLoader
from kubernetes.aio.config.kube_config import KubeConfigLoader, KubeConfigMerger

from gameday.cluster.plugin import logged_in
from gameday.errors import NoCluster

SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where a pod finds its account's token and the API server's CA."""

PROVIDERS: Final = ("gcp", "oidc")
"""The auth-providers that kubernetes.aio knows; kubectl itself has only oidc left."""


@dataclass(frozen=True, slots=True)
class Login:
    """The result of reading them. ``source`` names the files for messages; ``context`` is the kubeconfig's.

    ``authorization`` is a header, empty if a certificate authenticates. ``expires`` is in Unix seconds, or None if it
    is unknown. ``rotates`` is True if one of the files may be replaced at any time. ``certificates`` changes when the
    connections must be made anew. ``namespace`` is the pod's, or the one that the context names; it may be empty.
    """

    configuration: Configuration
    source: str
    context: str | None
    authorization: str
    expires: float | None
    rotates: bool
    certificates: str
    namespace: str

    @property
    def server(self) -> str:
        """The API server's URL."""
        return str(self.configuration.host)


async def read(kubeconfig: Path | None = None, context: str | None = None) -> Login:
    """Read a pod's own account where nothing else is named and there is one, else the kubeconfig that kubectl takes.

    Raises:
        NoCluster: when no cluster is named, or what it needs is missing.

    """
    named = kubeconfig is not None or context is not None or os.environ.get("KUBECONFIG")
    if not named and (SERVICE_ACCOUNT / "token").exists():
        return _of_the_pod()
    paths = str(kubeconfig) if kubeconfig is not None else os.environ.get("KUBECONFIG") or "~/.kube/config"
    with _in_words(paths):
        merged = _merged(paths)
        files = ", ".join(merged.paths)
        chosen = _context(merged, context, files)
    source = f"context {chosen} of {files}"
    with _in_words(source):
        return await _of_files(merged, chosen, source)


def _of_the_pod() -> Login:
    settings = Configuration()
    source = f"this pod's ServiceAccount in {SERVICE_ACCOUNT}"
    with _in_words(source):
        files = str(SERVICE_ACCOUNT / "token"), str(SERVICE_ACCOUNT / "ca.crt")
        loader = InClusterConfigLoader(*files, try_refresh_token=False)  # type: ignore[no-untyped-call]  # untyped upstream
        loader.load_and_set(settings)  # type: ignore[no-untyped-call]  # untyped upstream
        own = SERVICE_ACCOUNT / "namespace"
        namespace = own.read_text().strip() if own.exists() else ""
        return _login(settings, source, None, None, rotates=True, namespace=namespace)


class _Files(KubeConfigMerger):
    """Of several files the first that names a current context decides, as in kubectl; upstream takes the last."""

    def load_config(self, path: str) -> None:
        merged = self.config
        chosen = merged.value.get("current-context") if merged is not None else None
        try:
            super().load_config(path)  # type: ignore[no-untyped-call]  # untyped upstream
        except (OSError, yaml.YAMLError, UnicodeError) as error:
            raise NoCluster(f"{path} cannot be read: {error}") from error
        except (AttributeError, KeyError, TypeError) as error:
            raise NoCluster(f"{path} is not a kubeconfig; name another with --kubeconfig or KUBECONFIG") from error
        if merged is not None and chosen:
            merged.value["current-context"] = chosen


def _merged(paths: str) -> KubeConfigMerger:
    given = [Path(path).expanduser() for path in paths.split(os.pathsep) if path]
    there = [str(path) for path in given if path.exists()]
    if not there:
        which = " and ".join(map(str, given))
        raise NoCluster(f"no kubeconfig: {which} does not exist; name one with --kubeconfig or KUBECONFIG")
    return _Files(os.pathsep.join(there))  # type: ignore[no-untyped-call]  # untyped upstream


def _context(merged: KubeConfigMerger, wanted: str | None, files: str) -> str:
    there = [str(entry.value.get("name")) for entry in merged.config.value["contexts"]]
    known = f"it has {', '.join(sorted(there))}" if there else "it has none"
    chosen = wanted or merged.config.value.get("current-context")
    if not chosen:
        raise NoCluster(f"{files} has no current-context; name a context with --context: {known}")
    if chosen not in there:
        raise NoCluster(f"{files} has no context {chosen}: {known}")
    return str(chosen)


async def _of_files(merged: KubeConfigMerger, context: str, source: str) -> Login:
    loader = KubeConfigLoader(merged.config, active_context=context, config_base_path=None)  # type: ignore[no-untyped-call]  # untyped upstream
    login: Any = loader._user  # noqa: SLF001  upstream has no other way to it
    cluster: Any = loader._cluster  # noqa: SLF001
    user = login.value if login is not None else None
    _refuse(loader.current_context["context"], user, cluster.value)
    expires = None
    if user and "exec" in user:
        user, expires = await logged_in(user, login.path)
        login.value = user
    settings = Configuration()
    await loader.load_and_set(settings)  # type: ignore[no-untyped-call]  # untyped upstream
    if user and not (settings.api_key or settings.cert_file):
        raise ConfigException("its user has no token, certificate or plugin, or the token's file is empty")
    if str(settings.proxy or "").startswith("socks"):
        raise ConfigException(f"proxy-url {settings.proxy} is a SOCKS proxy; only HTTP proxies are supported")
    namespace = str(loader.current_context["context"].get("namespace") or "")
    rotates = bool(user and "tokenFile" in user)
    return _login(settings, source, context, expires, rotates=rotates, namespace=namespace)


def _refuse(context: dict[str, Any], user: dict[str, Any] | None, cluster: dict[str, Any]) -> None:
    """Refuse what would make us talk to another cluster, or as somebody else, than kubectl does.

    Raises:
        ConfigException: with what is wrong and what to do.

    """
    if not cluster.get("server"):
        raise ConfigException(f"cluster {context['cluster']} has no server")
    name = context.get("user")
    if user is None and (name or cluster["server"].startswith("https")):
        raise ConfigException(f"user {name} is not there" if name else "it names no user")
    other = sorted(key for key in user or {} if key in {"as", "as-uid", "as-groups", "as-user-extra"})
    if other:
        raise ConfigException(f"user {name} acts as somebody else by `{other[0]}`, which is not supported")
    provider = (user or {}).get("auth-provider", {}).get("name", PROVIDERS[0])
    if provider not in PROVIDERS:
        raise ConfigException(f"auth-provider {provider} of user {name} is not supported; use its exec plugin")


@contextmanager
def _in_words(source: str) -> Iterator[None]:
    """Make a NoCluster of whatever upstream raises for a file or a plugin that is not as it should be."""
    try:
        yield
    except binascii.Error as error:
        raise NoCluster(f"{source}: a field whose name ends in -data is not base64: {error}") from error
    except ssl.SSLError as error:
        raise NoCluster(f"{source}: its CA, certificate or key cannot be used: {error}") from error
    except (ConfigException, OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        text = str(error) or type(error).__name__
        raise NoCluster(f"{source}: {text}") from error


def _login(
    settings: Configuration,
    source: str,
    context: str | None,
    expires: float | None,
    *,
    rotates: bool,
    namespace: str,
) -> Login:
    RESTClientObject(settings)  # Certificates that cannot be used are refused now, and not at the first call.
    return Login(
        configuration=settings,
        source=source,
        context=context,
        authorization=str(settings.api_key.get("BearerToken", "")).strip(),
        expires=expires,
        rotates=rotates,
        certificates=_digest(settings),
        namespace=namespace,
    )


def _digest(settings: Configuration) -> str:
    """What changes with the certificates, and with what else the connections are made by."""
    files = [Path(path).read_bytes() if path else b"" for path in _certificates(settings)]
    other = (settings.verify_ssl, settings.tls_server_name, settings.proxy)
    return hashlib.sha256(b"\0".join([*files, repr(other).encode()])).hexdigest()


def _certificates(settings: Configuration) -> tuple[str | None, ...]:
    return settings.ssl_ca_cert, settings.cert_file, settings.key_file
