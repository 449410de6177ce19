"""The fuse of a scale: a waiting pod that puts a Deployment back when nobody else did.

Only the number that the step set is put back: any other is somebody else's.

Run as ``python -m gameday.agents.fuse``.

It is the one agent that mounts the account's token. SIGTERM before its deadline means that it is not needed any more.
The deadline counts from its first start, by its own node's clock: the operator's may be wrong. It is kept in a file,
since a container that was killed is started again.
"""

import asyncio
import http.client
import json
import os
import ssl
import time
from pathlib import Path
from typing import Any, Final

from gameday.agents.life import run, until
from gameday.agents.log import SampleLog
from gameday.model.agent import STATE, AgentConfig
from gameday.model.sample import LineType

ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
DEADLINE: Final = Path(STATE) / "deadline"
LOOK_EVERY: Final = 1.0
"""Seconds between two looks at the wall clock, and between two tries."""


async def fuse(config: AgentConfig, log: SampleLog, ending: asyncio.Event) -> None:
    """Rehearse the patch, wait for the deadline, then patch until it is done."""
    deadline = first_deadline(config.lasts, DEADLINE)
    await _try(config, log, ending, LineType.ARMED, deadline, dry_run=True)
    clock = asyncio.get_running_loop().time
    while time.time() < deadline:
        if await until(ending, clock() + LOOK_EVERY):
            return
    await _try(config, log, ending, LineType.FIRED, deadline, dry_run=False)


def first_deadline(lasts: float, kept: Path) -> float:
    """The Unix second at which to fire: of the first start, whichever this is."""
    if kept.exists():
        return float(kept.read_text())
    deadline = time.time() + lasts
    new = kept.with_suffix(".new")
    new.write_text(str(deadline))
    new.replace(kept)
    return deadline


async def _try(
    config: AgentConfig, log: SampleLog, ending: asyncio.Event, kind: LineType, deadline: float, *, dry_run: bool
) -> None:
    clock = asyncio.get_running_loop().time
    while True:
        sent = time.time()
        error = await asyncio.to_thread(patch, config, dry_run)
        values = {"deadline": deadline}
        log.write(kind.value, sent, time.time(), ok=error is None, error=error, values=values, kind=kind)
        if error is None or await until(ending, clock() + LOOK_EVERY):
            return


def patch(config: AgentConfig, dry_run: bool) -> str | None:
    """Put the replicas back once; None when that is done, or when nothing is held any more.

    Nothing is held where the Deployment is gone, or where its number is not the one that the step set: then somebody
    else has set it, and it stays. What is there is read and then changed at that version.
    """
    path = f"/apis/apps/v1/namespaces/{config.namespace}/deployments/{config.deployment}/scale"
    try:
        status, scale = _ask("GET", path)
        if status == http.HTTPStatus.OK:
            taken_over = scale["spec"].get("replicas", 0) != config.wanted
            if not dry_run and config.wanted is not None and taken_over:
                return None
            version = scale["metadata"]["resourceVersion"]
            body = {"metadata": {"resourceVersion": version}, "spec": {"replicas": config.replicas}}
            status, _ = _ask("PATCH", f"{path}?dryRun=All" if dry_run else path, body)
    except (OSError, http.client.HTTPException, ValueError, LookupError) as error:
        return type(error).__name__
    return None if status in {http.HTTPStatus.OK, http.HTTPStatus.NOT_FOUND} else f"http {status}"


def _ask(verb: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
    """The status and the body of the API server's answer; the body of one that is no 200 is not read."""
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], int(os.environ["KUBERNETES_SERVICE_PORT"])
    # Read anew each time: the kubelet renews the token.
    token = (ACCOUNT / "token").read_text().strip()
    tls = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
    connection = http.client.HTTPSConnection(host, port, timeout=5, context=tls)
    headers = {"Authorization": f"Bearer {token}"}
    if body is not None:
        headers["Content-Type"] = "application/merge-patch+json"
    connection.request(verb, path, None if body is None else json.dumps(body), headers)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, json.loads(text) if answer.status == http.HTTPStatus.OK else None


if __name__ == "__main__":
    run(fuse)
