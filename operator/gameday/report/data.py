"""The report as JSON, for programs: facts with their units, and the sentences."""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from gameday.api.record import timestamp
from gameday.report.facts import Expected, Report
from gameday.report.lessons import lessons, sentence

VERSION: Final = 1
"""Rises when a key goes or changes its meaning; new keys may come at any time."""


def as_json(report: Report, today: date) -> str:
    """The report as JSON text; lengths are seconds, times as Kubernetes writes them."""
    return json.dumps(data(report, today), indent=2, ensure_ascii=False) + "\n"


def data(report: Report, today: date) -> dict[str, Any]:
    """The report as plain values."""
    learned = lessons(report)
    return {
        "version": VERSION,
        "drill": {"namespace": report.namespace, "name": report.drill, "gameDay": report.gameday},
        "ended": report.ended,
        "verdict": report.verdict,
        "reason": report.reason,
        "sentence": sentence(report),
        "summary": report.summary,
        "changed": report.changed,
        "startedAt": _time(report.started_at),
        "finishedAt": _time(report.finished_at),
        "outageAt": _time(report.clock_start),
        "planDigest": report.plan_digest,
        "cuts": list(report.cuts),
        "figures": {
            one.name: {"value": one.value, "unit": one.unit, "resolution": one.resolution, "before": one.before}
            | {"beforeDrill": one.before_drill or None}
            for one in report.figures
        },
        "phases": [{"name": one.name, "from": _time(one.since), "until": _time(one.until)} for one in report.bands],
        "expectations": [_expected(one) for one in report.expected],
        "wentWell": list(learned.well),
        "couldBeBetter": list(learned.better),
        "contacts": [{"name": one.name, "contact": one.contact} for one in report.contacts],
        "links": [{"name": one.name, "url": one.url} for one in report.links],
        "actionItems": [
            {"text": one.text, "owner": one.owner, "due": one.due, "link": one.link, "closed": one.closed}
            | {"overdue": one.overdue(today)}
            for one in report.items
        ],
        "proposedItems": list(learned.todo),
        "undo": [
            {"name": one.name, "kind": one.kind, "object": one.what, "state": one.state}
            | {"undoRequestedAt": _time(one.asked_at), "undoneAt": _time(one.undone_at)}
            for one in report.undo
        ],
        "mitigations": [dict(one) for one in report.mitigations],
        "steps": [dict(one) for one in report.steps],
        "timeline": [dict(one) for one in report.timeline],
        "earlier": [
            {"drill": one.name, "finishedAt": _time(one.at), "verdict": one.verdict, "reason": one.reason}
            | {"figures": _figures(one.figures), "missed": list(one.missed)}
            for one in report.earlier
        ],
        "samples": _samples(report),
    }


def _expected(one: Expected) -> dict[str, Any]:
    return {
        "stage": one.stage,
        "name": one.name,
        "state": one.state,
        "mode": one.mode,
        "expression": one.expression,
        "guardrail": one.guardrail,
        "within": one.within,
        "deadline": _time(one.deadline),
        "took": one.took,
        "resolution": one.resolution,
        "late": one.late,
        "reason": one.reason,
        "message": one.why,
        "by": f"mitigation {one.by}" if one.by else "",
        "truth": [[_time(at), value] for at, value in one.truth.changes] if one.truth is not None else None,
    }


def _figures(figures: Mapping[str, tuple[float, str]]) -> dict[str, Any]:
    return {name: {"value": value, "unit": unit} for name, (value, unit) in figures.items()}


def _samples(report: Report) -> dict[str, Any]:
    if report.samples is None:
        return {"kept": False, "why": report.no_samples}
    return {
        "kept": True,
        "leftOut": report.samples.left_out,
        "probes": [
            {
                "probe": strip.probe,
                "samples": strip.samples,
                "at": [_time(at) for at in strip.at],
                "curves": {
                    curve.path: {"of": curve.of, "low": curve.low, "high": curve.high, "last": curve.last}
                    | ({"texts": curve.texts} if curve.texts else {})
                    for curve in strip.curves
                },
            }
            for strip in report.samples.strips
        ],
    }


def _time(at: float | None) -> str | None:
    return timestamp(at) if at is not None else None
