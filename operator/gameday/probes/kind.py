"""The interface of a kind of probe: its schema, its part of a plan, its agent's configuration, its checks."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from gameday.model.finding import Finding
from gameday.model.plan import ProbeSettings
from gameday.probes.runner import ProbeResult
from gameday.schema.base import ApiModel
from gameday.schema.named import Dependencies

Spec = TypeVar("Spec", bound=ApiModel)
Settings = TypeVar("Settings", bound=ProbeSettings)


@dataclass(frozen=True, slots=True)
class Rule:
    """A right that the account needs in its namespace, as RBAC writes it."""

    group: str
    resource: str
    verbs: tuple[str, ...]


class ProbeKind(ABC, Generic[Spec, Settings]):
    """One kind of probe.

    ``Spec`` is what stands in YAML, ``Settings`` what it becomes in a plan.
    """

    name: ClassVar[str]
    """The key in a GameDay's spec, and the name on the wire."""
    description: ClassVar[str]
    """The description of that key in the CRD, in one line."""
    spec: ClassVar[type[ApiModel]]
    """The type of what stands under that key; the CRD is made from it."""
    settings: ClassVar[type[ProbeSettings]]
    """The type of what a plan has of it."""
    gives: ClassVar[Mapping[str, str]]
    """What expressions find in a sample, with what it is; ``ok``, ``error`` and ``latency`` stand in every sample."""
    plan_rules: ClassVar[tuple[tuple[str, str], ...]] = ()
    """Rules on the whole spec of a GameDay, as (CEL, message)."""
    grants: ClassVar[tuple[Rule, ...]] = ()
    """All that ``rules`` may give; ``make generate`` makes a component of ``manifests/namespace`` of it."""

    @abstractmethod
    def parse(self, spec: Spec, named: Dependencies) -> Settings:
        """The settings of a spec, which the schema has admitted; ``named`` holds the plan's dependencies.

        Raises:
            PlanInvalid: when it names a dependency that it cannot ask.

        """

    @abstractmethod
    def config(self, settings: Settings, namespace: str) -> dict[str, Any]:
        """What its agent is given, as JSON; ``namespace`` is the drill's. Secrets are given as files."""

    def check(self, settings: Settings) -> Iterator[Finding]:  # noqa: ARG002  most kinds have nothing to check
        """What is wrong with the settings that no schema can say; paths are below the kind's key."""
        return iter(())

    def check_path(self, settings: Settings, path: tuple[str | int, ...]) -> str:  # noqa: ARG002  see above
        """Why no sample can have what an expression reads at ``path``, and what to do, or ""."""
        return ""

    def rules(self, settings: Settings) -> Iterator[Rule]:  # noqa: ARG002  see above
        """What of ``grants`` the account must be allowed for a probe, beyond what every drill needs."""
        return iter(())


@dataclass(frozen=True, slots=True)
class WatchedObject:
    """The object that a probe of the operator's watches, in the drill's namespace."""

    group: str
    version: str
    resource: str
    name: str


class WatchedKind(ProbeKind[Spec, Settings]):
    """A kind that the operator runs itself, from a watch, as the namespace's account.

    Its settings say ``runs_in = RunsIn.OPERATOR``. No agent runs it, so it has no module ``runner``.
    """

    def config(self, settings: Settings, namespace: str) -> dict[str, Any]:
        """No agent runs it: always raises ValueError."""
        raise ValueError(f"the operator runs {self.name} probes itself, and not an agent in {namespace}: {settings}")

    def rules(self, settings: Settings) -> Iterator[Rule]:
        """The right to watch: RBAC grants it for all objects of a resource, or for none."""
        watched = self.watched(settings)
        yield Rule(watched.group, watched.resource, ("list", "watch"))

    @abstractmethod
    def watched(self, settings: Settings) -> WatchedObject:
        """What is watched."""

    @abstractmethod
    def result(self, thing: Mapping[str, Any] | None) -> ProbeResult:
        """The sample of the object as it is now; None when there is no such object."""
