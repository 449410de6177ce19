"""A drill is run, and its report is made in each form: whole by who may read the samples, and else without curves."""

import json
from xml.etree import ElementTree as ET

import pytest

from e2e.namespaces import TeamNamespace, small
from e2e.people import person
from e2e.test_commands import gameday

pytestmark = pytest.mark.e2e

ITEMS = [
    {"text": "Alert on the oldest job", "owner": "Maya", "due": "2026-01-31"},
    {"text": "Say who restarts workers", "owner": "Priya", "due": "2026-01-31", "closed": "2026-01-20"},
]


async def test_a_drill_is_reported_in_each_form(ns: TeamNamespace) -> None:
    await ns.shop(parts=("api", "redis"), replicas=1)
    await ns.operator()
    plan = small(description="Redis is away for a moment", actionItems=ITEMS)
    await ns.start(plan)
    await ns.finishes()
    status = await ns.reaches(lambda s: not s.get("unreported"), "it is over", 40)
    assert status["verdict"] == "Passed", status["message"]
    config, here = person(ns, "lord").config, ("-n", ns.namespace, "-f", "-")

    made = {form: gameday(config, "report", "first", "-o", form, *here) for form in ("html", "md", "json", "junit")}
    assert {form: done.stderr for form, done in made.items() if done.returncode} == {}

    data = json.loads(made["json"].stdout)
    assert data["samples"]["kept"] is True, data["samples"]
    assert {one["name"]: one["state"] for one in data["expectations"]} == {
        "healthy": "Met",
        "noticed": "Met",
        "healthy again": "Met",
    }
    assert [phase["name"] for phase in data["phases"]] == ["SteadyState", "Outage", "Recovery"]
    assert 0 <= data["figures"]["timeToDetect"]["value"] <= 6
    assert data["actionItems"][0]["overdue"] is True
    assert [one["state"] for one in data["undo"]] == ["Undone"]

    page = made["html"].stdout
    assert "Redis is away for a moment" in page
    assert "<code>health.<wbr>body.<wbr>redis</code>" in page
    assert "The system passed: all 3 expectations were met" in page
    assert "- [ ] Alert on the oldest job (Maya, **overdue since 2026-01-31**)" in made["md"].stdout.splitlines()
    suite = ET.fromstring(made["junit"].stdout).find("testsuite")  # noqa: S314  it is ours
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("4", "0", "0")

    looking = gameday(person(ns, "developer").config, "report", "first", "-o", "json", *here)
    assert looking.returncode == 0, looking.stderr
    bare = json.loads(looking.stdout)
    assert bare["expectations"][0]["state"] == "Met"
    assert "you may not read them" in bare["samples"]["why"]

    file = ns.folder / "report.html"
    done = gameday(config, "report", "first", "-n", ns.namespace, "-f", str(file))
    assert done.returncode == 0, done.stderr
    assert file.read_text() == page
