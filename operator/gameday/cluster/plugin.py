"""An exec plugin of a kubeconfig: a program that prints credentials as an ExecCredential.

Our own, as the one of kubernetes.aio cannot be ended: a plugin that waits for a person stays, one more with each
renewal, and one that writes more to stderr than a pipe holds (64 KiB) waits for ever.
Source: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
"""

import asyncio
import base64
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from kubernetes.aio.config import ConfigException

ENDS_WITHIN: Final = 1.0
"""Seconds that a plugin has to end by itself once no caller waits for it."""

TOKEN, CERTIFICATE, KEY = "token", "clientCertificateData", "clientKeyData"


async def logged_in(user: dict[str, Any], path: str) -> tuple[dict[str, Any], float | None]:
    """Ask the plugin of this user of the kubeconfig ``path``; the user with what it gave, and when that ends.

    The end is in Unix seconds, None where the plugin does not say. Cancelling ends the plugin.

    Raises:
        ConfigException: when it gives no credentials, with what it said, and how a person can see why.

    """
    plugin = dict(user["exec"])
    try:
        status = await _asked(plugin, path)
    except KeyError as error:
        raise ConfigException(f"the exec plugin lacks the field {error}") from error
    except (ConfigException, OSError, ValueError, TypeError, AttributeError) as error:
        raise ConfigException(f"the exec plugin failed: {error}{_remedy(plugin)}") from error
    # The plugin's credentials replace others of the same user, as in kubectl.
    given = {key: value for key, value in user.items() if key not in {"exec", "tokenFile"}}
    if status.get(TOKEN):
        given["token"] = status[TOKEN]
    if status.get(CERTIFICATE):
        given |= {"client-certificate-data": _encoded(status[CERTIFICATE]), "client-key-data": _encoded(status[KEY])}
    expires = status.get("expirationTimestamp")
    return given, datetime.fromisoformat(expires).timestamp() if expires else None


async def _asked(plugin: dict[str, Any], path: str) -> dict[str, Any]:
    version = plugin["apiVersion"]
    request = {"apiVersion": version, "kind": "ExecCredential", "spec": {"interactive": sys.stdin.isatty()}}
    environment = {str(entry["name"]): str(entry["value"]) for entry in plugin.get("env") or ()}
    async with _started(
        [_program(str(plugin["command"]), path), *map(str, plugin.get("args") or ())],
        os.environ | environment | {"KUBERNETES_EXEC_INFO": json.dumps(request)},
    ) as process:
        out, said = await process.communicate()
    if process.returncode:
        raise ConfigException(f"exit code {process.returncode}: {said.decode(errors='replace').strip()}")
    try:
        answer = json.loads(out)
    except ValueError as error:
        raise ConfigException(f"its output is not JSON: {error}") from error
    if not isinstance(answer, dict) or not {"apiVersion", "status"} <= answer.keys():
        raise ConfigException("its output is not an ExecCredential with apiVersion and status")
    if answer["apiVersion"] != version:
        raise ConfigException(f"it answers in {answer['apiVersion']}, but the kubeconfig says {version}")
    status: dict[str, Any] = answer["status"]
    if not status.get(TOKEN) and not (status.get(CERTIFICATE) and status.get(KEY)):
        raise ConfigException(f"its output has neither a {TOKEN} nor a {CERTIFICATE} with its {KEY}")
    return status


@asynccontextmanager
async def _started(command: list[str], environment: dict[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    """A plugin that has ended afterwards, with its pipes, however one leaves."""
    pipe = asyncio.subprocess.PIPE
    # It has our stdin: it may ask a person who sits there.
    process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=pipe, stderr=pipe)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await asyncio.shield(_ended(process))


async def _ended(process: asyncio.subprocess.Process) -> None:
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ENDS_WITHIN):
                await process.wait()
    finally:
        # Ends the process if it still runs, and its pipes if a child holds them. There is no public API for it.
        process._transport.close()  # type: ignore[attr-defined]  # noqa: SLF001
        await process.wait()


def _program(command: str, path: str) -> str:
    """A relative path counts from its kubeconfig's folder; a bare name is looked up in PATH."""
    return str(Path(path).absolute().parent / command) if os.sep in command else command


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _remedy(plugin: dict[str, Any]) -> str:
    command = " ".join([str(plugin.get("command")), *map(str, plugin.get("args") or ())])
    hint = f"; {str(plugin['installHint']).strip()}" if plugin.get("installHint") else ""
    return f"{hint}; run `{command}` to see why"
