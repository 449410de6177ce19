"""Workloads as plans name them."""

from gameday.actions.workload import Workload
from gameday.cluster.resources import DEPLOYMENTS, STATEFUL_SETS


def deployment(name: str) -> Workload:
    """A Deployment."""
    return Workload(DEPLOYMENTS, name)


def stateful_set(name: str) -> Workload:
    """A StatefulSet."""
    return Workload(STATEFUL_SETS, name)
