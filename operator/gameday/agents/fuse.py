"""The fuse of a scale: a waiting pod of a Job, which restores a workload's replicas if the operator did not.

Run as ``python -m gameday.agents.fuse``. It restores only if the workload still has the number that the step set; any
other number was set by somebody else. ``waiting_fuse`` says when it does so.
"""

import asyncio
import http.client
from typing import Final

from gameday.agents.log import SampleLog
from gameday.agents.runtime import run
from gameday.agents.waiting_fuse import ask, wait_and_act
from gameday.model.agent import FuseConfig

RESOURCES: Final = {"Deployment": "deployments", "StatefulSet": "statefulsets"}
"""Kinds of workloads, as paths of the API have them."""


async def fuse(config: FuseConfig, log: SampleLog, ending: asyncio.Event) -> int | None:
    """Wait for the deadline, and put the replicas back then."""

    async def act(dry: bool) -> str | None:
        return await asyncio.to_thread(patch, config, dry)

    return await wait_and_act(config, log, ending, act)


def patch(config: FuseConfig, dry_run: bool) -> str | None:
    """Put the replicas back once; None when that is done, or when nothing is held any more.

    There is nothing to restore if the workload is deleted, also where another one has its name since, or if somebody
    else has set another number than the step did. The workload is read and then changed at that version.
    """
    path = f"/apis/apps/v1/namespaces/{config.namespace}/{RESOURCES[config.kind]}/{config.workload}/scale"
    try:
        status, scale, _ = ask("GET", path)
        if status == http.HTTPStatus.OK:
            metadata = {"resourceVersion": scale["metadata"]["resourceVersion"]}
            if config.uid:
                if scale["metadata"]["uid"] != config.uid:
                    return None
                metadata["uid"] = config.uid
            taken_over = scale["spec"].get("replicas", 0) != config.wanted
            if not dry_run and config.wanted is not None and taken_over:
                return None
            body = {"metadata": metadata, "spec": {"replicas": config.replicas}}
            status, _, _ = ask("PATCH", f"{path}?dryRun=All" if dry_run else path, body)
    except (OSError, http.client.HTTPException, ValueError, TypeError, LookupError) as error:
        return type(error).__name__
    return None if status in {http.HTTPStatus.OK, http.HTTPStatus.NOT_FOUND} else f"http {status}"


if __name__ == "__main__":
    run(fuse, FuseConfig)
