"""``gameday explain``: for each verdict, why, with what evidence, and what to do."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from gameday.api.conditions import conditions_of
from gameday.api.parse import canonical
from gameday.api.record import moment, status_of
from gameday.api.samples import Kept
from gameday.cli import reasons
from gameday.cli.explain import Explanation, explain
from gameday.cli.last_values import last_values
from gameday.cluster.resources import Object
from gameday.engine.evidence.curves import Curve, Strip
from gameday.model.change import Change, ChangeState
from gameday.model.plan import Stage
from gameday.model.record import (
    NOT_REACHED,
    Doubt,
    DrillRecord,
    Phase,
    Reason,
    Result,
    ResultState,
    TimelineEntry,
    Verdict,
    Waiting,
)
from specs import BASE
from unit.cli.asked import CommandLine
from unit.report.drills import an_ended_drill, its_samples
from unit.report.test_report import FAILED

BEGAN = moment("2026-11-24T12:00:00Z")
MET = Result(Stage.OUTAGE, "noticed", ResultState.MET, BEGAN + 7, seconds=1.402, resolution=1.0)
MISSED = Result(Stage.RECOVERY, "healthy again", ResultState.MISSED, BEGAN + 30, why="it was false", late=4.0)
UNDONE = Change(
    "cut", "networkPartition", "NetworkPolicy", "d-cut", "d-fuse", ChangeState.UNDONE, requested_at=BEGAN + 2
)
LINES = (
    TimelineEntry(BEGAN, "Preflight", "looking"),
    TimelineEntry(BEGAN + 5.5, "CutProven", "witnesses cut off"),
    TimelineEntry(BEGAN + 8, "ProofWarning", "nothing seen", warning=True),
)


def drill(verdict: Verdict | None, reason: str = "", **fields: Any) -> Object:
    """A Drill as the operator leaves it."""
    told: dict[str, Any] = {
        "started_at": BEGAN, "timeline": LINES, "changes": (UNDONE,), "faults_cleared": True,
        "results": (MET, MISSED), "message": "missed: healthy again (4.0 s late); 1 of 2 met",
    }  # fmt: skip
    if verdict is not None:
        told |= {"phase": Phase.FINISHED, "verdict": verdict, "reason": reason, "finished_at": BEGAN + 40}
    record = DrillRecord(**(told | fields))
    plan, digest = canonical(BASE)
    status = status_of(record, 1, None, plan) | {"planDigest": digest, "measurements": {"detect": "1.402 seconds ± 1"}}
    keys = ("type", "status", "reason", "message")
    status["conditions"] = [dict(zip(keys, one, strict=True)) for one in conditions_of(record)]
    return {"metadata": {"name": "first", "namespace": "shop"}, "spec": {"gameDay": "redis"}, "status": status}


def told(*arguments: Any, **fields: Any) -> Explanation:
    return explain(drill(*arguments, **fields))


def test_a_failure_names_what_was_missed_and_what_was_asked_for() -> None:
    one = told(Verdict.FAILED, "ExpectationMissed")
    assert one.about == "Drill first of GameDay redis in namespace shop: Failed (ExpectationMissed), after 40.0s"
    assert one.why == (
        "Each fault was proven, and after it was reverted the system missed what was expected: "
        "healthy again (within 20.0s).",
    )
    missed = next(e for e in one.expected if not e.fine)
    assert missed.asked == "eventually health.body.redis == 'ok', for 2.0s"
    assert missed.found == "4.0 s late: it was false"
    met = next(e for e in one.expected if e.fine)
    assert (met.asked, met.found) == ("becomes health.body.redis != 'ok', within 6.0s", "after 1.4 s ± 1 s")
    assert one.measured == ("detect: 1.402 seconds ± 1",)
    assert one.left == "Everything was put back."


NOTICED: Final = Result(Stage.OUTAGE, "noticed", ResultState.MISSED, BEGAN + 30, why="never true in 29 samples")
NEVER: Final = replace(MISSED, late=None)


def test_a_failure_says_whether_it_was_under_the_fault_or_after_it() -> None:
    under = told(Verdict.FAILED, "ExpectationMissed", results=(NOTICED, replace(MISSED, state=ResultState.MET)))
    assert under.why[0] == "Each fault was proven, and under it the system missed what was expected: noticed."
    assert under.left == "Everything was put back."
    both = told(Verdict.FAILED, "ExpectationMissed", results=(NOTICED, MISSED))
    assert both.why[0] == (
        "Each fault was proven, and under it the system missed what was expected: noticed. After it was reverted the "
        "system missed what was expected: healthy again (within 20.0s)."
    )


def test_a_system_that_did_not_recover_is_not_said_to_be_as_before() -> None:
    one = told(Verdict.FAILED, "ExpectationMissed", results=(MET, NEVER))
    assert one.left == ("The drill put its changes back; when it ended, the system still had not met: healthy again.")
    repaired = replace(NEVER, state=ResultState.MET, again=True)
    for results in ((MET, MISSED), (NOTICED,), (MET, NEVER, repaired), (MET, replace(NEVER, by="restart consumers"))):
        assert told(Verdict.FAILED, "ExpectationMissed", results=results).left == "Everything was put back."


def test_a_message_that_is_cut_says_where_to_read_on() -> None:
    long = "; ".join(f"finding {number}: mend it" for number in range(100))
    refused = told(Verdict.INCONCLUSIVE, "PreflightFailed", message=long, changes=(), results=())
    assert "That was cut: `gameday plan redis -n shop` lists every finding." in refused.why
    short = told(Verdict.INCONCLUSIVE, "PreflightFailed", message="finding: mend it", changes=(), results=())
    assert not [line for line in short.why if "cut" in line]
    assert "`gameday plan NAME` lists all findings" in short.do
    other = told(Verdict.INCONCLUSIVE, "Leak", message=long)
    assert not [line for line in other.why if "That was cut" in line], "no place has more than the status"


def test_the_evidence_is_what_the_timeline_has_without_what_every_drill_has() -> None:
    assert told(Verdict.FAILED, "ExpectationMissed").happened == (
        "    5.5 s  CutProven: witnesses cut off",
        "    8.0 s  Warning ProofWarning: nothing seen",
    )


def test_a_guardrail_is_said_to_have_ended_it() -> None:
    one = told(Verdict.FAILED, "GuardrailViolated", message="guardrail violated: up; 1 of 2 expectations met")
    assert one.why[0] == (
        "Guardrail violated: up; 1 of 2 expectations met. Its fault was proven, so all faults were undone at once."
    )
    assert one.do == "look at what the guardrail protects before anything else"


def test_a_pass_says_which_mitigation_helped() -> None:
    aided = Result(Stage.RECOVERY, "drained", ResultState.MET, BEGAN + 30, seconds=4.0, by="restart consumers")
    one = told(Verdict.PASSED, "AllExpectationsMet", results=(MET, aided), recovered_by="Mitigation")
    assert one.why == (
        "Each fault was proven, and every expectation was met.",
        "Met only after a mitigation had acted: drained (restart consumers).",
        "The system recovered after a mitigation had acted.",
    )
    (drained,) = [e for e in one.expected if e.name == "drained"]
    assert (drained.found, drained.asked.endswith("unaided")) == ("after 4.0 s by mitigation restart consumers", True)
    assert {"by": "mitigation restart consumers"}.items() <= one.plain()["expectations"][1].items()
    assert "by" not in one.plain()["expectations"][0]


def test_what_was_to_be_met_unaided_says_why_it_is_missed() -> None:
    why = "met only after mitigation restart consumers had acted, and it is to be met unaided"
    missed = Result(Stage.RECOVERY, "drained", ResultState.MISSED, BEGAN + 30, why=why, by="restart consumers")
    one = told(Verdict.FAILED, "ExpectationMissed", results=(MET, missed), recovered_by="Mitigation")
    assert [e.found for e in one.expected if not e.fine] == [why]
    assert one.why[-1] == "The system recovered after a mitigation had acted."


def test_a_pass_says_what_it_does_not_show() -> None:
    always = Result(Stage.RECOVERY, "drained", ResultState.ALWAYS_TRUE, BEGAN + 30)
    one = told(Verdict.PASSED, "AllExpectationsMet", results=(MET, always))
    assert one.why == (
        "Each fault was proven, and every expectation was met.",
        "True all the time, so that the fault did not show in it: drained.",
    )
    assert one.do == ""


def test_inconclusive_says_what_is_in_doubt_and_that_a_miss_does_not_count() -> None:
    doubt = Doubt(Reason.LEAK, "witness-0 got through", BEGAN + 20)
    one = told(Verdict.INCONCLUSIVE, "Leak", message="witness-0 got through", doubts=(doubt,))
    assert one.why[0] == "It is not known whether the system copes. Witness-0 got through."
    assert one.why[1] == "Missed as well, but not held against the system: healthy again."
    assert one.why[2] == "In doubt since 2026-11-24T12:00:20.000Z: Leak: witness-0 got through."
    assert one.why[3].startswith("Leak means: a witness got through during the outage")
    assert one.do.startswith("look for a policy that was added meanwhile")


def test_where_nothing_was_changed_it_says_so() -> None:
    never = Result(Stage.OUTAGE, "noticed", ResultState.UNKNOWN, BEGAN, why="never", reason=NOT_REACHED)
    one = told(Verdict.INCONCLUSIVE, "NotSteady", message="not steady", changes=(), results=(never,))
    assert one.left == "Nothing was changed in the cluster."
    assert one.expected[0].found == "its stage was not reached: never"


def test_an_abort_names_what_was_missed_before() -> None:
    one = told(Verdict.ABORTED, "Aborted", message="jane set spec.abort", missed_before_abort=("noticed",))
    assert one.why[:2] == ("Jane set spec.abort.", "Missed before that, under proven faults: noticed.")
    assert told(Verdict.ABORTED, "Aborted").why[1] == "Nothing had been definitely missed before that."


def test_a_repair_does_not_change_the_verdict() -> None:
    one = told(Verdict.FAILED, "ExpectationMissed", recovered_by="Rollback")
    assert "Rollback repaired what was missed; the verdict stays." in one.why


def test_what_is_left_in_the_cluster_is_named() -> None:
    held = Change(
        "cut", "networkPartition", "NetworkPolicy", "d-cut", "d-fuse", ChangeState.UNDOING, requested_at=BEGAN
    )
    one = told(Verdict.FAILED, "ExpectationMissed", changes=(held,), faults_cleared=False)
    assert one.left == "In the cluster: still to be undone: NetworkPolicy d-cut."


def test_a_drill_under_way_says_where_it_is() -> None:
    one = told(None, phase=Phase.OUTAGE)
    assert one.about.endswith(": under way")
    assert one.why[0].startswith("It is in phase Outage: ")
    assert one.why[1] == "Missed so far: healthy again."
    waits = told(None, phase=Phase.PENDING, waiting=Waiting(Reason.BUSY, "drill other holds it"), results=())
    assert waits.why == ("It is in phase Pending: waiting: drill other holds it.",)
    new = {"metadata": {"name": "first", "namespace": "shop"}, "spec": {"gameDay": "redis"}}
    assert explain(new).why == ("No operator has taken it yet.",)


def test_a_state_of_another_version_takes_only_the_expressions_away() -> None:
    one = drill(Verdict.FAILED, "ExpectationMissed")
    one["status"]["state"] = "damaged"
    found = explain(one)
    assert found.why[0].endswith("after it was reverted the system missed what was expected: healthy again.")
    assert {e.asked for e in found.expected} == {""}


async def test_people_get_text_and_programs_the_parts(command_line: CommandLine) -> None:
    command_line.server.put("drills", "shop", drill(Verdict.FAILED, "ExpectationMissed"))
    done = await command_line.run("explain", "first")
    assert done.exit_code == 0, done.output
    assert "  Missed     Recovery: healthy again 4.0 s late: it was false\n" in done.stdout
    assert "             eventually health.body.redis == 'ok', for 2.0s\n" in done.stdout
    assert "  Met        Outage: noticed after 1.4 s ± 1 s\n" in done.stdout
    parts = json.loads((await command_line.run("explain", "first", "-o", "json")).stdout)
    assert parts["expectations"][1]["state"] == "Missed"
    assert parts["left"] == "Everything was put back."
    missing = await command_line.run("explain", "none")
    assert missing.exit_code == 1
    assert "there is no Drill none in namespace shop" in missing.stderr


def test_every_reason_of_the_page_is_in_the_package_without_links(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[3])
    assert reasons.main(["--check"]) == 0
    for reason in Reason:
        assert reasons.meaning(reason.value)
        assert reasons.remedy(reason.value)
        assert "](" not in reasons.remedy(reason.value)
    assert reasons.remedy("AllExpectationsMet") == ""


async def test_a_dry_run_is_explained_by_what_it_found(command_line: CommandLine) -> None:
    found = {"refusals": ["no running pod matches: start the workload"], "targets": ["cut: no pod of this namespace"]}
    status = {"phase": "Finished", "reason": "Refused", "message": "no running pod matches", "took": "2.1s"}
    body = {"metadata": {"name": "dry"}, "spec": {"gameDay": "g", "dryRun": True}}
    command_line.server.put("drills", "shop", body | {"status": status | {"dryRun": found, "changed": False}})
    done = await command_line.run("explain", "dry")
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("Drill dry of GameDay g in namespace shop: dry run, Refused, after 2.1s\n")
    assert "\nrefusals: no running pod matches: start the workload\n" in done.stdout
    assert "Nothing was changed in the cluster." in done.stdout
    assert "It is not known whether the system copes" not in done.stdout


async def test_a_miss_has_the_values_that_were_read_last(command_line: CommandLine) -> None:
    failed = FAILED.but(late=None)
    command_line.server.put("drills", "shop", an_ended_drill(failed))
    command_line.server.put("configmaps", "shop", its_samples(failed, recovers=False))
    done = await command_line.run("explain", failed.name)
    assert done.exit_code == 0, done.output
    assert '             read last: health.body.redis "down"\n' in done.stdout
    assert done.stdout.count("read last") == 2, "only what was missed"
    command_line.server.forbidden = {"get configmaps"}
    without = await command_line.run("explain", failed.name)
    assert without.exit_code == 0, without.output
    assert "read last" not in without.stdout


def test_values_are_the_newest_of_that_time_as_an_expression_writes_them() -> None:
    numbers = Curve("a.n", last=[1.0, 2.5, None])
    words = Curve("a.body.w", "text", ["ok", "down"], last=[0, 1, 0])
    flags = Curve("a.ok", "boolean", last=[1, 0, 1])
    kept = Kept("d", "g", (Strip("a", 3, [10.0, 20.0, 30.0], [numbers, words, flags]),))
    asked = "a.ok && a.body.w == 'ok' && a.n > 1 && a.unknown == 1"
    assert last_values(kept, asked, 29.9) == 'a.ok false, a.body.w "down", a.n 2.5'
    assert last_values(kept, asked, 30.0) == 'a.ok true, a.body.w "ok", a.n had no value'
    assert last_values(kept, asked, 9.9) == ""
    assert last_values(kept, "no expression", 30.0) == ""
