"""What runs in a drill's targets when it begins: images and pod templates, so that two drills can be compared."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from gameday.actions.kinds import Kinds
from gameday.actions.registry import KINDS
from gameday.cluster.resources import Object
from gameday.model.plan import Plan
from gameday.model.versions import Version
from gameday.preflight.impact import workload
from gameday.preflight.snapshot import NamespaceSnapshot, labels_of

TEMPLATE: Final = ("pod-template-hash", "controller-revision-hash")
"""Labels by which Kubernetes tells the pods of one template from those of another."""
DIGEST: Final = re.compile(r"sha256:([0-9a-f]{12})")


def target_versions(snapshot: NamespaceSnapshot, plan: Plan, kinds: Kinds = KINDS) -> tuple[Version, ...]:
    """Of each workload that has targets: the templates and images of these pods, in the order of their names."""
    found: dict[str, list[Object]] = {}
    for fault in plan.outage.faults:
        for pod in kinds.of(fault.action).hits(fault.action, snapshot)[1]:
            pods = found.setdefault(workload(snapshot, pod), [])
            if all(pod is not known for known in pods):
                pods.append(pod)
    return tuple(_version(name, pods) for name, pods in sorted(found.items()))


def _version(name: str, pods: list[Object]) -> Version:
    templates = {labels_of(pod).get(label, "") for pod in pods for label in TEMPLATE}
    images = {image for pod in pods for image in _images(pod)}
    return Version(name, tuple(sorted(templates - {""})), tuple(sorted(images)))


def _images(pod: Object) -> Iterator[str]:
    """``CONTAINER=IMAGE``, with the beginning of the digest that the node pulled: a tag may be moved."""
    digests = dict(_digests(pod))
    for container in (*pod["spec"].get("initContainers", ()), *pod["spec"].get("containers", ())):
        name, image = str(container.get("name", "")), str(container.get("image", ""))
        digest = digests.get(name)
        yield f"{name}={image}" + (f" ({digest})" if digest and digest not in image else "")


def _digests(pod: Object) -> Iterator[tuple[str, str]]:
    status: Mapping[str, list[Object]] = pod.get("status", {})
    for listed in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
        if (digest := DIGEST.search(str(listed.get("imageID", "")))) is not None:
            yield str(listed.get("name", "")), digest[1]
