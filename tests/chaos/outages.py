"""The API server or etcd away for a minute, while drills are under their cuts: four kinds of outage, three drills each.

"Stopped" is SIGSTOP, and SIGCONT a minute later. "Killed" is SIGKILL; what the bed starts in its place is stopped
before it serves, and continued after a minute: that long nobody answers at all.
"""

import asyncio
import contextlib
import functools
import time
from dataclasses import dataclass, field
from typing import Final

from chaos.agents import fuse_pod
from chaos.case import KILL, OUTAGE, Case, Trial
from chaos.operator_namespace import operator_namespace
from chaos.operator_under_test import NotInjected
from e2e.dialling import until, until_seen
from e2e.namespaces import cluster_output, kubectl

AWAY: Final = 60.0
"""Seconds for which nobody answers."""
BEFORE: Final = 25.0
"""Seconds before a fuse's deadline at which the outage begins."""
ASK_EVERY: Final = 3.0
"""Seconds between two requests in an outage, none of which may be answered."""
PARTIES: Final = 3
STOPPED, KILLED = "stopped", "killed"


@dataclass
class Outage:
    """One outage, which begins when every drill that is to meet it has come so far."""

    component: str
    how: str
    ready: asyncio.Barrier = field(default_factory=lambda: asyncio.Barrier(PARTIES))
    over: asyncio.Event = field(default_factory=asyncio.Event)
    returned: float = 0.0
    refused: int = 0
    answered: list[float] = field(default_factory=list)
    """When a request was answered although nobody was to, in seconds after the outage's beginning."""

    async def pass_through(self, trial: Trial) -> None:
        """Wait for the others, then through the outage; the first to come makes it.

        Raises:
            NotInjected: when it was none: a request was answered in it.

        """
        async with asyncio.timeout(240):
            place = await self.ready.wait()
        if place:
            await self.over.wait()
        else:
            await self._make()
        trial.proves(OUTAGE, self.proof())

    async def _make(self) -> None:
        try:
            try:
                await asyncio.to_thread(self._away)
            finally:
                self._back()
                await until(_answers, "the API server answers again", 60)
        finally:
            # Those who wait for its end would wait for ever.
            self.returned = time.time()
            self.over.set()

    def proof(self) -> str:
        """How it was seen that nobody answered.

        Raises:
            NotInjected: when somebody did, or nobody was asked.

        """
        if self.answered or not self.refused:
            at = ", ".join(f"{seconds:.0f} s" for seconds in self.answered)
            raise NotInjected(f"{self.refused} requests failed in the outage; some were answered, after {at or '-'}")
        return f"{self.refused} requests over {AWAY:.0f} s, none answered"

    def _away(self) -> None:
        if self.how == KILLED:
            cluster_output("kill", self.component)
            end = time.monotonic() + 10
            # The new process is there after half a second; until then its predecessor's number stands in the file.
            while not _signalled("pause", self.component):
                assert time.monotonic() < end, f"{self.component} was not started again"
                time.sleep(0.1)
        else:
            cluster_output("pause", self.component)
        began = time.monotonic()
        while (since := time.monotonic() - began) < AWAY:
            if _asks():
                self.answered.append(since)
            else:
                self.refused += 1
            time.sleep(ASK_EVERY)

    def _back(self) -> None:
        cluster_output("continue", self.component)


def _signalled(signal: str, component: str) -> bool:
    with contextlib.suppress(AssertionError):
        cluster_output(signal, component)
        return True
    return False


def _asks(path: str = "/api/v1/namespaces/default") -> bool:
    """Whether a request is answered; the object is read from etcd."""
    return kubectl("get", "--raw", path, "--request-timeout=2s", ok=False).returncode == 0


async def _answers() -> bool:
    return await asyncio.to_thread(_asks, "/readyz")


async def in_a_cut(trial: Trial, outage: Outage) -> None:
    """The operator, installed in the cluster, is cut off with everybody else; the end of the outage falls into it."""
    async with operator_namespace(trial.ns) as here:
        await trial.under_cut(outage__duration="100s")
        await outage.pass_through(trial)
        trial.seen.returned = outage.returned
        await trial.undone()
        # The drill may know that its cut is gone before the watch of the test is back.
        await until_seen(lambda: not trial.seen.held(), "the watch sees that the cut is reverted", 60)
        reverted = max(span.until or 0.0 for span in trial.seen.cuts.values())
        trial.row.note = f"reverted {reverted - outage.returned:.1f} s after the API server's return"
        await trial.ends("Passed", "Inconclusive", patience=240)
        await until(here.leader, "an operator leads again", 60)
        await trial.judge()


async def fuse_in_it(trial: Trial, outage: Outage) -> None:
    """No operator lives, and the deadline of the cut's fuse passes in the outage."""
    operator = await trial.place.operator()
    await trial.under_cut(outage__duration="6s")
    await trial.kill(operator)
    await _wait_for(trial, outage)


async def fuse_pod_in_it(trial: Trial, outage: Outage) -> None:
    """No operator lives, and the deadline of a scaling's fuse pod passes in the outage."""
    operator = await trial.place.operator()
    await fuse_pod(trial)
    await trial.kill(operator)
    await _wait_for(trial, outage)


async def _wait_for(trial: Trial, outage: Outage) -> None:
    deadline = trial.seen.deadline()
    assert deadline > time.time(), "nothing is held that has a deadline"
    await asyncio.sleep(max(0.0, deadline - BEFORE - time.time()))
    await outage.pass_through(trial)
    trial.seen.returned = outage.returned
    await trial.undone()
    late = outage.returned - deadline
    trial.row.note = f"the API server came back {late:.0f} s after the deadline"
    assert late > 0, "the deadline did not fall into the outage"
    await trial.place.operator()
    await trial.ends("Passed", "Failed", "Inconclusive")


def cases() -> list[Case]:
    """All of them; those of one outage run beside each other."""
    found = []
    for component in ("kube-apiserver", "etcd"):
        for how in (STOPPED, KILLED):
            outage = Outage(component, how)
            name = f"{component} {how} for {AWAY:.0f} s"
            for run, when, injects in (
                (in_a_cut, "in a cut, the operator in the cluster", (OUTAGE,)),
                (fuse_in_it, "over the fuse's deadline, no operator", (OUTAGE, KILL)),
                (fuse_pod_in_it, "over the fuse pod's deadline, no operator", (OUTAGE, KILL)),
            ):
                part = functools.partial(run, outage=outage)
                found.append(Case("outages", f"{name}: {when}", part, injects, alone=name))
    return found
