"""A namespace in which one case after another is run: the shop in small, operators, and the judging of each case."""

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from chaos.operator_under_test import NotInjected, NotReached, OperatorUnderTest
from chaos.points import CLEAR, START, STOP, Point
from chaos.row import Row, name_of
from chaos.version import version
from chaos.watch import Watcher, watching
from e2e.dialling import until
from e2e.namespaces import TeamNamespace, small, team_namespace
from gameday.cluster.resources import DRILLS, GAMEDAYS, JOBS, Object
from gameday.engine.drill import timeouts
from gameday.errors import GameDayError
from gameday.model.labels import DRILL

SCALED: Final = "payments"
"""The Deployment that the rollback scales; nothing in the drill depends on it."""
REPLICAS: Final = 2
SECONDS_TO_CLEAR: Final = 60.0 + timeouts.LATE_REQUEST
"""Within which nothing may be left after a drill's end: our pods have up to 20 s to end, and an operator that took over
waits for requests that the one before has sent."""
FAULTS, SEVERAL, ROLLBACK, MITIGATION = "faults", "several", "rollback", "mitigation"
NETWORK: Final = ("CollateralCut", "DependencyDown")
"""Reasons that a drill ends with when DNS or Redis does not answer for a second: on a busy machine that happens."""
KILL, FREEZE, CLOCK, POD, EVICTION, IMAGE, OUTAGE, TAKE_OVER, REMOVAL = (
    "kill", "freeze", "clock step", "pod's end", "eviction", "image gone", "outage", "take-over", "removal"
)  # fmt: skip
"""What cases do to a drill."""
SEEN_WITHIN: Final = 20.0
"""Seconds within which what a case does must be seen to have happened."""
ATTEMPTS: Final = 3
"""How often a case is tried whose drill does not come to its point."""


def plan(kind: str, **changes: Any) -> Object:
    """A drill of one short cut, of two with a scale between them, or of one under which a mitigation acts.

    The recovery of another is missed on purpose, so that its rollback runs.
    """
    gameday = small(**{"outage__duration": "6s"} | changes)
    if kind == SEVERAL:
        gameday["spec"]["dependencies"].append({"name": "api", "tcp": {"service": {"name": "api", "port": 80}}})
        other = {"podSelector": {"matchLabels": {"app": "redis"}}, "to": ["api"], "openConnections": "Keep"}
        gameday["spec"]["outage"]["faults"] += [
            {"name": "no-payments", "scale": {"deployment": SCALED, "replicas": 0}},
            {"name": "second", "networkPartition": other},
        ]
    steps = [
        {"name": STOP, "scale": {"deployment": SCALED, "replicas": 0}},
        {"name": CLEAR, "job": {"fromCronJob": "clear-stalled"}, "irreversible": True},
        {"name": START, "restore": {"deployment": SCALED}},
    ]
    if kind == MITIGATION:
        # It begins under the cut; where the operator is killed, the condition must hold for the next one as well.
        lasting = {"name": "help", "when": "health.body.redis != 'ok'", "within": "60s", "steps": steps}
        gameday["spec"]["mitigations"] = [lasting]
        gameday["spec"]["outage"]["duration"] = "30s"
    if kind == ROLLBACK:
        never = {"name": "never", "eventually": "health.body.redis == 'gone'", "within": "1s"}
        gameday["spec"]["recovery"]["expect"] = [never]
        gameday["spec"]["rollback"] = {"ifMissed": ["never"], "within": "40s", "steps": steps}
    return gameday


@dataclass
class ChaosNamespace:
    """The namespace; ``launched`` counts operators, so that each has a mark of its own."""

    ns: TeamNamespace
    launched: int = 0

    async def operator(
        self,
        point: Point | None = None,
        group: str = FAULTS,
        *,
        identity: str = "one",
        environment: Mapping[str, str] | None = None,
    ) -> OperatorUnderTest:
        """Start an operator, to be killed at a point if one is given; a killed one comes back with its identity."""
        self.launched += 1
        mark = self.ns.folder / f"mark-{self.launched}"
        module = ("chaos.launcher", group, point.name if point else "-", str(mark))
        process = await self.ns.operator(identity=identity, module=module, environment=environment)
        return OperatorUnderTest(process, mark, point)

    async def clear(self) -> None:
        """End the operators and remove the drill, for the next case."""
        await asyncio.gather(*(operator.end() for operator in self.ns.operators))
        self.ns.operators.clear()

        async def removed() -> bool:
            for resource in (DRILLS, GAMEDAYS):
                for thing in (await self.ns.admin.list(resource, self.ns.namespace))[0]:
                    await self.ns.admin.delete(resource, self.ns.namespace, thing["metadata"]["name"])
            return True

        async def gone() -> bool:
            drills, _ = await self.ns.admin.list(DRILLS, self.ns.namespace)
            jobs, _ = await self.ns.admin.list(JOBS, self.ns.namespace, DRILL)
            return not drills and not jobs

        # Where the last case installed the CRDs anew, their API may not answer yet.
        await until(removed, "the last case's drill is removed", 30)
        await until(gone, "the last case's drill is gone", 30)


@dataclass
class Trial:
    """One case under way: what it watches, and the row that it becomes."""

    place: ChaosNamespace
    seen: Watcher
    row: Row
    namespace_gone: bool = False
    """Whether the case saw the whole namespace go."""

    @property
    def ns(self) -> TeamNamespace:
        """The namespace's stage."""
        return self.place.ns

    def proves(self, what: str, how: str) -> None:
        """Something that the case does to the drill was seen to happen; more than one of its kind are kept."""
        before = self.row.proofs.get(what)
        self.row.proofs[what] = f"{before}; {how}" if before else how

    async def kill(self, operator: OperatorUnderTest) -> None:
        """Kill an operator.

        Raises:
            NotInjected: when it had ended before.

        """
        code = operator.process.process.returncode
        if code is not None:
            raise NotInjected(f"process {operator.pid} had ended before, with {code}")
        await operator.process.kill()
        self.proves(KILL, operator.ended())

    async def happens(self, what: str, look: Callable[[], Awaitable[object]], how: str, patience: float = 0.0) -> None:
        """Wait until something that the case does is seen to have happened, ``patience`` seconds if it says how many.

        Raises:
            NotInjected: when it does not.

        """
        try:
            await until(look, how, patience or SEEN_WITHIN)
        except AssertionError as error:
            raise NotInjected(str(error)) from None
        self.proves(what, how)

    def wrong(self, text: str) -> None:
        """Something is not as promised."""
        self.row.wrong.append(text)

    async def under_cut(self, **changes: Any) -> Object:
        """Start a drill and wait until its cut is proven and its connections are closed."""
        await self.ns.start(plan(FAULTS, **{"outage__duration": "20s"} | changes))
        return await self.ns.under_cut()

    async def undone(self, patience: float = 20.0) -> None:
        """Wait until nothing is held any more, ``patience`` seconds longer than the last deadline allows."""

        async def free() -> bool:
            return not await self.held()

        left = max(0.0, self.seen.deadline() - time.time()) + patience
        with contextlib.suppress(AssertionError):
            await until(free, "nothing is held", left)
        for thing in await self.held():
            self.wrong(f"{thing} was still there {patience:.0f} s after its deadline")

    async def held(self) -> list[str]:
        """What the API server says is in place now: cuts, and replicas that are not as before."""
        found = [f"policy {policy['metadata']['name']}" for policy in await self.ns.policies()]
        replicas = await self.ns.replicas(SCALED)
        return found + ([f"{SCALED} at {replicas}"] if replicas != REPLICAS else [])

    async def ends(self, *verdicts: str, patience: float = 150.0) -> Object:
        """Wait for the drill's end, which must have one of these verdicts, unless the network failed; its status."""
        status = await self.ns.finishes(patience=patience)
        verdict, reason = status["verdict"], status["reason"]
        self.row.verdict = verdict if verdict == "Passed" else f"{verdict} ({reason})"
        if verdict not in verdicts and reason not in NETWORK:
            self.wrong(f"{verdict}, not {' or '.join(verdicts)}: {status['message']}")
        return status

    async def judge(self) -> None:
        """Fill the row in with what is left, was done twice or came late."""
        self.row.doubles = self.seen.doubles()
        self.row.late = round(self.seen.late(), 1)
        if self.namespace_gone:
            return

        async def clean() -> bool:
            self.row.leftovers = [*await self.ns.left_behind(), *await self.held()]
            return not self.row.leftovers

        with contextlib.suppress(AssertionError):
            await until(clean, "nothing is left", SECONDS_TO_CLEAR)
        for operator in self.ns.operators:
            if "after an internal error" in operator.says():
                self.wrong(f"{operator.log.name} logged an internal error")


Run = Callable[[Trial], Awaitable[None]]


@dataclass(frozen=True)
class Case:
    """A case of the table.

    ``injects`` names what it does to the drill, each of which it must prove: a case that does nothing is none.
    ``alone`` names what it does to the whole cluster: only cases of the same name run beside it. After one that
    ``spoils`` its namespace, the next case gets a new one.
    """

    group: str
    name: str
    run: Run
    injects: tuple[str, ...]
    restart: str = ""
    alone: str = ""
    spoils: bool = False

    def __post_init__(self) -> None:
        """A case that injects nothing would be good whatever happens."""
        assert self.injects, f"{self.key} injects nothing"

    @property
    def key(self) -> str:
        """What it is selected by."""
        return name_of(self.group, self.name, self.restart)


async def attempt(case: Case, place: ChaosNamespace, logs: Path) -> Row:
    """Run a case in a namespace and judge it; whatever goes wrong stands in the row."""
    row = Row(case.group, case.name, case.restart, injects=list(case.injects), commit=version())
    began = time.monotonic()
    async with watching(place.ns.admin, place.ns.namespace, SCALED, REPLICAS) as seen:
        trial = Trial(place, seen, row)
        try:
            await _reach(case, trial)
            await trial.judge()
        except NotInjected as error:
            trial.wrong(f"not injected: {error}")
        except Exception as error:  # noqa: BLE001  one broken case must not hide the others
            trial.wrong(f"{type(error).__name__}: {error}")
    row.took = round(time.monotonic() - began, 1)
    if row.faults():
        with contextlib.suppress(GameDayError):
            drills, _ = await place.ns.admin.list(DRILLS, place.ns.namespace)
            _tell(case, place, logs, drills)
    return row


async def _reach(case: Case, trial: Trial) -> None:
    """Run a case, and again when its drill missed the point: on a busy machine one may end before, with a reason."""
    for left in reversed(range(ATTEMPTS)):
        try:
            await case.run(trial)
        except NotReached:
            if not left:
                raise
            await trial.place.clear()
            trial.seen.forget()
            trial.row.proofs.clear()
        else:
            return


def _tell(case: Case, place: ChaosNamespace, logs: Path, drills: tuple[Object, ...]) -> None:
    """Keep what explains a bad row."""
    logs.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^a-z0-9]+", "-", case.key.lower()).strip("-")
    told = [f"--- {operator.log.name}\n{operator.says()}" for operator in place.ns.operators]
    told += [f"--- {yaml.safe_dump(drill)}" for drill in drills]
    (logs / f"{name}.log").write_text("\n".join(told))


@contextlib.asynccontextmanager
async def chaos_namespace(name: str, environment: Mapping[str, str] | None = None) -> AsyncIterator[ChaosNamespace]:
    """A namespace with the small shop in it, gone afterwards."""
    async with team_namespace(name) as ns:
        ns.opt_in()
        await ns.shop(environment, parts=("api", "redis", SCALED), replicas=1)
        ns.scale(SCALED, REPLICAS)
        await until(ns._deployed, "the shop runs", 120)
        yield ChaosNamespace(ns)
