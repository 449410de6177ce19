"""What a report says: every number from the evidence, nothing of a plan taken for markup, and no samples needed."""

import json
import re
from dataclasses import replace
from datetime import date
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from gameday.api import samples
from gameday.api.samples import Kept
from gameday.cli.forms import Report as Form
from gameday.cli.report import DELETED, Sources, written
from gameday.engine.evidence.curves import Curve, Strip, Truth
from gameday.model.record import Closing, Verdict
from gameday.report import cuts, facts, lessons
from gameday.report.chart import chart
from gameday.report.data import as_json
from gameday.report.facts import Report, report
from gameday.report.page import common, html
from gameday.report.text import markdown
from unit.report.drills import BACK, END, UNDO, ZERO, Course, Object, an_ended_drill, gameday, its_samples

TODAY = date(2026, 11, 30)
NO_SAMPLES = DELETED
WEEK = 7 * 86_400.0
FIGURES = {
    "timeToDetect": (1.4, "seconds"),
    "timeToAlert": (21.3, "seconds"),
    "timeToRecover": (2.1, "seconds"),
    "peakMemory": (88_300_000.0, "bytes"),
}
GOOD = Course(seconds={"redis reported down": 1.4, "team is alerted": 21.3, "breaker opens": 28.0}, figures=FIGURES)
FAILED = Course(
    name="redis-failover-q9z4w",
    verdict=Verdict.FAILED,
    reason="ExpectationMissed",
    message="2 of 12 expectations missed: healthy again, jobs flow",
    seconds={"healthy again": None, "jobs flow": None},
    late=12.5,
    figures={name: value for name, value in FIGURES.items() if name != "timeToRecover"},
)
ITEMS = (
    {"text": "Raise the buffer to 2,000 jobs", "owner": "Jonas", "due": "2026-12-18"},
    {"text": "Alert on the oldest job", "owner": "Maya", "due": "2026-11-20", "link": "https://tracker.example/412"},
    {"text": "Say who restarts workers", "owner": "Priya", "due": "2026-10-30", "closed": "2026-10-28"},
)


def scaled(by: float) -> dict[str, tuple[float, str]]:
    return {name: (value * by, unit) for name, (value, unit) in FIGURES.items()}


OLDER = tuple(
    an_ended_drill(
        Course(
            name=f"redis-failover-{week}",
            shift=week * WEEK,
            verdict=Verdict.FAILED if week == 2 else Verdict.PASSED,
            seconds={"jobs flow": None} if week == 2 else {},
            figures=scaled(1 + week),
        )
    )
    for week in range(1, 8)
)


def kept(course: Course) -> Kept:
    return samples.read(its_samples(course, recovers=course is not FAILED))


def found(course: Course = GOOD, *, curves: bool = True, older: tuple[Object, ...] = OLDER) -> Report:
    of = kept(course) if curves else None
    return report(an_ended_drill(course), gameday(*ITEMS), of, "" if curves else NO_SAMPLES, older)


def sources(course: Course = GOOD) -> Sources:
    return Sources(an_ended_drill(course), gameday(*ITEMS), kept(course), "", OLDER)


def suite_of(of: Sources) -> ET.Element:
    found = ET.fromstring(written(of, Form.JUNIT, TODAY)).find("testsuite")  # noqa: S314  it is ours
    assert found is not None
    return found


def test_the_verdict_is_a_sentence() -> None:
    passed = lessons.sentence(found())
    assert passed == (
        "The system passed: all 12 expectations were met while the fault “partition” lasted for 5 min 1 s."
    )


def test_a_failure_says_whether_it_was_under_the_fault_or_after_it() -> None:
    after = lessons.sentence(found(FAILED))
    assert after == (
        "The system failed: “healthy again” and “jobs flow” were not met within 10 min after the fault was reverted; "
        "10 of 12 expectations held."
    )
    failed = Course(verdict=Verdict.FAILED, seconds={"team is alerted": None})
    under = lessons.sentence(found(failed))
    assert under == (
        "The system failed: “team is alerted” was not met while the fault “partition” lasted for 5 min 1 s; "
        "11 of 12 expectations held."
    )
    both = lessons.sentence(found(failed.but(seconds={"team is alerted": None, "jobs flow": None})))
    assert both == (
        "The system failed: “team is alerted” was not met while the fault “partition” lasted for 5 min 1 s; "
        "“jobs flow” was not met within 10 min after the fault was reverted; 10 of 12 expectations held."
    )


def test_the_fault_is_said_in_words_and_claimed_only_where_it_was_proven() -> None:
    drill = an_ended_drill(GOOD)
    (by_label,) = report(drill, None, None, NO_SAMPLES, ()).faults
    assert str(by_label) == (
        "partition (networkPartition), which cuts the pods with app in (api,worker) off from Service redis"
    )
    drill["status"]["targets"] = ["Deployment api: template a; api=i", "Deployment worker: template b; worker=i"]
    (known,) = report(drill, None, None, NO_SAMPLES, ()).faults
    assert known.what == "cuts the pods of Deployment api, Deployment worker off from Service redis"
    drill["status"]["targets"].append("Deployment cut: template a; api=a-long-…")
    (unsure,) = report(drill, None, None, NO_SAMPLES, ()).faults
    assert unsure == by_label, "not every workload is known"
    page = html(found(), TODAY)
    assert "The drill made this fault on purpose, proved that it had an effect" in page
    refused = replace(found(), proven=False, changed=False)
    page = html(refused, TODAY)
    assert "The drill was to make this fault on purpose" in page
    assert "It has not changed anything." in page
    assert "proved that it had an effect" not in page


ENDED = Closing("partition", ZERO, gone=True, gone_at=ZERO + 1)


@pytest.mark.parametrize(
    ("closing", "ends", "said"),
    [
        (ENDED, ("ConnectionsClosed",), cuts.SERVER),
        (ENDED, ("ConnectionsEnded",), cuts.NETWORK),
        (replace(ENDED, requested_at=None), ("ConnectionsEnded", "ConnectionsClosed"), cuts.NETWORK),
        (ENDED, ("ConnectionsEnded", "ConnectionsClosed"), cuts.EITHER),
        (ENDED, (), cuts.EITHER),
        (replace(ENDED, gone=False, gone_at=None), (), cuts.UNSHOWN),
        (Closing("partition"), (), cuts.UNSHOWN),
    ],
    ids=["at the server", "by the network", "by the network alone", "both lines", "no line", "tried", "not tried"],
)
def test_it_says_in_every_form_which_failure_a_cut_was(closing: Closing, ends: tuple[str, ...], said: str) -> None:
    course = GOOD.but(closing=closing, ends=ends)
    wanted = f"Only traffic of the targets to Service redis was cut; {said}; {cuts.UNTRIED}."
    assert found(course).cuts == (wanted,)
    of = Sources(an_ended_drill(course), gameday(), None, NO_SAMPLES, ())
    assert json.loads(written(of, Form.JSON, TODAY))["cuts"] == [wanted]
    assert wanted in written(of, Form.MARKDOWN, TODAY)
    assert f'<p class="cut">{wanted}</p>' in written(of, Form.HTML, TODAY)


def test_a_cut_that_keeps_open_connections_says_so_and_one_unproven_says_nothing() -> None:
    keeping = gameday()
    keeping["spec"]["outage"]["faults"][0]["networkPartition"]["openConnections"] = "Keep"
    course = GOOD.but(closing=Closing("partition"), ends=())
    (kept_open,) = report(an_ended_drill(course, keeping), keeping, None, NO_SAMPLES, ()).cuts
    assert cuts.KEPT.format(how="openConnections: Keep") in kept_open
    unproven = an_ended_drill(course.but(proven=False))
    assert report(unproven, None, None, NO_SAMPLES, ()).cuts == ()


def test_drills_of_one_day_are_told_apart_by_their_time() -> None:
    today = an_ended_drill(Course(name="redis-failover-earlier", shift=3600))
    shown = [one.day for one in common(found(older=(today, *OLDER)), TODAY)["rows"]]
    assert shown[:3] == ["30 Nov 2026, 10:06 UTC", "30 Nov 2026, 09:06 UTC", "23 Nov 2026"]
    assert [one.day for one in common(found(), TODAY)["rows"]][:2] == ["30 Nov 2026", "23 Nov 2026"]


def test_a_drill_that_touched_nothing_says_so() -> None:
    refused = Course(verdict=Verdict.INCONCLUSIVE, reason="PreflightFailed", message="there is no CronJob x")
    drill = an_ended_drill(refused)
    drill["status"]["changed"] = False
    text = lessons.sentence(report(drill, None, None, NO_SAMPLES, ()))
    assert text.endswith("there is no CronJob x. Nothing in the cluster was changed.")


def test_each_expectation_stands_against_its_deadline() -> None:
    by_name = {one.name: one for one in found().expected}
    alerted = by_name["team is alerted"]
    assert (alerted.within, alerted.took, alerted.deadline) == (60.0, 21.3, ZERO + 60)
    assert by_name["healthy again"].deadline == BACK + 600
    assert by_name["buffer is bounded"].deadline is None
    assert alerted.truth is not None
    assert [value for _, value in alerted.truth.changes] == [False, True]


def test_the_phases_are_bands_one_after_the_other() -> None:
    bands = found().bands
    assert [band.name for band in bands] == ["SteadyState", "Outage", "Recovery"]
    assert [band.until for band in bands] == [bands[1].since, UNDO, END]


def test_it_is_compared_with_the_newest_drills_of_the_same_game_day_that_ended_before() -> None:
    other = an_ended_drill(Course(name="other", shift=60))
    other["spec"]["gameDay"] = "another"
    later = an_ended_drill(Course(name="later", shift=-WEEK))
    earlier = found(older=(later, *reversed(OLDER), other)).earlier
    assert [one.name for one in earlier] == [f"redis-failover-{week}" for week in range(1, 1 + facts.EARLIER)]
    figures = {one.name: one for one in found().figures}
    assert figures["timeToAlert"].before == pytest.approx(42.6)
    assert (figures["timeToAlert"].before_drill, figures["timeToAlert"].before_at) == ("redis-failover-1", END - WEEK)


def test_what_went_well_and_what_could_be_better_comes_from_the_evidence() -> None:
    learned = lessons.lessons(found())
    assert "“team is alerted” came true 21.3 s after the outage had begun; 60 s were allowed." in learned.well
    assert "Time to alert went down from 42.6 s in drill redis-failover-1 on 23 Nov 2026 to 21.3 s." in learned.well
    assert "Everything that the drill changed was put back within 0.7 s, and that was verified." in learned.well
    assert "“breaker opens” took 28 s of the 30 s that were allowed: little is left." in learned.better
    assert "Give “breaker opens” more room" in learned.todo
    failed = lessons.lessons(found(FAILED))
    assert "“healthy again” was not true within 10 min: it came 12.5 s late." in failed.better
    assert "Find out why “jobs flow” was missed, and mend it" in failed.todo
    assert "The drill before, on 23 Nov 2026, passed with the same plan: something has changed since." in failed.better
    assert not [text for text in failed.well if "healthy again" in text]


def test_a_figure_that_grew_is_told_and_noise_is_not() -> None:
    worse = Course(figures=scaled(4))
    assert (
        "Time to alert rose from 42.6 s in drill redis-failover-1 on 23 Nov 2026 to 85.2 s."
        in lessons.lessons(found(worse)).better
    )
    same = Course(figures=scaled(2.02))
    learned = lessons.lessons(found(same))
    assert not [text for text in (*learned.well, *learned.better) if " in drill redis-failover" in text]


def test_a_figure_that_the_drill_before_lacks_is_compared_with_the_drill_that_has_it() -> None:
    newest = an_ended_drill(Course(name="redis-failover-aborted", verdict=Verdict.ABORTED, shift=WEEK / 7))
    seen = found(older=(newest, *OLDER))
    assert seen.earlier[0].name == "redis-failover-aborted"
    text = "Time to alert went down from 42.6 s in drill redis-failover-1 on 23 Nov 2026 to 21.3 s."
    assert text in lessons.lessons(seen).well
    assert "42.6 s in drill redis-failover-1 on 23 Nov 2026" in html(seen, TODAY).replace("\N{NO-BREAK SPACE}", " ")
    data = json.loads(as_json(seen, TODAY))
    assert data["figures"]["timeToAlert"]["beforeDrill"] == "redis-failover-1"


def test_a_figure_is_not_compared_with_one_of_another_unit() -> None:
    older = an_ended_drill(Course(name="older", shift=WEEK, figures={"peakMemory": (900.0, "megabytes")}))
    (memory,) = [one for one in found(older=(older,)).figures if one.name == "peakMemory"]
    assert (memory.before, memory.before_drill, memory.before_at) == (None, "", None)


UNTESTED = (
    (Verdict.ABORTED, "Aborted"),
    (Verdict.INCONCLUSIVE, "Busy"),
    (Verdict.INCONCLUSIVE, "AgentLost"),
    (Verdict.PASSED, ""),
)


@pytest.mark.parametrize(("verdict", "reason"), UNTESTED)
def test_a_drill_that_did_not_fail_says_nothing_of_a_change(verdict: Verdict, reason: str) -> None:
    """Only a failed drill says that the system is not as it was."""
    seen = found(Course(verdict=verdict, reason=reason, message="it ended"))
    assert seen.earlier[0].verdict == "Passed"
    assert not [text for text in lessons.lessons(seen).better if "something has changed" in text]


def test_a_drill_under_way_says_nothing_of_a_change() -> None:
    drill = an_ended_drill(FAILED)
    drill["status"] |= {"phase": "Recovery"}
    del drill["status"]["verdict"], drill["status"]["finishedAt"]
    learned = lessons.lessons(report(drill, gameday(), None, NO_SAMPLES, OLDER))
    assert not [text for text in learned.better if "something has changed" in text]


@pytest.mark.parametrize(("own", "other", "said"), [("a", "a", "the same plan"), ("a", "b", "another plan")])
def test_a_change_since_the_drill_before_names_the_plan(own: str, other: str, said: str) -> None:
    failed, passed = an_ended_drill(FAILED), an_ended_drill(Course(name="passed", shift=WEEK))
    failed["status"]["planDigest"], passed["status"]["planDigest"] = own, other
    learned = lessons.lessons(report(failed, gameday(), None, NO_SAMPLES, (passed,)))
    assert f"The drill before, on 23 Nov 2026, passed with {said}: something has changed since." in learned.better


@pytest.mark.parametrize(("own", "other"), [("a", ""), ("", "a"), ("", "")])
def test_where_a_plan_is_not_known_nothing_is_said_of_a_change(own: str, other: str) -> None:
    failed, passed = an_ended_drill(FAILED), an_ended_drill(Course(name="passed", shift=WEEK))
    failed["status"]["planDigest"], passed["status"]["planDigest"] = own, other
    learned = lessons.lessons(report(failed, gameday(), None, NO_SAMPLES, (passed,)))
    assert not [text for text in learned.better if "something has changed" in text]


def test_what_turned_back_before_it_stayed_true_is_told() -> None:
    changes = tuple((BACK + n / 10, bool(n % 2)) for n in range(1, 12))
    of = kept(GOOD)
    truths = tuple(Truth(t.stage, t.name, changes) if t.name == "healthy again" else t for t in of.truths)
    drill = report(an_ended_drill(GOOD), None, Kept("d", "g", of.strips, truths), "", ())
    assert "“healthy again” turned back 5 times before it stayed true." in lessons.lessons(drill).better


def test_html_has_a_curve_for_what_changed_and_a_sentence_for_what_did_not() -> None:
    drawn = chart(found())
    assert drawn is not None
    titles = [row.title for _, rows in drawn.probes for row in rows]
    assert {"health.body.redis", "queue.body.depth", "redis.ok"} <= set(titles)
    assert "payments.ok" not in titles
    assert "payments answered every time" in drawn.still
    assert "queue.body.failed was always 0" in drawn.still
    (alerted,) = [row for row in drawn.expected if row.title == "team is alerted"]
    assert alerted.deadline == drawn.scale.x(ZERO + 60)
    (again,) = [row for row in drawn.expected if row.title == "healthy again"]
    assert again.deadline is None, "ten minutes are beyond the end of the page"


def test_a_curve_has_a_gap_where_nothing_was_measured() -> None:
    drawn = chart(found())
    assert drawn is not None
    (latency,) = [row for _, rows in drawn.probes for row in rows if row.title == "health.body.redisLatency"]
    assert latency.line.count("M") == 2


def test_one_missing_value_and_one_long_silence_are_gaps() -> None:
    at = [ZERO + second for second in (0, 1, 2, 3, 4, 60, 61)]
    values: list[float | None] = [1, 2, None, 3, 4, 5, 6]
    curve = Curve("a.b", low=values, high=values, last=values)
    drawn = chart(report(an_ended_drill(GOOD), None, Kept("d", "g", (Strip("a", 7, at, [curve]),)), "", ()))
    assert drawn is not None
    ((_, (row,)),) = drawn.probes
    assert [piece.count("L") for piece in row.line.split("M")[1:]] == [1, 1, 1]


def test_without_samples_all_else_is_there_and_the_page_says_why() -> None:
    bare, whole = html(found(curves=False), TODAY), html(found(), TODAY)
    assert "There are no curves: its samples were deleted: spec.history.samples" in bare
    assert "Probe <code>health</code>" in whole
    assert "Probe <code>health</code>" not in bare
    for text in ("team is alerted", "Raise the buffer to 2,000 jobs", "21.3\u00a0s", "How to read this page"):
        assert text in bare


def test_the_page_needs_nothing_from_elsewhere_and_runs_nothing() -> None:
    page = html(found(), TODAY)
    assert not re.findall(r"<(?:script|link|img|iframe|object|embed)\b|\bsrc=|@import|url\(|\son\w+=", page)
    links = [link for link in re.findall(r'href="([^"]*)"', page) if not link.startswith("#")]
    assert links == ["https://tracker.example/412"]


PEOPLE: Any = {
    "contacts": [{"name": "Redis Team", "contact": "#redis-support (Slack)"}],
    "links": [{"name": "Runbook", "url": "https://wiki.example/redis"}],
}


def test_whom_to_ask_and_where_to_look_stands_in_every_form_and_in_no_plan() -> None:
    plan = gameday()
    plan["spec"] |= PEOPLE
    drill = an_ended_drill(GOOD, plan)
    assert drill["status"]["planDigest"] == an_ended_drill(GOOD)["status"]["planDigest"]
    of = Sources(drill, plan, None, NO_SAMPLES, ())
    page, text = written(of, Form.HTML, TODAY), written(of, Form.MARKDOWN, TODAY)
    assert "Redis Team: #redis-support (Slack)" in page
    assert '<a href="https://wiki.example/redis">Runbook</a>' in page
    assert "- Redis Team: \\#redis-support (Slack)" in text.splitlines()
    assert "- [Runbook](https://wiki.example/redis)" in text.splitlines()
    data: dict[str, Any] = json.loads(written(of, Form.JSON, TODAY))
    assert {name: data[name] for name in PEOPLE} == PEOPLE


HOSTILE = "<script>alert(1)</script>\"'&{{ 7*7 }} | # *x*"


@pytest.mark.parametrize("where", ["text", "owner", "link"])
def test_what_a_plan_says_is_never_taken_for_markup(where: str) -> None:
    drill = an_ended_drill(Course(message=HOSTILE, verdict=Verdict.INCONCLUSIVE, reason="NotSteady"))
    drill["status"]["timeline"].append(f"2026-11-30T10:00:00.000Z Note: {HOSTILE}")
    item = {"text": "x", where: HOSTILE if where != "link" else "javascript:alert(1)"}
    plan = gameday(item)
    plan["spec"]["description"] = HOSTILE
    plan["spec"]["contacts"] = [{"name": HOSTILE, "contact": HOSTILE}]
    plan["spec"]["links"] = [{"name": HOSTILE, "url": "javascript:alert(1)"}]
    seen = report(drill, plan, None, HOSTILE, ())
    page = html(seen, TODAY)
    assert "<script" not in page
    assert "{{ 7*7 }}" in page
    assert 'href="javascript:' not in page
    text = written(Sources(drill, plan, None, HOSTILE, ()), Form.MARKDOWN, TODAY)
    assert "](javascript:" not in text
    assert "\\<script\\>" in text
    json.loads(written(Sources(drill, plan, None, HOSTILE, ()), Form.JSON, TODAY))
    assert suite_of(Sources(drill, plan, None, HOSTILE, ())).get("errors") == "1"


def test_markdown_fills_in_the_lessons_learned_of_the_runbook() -> None:
    text = written(sources(), Form.MARKDOWN, TODAY)
    headings = re.findall(r"^### (.*)$", text, re.MULTILINE)
    assert headings == ["1. What went well", "2. What could be improved", "3. Action items", "4. Metrics collected"]
    for line in (
        "- Time to detect: 1.4 s",
        "- Time to alert: 21.3 s",
        "- Time to recover: 2.1 s",
        "- Jobs lost: not measured",
        "- Peak memory: 84.2 MiB",
        "- [ ] [Alert on the oldest job](https://tracker.example/412) (Maya, **overdue since 2026-11-20**)",
        "- [ ] Raise the buffer to 2,000 jobs (Jonas, 2026-12-18)",
        "- [x] Say who restarts workers (Priya, closed 2026-10-28)",
        "- [ ] Give “breaker opens” more room (owner?, due?)",
    ):
        assert line in text.splitlines()


def test_an_open_item_is_carried_over_until_it_is_closed_and_its_plan_stays_the_same() -> None:
    with_items, without = (an_ended_drill(GOOD, gameday(*items)) for items in (ITEMS, ()))
    assert with_items["status"]["planDigest"] == without["status"]["planDigest"]
    later = an_ended_drill(Course(name="later", shift=-WEEK), gameday(*ITEMS))
    page = html(report(later, gameday(*ITEMS), None, NO_SAMPLES, ()), TODAY)
    assert page.index("Alert on the oldest job") < page.index("Raise the buffer") < page.index("Say who restarts")
    assert page.count('<span class="state missed">overdue</span>') == 1


def test_json_has_every_fact_with_its_unit() -> None:
    data: dict[str, Any] = json.loads(written(sources(FAILED), Form.JSON, TODAY))
    assert (data["version"], data["verdict"]) == (1, "Failed")
    assert data["figures"]["timeToAlert"] == {"value": 21.3, "unit": "seconds", "resolution": None, "before": 42.6} | {
        "beforeDrill": "redis-failover-1"
    }
    missed = [one for one in data["expectations"] if one["state"] == "Missed"]
    assert [one["name"] for one in missed] == ["healthy again", "jobs flow"]
    assert missed[0]["within"] == 600.0
    assert data["actionItems"][1]["overdue"] is True
    assert data["samples"]["probes"][0]["curves"]["health.body.redis"]["texts"] == ["ok", "down"]
    assert len(data["earlier"]) == facts.EARLIER


def test_junit_fails_where_the_drill_did() -> None:
    assert suite_of(sources(FAILED)).get("failures") == "3", "two expectations and the verdict"
    good = suite_of(sources())
    assert (good.get("failures"), good.get("errors")) == ("0", "0")


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ({}, "has not ended (no operator has started it)"),
        ({"phase": "Outage", "verdict": "Passed"}, "has not ended (its phase is Outage)"),
        ({"phase": "Finished", "verdict": ""}, "ended without a verdict"),
        ({"phase": "Finished", "verdict": "Perfect"}, "does not know the verdict 'Perfect'"),
    ],
)
def test_junit_is_an_error_where_there_is_no_verdict(status: Object, said: str) -> None:
    drill = {"metadata": {"name": "first", "namespace": "shop"}, "spec": {"gameDay": "small"}, "status": status}
    suite = suite_of(replace(sources(), drill=drill))
    assert (suite.get("tests"), suite.get("errors")) == ("1", "1")
    error = suite.find("testcase/error")
    assert error is not None
    assert error.get("type") == "NoVerdict"
    assert said in (error.text or "")


def test_junit_takes_no_state_for_a_success_that_it_does_not_know() -> None:
    drill = an_ended_drill(GOOD)
    drill["status"]["expectations"] = ['Outage "noticed": Perhaps at 2026-11-24T12:00:07.000Z: who knows']
    suite = suite_of(replace(sources(), drill=drill))
    assert (suite.get("tests"), suite.get("errors")) == ("2", "1")


def test_a_drill_whose_state_cannot_be_read_is_reported_from_what_people_read() -> None:
    drill = an_ended_drill(GOOD)
    drill["status"]["state"] = '{"version": 99}'
    seen = report(drill, None, None, NO_SAMPLES, ())
    assert [band.name for band in seen.bands] == ["SteadyState", "Outage", "Recovery"]
    page = html(seen, TODAY)
    assert "The plan is not in this report" in page
    assert "team is alerted" in page


def test_a_drill_that_is_under_way_or_never_began_has_a_report_too() -> None:
    drill: Object = {"metadata": {"name": "first", "namespace": "shop", "uid": "u"}, "spec": {"gameDay": "small"}}
    page = html(report(drill, None, None, "the drill has not ended", ()), TODAY)
    assert "still under way" in page
    drill["status"] = {"phase": "Finished", "verdict": "Inconclusive", "reason": "NoGameDay", "message": "no GameDay"}
    page = html(report(drill, None, None, "nothing was measured", ()), TODAY)
    assert "Nothing was looked at" in page


AIDED = GOOD.but(by={"jobs flow": "restart workers"})


def test_what_a_mitigation_helped_to_meet_says_so_in_every_form() -> None:
    told = report(an_ended_drill(AIDED), gameday(), None, NO_SAMPLES, ())
    text = "“jobs flow” came only after a mitigation had acted (“restart workers”)."
    learned = lessons.lessons(told)
    assert text in learned.better
    assert "Let the system cope unaided" in learned.todo
    assert not any("jobs flow" in well for well in learned.well)
    assert "by mitigation restart workers" in html(told, TODAY)
    assert ", by mitigation restart workers |" in markdown(told, TODAY)
    data = json.loads(as_json(told, TODAY))
    (flow,) = [one for one in data["expectations"] if one["name"] == "jobs flow"]
    assert (flow["by"], data["mitigations"][0]["state"]) == ("mitigation restart workers", "Done")
    assert {one["by"] for one in data["expectations"] if one["name"] != "jobs flow"} == {""}
    assert "mitigation: restart workers" in {mark.text for mark in told.marks}


def test_the_steps_of_a_mitigation_are_no_rollback() -> None:
    plan = gameday()
    renew = {"name": "renew", "restart": {"deployment": "cache"}, "irreversible": True}
    plan["spec"]["mitigations"] = [{"name": "restart workers", "when": "!health.ok", "steps": [renew]}]
    drill = an_ended_drill(AIDED, plan)
    drill["status"]["steps"] = ['"renew": Done at 2026-11-30T10:00:00Z']
    told = report(drill, plan, None, NO_SAMPLES, ())
    assert not any("rollback" in better for better in lessons.lessons(told).better)
    assert "<h3>Steps</h3>" in html(told, TODAY)
