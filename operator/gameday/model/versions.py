"""What runs in the pods of a workload."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Version:
    """Pod templates by Kubernetes' own hashes, and images as ``CONTAINER=IMAGE (DIGEST)``; of several during a rollout.

    ``workload`` is as in ``Deployment api``.
    """

    workload: str
    templates: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
