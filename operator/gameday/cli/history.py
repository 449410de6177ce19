"""``gameday history``: a GameDay's drills over time, and what had changed when it failed for the first time.

A Drill records its plan, and the pod templates and images of its targets. Of drills that an earlier operator carried
out, and of other Deployments, ReplicaSets that are still there tell when a Deployment got another pod template; a roll
back to an earlier one makes none, and does not show.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from gameday.api import versions
from gameday.api.drill import is_dry_run
from gameday.api.lines import figures_of
from gameday.api.record import duration, shown_moment
from gameday.api.state import plan_text_of
from gameday.cli.asking import NotDone, in_words
from gameday.cluster.client import Cluster
from gameday.cluster.resources import DEPLOYMENTS, DRILLS, GAMEDAYS, REPLICA_SETS, Object
from gameday.errors import Forbidden
from gameday.model.record import Verdict

FIGURES: Final = ("timeToDetect", "timeToAlert", "timeToRecover")
"""The figures that have a column."""


@dataclass(frozen=True, slots=True)
class Past:
    """A drill of the GameDay."""

    drill: Object

    @property
    def status(self) -> Mapping[str, Any]:
        """Its status."""
        found: Mapping[str, Any] = self.drill.get("status", {})
        return found

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.drill["metadata"]["name"])

    @property
    def verdict(self) -> str:
        """Its verdict, or "" while it has none."""
        return str(self.status.get("verdict", ""))

    @property
    def began(self) -> float:
        """When it began, as a Unix second; one that never began counts from its creation."""
        return shown_moment(self.status.get("startedAt") or self.drill["metadata"]["creationTimestamp"])

    def figures(self) -> dict[str, tuple[float, str]]:
        """What it measured, with units."""
        return {str(one["name"]): (float(one["value"]), str(one["unit"])) for one in figures_of(self.status)}

    def row(self) -> tuple[str, ...]:
        """As a line of the table."""
        figures = self.figures()
        times = (duration(figures[name][0]) if name in figures else "-" for name in FIGURES)
        at = self.status.get("startedAt") or self.drill["metadata"]["creationTimestamp"]
        state = self.verdict or self.status.get("phase") or "Pending"
        took = self.status.get("took", "-")
        return (self.name, f"{at[:10]} {at[11:16]}", state, self.status.get("reason", "-"), *times, took)

    def plain(self) -> dict[str, Any]:
        """As programs read it."""
        keys = ("startedAt", "finishedAt", "phase", "verdict", "reason", "message", "planDigest")
        told = {key: self.status[key] for key in keys if key in self.status}
        return {
            "drill": self.name,
            **told,
            "measurements": {name: value for name, (value, _) in self.figures().items()},
        }


NO_ROLLOUT: Final = "no Deployment got another pod template, as far as its ReplicaSets show (a roll back makes none)"
HEADERS: Final = ("drill", "started (UTC)", "verdict", "reason", "detect", "alert", "recover", "took")


@dataclass(frozen=True, slots=True)
class Turn:
    """A drill that failed after one that had passed, and what differs between both."""

    passed: Past
    failed: Past
    plan: str
    targets: tuple[str, ...]
    """What differs in what ran in the targets; empty where one of both drills has no record of it."""
    rollouts: tuple[str, ...]

    def plain(self) -> dict[str, Any]:
        """As programs read it."""
        named = {"passed": self.passed.name, "failed": self.failed.name}
        return {**named, "plan": self.plan, "targets": list(self.targets), "rollouts": list(self.rollouts)}

    def lines(self) -> Iterator[str]:
        """For people."""
        yield f"{self.failed.name} is the first that failed after {self.passed.name} had passed. Between both:"
        yield f"  {self.plan}"
        yield from (f"  {line}" for line in (*self.targets, *self.rollouts))


async def history(cluster: Cluster, namespace: str, gameday: str, most: int) -> tuple[tuple[Past, ...], Turn | None]:
    """The newest drills of a GameDay, oldest first, and the newest turn from Passed to Failed among all.

    Raises:
        NotDone: when there is no drill of it.
        GameDayError: when drills cannot be read.

    """
    found, _ = await cluster.list(DRILLS, namespace)
    drills = [one for one in found if one["spec"].get("gameDay") == gameday and not is_dry_run(one)]
    past = sorted(map(Past, drills), key=lambda one: one.began)
    if not past:
        there = await cluster.get(GAMEDAYS, namespace, gameday) is not None
        what = f"GameDay {gameday} has no Drills" if there else f"there is no GameDay {gameday}"
        raise NotDone(f"{what} in namespace {namespace}")
    pair = turned(past)
    turn = None
    if pair is not None:
        targets = tuple(target_differences(*pair))
        rollouts = await _rollouts(cluster, namespace, *pair, known=bool(targets))
        turn = Turn(*pair, plan_difference(*pair), targets, tuple(rollouts))
    return tuple(past[-most:]), turn


def turned(past: Sequence[Past]) -> tuple[Past, Past] | None:
    """The newest drill that failed although the one before that said anything had passed, and that one."""
    telling = [one for one in past if one.verdict in {Verdict.PASSED.value, Verdict.FAILED.value}]
    turns = [
        (a, b) for a, b in pairwise(telling) if (a.verdict, b.verdict) == (Verdict.PASSED.value, Verdict.FAILED.value)
    ]
    return turns[-1] if turns else None


def plan_difference(passed: Past, failed: Past) -> str:
    """Whether both ran the same plan, and else where it differs."""
    digests = passed.status.get("planDigest"), failed.status.get("planDigest")
    if None in digests:
        return "whether the plan is the same is not recorded"
    if digests[0] == digests[1]:
        return "the plan is the same"
    try:
        before, after = (json.loads(plan_text_of(one.status)) for one in (passed, failed))
    except ValueError:
        return "the plan differs"
    return f"the plan differs in {', '.join(_differing(before, after, 'spec')) or 'a part that is not recorded'}"


def target_differences(passed: Past, failed: Past) -> Iterator[str]:
    """What differs in the pod templates and images of the targets, or that nothing does; nothing if not recorded."""
    before, after = ({one.workload: one for one in versions.read(past.status)} for past in (passed, failed))
    if not before or not after:
        return
    told = False
    for name in sorted({*before, *after}):
        known, now = before.get(name), after.get(name)
        if known == now:
            continue
        told = True
        if known is None or now is None:
            yield f"{name} was a target of {(passed if now is None else failed).name} alone"
        elif known.images != now.images:
            gone, came = (sorted({*a.images} - {*b.images}) for a, b in ((known, now), (now, known)))
            yield f"{name} ran other images: {', '.join(gone) or 'none'} before, {', '.join(came) or 'none'} then"
        else:
            yield f"{name} had another pod template with the same images"
    if not told:
        yield "the targets had the same images and pod templates"


def _differing(before: Any, after: Any, path: str) -> Iterator[str]:
    """The paths at which two plans differ, as deep as both have the same fields."""
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted({*before, *after}):
            yield from _differing(before.get(name), after.get(name), f"{path}.{name}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _differing(one, other, f"{path}[{index}]")
    else:
        yield path


async def _rollouts(cluster: Cluster, namespace: str, passed: Past, failed: Past, *, known: bool) -> Iterator[str]:
    """What Deployments rolled out between two drills, as far as the cluster still shows it.

    Where what ran in the targets is ``known``, that no other Deployment shows a rollout is not worth a line.
    """
    try:
        sets, _ = await cluster.list(REPLICA_SETS, namespace)
    except Forbidden as error:
        return iter([] if known else [f"which images and pod templates ran is not known: {in_words(error)}"])
    found = rollouts(sets, passed.began, failed.began)
    return (line for line in found if not (known and line == NO_ROLLOUT))


def rollouts(sets: Sequence[Object], since: float, until: float) -> Iterator[str]:
    """One line for each Deployment that got another pod template between two times, or one that says there is none."""
    owned: dict[str, list[Object]] = {}
    for one in sorted(sets, key=lambda one: shown_moment(one["metadata"]["creationTimestamp"])):
        for owner in one["metadata"].get("ownerReferences", ()):
            if owner["kind"] == DEPLOYMENTS.kind:
                owned.setdefault(owner["name"], []).append(one)
    told = False
    for deployment, every in sorted(owned.items()):
        before = [one for one in every if shown_moment(one["metadata"]["creationTimestamp"]) <= since]
        between = [one for one in every if since < shown_moment(one["metadata"]["creationTimestamp"]) <= until]
        if between:
            told = True
            yield _rollout(deployment, before[-1] if before else None, between[-1])
    if not told:
        yield NO_ROLLOUT


def _rollout(deployment: str, before: Object | None, after: Object) -> str:
    at = after["metadata"]["creationTimestamp"]
    if before is None:
        return f"Deployment {deployment} got a new pod template at {at}; the one before is not there any more"
    images, now = _images(before), _images(after)
    changed = [
        f"{name}: {images.get(name, 'none')} to {image}" for name, image in now.items() if images.get(name) != image
    ]
    what = f"other images ({', '.join(changed)})" if changed else "another pod template with the same images"
    return f"Deployment {deployment} rolled out {what} at {at}"


def _images(replica_set: Object) -> dict[str, str]:
    spec = replica_set["spec"]["template"]["spec"]
    return {one["name"]: one["image"] for one in (*spec.get("initContainers", ()), *spec["containers"])}
