"""Makes a series: merges the agents' lines by time and evaluates each with the latest samples of the other probes.

::

    observer   h1 .. w1 .. h2 .. w2 ..... h4        (n jumps between w2 and h4: a gap for both probes)
    operator      k1 ......... k2 ......... k3
    evaluations   (wait until each probe was seen, then one at every h, w or k that the expression uses)

A line counts as soon as no earlier line of another agent can follow, so the same lines always give the same result.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gameday.engine.cel.expressions import BASELINE, INCREASES, Expression, Outcome, OutcomeKind
from gameday.engine.cel.increases import Increase
from gameday.engine.cel.paths import path_text, touches
from gameday.engine.evidence.agent_log import AgentLog, LogLine
from gameday.engine.evidence.series import Evaluation, Issue, Series
from gameday.model.plan import Probe
from gameday.model.sample import Sample, Value

STALE_AFTER = 2
"""Intervals after which the latest sample of another probe is too old to be evaluated with a new one."""


@dataclass(slots=True)
class Evaluator:
    """Reads the agents' logs from where it stopped, and adds to one expectation's series.

    ``since`` is the Unix second at which the stage began that ``increase`` counts from. ``fault_at`` is the one at
    which the first fault was requested: what began before it does not come of it.
    """

    expression: Expression
    probes: Mapping[str, Probe]
    baseline: Mapping[str, Value] | None
    since: float = -math.inf
    fault_at: float = math.inf
    series: Series = field(init=False)
    _increases: tuple[Increase, ...] = field(init=False)
    _next: dict[str, int] = field(default_factory=dict)
    _latest: dict[str, LogLine] = field(default_factory=dict)
    _lost: dict[str, tuple[float, float | None]] = field(default_factory=dict)
    """Probes whose latest request had no answer: when it was sent, and the one before it where that had none either."""
    _torn: dict[str, float] = field(default_factory=dict)
    """Probes with lines missing since their last sample, and when that was sent."""

    def __post_init__(self) -> None:
        """Start with an empty series."""
        self.series = Series(max(self.probes[name].interval for name in self.expression.probes))
        self._increases = tuple(Increase(path, self.since) for path in self.expression.increases)

    def read_on(self, agent_logs: Mapping[str, AgentLog], agents: Mapping[str, str]) -> None:
        """Evaluate new lines of the agents' logs; ``agents`` names the agent of each probe that was seen."""
        if unseen := sorted(self.expression.probes - agents.keys()):
            self.series.why = f"no sample of probe {unseen[0]}"
            return
        if self.expression.baseline_paths and self.baseline is None:
            self.series.why = "no baseline yet"
            return
        self.series.why = ""
        involved = sorted({agents[name] for name in self.expression.probes})
        while (agent := self._first(involved, agent_logs)) is not None:
            index = self._next.get(agent, 0)
            self._next[agent] = index + 1
            agent_log = agent_logs[agent]
            if agent_log.lost_before(index):
                mine = {name for name in self.expression.probes if agents[name] == agent}
                self._tear(mine, agent)
            if any(agent_log.lines[index].is_sample_of(name) for name in self.expression.probes):
                self._add(agent_log.lines[index])

    def _first(self, involved: list[str], agent_logs: Mapping[str, AgentLog]) -> str | None:
        """The agent whose next line is the earliest of all; None while one of them may still send an earlier one."""
        if any(self._next.get(agent, 0) >= len(agent_logs[agent].lines) for agent in involved):
            return None
        return min(involved, key=lambda agent: agent_logs[agent].lines[self._next.get(agent, 0)].sample.received)

    def _tear(self, names: set[str], agent: str) -> None:
        for name in names - self._torn.keys():
            last = self._latest.get(name)
            self._torn[name] = last.sample.sent if last is not None else -math.inf
            self.series.gap(self._torn[name], math.inf, f"log lines of agent {agent} are missing")

    def _add(self, line: LogLine) -> None:
        sample = line.sample
        before = self._latest.get(sample.name)
        self._mend(sample)
        patience = 3 * self.probes[sample.name].interval
        if before is not None and sample.sent - before.sample.sent > patience:
            why = f"no sample of probe {sample.name} for {sample.sent - before.sample.sent:.1f} s"
            self.series.gap(before.sample.sent, sample.sent, why)
        self._latest[sample.name] = line
        self._note_lost(sample)
        for increase in self._increases:
            increase.take(sample, line.seen)
        self.series.evaluations.append(self._point(sample))
        if self._latest.keys() >= self.expression.probes:
            self.series.through = min(known.sample.sent for known in self._latest.values())

    def _note_lost(self, sample: Sample) -> None:
        if sample.answered:
            self._lost.pop(sample.name, None)
        else:
            before = self._lost.get(sample.name)
            self._lost[sample.name] = sample.sent, before[0] if before is not None else None

    def _mend(self, sample: Sample) -> None:
        """Close the gap of a probe at its first sample after it."""
        since = self._torn.pop(sample.name, None)
        if since is None:
            return
        for index, gap in enumerate(self.series.gaps):
            if gap.since == since and gap.until == math.inf:
                del self.series.gaps[index]
                self.series.gaps.append(replace(gap, until=sample.sent))
                return

    def _point(self, sample: Sample) -> Evaluation:
        for name in sorted(self.expression.probes):
            other = self._latest.get(name)
            if other is None:
                return self._cannot_tell(sample, f"no sample of probe {name} yet", Issue.STALE)
            age = sample.received - other.sample.received
            if age > STALE_AFTER * self.probes[name].interval:
                return self._cannot_tell(sample, f"the latest sample of probe {name} is {age:.1f} s old", Issue.STALE)
        if why := self._unknown():
            return self._cannot_tell(sample, why, Issue.UNKNOWN)
        env = {name: line.seen for name, line in self._latest.items()}
        if self.baseline is not None:
            env[BASELINE] = self.baseline
        if self._increases:
            env[INCREASES] = {path_text(one.path): one.value for one in self._increases if one.value is not None}
        return self._judgeable(sample, self.expression.evaluate_seen(env))

    def _unknown(self) -> str:
        """What the expression reads and is unknown at this sample, or ""."""
        for increase in self._increases:
            if increase.flaw:
                return increase.flaw
        for name, line in sorted(self._latest.items()):
            for unknown, why in line.sample.unknown:
                if any(path[0] == name and touches(path[1:], unknown) for path in self.expression.paths):
                    return f"{path_text((name, *unknown))} is not known: {why}"
            if line.sample.sent >= self.fault_at and (older := self._older(name, line.seen)):
                return older
        return ""

    def _older(self, name: str, seen: Mapping[str, Value]) -> str:
        """What the expression reads of a probe that began before the fault was requested, or ""."""
        for value, began in self.probes[name].settings.began.items():
            read = any(path[0] == name and touches(path[1:], (value,)) for path in self.expression.paths)
            at = seen.get(began)
            new = isinstance(at, int | float) and at >= self.fault_at
            if read and seen.get(value) is True and not new:
                return (
                    f"{name}.{value} has been true since before the fault was requested, so the fault "
                    "may not be its cause: "
                    "wait until it is false, or narrow down what the probe asks for"
                )
        return ""

    def _cannot_tell(self, sample: Sample, why: str, issue: Issue) -> Evaluation:
        return Evaluation(sample.sent, sample.received, None, why, issue)

    def _judgeable(self, sample: Sample, outcome: Outcome) -> Evaluation:
        match outcome.kind:
            case OutcomeKind.TRUE:
                return Evaluation(sample.sent, sample.received, True)
            case OutcomeKind.FALSE:
                return self._false(sample, "", None)
            case OutcomeKind.TYPE_ERROR:
                return self._cannot_tell(sample, outcome.detail, Issue.TYPE_ERROR)
            case OutcomeKind.MISSING:
                return self._missing(sample, outcome)

    def _false(self, sample: Sample, why: str, issue: Issue | None) -> Evaluation:
        lost = [self._lost[name] for name in sorted(self.expression.probes & self._lost.keys())]
        twice = [before for _, before in lost if before is not None]
        return Evaluation(sample.sent, sample.received, False, why, issue, bool(lost), max(twice, default=None))

    def _missing(self, sample: Sample, outcome: Outcome) -> Evaluation:
        """What the baseline lacks is ours; what an answer lacks is the system's, and the expression is false there."""
        if BASELINE in outcome.roots:
            return self._cannot_tell(sample, f"{outcome.detail} is missing", Issue.MISSING)
        failed = [self._latest[name].sample for name in sorted(outcome.roots & self._latest.keys())]
        failed = [known for known in failed if not known.ok]
        why = f"{outcome.detail} is missing"
        if failed:
            why += f": probe {failed[0].name} failed with {failed[0].error}"
        return self._false(sample, why, Issue.MISSING)
