"""A pod or a fuse that the API server creates late: it acts no second time and not after its drill, and it goes."""

from collections.abc import Callable
from typing import Any

import pytest

from gameday.cluster.resources import JOBS, PODS, Object, Resource
from gameday.errors import OutcomeUnknown
from simulation import client
from simulation.failures import inject_failure
from simulation.outcome import Outcome
from simulation.running import Simulation
from simulation.scenario import Call, Defect, Failure, Faults, Mitigates, Scenario, Trial, What

GAVE_UP: tuple[float, ...] = (12.0, 30.0, 58.0)
"""Seconds that a create takes of which the operator hears nothing after 10 s."""
HTTP, ACL, ENDING = Trial(call=Call()), Trial(call=Call(acl=True)), Trial(call=Call(ends=14.0))
HOSTED = Trial(defect=Defect.STUCK, rollback=True, hosted=Call())
MITIGATED = Trial(defect=Defect.STUCK, mitigates=Mitigates.EARLY, hosted=Call())
ONCE = Trial(defect=Defect.STUCK, mitigates=Mitigates.JOBS, hosted=Call())
TOLD = Failure(What.DELAY, 0.0, count=0)
"""Tells the promises about verdicts that something may be late."""
TOLD_OF_A_DEATH = Failure(What.CRASH, 0.5, seconds=1.0)
"""Tells them the same of processes that die; this one has nothing to do yet."""
TWICE = frozenset({"suspend", "resume"})
"""What may be asked for twice: it is so then already."""


class Late:
    """A world in which the first create of a pod whose name has ``part`` in it takes long."""

    resource = PODS

    def __init__(self, trial: Trial, part: str, seconds: float, *failures: Failure, dies: bool = False) -> None:
        told = (TOLD, TOLD_OF_A_DEATH) if dies else (TOLD,)
        self.sim = Simulation(Scenario(1, (trial,), (*told, *failures)))
        self.heard: list[tuple[str, str, bool]] = []
        """Each call that was carried out: who made it, what it asked for, and whether the drill had ended."""
        self.delayed: list[str] = []
        self.part, self.seconds, self.dies = part, seconds, dies
        (self.ns,) = self.sim.namespaces
        for platform in self.ns.platforms:
            platform.heard = self._listening(platform.heard)

    def _listening(self, before: Callable[[str, str], None]) -> Callable[[str, str], None]:
        def heard(agent: str, verb: str) -> None:
            before(agent, verb)
            status = (self.ns.drill or {}).get("status", {})
            self.heard.append((agent, verb, status.get("phase") == "Finished"))

        return heard

    def run(self, monkeypatch: pytest.MonkeyPatch) -> Outcome:
        create, late = client.SimulatedCluster.create, self

        async def slow(self: Any, resource: Resource, namespace: str | None, body: Object, **options: Any) -> Object:
            name = body["metadata"]["name"]
            first = resource is late.resource and not options.get("dry_run") and late.part in name and not late.delayed
            if first:
                late.delayed.append(name)
                self.server.delays.insert(0, late.seconds)
                if late.dies:
                    late.sim.world.after(1.0, self.process.kill)
                late.asked()
            return await create(self, resource, namespace, body, **options)

        monkeypatch.setattr(client.SimulatedCluster, "create", slow)
        return self.sim.run()

    def asked(self) -> None:
        """That create was sent."""

    def holds(self, monkeypatch: pytest.MonkeyPatch) -> None:
        outcome = self.run(monkeypatch)
        assert self.delayed, f"no such {self.resource.kind} was asked for"
        assert not outcome.broken, outcome.broken
        assert [one for one in self.heard if one[2]] == [], "it acts after its drill has ended"
        once = [verb for _, verb, _ in self.heard if verb not in TWICE]
        assert sorted(once) == sorted(set(once)), "it acts a second time"


class LateFuse(Late):
    """The same of a Job; its process dies meanwhile, and then somebody ends the drill."""

    resource = JOBS

    def __init__(self, trial: Trial, part: str, seconds: float, ends: What) -> None:
        super().__init__(trial, part, seconds, dies=True)
        self.ends, self.asked_at = ends, 0.0

    def asked(self) -> None:
        """See the base class."""
        self.asked_at = self.sim.world.elapsed
        self.sim.world.after(2.0, inject_failure, self.sim, Failure(self.ends, 0.0))


class Failing(Late):
    """A world in which each create of such a pod is answered with a 500, and carried out some seconds later."""

    def run(self, monkeypatch: pytest.MonkeyPatch) -> Outcome:
        create, late = client.SimulatedCluster.create, self

        async def failing(
            self: client.SimulatedCluster, resource: Resource, namespace: str | None, body: Object, **options: Any
        ) -> Object:
            name = body["metadata"]["name"]
            if resource is not PODS or options.get("dry_run") or late.part not in name:
                return await create(self, resource, namespace, body, **options)
            late.delayed.append(name)
            self.server.failed = 1
            self._leave_to_etcd(lambda: self.store.create(self.actor, resource, namespace or "", body))
            raise OutcomeUnknown(f"create pods: etcdserver: request timed out ({name})")

        monkeypatch.setattr(client, "ETCD_LAGS", self.seconds)
        monkeypatch.setattr(client.SimulatedCluster, "create", failing)
        return self.sim.run()


ABORTED = Failure(What.ABORT, 20.0)


WITH_FUSES = [
    pytest.param(HTTP, "-call-", (), id="the call of an http"),
    pytest.param(HTTP, "-callback-", (), id="what takes an http back"),
    pytest.param(HTTP, "-callback-", (ABORTED,), id="what takes the http of an aborted drill back"),
    pytest.param(ACL, "-call-", (), id="what switches a user off"),
    pytest.param(ACL, "-callback-", (ABORTED,), id="what switches a user on"),
    pytest.param(HOSTED, "-call-", (), id="the call of an http of a rollback"),
    pytest.param(MITIGATED, "-call-", (), id="the call of a mitigation"),
]
WITHOUT = [
    pytest.param(ENDING, "-call-", (), id="a call that nothing takes back"),
    pytest.param(HOSTED, "-call-clear", (), id="the call of an httpOnce of a rollback"),
    pytest.param(HTTP, "-observer", (ABORTED,), id="an agent"),
]


@pytest.mark.parametrize("seconds", GAVE_UP)
@pytest.mark.parametrize(("trial", "part", "failures"), [*WITH_FUSES, *WITHOUT])
def test_it_does_nothing_and_goes(
    trial: Trial, part: str, failures: tuple[Failure, ...], seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    Late(trial, part, seconds, *failures).holds(monkeypatch)


@pytest.mark.parametrize("seconds", GAVE_UP)
@pytest.mark.parametrize(("trial", "part", "failures"), WITH_FUSES)
def test_what_a_fuse_owns_does_nothing_and_goes_also_where_the_process_that_asked_for_it_died(
    trial: Trial, part: str, failures: tuple[Failure, ...], seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    Late(trial, part, seconds, *failures, dies=True).holds(monkeypatch)


@pytest.mark.parametrize("seconds", [31.0, 40.0, 58.0])
@pytest.mark.parametrize("trial", [HOSTED, ONCE], ids=["of a rollback", "alone in a mitigation"])
def test_a_call_that_is_made_once_goes_also_where_the_process_that_asked_for_it_died(
    trial: Trial, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes earlier than that may still send its call, while the drill holds its namespace."""
    Late(trial, "-call-clear", seconds, dies=True).holds(monkeypatch)


@pytest.mark.parametrize("seconds", [3.0, 15.0, 40.0])
@pytest.mark.parametrize("at", [2.0, 11.0, 20.0])
def test_an_agent_whose_create_was_answered_with_an_error_of_etcd_is_gone_before_the_namespace_is_given_back(
    at: float, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = Failing(HTTP, "-observer", seconds, Failure(What.ABORT, at))
    world.holds(monkeypatch)


def test_with_the_fuse_gone_the_drill_itself_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody deletes the fuse: no garbage collection takes what is late, and the namespace stays locked so long."""
    world = Late(HTTP, "-callback-", 30.0, Failure(What.FUSE_DELETED, 12.0))
    world.holds(monkeypatch)


SCALE = Trial(faults=Faults.SCALE_AND_CUT)


@pytest.mark.parametrize("seconds", GAVE_UP)
@pytest.mark.parametrize("what", [What.DRILL_DELETED, What.ABORT])
@pytest.mark.parametrize(("trial", "part"), [(HTTP, "-fuse"), (ACL, "-fuse"), (SCALE, "-fuse-")])
def test_a_fuse_that_comes_late_goes_before_its_drill_where_the_process_that_asked_for_it_died(
    trial: Trial, part: str, what: What, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fuse of a call or of a scale acts at its deadline, and no Drill owns it."""
    world = LateFuse(trial, part, seconds, what)
    world.holds(monkeypatch)
    assert list(world.sim.server.store.all_of(JOBS, world.ns.namespace)) == []
    assert world.sim.world.elapsed > world.asked_at + seconds, "nobody waited for it"
