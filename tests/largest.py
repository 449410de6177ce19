"""The largest plan whose drills may be run, and the largest status that one of them may come to need."""

from dataclasses import replace
from typing import Any

from gameday.api.parse import PlanTooBig
from gameday.api.state import setup_bytes
from gameday.controller.gameday.gamedays import read_spec
from gameday.controller.gameday.largest import AT, largest
from gameday.model.plan import Plan, Via
from gameday.model.record import TIMELINE_LINES, DrillRecord, TimelineEntry
from gameday.model.setup import Cut, CutDestination, Setup
from gameday.schema.bounds import SETUP_BYTES

LETTERS = ("x", "ü", "停", "\N{BROKEN HEART}", '"')
"""Characters of one to four bytes, and one that JSON writes as two."""

Spec = dict[str, Any]


def spec_of(size: int, letter: str) -> Spec:
    """A plan of so many expectations a stage, as many figures and steps, with long names."""

    def expectations(stage: str, verb: str) -> list[Spec]:
        return [{"name": f"{stage}{n:02d}".ljust(40, letter), verb: "a.ok"} for n in range(size)]

    def measuring(stage: str, verb: str) -> list[Spec]:
        return [one | {"measures": f"{stage}{n}"} for n, one in enumerate(expectations(stage, verb))]

    cut = {"podSelector": {"matchLabels": {"app": "a"}}, "to": ["r"]}
    return {
        "dependencies": [{"name": "r", "redis": {"service": {"name": "r"}}}],
        "probes": [{"name": "a", "http": {"url": "http://api/"}}],
        "steadyState": {"duration": "30s", "expect": expectations("s", "always")},
        "outage": {
            "duration": "5m",
            "faults": [{"name": "cut", "networkPartition": cut}],
            "expect": measuring("o", "becomes"),
        },
        "recovery": {
            "within": "5m",
            "expect": measuring("r", "eventually"),
        },
        "mitigations": [
            {
                "name": f"m{n:02d}".ljust(40, letter),
                "when": "!a.ok",
                "steps": [{"name": f"j{n:02d}".ljust(40, "x"), "job": {"fromCronJob": "c"}, "irreversible": True}],
            }
            for n in range(min(size, 8))
        ],
        "rollback": {
            "ifMissed": [expectations("r", "eventually")[0]["name"]],
            "within": "5m",
            "steps": [
                {"name": f"s{n:02d}".ljust(40, "x"), "scale": {"deployment": f"w{n}", "replicas": 0}}
                for n in range(size)
            ],
        },
        "measurements": [{"name": f"m{n}", "stage": "Outage", "path": "a.latency"} for n in range(size)],
    }


def largest_plan(letter: str) -> tuple[Plan, str, str]:
    """The largest of these plans that is not refused, with its text and digest."""
    for size in range(32, 0, -1):
        try:
            return read_spec("large", spec_of(size, letter))
        except PlanTooBig:
            continue
    raise AssertionError("not even the smallest of these plans is let through")


def largest_record(plan: Plan, letter: str) -> DrillRecord:
    """All that may happen in its drill, with messages that are longer than any bound."""
    message = letter * 2000
    lines = tuple(TimelineEntry(AT + n, "x" * 64, message, warning=True) for n in range(TIMELINE_LINES))
    return replace(largest(plan, message), timeline=lines)


def largest_setup() -> Setup:
    """A setup with as many addresses as a drill keeps."""
    count = 1
    while setup_bytes(_setup(count + 1)) <= SETUP_BYTES:
        count += 1
    return _setup(count)


def _setup(count: int) -> Setup:
    addresses = tuple(f"10.{n // 250}.{n % 250}.255" for n in range(count))
    end = CutDestination("shop", {"app": "redis"}, addresses)
    return Setup((Cut("partition", Via.CILIUM, end, (), addresses[:100]),))
