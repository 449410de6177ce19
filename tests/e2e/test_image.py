"""The image as a node runs it: as any user, on a read-only root, with all that the code asks for and no shell."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from e2e.dialling import NetworkNamespace, network_namespace, until
from e2e.namespaces import IMAGE, kubectl
from gameday.cluster.resources import PODS, Object

pytestmark = pytest.mark.e2e

SOMEBODY = 1234567
"""A user whom no file of the image names, as some clusters choose them."""

LOOK = """
import importlib, json, os, pkgutil, shutil, socket, ssl, zoneinfo
import gameday
for module in pkgutil.walk_packages(gameday.__path__, "gameday."):
    importlib.import_module(module.name)
tools = ["sh", "bash", "dash", "busybox", "perl", "pip", "pip3", "apt", "apt-get", "dpkg", "env", "cat"]
places = "/bin:/sbin:/usr/bin:/usr/sbin:/usr/local/bin:/opt/gameday/bin"
stale = [
    file for top in (os.path.dirname(os.__file__), os.path.dirname(gameday.__path__[0]))
    for folder, _, files in os.walk(top) for file in files
    if file.endswith(".py") and not os.path.exists(importlib.util.cache_from_source(os.path.join(folder, file)))
]
print(json.dumps({
    "user": os.getuid(),
    "tools": [tool for tool in tools if shutil.which(tool, path=places)],
    "authorities": ssl.create_default_context().cert_store_stats()["x509_ca"],
    "zone": str(zoneinfo.ZoneInfo("Europe/Berlin")),
    "resolved": bool(socket.getaddrinfo("kubernetes.default.svc", 443)),
    "writable": [place for place in ("/", "/opt/gameday", "/etc") if os.access(place, os.W_OK)],
    "to compile at each start": stale,
}))
"""


@pytest.fixture
async def ns() -> AsyncIterator[NetworkNamespace]:
    async with network_namespace() as one:
        yield one


async def status(ns: NetworkNamespace, name: str, command: list[str]) -> Object:
    """Run a command in the image, and how its container stands once it ended or could not start."""
    container = {
        "name": "it",
        "image": IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": command,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    user = {"runAsNonRoot": True, "runAsUser": SOMEBODY, "seccompProfile": {"type": "RuntimeDefault"}}
    spec = {
        "containers": [container],
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "securityContext": user,
    }
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
    await ns.admin.create(PODS, ns.namespace, body)

    async def ended() -> Any:
        pod = await ns.admin.get(PODS, ns.namespace, name)
        (found,) = (pod or {}).get("status", {}).get("containerStatuses") or [{"state": {}}]
        return found["state"].get("terminated")

    state: Object = await until(ended, f"pod {name} ended")
    return state


async def test_it_has_all_that_the_code_asks_for_and_nothing_to_work_with(ns: NetworkNamespace) -> None:
    state = await status(ns, "look", ["python3", "-c", LOOK])
    told = kubectl("-n", ns.namespace, "logs", "look").stdout
    assert state["exitCode"] == 0, told
    found = json.loads(told)
    assert found.pop("authorities") > 100
    assert found == {
        "user": SOMEBODY,
        "tools": [],
        "zone": "Europe/Berlin",
        "resolved": True,
        "writable": [],
        "to compile at each start": [],
    }


async def test_no_shell_can_be_started_in_it(ns: NetworkNamespace) -> None:
    state = await status(ns, "shell", ["sh", "-c", "true"])
    assert "executable file not found" in state["message"]
