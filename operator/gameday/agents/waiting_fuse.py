"""What every fuse that acts does: it learns its deadline, does a dry run, waits, then acts until it is done.

If its node is lost, another pod of the Job takes its place, and the deadline must be the same for both. So it counts
from the Job's own ``status.startTime``, which each pod reads when it starts. The remaining time is computed from the
date of that answer, in whole seconds, so it fires up to 1 s late. Both times are the control plane's: neither the
operator's clock nor a node's can move the deadline. A file would be lost with the node, a time that the operator writes
is as wrong as its clock, and a Job's pod template cannot be changed once a pod runs. While the API server does not
answer, a new pod knows no deadline. The remaining time is measured by a monotonic clock that also counts while a
machine is suspended.

On SIGTERM before its deadline it fails, because its node is drained, and the Job creates another pod. The operator ends
a fuse by deleting its Job. Fuses are the only agents that mount the account's token.
"""

import asyncio
import http.client
import json
import os
import ssl
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Final

from gameday.agents.log import SampleLog
from gameday.agents.runtime import until
from gameday.model.agent import WaitingFuseConfig
from gameday.model.sample import LineType

ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
LOOK_EVERY: Final = 1.0
"""Seconds between two looks at the clock, and between two tries."""
NOT_FIRED: Final = 1
"""Exit code of a fuse that got SIGTERM before its deadline."""

Act = Callable[[bool], Awaitable[str | None]]
"""Takes the change back, or only does a dry run of that; None once it is done, or what went wrong as a few words."""


async def wait_and_act(config: WaitingFuseConfig, log: SampleLog, ending: asyncio.Event, act: Act) -> int | None:
    """Learn the deadline, do a dry run, wait, then act until it is done."""
    found = await _dry_run(config, log, ending, act)
    if found is None:
        return NOT_FIRED
    deadline, fires_at = found
    clock = asyncio.get_running_loop().time
    while boot() < fires_at:
        if await until(ending, clock() + LOOK_EVERY):
            return NOT_FIRED
    return None if await _fire(log, ending, deadline, act) else NOT_FIRED


def boot() -> float:
    """Seconds of a clock that never jumps, and that goes on while the machine is suspended."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


async def _dry_run(
    config: WaitingFuseConfig, log: SampleLog, ending: asyncio.Event, act: Act
) -> tuple[float, float] | None:
    """The deadline in Unix seconds, and when that is by ``boot``; None when it shall end before it knows."""
    while True:
        sent = time.time()
        known = await asyncio.to_thread(look, config)
        error = known if isinstance(known, str) else await act(True)
        values = {} if isinstance(known, str) else {"deadline": known[0]}
        kind = LineType.ARMED
        log.write(kind.value, sent, time.time(), ok=error is None, error=error, values=values, kind=kind)
        if error is None and not isinstance(known, str):
            return known
        if await until(ending, asyncio.get_running_loop().time() + LOOK_EVERY):
            return None


async def _fire(log: SampleLog, ending: asyncio.Event, deadline: float, act: Act) -> bool:
    """Whether it was done before SIGTERM."""
    while True:
        sent = time.time()
        error = await act(False)
        values, kind = {"deadline": deadline}, LineType.FIRED
        log.write(kind.value, sent, time.time(), ok=error is None, error=error, values=values, kind=kind)
        if error is None:
            return True
        if await until(ending, asyncio.get_running_loop().time() + LOOK_EVERY):
            return False


def look(config: WaitingFuseConfig) -> tuple[float, float] | str:
    """The deadline in Unix seconds and when that is by ``boot``, as the Job has it; or why it is not known."""
    try:
        asked_at = boot()
        status, job, now = ask("GET", f"/apis/batch/v1/namespaces/{config.namespace}/jobs/{config.job}")
        if status != http.HTTPStatus.OK:
            return f"http {status}"
        started = job["status"].get("startTime")
        if started is None:
            return "its Job has no start time yet"
        deadline = datetime.fromisoformat(started).timestamp() + config.lasts
    except (OSError, http.client.HTTPException, ValueError, TypeError, LookupError) as error:
        return type(error).__name__
    return deadline, asked_at + deadline - now


def ask(verb: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, Any, float]:
    """The status of the API server's answer, its body where that is 200, and the Unix second of its date."""
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
    date = answer.getheader("Date")
    now = parsedate_to_datetime(date).timestamp() if date else time.time()
    return answer.status, json.loads(text) if answer.status == http.HTTPStatus.OK else None, now
