"""The settings of an operator process, given at its start."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from gameday.controller.agent_settings import DEFAULT, AgentSettings


@dataclass(frozen=True, slots=True)
class Settings:
    """An operator's settings.

    ``watch_namespaces`` empty means the whole cluster. ``identity`` names this process in Leases and must differ
    between replicas. ``image`` is what agents run; empty: the image of the pod ``pod`` in ``pod_namespace``, which is
    the operator's own. ``port`` serves /healthz and /metrics. ``agents`` says how their pods are made.
    """

    namespace: str
    identity: str
    image: str
    pod: str = ""
    pod_namespace: str = ""
    watch_namespaces: tuple[str, ...] = ()
    lease: str = "gameday-operator"
    port: int = 8080
    kubeconfig: Path | None = None
    context: str | None = None
    image_pull_policy: str = "IfNotPresent"
    event_limit: timedelta = timedelta(minutes=10)
    agents: AgentSettings = DEFAULT

    @property
    def installation(self) -> str:
        """The name of this installation, with all its replicas, among operators that see the same Drills."""
        return f"{self.namespace}/{self.lease}"

    def watches(self, namespace: str) -> bool:
        """Whether this operator answers for a namespace."""
        return not self.watch_namespaces or namespace in self.watch_namespaces
