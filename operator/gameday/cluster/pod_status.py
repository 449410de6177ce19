"""What keeps a pod from running, in the cluster's words: from its status alone, which whoever sees the pod may read.

That a Secret or a key is missing stands only in Events, which the account of a namespace may not read. A pod that
waits for its volumes therefore says which Secrets and ConfigMaps it mounts.
"""

from collections.abc import Iterator
from typing import Any, Final

from gameday.cluster.resources import Object

ROUTINE: Final = frozenset({"ContainerCreating", "PodInitializing"})
"""Reasons of a container that waits as each does for a moment: they do not say for what."""
PULLING: Final = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"})
"""Reasons of a container whose image is not pulled."""
LONGEST: Final = 300
"""Characters of a message; that of an image that is not pulled may repeat itself."""


def has_ended(pod: Object) -> bool:
    """Whether none of its containers runs any more, or will."""
    return pod.get("status", {}).get("phase") in {"Succeeded", "Failed"}


def trouble(pod: Object, container: str) -> str:
    """Why the container of a pod does not run, or is about to be ended; "" where it runs or nothing is known yet."""
    status = pod.get("status", {})
    state = next((one.get("state") or {} for one in _containers(status) if one.get("name") == container), {})
    disrupted = _condition(status, "DisruptionTarget")
    if disrupted.get("status") == "True":
        return _said(disrupted.get("reason") or "DisruptionTarget", disrupted.get("message", ""))
    if "running" in state:
        return ""
    if status.get("reason"):
        return _said(status["reason"], status.get("message", ""))
    if "terminated" in state:
        ended = state["terminated"]
        return _said(ended.get("reason") or "Error", ended.get("message") or f"exit code {ended.get('exitCode', '?')}")
    # The one that is asked about first, then what it waits for: containers that come before it.
    listed = sorted(_containers(status), key=lambda one: one.get("name") != container)
    for one in listed:
        if (waiting := _waiting(one)) and waiting.get("reason", "") not in ROUTINE:
            where = "" if one.get("name") == container else f"container {one.get('name', '?')}: "
            return where + _said(waiting.get("reason", "Waiting"), waiting.get("message", ""))
    scheduled = _condition(status, "PodScheduled")
    if scheduled.get("status") == "False":
        return _said(scheduled.get("reason") or "Unschedulable", scheduled.get("message", ""))
    return _creating(pod, status) if listed else ""


def _containers(status: Object) -> list[dict[str, Any]]:
    return [*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())]


def _waiting(container: dict[str, Any]) -> dict[str, Any]:
    waiting: dict[str, Any] = (container.get("state") or {}).get("waiting") or {}
    return waiting


def _creating(pod: Object, status: Object) -> str:
    """What a pod with a node still waits for: its volumes and network come first, then its image."""
    ready = _condition(status, "PodReadyToStartContainers").get("status", "")
    found = list(mounted(pod))
    look = "`kubectl get events` of the namespace says what is missing"
    if ready == "True":
        return "ContainerCreating: its image is being pulled"
    waits = "its volumes or its network are not ready" if found else "its network is not ready"
    waits += "" if ready else ", or its image is being pulled"
    return f"ContainerCreating: {waits}{': check ' if found else ''}{' and '.join(found)}; {look}"


def mounted(pod: Object, *, optional: bool = False) -> Iterator[str]:
    """The Secrets and ConfigMaps that it does not start without, with the keys that it needs.

    ``optional`` adds those without which it starts.
    """
    for volume in pod["spec"].get("volumes") or ():
        for kind, field, name in (("Secret", "secret", "secretName"), ("ConfigMap", "configMap", "name")):
            source = volume.get(field) or {}
            if source and (optional or not source.get("optional")):
                keys = ", ".join(item["key"] for item in source.get("items") or ())
                yield f"{kind} {source.get(name, '?')}{f' (key {keys})' if keys else ''}"


def _condition(status: Object, kind: str) -> dict[str, Any]:
    found = (one for one in status.get("conditions") or () if one.get("type") == kind)
    return next(found, {})


def _said(reason: str, message: str) -> str:
    text = " ".join(message.split())
    text = text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
    return f"{reason}: {text}" if text else reason
