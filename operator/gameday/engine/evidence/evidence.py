"""The evidence of a drill: the runner adds the lines of the agents' logs, and the engine asks for judgements.

Nothing of it is saved. After a restart the logs are read from their beginning and the recorded baseline is set; the
same samples give the same judgements.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from gameday.engine.cel.comparisons import Kind, kinds_at
from gameday.engine.cel.expressions import BASELINE, Expression, compile_expression, parse_path, view
from gameday.engine.cel.paths import ALWAYS_THERE, Path
from gameday.engine.evidence import baseline as baselines
from gameday.engine.evidence.addresses import addresses_of
from gameday.engine.evidence.agent_log import AgentLog, LogLine
from gameday.engine.evidence.curves import values_of
from gameday.engine.evidence.evaluator import Evaluator
from gameday.engine.evidence.expression_checks import ExpressionFindings, check_expressions
from gameday.engine.evidence.held_connections import HeldConnections
from gameday.engine.evidence.judge import guardrail_unknown, judge, miss
from gameday.engine.evidence.judgement import PENDING, Judgement, Window
from gameday.engine.evidence.measure import Figure, figure
from gameday.engine.evidence.proof import Dials, Proof
from gameday.engine.evidence.readings import Readings, newest_values, read
from gameday.engine.evidence.series import Series
from gameday.engine.evidence.type_mismatches import type_mismatches
from gameday.model.plan import (
    Dependency,
    Destination,
    Expectation,
    HostTarget,
    Measurement,
    Mode,
    Plan,
    RunsIn,
    ServiceRef,
    Stage,
)
from gameday.model.sample import LineType, Sample, Value

NOBODY: Final[Mapping[str, range]] = {}
TOLD: Final = frozenset({LineType.HELD, LineType.ADDRESSES, LineType.DIAL})
"""Lines whose values the proof of a cut reads."""


class Evidence:
    """The samples of one drill, and what they say about its expectations.

    ``pairs`` are the numbers of the pairs of witness and control that show each cut, by the name of its fault.
    """

    def __init__(self, plan: Plan, pairs: Mapping[str, range] = NOBODY) -> None:
        """Compile the plan's expressions; raises ExpressionError when one, or a measurement's path, cannot be used."""
        self.proofs: Mapping[str, Proof] = {
            name: Proof(numbers, _asking_what_is_cut(plan, name), addresses=addresses_of(plan, name))
            for name, numbers in pairs.items()
        }
        self._plan = plan
        self._probes = {probe.name: probe for probe in plan.probes}
        self._agent_logs: dict[str, AgentLog] = {}
        self._agents: dict[str, str] = {}
        self._last: dict[str, Sample] = {}
        self._baseline: dict[str, float] | None = None
        self._seen_baseline: dict[str, Value] | None = None
        self._evaluators: dict[tuple[str, float, float], tuple[int, Evaluator]] = {}
        self._expressions = {text: compile_expression(text) for text in plan.texts()}
        self._measured = {m.path: parse_path(m.path) for m in plan.measurements}

    def take(self, sample: Sample) -> bool:
        """Take one line of a log in; whether it was new. Lines of one agent come in order, or again."""
        agent_log = self._agent_logs.setdefault(sample.agent, AgentLog())
        before = agent_log.reordered
        probed = sample.type is LineType.SAMPLE and sample.name in self._probes
        told = sample.type in TOLD
        if not agent_log.take(sample, view(sample) if probed else sample.values if told else {}):
            return False
        if agent_log.reordered == before:
            for proof in self.proofs.values():
                proof.take(sample)
        else:
            self._prove_anew()
        if probed:
            self._agents[sample.name] = sample.agent
            known = self._last.get(sample.name)
            if known is None or known.sent < sample.sent:
                self._last[sample.name] = sample
        return True

    def set_baseline(self, baseline: Mapping[str, float]) -> None:
        """Set the recorded baseline; expressions that use it are judged from here on. Setting it again is harmless."""
        if self._baseline != baseline:
            self._baseline = dict(baseline)
            self._seen_baseline = baselines.as_seen(baseline)
            self._evaluators.clear()

    def all_probes_seen(self) -> bool:
        """Whether every probe has given a sample, good or bad."""
        return self._last.keys() >= self._probes.keys()

    def passed(self, stage: Stage, window: Window) -> bool:
        """Whether every expectation of the stage was evaluated at all samples up to the end of the window.

        That a sample of each probe was received is not enough: where several agents have them, the newest line of one
        is not evaluated before the others can have no earlier one.
        """
        ends = window.ends_at if window.ends_at is not None else math.inf
        series = (self.series(e, window.requested_at, window.fault_at) for e in self._plan.expectations(stage))
        return all(one.through > ends for one in series)

    def caught_up(self, since: float) -> bool:
        """Whether every probe has given a sample received at ``since`` or later.

        Logs are read from their beginning after a restart: to judge before this holds, or before a grace is over, would
        take what was not read yet for missing.
        """
        return self.all_probes_seen() and all(sample.received >= since for sample in self._last.values())

    def last(self, probe: str) -> Sample | None:
        """The latest sample of a probe."""
        return self._last.get(probe)

    def judge(self, stage: Stage, expectation: Expectation, window: Window) -> Judgement:
        """Hold an expectation against its samples; an ``always`` of the recovery counts from its start."""
        series = self.series(expectation, window.requested_at, window.fault_at)
        counted = _counted(stage, expectation, window, series)
        return judge(expectation, series, counted) if counted is not None else PENDING

    def miss(self, stage: Stage, expectation: Expectation, window: Window) -> tuple[float | None, str]:
        """By how much an expectation was missed, up to the window's end: seconds late or None, and a sentence."""
        series = self.series(expectation, window.requested_at, window.fault_at)
        return miss(expectation, series, _counted(stage, expectation, window, series) or window)

    def guardrail_unknown(self, expectation: Expectation, window: Window) -> str | None:
        """Why a guardrail cannot be judged at the moment, or None."""
        series = self.series(expectation, window.requested_at, window.fault_at)
        return guardrail_unknown(expectation, series, window)

    def means(self, since: float, until: float) -> Mapping[str, float]:
        """The baseline: means, over samples sent in that span, of the numbers that expressions compare with."""
        paths = dict.fromkeys(path for e in self._expressions.values() for path in e.baseline_paths)
        views = {name: [line.seen for line in self._lines(name, since, until)] for name in self._probes}
        return baselines.means(paths, views)

    def figure(self, measurement: Measurement, since: float, until: float) -> Figure:
        """A measurement over the samples sent in a span."""
        path = self._measured[measurement.path]
        views = (line.seen for line in self._lines(str(path[0]), since, until))
        return figure(measurement.aggregate, baselines.numbers_at(path[1:], views))

    def check_expressions(self, baseline: Mapping[str, float], since: float) -> ExpressionFindings:
        """Set the baseline and run every expression on the samples sent since then (Unix seconds)."""
        self.set_baseline(baseline)

        def track_of(text: str) -> Series:
            return self.track_of(text, since)

        def unlike_of(text: str) -> tuple[str, ...]:
            return type_mismatches(self._expressions[text], lambda path: self.kinds(path, since))

        rehearsed = check_expressions(self._plan, track_of, unlike_of, since)
        doubtful = tuple(
            f"{measurement.name}: no sample has a number at {measurement.path}"
            for measurement in self._plan.measurements
            if not self.figure(measurement, since, math.inf).count
        )
        return replace(rehearsed, doubtful=(*rehearsed.doubtful, *doubtful))

    def readings(self, since: float, until: float) -> Readings:
        """What each probe has answered and each expectation reads by the samples sent in that span (Unix seconds)."""

        def values_of(probe: str) -> dict[Path, Value]:
            return dict(newest_values(self.values(probe, until)[1]))

        found = self.check_expressions(self.means(since, until), since)
        return read(self._plan, self.last, values_of, lambda text: self.track_of(text, since), found)

    def kinds(self, path: Path, since: float) -> frozenset[Kind]:
        """What the samples sent since then hold at a path that begins with a probe's name, or with ``baseline``."""
        name, rest = str(path[0]), path[1:]
        if name == BASELINE:
            return frozenset(kinds_at(rest, self._seen_baseline))
        lines = list(self._lines(name, since, math.inf)) or list(self._lines(name, -math.inf, since))[-1:]
        return frozenset(kind for line in lines for kind in kinds_at(rest, line.seen))

    def values(self, probe: str, until: float) -> tuple[list[float], dict[Path, list[Value]]]:
        """When each sample of a probe was sent, up to ``until``, and its values at the paths that the drill reads."""
        read = {path[1:]: None for path in self.paths() if path[0] == probe and len(path) > 1}
        always = {(key,): None for key in sorted(ALWAYS_THERE)}
        lines = sorted(self._lines(probe, -math.inf, until), key=lambda line: line.sample.sent)
        return values_of(lines, tuple(always | read))

    def expression(self, expectation: Expectation) -> Expression:
        """The compiled expression of an expectation of the plan."""
        return self._expressions[expectation.expression]

    def paths(self) -> Iterable[Path]:
        """Every path that the drill reads."""
        for expression in self._expressions.values():
            yield from (*expression.paths, *expression.baseline_paths)
        yield from self._measured.values()

    def series(self, expectation: Expectation, since: float = -math.inf, fault_at: float | None = None) -> Series:
        """The expectation's points so far. Made anew when a line came to stand before others.

        ``since`` is the Unix second at which the stage began that an ``increase`` counts from, ``fault_at`` the one at
        which the first fault was requested, or None.
        """
        return self.track_of(expectation.expression, since, fault_at)

    def track_of(self, text: str, since: float = -math.inf, fault_at: float | None = None) -> Series:
        """The points of an expression of the plan so far; see ``series``."""
        expression = self._expressions.get(text)
        if expression is None:
            return Series(0.0, why="the plan of its samples is not known")
        dated = fault_at is not None and any(self._probes[name].settings.began for name in expression.probes)
        key = (
            text,
            since if expression.increases else -math.inf,
            fault_at if fault_at is not None and dated else math.inf,
        )
        rewritten = sum(agent_log.reordered for agent_log in self._agent_logs.values())
        known = self._evaluators.get(key)
        if known is None or known[0] != rewritten:
            evaluator = Evaluator(expression, self._probes, self._seen_baseline, key[1], key[2])
            self._evaluators[key] = rewritten, evaluator
        else:
            evaluator = known[1]
        evaluator.read_on(self._agent_logs, self._agents)
        return evaluator.series

    def _prove_anew(self) -> None:
        """Hand the proof every dial once more: it wants each agent's in order."""
        for proof in self.proofs.values():
            proof.dials.clear()
            proof.held, proof.client = HeldConnections(), Dials()
            proof.addresses.clear()
            for agent_log in self._agent_logs.values():
                for line in agent_log.lines:
                    told = line.sample.type in TOLD
                    proof.take(replace(line.sample, values=line.seen) if told else line.sample)

    def _lines(self, probe: str, since: float, until: float) -> Iterable[LogLine]:
        agent_log = self._agent_logs.get(self._agents.get(probe, ""), AgentLog())
        return (line for line in agent_log.lines if line.is_sample_of(probe) and since <= line.sample.sent <= until)


def _asking_what_is_cut(plan: Plan, fault: str) -> frozenset[str]:
    """The names of the probes of a Service that a fault takes away whose agent is spared by it."""
    away = next((one.action.takes_away for one in plan.outage.faults if one.name == fault), None)
    asked = {p.name: p.settings.destination for p in plan.probes if p.settings.runs_in is RunsIn.CLIENT}
    return frozenset(name for name, to in asked.items() if away is not None and to is not None and _same(to, away))


def _same(to: Destination, away: Dependency) -> bool:
    """Whether a probe asks what a fault takes away."""
    match away.target:
        case ServiceRef(name, namespace, _):
            return to.service is not None and (to.service.name, to.service.namespace) == (name, namespace)
        case HostTarget(host, ports, _):
            return to.service is None and to.host == host and to.port in ports
        case _:
            return False


def _counted(stage: Stage, expectation: Expectation, window: Window, series: Series) -> Window | None:
    """The span that counts: an ``always`` of the recovery counts from its start, and not at all before that is known.

    It ends with the ``eventually`` beside it, which may be at once, but not before its own first sample.
    """
    if stage is not Stage.RECOVERY or expectation.mode is not Mode.ALWAYS:
        return window
    if (begins := window.started_at) is None:
        return None
    first = next((one.sent for one in series.evaluations if one.sent >= begins), begins)
    ends = window.ends_at if window.ends_at is None else max(window.ends_at, first)
    return replace(window, requested_at=begins, ends_at=ends)
