"""Making a track: the lines of the agents, merged by time, each evaluated with the latest of the other probes.

::

    observer   h1 .. w1 .. h2 .. w2 ..... h4        (n jumps between w2 and h4: a gap for both probes)
    operator      k1 ......... k2 ......... k3
    points        (wait until each probe was seen, then one at every h, w or k that the expression uses)

A line counts as soon as no earlier one of another agent can follow, so the same lines always give the same points.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from gameday.engine.expressions import BASELINE, Expression, Outcome, OutcomeKind
from gameday.engine.feeds import Feed, Line
from gameday.engine.tracks import Flaw, Point, Track
from gameday.model.plan import Mode, Probe
from gameday.model.sample import Sample, Value

STALE_AFTER = 2
"""Intervals after which the latest sample of another probe no longer stands beside a new one."""


@dataclass(slots=True)
class Tracer:
    """Reads feeds on from where it stopped and adds to one expectation's track."""

    expression: Expression
    mode: Mode
    probes: Mapping[str, Probe]
    baseline: Mapping[str, Value] | None
    track: Track = field(init=False)
    _next: dict[str, int] = field(default_factory=dict)
    _latest: dict[str, Line] = field(default_factory=dict)
    _torn: dict[str, float] = field(default_factory=dict)
    """Probes with lines missing since their last sample, and when that was sent."""

    def __post_init__(self) -> None:
        """Begin with an empty track."""
        self.track = Track(max(self.probes[name].interval for name in self.expression.probes))

    def read_on(self, feeds: Mapping[str, Feed], agents: Mapping[str, str]) -> None:
        """Take in what is new in the feeds; ``agents`` names the agent of each probe that was seen."""
        if unseen := sorted(self.expression.probes - agents.keys()):
            self.track.why = f"no sample of probe {unseen[0]}"
            return
        if self.expression.baseline_paths and self.baseline is None:
            self.track.why = "no baseline yet"
            return
        self.track.why = ""
        involved = sorted({agents[name] for name in self.expression.probes})
        while (agent := self._first(involved, feeds)) is not None:
            index = self._next.get(agent, 0)
            self._next[agent] = index + 1
            feed = feeds[agent]
            if feed.lost_before(index):
                mine = {name for name in self.expression.probes if agents[name] == agent}
                self._tear(mine, agent)
            if any(feed.lines[index].tells_of(name) for name in self.expression.probes):
                self._add(feed.lines[index])

    def _first(self, involved: list[str], feeds: Mapping[str, Feed]) -> str | None:
        """The agent whose next line is the earliest of all; None while one of them may still send an earlier one."""
        if any(self._next.get(agent, 0) >= len(feeds[agent].lines) for agent in involved):
            return None
        return min(involved, key=lambda agent: feeds[agent].lines[self._next.get(agent, 0)].sample.received)

    def _tear(self, names: set[str], agent: str) -> None:
        for name in names - self._torn.keys():
            last = self._latest.get(name)
            self._torn[name] = last.sample.sent if last is not None else -math.inf
            self.track.gap(self._torn[name], math.inf, f"lines of agent {agent} are missing")

    def _add(self, line: Line) -> None:
        sample = line.sample
        before = self._latest.get(sample.name)
        self._mend(sample)
        patience = 3 * self.probes[sample.name].interval
        if before is not None and sample.sent - before.sample.sent > patience:
            why = f"no sample of probe {sample.name} for {sample.sent - before.sample.sent:.1f} s"
            self.track.gap(before.sample.sent, sample.sent, why)
        self._latest[sample.name] = line
        self.track.points.append(self._point(sample))
        if self._latest.keys() >= self.expression.probes:
            self.track.through = min(known.sample.sent for known in self._latest.values())

    def _mend(self, sample: Sample) -> None:
        """Close the gap of a probe at its first sample after it."""
        since = self._torn.pop(sample.name, None)
        if since is None:
            return
        for index, gap in enumerate(self.track.gaps):
            if gap.since == since and gap.until == math.inf:
                del self.track.gaps[index]
                self.track.gap(since, sample.sent, gap.why)
                return

    def _point(self, sample: Sample) -> Point:
        for name in sorted(self.expression.probes):
            other = self._latest.get(name)
            if other is None:
                return Point(sample.sent, sample.received, None, f"no sample of probe {name} yet", Flaw.STALE)
            age = sample.received - other.sample.received
            if age > STALE_AFTER * self.probes[name].interval:
                why = f"the latest sample of probe {name} is {age:.1f} s old"
                return Point(sample.sent, sample.received, None, why, Flaw.STALE)
        env = {name: line.seen for name, line in self._latest.items()}
        if self.baseline is not None:
            env[BASELINE] = self.baseline
        return self._judgeable(sample, self.expression.evaluate(env))

    def _judgeable(self, sample: Sample, outcome: Outcome) -> Point:
        match outcome.kind:
            case OutcomeKind.TRUE:
                return Point(sample.sent, sample.received, True)
            case OutcomeKind.FALSE:
                return Point(sample.sent, sample.received, False)
            case OutcomeKind.TYPE_ERROR:
                return Point(sample.sent, sample.received, None, outcome.detail, Flaw.TYPE_ERROR)
            case OutcomeKind.MISSING:
                return self._missing(sample, outcome)

    def _missing(self, sample: Sample, outcome: Outcome) -> Point:
        """A system that does not answer does not meet an ``eventually``; of an ``always`` it says nothing."""
        failed = [self._latest[name].sample for name in sorted(outcome.roots - {BASELINE})]
        failed = [known for known in failed if not known.ok]
        if not failed:
            why = f"{outcome.detail} is missing"
            return Point(sample.sent, sample.received, None, why, Flaw.MISSING)
        why = f"{outcome.detail} is missing: probe {failed[0].name} failed with {failed[0].error}"
        value = False if self.mode is Mode.EVENTUALLY and BASELINE not in outcome.roots else None
        return Point(sample.sent, sample.received, value, why, Flaw.MISSING)
