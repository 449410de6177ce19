"""The operator's view of the kinds of probes: each one loaded, and found by its name or by a probe's settings."""

from collections.abc import Iterator
from importlib import import_module
from typing import Any, Final

from gameday.model.agent import ProbeTask
from gameday.model.plan import Probe, ProbeSettings, RunsIn
from gameday.probes.kind import ProbeKind, WatchedKind
from gameday.probes.registry import PACKAGES, Packages

AnyKind = ProbeKind[Any, Any]


class Kinds:
    """All kinds of a registry, in its order."""

    def __init__(self, packages: Packages) -> None:
        """Load them.

        Raises:
            ValueError: when the name in the registry is not the kind's own, when its settings and its base class do not
                agree on who runs it, or when a kind that the operator runs has no grants.

        """
        self._kinds: dict[str, AnyKind] = {}
        for name, package in packages.items():
            kind = import_module(f"{package}.kind").KIND
            if kind.name != name:
                raise ValueError(f"{package} defines kind {kind.name!r}, and the registry calls it {name!r}")
            if isinstance(kind, WatchedKind) != (kind.settings.runs_in is RunsIn.OPERATOR):
                raise ValueError(
                    f"{package}: a kind is a WatchedKind where its settings say RunsIn.OPERATOR, and only there"
                )
            if isinstance(kind, WatchedKind) and not kind.grants:
                raise ValueError(f"{package}: a WatchedKind needs the right to watch, so it has grants")
            self._kinds[name] = kind
        self._of = {kind.settings: kind for kind in self}

    def __iter__(self) -> Iterator[AnyKind]:
        return iter(self._kinds.values())

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all kinds."""
        return tuple(self._kinds)

    def of(self, settings: ProbeSettings) -> AnyKind:
        """The kind that a probe's settings are of."""
        return self._of[type(settings)]

    def watched(self, settings: ProbeSettings) -> WatchedKind[Any, Any] | None:
        """The kind where the operator runs it itself, else None."""
        kind = self.of(settings)
        return kind if isinstance(kind, WatchedKind) else None

    def task(self, probe: Probe, namespace: str) -> ProbeTask:
        """A probe as an agent of a drill in this namespace runs it."""
        kind = self.of(probe.settings)
        config = kind.config(probe.settings, namespace)
        return ProbeTask(probe.name, kind.name, probe.every, probe.timeout, probe.paths, config)


KINDS: Final = Kinds(PACKAGES)
