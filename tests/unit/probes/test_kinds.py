"""The registry of the product: every kind can be loaded by whoever runs it, and is found by what a plan has of it."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from gameday.model.plan import Probe, RunsIn
from gameday.probes.kind import WatchedKind
from gameday.probes.kinds import KINDS, AnyKind, Kinds
from gameday.probes.kubernetes.kind import KubernetesKind, KubernetesProbe
from gameday.probes.registry import PACKAGES
from gameday.probes.runner import ProbeRunner
from unit.probes.example.kind import DnsProbe

HEAVY = ("pydantic", "kopf", "kubernetes", "aiohttp")


@pytest.mark.parametrize("kind", tuple(KINDS), ids=lambda kind: kind.name)
def test_a_kind_has_a_question_unless_the_operator_runs_it(kind: AnyKind) -> None:
    if isinstance(kind, WatchedKind):
        with pytest.raises(ModuleNotFoundError):
            import_module(f"{PACKAGES[kind.name]}.runner")
    else:
        assert issubclass(import_module(f"{PACKAGES[kind.name]}.runner").RUNNER, ProbeRunner)


def test_what_the_operator_runs_goes_to_no_agent() -> None:
    with pytest.raises(ValueError, match="the operator runs kubernetes probes itself, and not an agent in shop"):
        KINDS.task(Probe("workers", KubernetesProbe("worker")), "shop")


def test_a_kind_that_says_two_things_of_who_runs_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DnsProbe, "runs_in", RunsIn.OPERATOR)
    with pytest.raises(ValueError, match=r"unit\.probes\.example: a kind is a WatchedKind where its settings say"):
        Kinds({"dns": "unit.probes.example"})


def test_a_kind_that_watches_and_grants_nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(KubernetesKind, "grants", ())
    with pytest.raises(ValueError, match=r"gameday\.probes\.kubernetes: a WatchedKind needs the right to watch"):
        Kinds(PACKAGES)


def test_what_a_watch_needs_is_granted() -> None:
    watched = KubernetesProbe("worker")
    assert set(KINDS.of(watched).rules(watched)) <= set(KINDS.of(watched).grants)


def test_an_observer_that_runs_all_kinds_loads_none_of_the_operators_libraries() -> None:
    asks = [f"{PACKAGES[kind.name]}.runner" for kind in KINDS if not isinstance(kind, WatchedKind)]
    program = f"import sys, gameday.agents.observer, {', '.join(asks)}; print(*sys.modules)"
    path = str(Path(__file__).parents[3] / "operator")
    done = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": path}, capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert "gameday.probes.http.runner" in loaded
    assert not loaded & {*HEAVY, "gameday.probes.kinds", "gameday.probes.kind"}
