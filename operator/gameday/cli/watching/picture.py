"""A drill drawn for a terminal: where it is, its expectations with their deadlines, and its probes as small curves."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from gameday.api.lines import expectations_of, mitigations_of, plain
from gameday.api.record import duration, shown_moment
from gameday.cli.asking import condition
from gameday.cli.output import COLOURS
from gameday.cluster.resources import Object
from gameday.model.plan import Plan, Stage
from gameday.model.record import DrillRecord, Phase
from gameday.model.sample import Sample

BARS: Final = "▁▂▃▄▅▆▇█"
LOST: Final = "×"
"""A sample that is not ok."""
WAITS: Final = "waits"
_STAGES: Final = {Phase.STEADY_STATE.value: 0, Phase.OUTAGE.value: 1, Phase.RECOVERY.value: 2, Phase.ROLLBACK.value: 2}
_ORDER: Final = {Stage.STEADY_STATE: 0, Stage.OUTAGE: 1, Stage.RECOVERY: 2}


@dataclass(frozen=True, slots=True)
class Awaited:
    """An expectation as it stands. ``left`` is in seconds until its deadline, None where none runs."""

    stage: str
    name: str
    state: str
    left: float | None = None
    found: str = ""


def picture(
    drill: Object,
    frozen: tuple[Plan | None, DrillRecord | None],
    curves: Mapping[str, Iterable[Sample]],
    note: str,
    now: float,
) -> RenderableType:
    """The whole of it; ``now`` is a Unix second, ``note`` what keeps something from being shown."""
    plan, record = frozen
    parts: list[RenderableType] = [_head(drill, now)]
    if rows := awaited(drill, plan, record, now):
        parts += [Text(), _expectations(rows)]
    if begun := mitigations_of(drill.get("status", {})):
        parts += [Text(), _mitigations(begun, now)]
    if curves:
        parts += [Text(), _probes(curves)]
    if note:
        parts += [Text(), Text(note, style="yellow")]
    return Group(*parts)


def _head(drill: Object, now: float) -> Text:
    status = drill.get("status", {})
    verdict, phase = status.get("verdict", ""), status.get("phase", "not taken by an operator yet")
    head = Text(f"{drill['metadata']['namespace']}/{drill['metadata']['name']}  ", style="bold")
    head.append(verdict or phase, style=COLOURS.get(verdict, "bold cyan"))
    if "startedAt" in status:
        until = shown_moment(status["finishedAt"]) if "finishedAt" in status else now
        head.append(f"  {duration(max(0.0, until - shown_moment(status['startedAt'])))}", style="default")
    message = condition(drill, "Complete").get("message", "")
    return head.append(f"\n{status.get('summary') or message}", style="default")


def awaited(drill: Object, plan: Plan | None, record: DrillRecord | None, now: float) -> list[Awaited]:
    """Every expectation of the plan with its state, or only the decided ones where the plan cannot be read."""
    status = drill.get("status", {})
    decided = {(one["stage"], one["name"]): one for one in expectations_of(status)}
    rows = [_decided(one) for one in decided.values() if plan is None or one["stage"] == "Rollback"]
    if plan is None:
        return rows
    running = _STAGES.get(status.get("phase", ""), -1)
    found = []
    for stage, one in plan.all_expectations():
        known = decided.get((stage.value, one.name))
        if known is not None:
            found.append(_decided(known))
            continue
        length = {Stage.OUTAGE: plan.outage.duration, Stage.RECOVERY: plan.recovery.within}.get(stage)
        started_at = _start_of(stage, record) if _ORDER[stage] == running else None
        # A violation of always can come until the stage ends; all others have a deadline of their own.
        within = length if one.within is None else one.within
        left = started_at + within - now if started_at is not None and within is not None else None
        found.append(Awaited(stage.value, one.name, WAITS, left))
    return found + rows


def _start_of(stage: Stage, record: DrillRecord | None) -> float | None:
    if record is None or stage is Stage.STEADY_STATE:
        return None
    return record.outage_started_at if stage is Stage.OUTAGE else record.recovery_started_at


def _decided(one: Mapping[str, Any]) -> Awaited:
    after = f"after {one['seconds']:.1f} s" if "seconds" in one else ""
    late = f"{one['late']:.1f} s late" if "late" in one else ""
    by = f"by mitigation {one['by']}" if "by" in one else ""
    return Awaited(one["stage"], one["name"], one["state"], None, " ".join(filter(None, (after or late, by))))


def _expectations(rows: Iterable[Awaited]) -> Table:
    table = _table("stage", "expectation", "state", "deadline")
    for one in rows:
        left = "" if one.left is None else f"in {duration(one.left)}" if one.left >= 0 else f"{duration(-one.left)} ago"
        state = Text(one.state, style=COLOURS.get(one.state, "dim"))
        table.add_row(Text(one.stage), Text(one.name), state, Text(left or one.found))
    return table


def _mitigations(begun: Iterable[Mapping[str, Any]], now: float) -> Table:
    table = _table("mitigation", "state", "since")
    for one in begun:
        since = duration(max(0.0, now - shown_moment(one["at"])))
        table.add_row(Text(one["name"]), Text(one["state"]), Text(f"{since} ago"))
    return table


def _probes(curves: Mapping[str, Iterable[Sample]]) -> Table:
    table = _table("probe", "latency", "", "newest")
    for name, samples in sorted(curves.items()):
        every = list(samples)
        if every:
            table.add_row(
                Text(name), curve(every), Text(f"{1000 * every[-1].latency:.1f} ms"), Text(_newest(every[-1]))
            )
    return table


def curve(samples: Iterable[Sample]) -> Text:
    """The latencies as bars, from nothing to the largest one; what is not ok stands out."""
    every = list(samples)
    most = max((one.latency for one in every if one.ok), default=0.0) or 1.0
    drawn = Text()
    for one in every:
        bar = BARS[min(len(BARS) - 1, int(len(BARS) * one.latency / most))]
        drawn.append(bar if one.ok else LOST, style="green" if one.ok else "bold red")
    return drawn


def _newest(sample: Sample) -> str:
    told = ", ".join(f"{path}={value}" for path, value in _leaves(sample.values))
    return told if sample.ok else f"{sample.error or 'not ok'}{f' ({told})' if told else ''}"


def _leaves(values: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(values, Mapping):
        for name, one in values.items():
            yield from _leaves(one, f"{path}.{name}" if path else str(name))
    elif isinstance(values, int | float) and not isinstance(values, bool):
        yield path, plain(float(values))
    elif not isinstance(values, tuple):
        yield path, str(values)


def _table(*headers: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for header in headers:
        table.add_column(header.upper(), no_wrap=True, overflow="ellipsis")
    return table
