"""What went well and what could be better, in sentences that the evidence makes: nothing is guessed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from gameday.model.record import NOT_REACHED
from gameday.report.facts import STAGES, WELL_KNOWN, Earlier, Expected, Figure, Report
from gameday.report.figures import day, figure, seconds

CLOSE: Final = 0.2
"""Share of a deadline: what is met with less than this left is close."""
SLOWER: Final = 1.25
"""How many times a figure must have grown to be told as worse; and shrunk to be told as better."""
LEAST: Final = 1.0
"""Seconds by which it must differ: less is noise."""
WAVERS: Final = 2
"""How often something may turn back while it recovers before it is told."""

VERDICTS: Final = {
    "Passed": "The system passed",
    "Failed": "The system failed",
    "Inconclusive": "This drill says nothing certain about the system",
    "Aborted": "The drill was aborted",
}


@dataclass(frozen=True, slots=True)
class Lessons:
    """Sentences; ``todo`` are proposals for action items, which have no owner yet."""

    well: tuple[str, ...]
    better: tuple[str, ...]
    todo: tuple[str, ...]


def lessons(report: Report) -> Lessons:
    """What a drill taught."""
    better = tuple(_better(report))
    todo = tuple(dict.fromkeys(item for _, item in better if item))
    return Lessons(tuple(_well(report)), tuple(text for text, _ in better), todo)


def sentence(report: Report) -> str:
    """The verdict in a sentence for somebody who knows nothing of the drill."""
    if not report.ended:
        return "This drill is still under way: this report may change until it has ended."
    said = VERDICTS.get(report.verdict, "The drill has ended")
    first = [one for one in report.expected if one.stage != "Rollback"]
    met = sum(one.met for one in first)
    match report.verdict:
        case "Passed":
            return f"{said}: all {met} expectations were met while {_what(report)}."
        case "Failed":
            missed = "; ".join(_unmet(report, first)) or f"{report.message} while {_what(report)}"
            return f"{said}: {missed}; {met} of {len(first)} expectations held."
        case "Aborted":
            return f"{said}: {report.message}."
        case _:
            touched = "" if report.changed else " Nothing in the cluster was changed."
            return f"{said}: {report.message}.{touched}"


def _unmet(report: Report, expected: list[Expected]) -> Iterator[str]:
    """What was missed: under the faults, and after their revert, by how long it had and whether it was to hold."""
    missed = [one for one in expected if one.state == "Missed"]
    if names := [one.name for one in missed if one.stage != "Recovery"]:
        yield f"{_listed(names)} {_were(names)} not met while {_what(report)}"
    reverted = f"after the {_fault(report)} {'was' if len(report.faults) < 2 else 'were'} reverted"
    allowed: dict[tuple[bool, float | None], list[str]] = {}
    for one in missed:
        if one.stage == "Recovery":
            allowed.setdefault((one.mode == "always", one.within), []).append(one.name)
    for (held, within), names in allowed.items():
        if held:
            yield f"{_listed(names)} did not hold {reverted}"
        else:
            yield f"{_listed(names)} {_were(names)} not met {f'within {seconds(within)} ' if within else ''}{reverted}"


def _were(names: Sequence[str]) -> str:
    return "was" if len(names) == 1 else "were"


def _fault(report: Report) -> str:
    return "fault" if len(report.faults) < 2 else "faults"


def _what(report: Report) -> str:
    outage = next((band for band in report.bands if band.name == "Outage"), None)
    lasted = f" for {seconds(outage.until - outage.since)}" if outage is not None else ""
    faults = [one.name for one in report.faults]
    return f"the {_fault(report)} {_listed(faults)} lasted{lasted}" if faults else "it ran"


def before(one: Figure) -> str:
    """A figure as it was, and in which drill: that need not be the drill before, which may have ended too early."""
    on = f" on {day(one.before_at)}" if one.before_at is not None else ""
    return f"{figure(one.before or 0.0, one.unit)} in drill {one.before_drill}{on}"


def _listed(names: list[str]) -> str:
    quoted = [f"“{name}”" for name in names]
    return ", ".join(quoted[:-1]) + f" and {quoted[-1]}" if len(quoted) > 1 else "".join(quoted)


# What went well


def _well(report: Report) -> Iterator[str]:
    for stage in ("Outage", "Recovery", "Rollback"):
        yield from _met_in(stage, [one for one in report.expected if one.stage == stage and one.state == "Met"])
    if report.verdict in {"Passed", "Failed"} and any(
        one.stage == "SteadyState" and one.met for one in report.expected
    ):
        yield "The system was steady before anything was changed."
    undone = [one for one in report.undo if one.state == "Undone"]
    if undone and len(undone) == len(report.undo):
        took = [
            one.undone_at - one.asked_at for one in undone if one.undone_at is not None and one.asked_at is not None
        ]
        how_fast = f" within {seconds(max(took))}" if took else ""
        yield f"Everything that the drill changed was put back{how_fast}, and that was verified."
    for known in report.figures:
        if known.before is not None and _lower(known.value, known.before, known):
            yield f"{known.title} went down from {before(known)} to {figure(known.value, known.unit)}."


def _met_in(stage: str, met: list[Expected]) -> Iterator[str]:
    """Of a stage: what has a figure by itself, all else together."""
    since = "the outage had begun" if stage == "Outage" else "the faults were over"
    met = [one for one in met if not one.by]
    timed = [one for one in met if one.took is not None and one.within is not None and not _is_close(one)]
    for one in timed:
        if one.measures and one.took is not None and one.within is not None:
            yield f"“{one.name}” came true {seconds(one.took)} after {since}; {seconds(one.within)} were allowed."
    others = [one for one in timed if not one.measures]
    if others:
        longest = max(one.took or 0.0 for one in others)
        names = _listed([one.name for one in others])
        yield f"{names} came in time, at most {seconds(longest)} after {since}."
    if held := [one.name for one in met if one.mode == "always"]:
        yield f"{_listed(held)} held all through the {STAGES[stage].lower()}."


def _is_close(one: Expected) -> bool:
    return one.took is not None and one.within is not None and one.took > (1 - CLOSE) * one.within


def _lower(value: float, before: float, one: Figure) -> bool:
    """Whether a figure is clearly lower than it was; of seconds a moment is noise."""
    least = LEAST if one.unit == "seconds" else 0.0
    return one.name in WELL_KNOWN and value * SLOWER < before and before - value > least


# What could be better


def _better(report: Report) -> Iterator[tuple[str, str]]:
    """Sentences, each with what to do about it, or ""."""
    yield from _of_expectations(report)
    if aided := [one.name for one in report.expected if one.by and one.met]:
        names = _listed([str(one["name"]) for one in report.mitigations if one["state"] != "Begun"])
        yield f"{_listed(aided)} came only after a mitigation had acted ({names}).", "Let the system cope unaided"
    rollback = [one for one in report.steps if one.get("state") == "Done" and one["name"] in report.repairs]
    if rollback:
        text = "The system did not recover by itself: a rollback had to repair it"
        yield f"{text} ({_listed([str(one['name']) for one in rollback])}).", "Let the system recover by itself"
    for one in report.figures:
        if one.before is not None and _lower(one.before, one.value, one):
            text = f"{one.title} rose from {before(one)} to {figure(one.value, one.unit)}."
            yield text, f"Find out why {one.title.lower()} rose"
    left = [one.what for one in report.undo if one.state not in {"Undone", "Registered", "Armed"}]
    if report.ended and left:
        yield f"{_listed(left)} may still be changed: see the undo log below.", f"Put back {', '.join(left)}"
    if report.verdict == "Inconclusive" and not any(one.state == "Unknown" for one in report.expected):
        yield f"The drill could not judge the system: {report.message}.", f"Mend what ended the drill ({report.reason})"
    last = next(iter(report.earlier), None)
    if report.verdict == "Failed" and last is not None and last.verdict == "Passed":
        yield from _changed_since(last, report.plan_digest)


def _changed_since(last: Earlier, plan_digest: str) -> Iterator[tuple[str, str]]:
    """What a failure says after a drill that passed: nothing where one of the two plans is not known."""
    if last.plan_digest and plan_digest:
        plan = "another plan" if last.plan_digest != plan_digest else "the same plan"
        yield f"The drill before, on {day(last.at)}, passed with {plan}: something has changed since.", ""


def _of_expectations(report: Report) -> Iterator[tuple[str, str]]:
    unreached = [one.name for one in report.expected if one.state == "Unknown" and one.reason == NOT_REACHED]
    for one in report.expected:
        if one.state == "Missed":
            yield _missed(one), f"Find out why “{one.name}” was missed, and mend it"
        elif one.state == "Unknown" and one.reason != NOT_REACHED:
            why = f": {one.why}" if one.why else ""
            yield (
                f"“{one.name}” could not be judged{why}.",
                f"Change “{one.name}” so that it can be judged",
            )
        elif one.state == "Met" and _is_close(one) and one.took is not None and one.within is not None:
            text = f"“{one.name}” took {seconds(one.took)} of the {seconds(one.within)} that were allowed"
            yield f"{text}: little is left.", f"Give “{one.name}” more room"
        elif one.state == "AlwaysTrue":
            yield f"“{one.name}” was true all along, so this drill does not show that it recovers.", ""
        if one.met and (turns := _turns_back(one)) > WAVERS:
            yield f"“{one.name}” turned back {turns} times before it stayed true.", f"Find out why “{one.name}” wavers"
    if unreached:
        count = "1 expectation was" if len(unreached) == 1 else f"{len(unreached)} expectations were"
        yield f"{count} never looked at, because the drill ended before: {_listed(unreached)}.", ""


def _missed(one: Expected) -> str:
    allowed = f" within {seconds(one.within)}" if one.within is not None and one.mode != "always" else ""
    guardrail = " It is a guardrail, so the faults were reverted at once." if one.guardrail else ""
    if one.late is not None and one.within is not None:
        return f"“{one.name}” was not true{allowed}: it came {seconds(one.late)} late.{guardrail}"
    verb = "did not hold" if one.mode == "always" else f"did not become true{allowed}"
    return f"“{one.name}” {verb}{f': {one.why}' if one.why else ''}.{guardrail}"


def _turns_back(one: Expected) -> int:
    """How often it was false again after it was true, in the recovery."""
    if one.truth is None or one.mode != "eventually":
        return 0
    values = [value for at, value in one.truth.changes if value is not None and at <= one.at]
    return sum(before is True and now is False for before, now in pairwise(values))
