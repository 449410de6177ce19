"""A drill's results as JUnit XML, which every CI shows: one test case per expectation, and one for the verdict.

A miss is a failure, an Unknown an error, and an expectation that was not reached is skipped. The verdict has its own
case, so that a drill that ended before its first expectation does not look like a success. That case is an error of the
type ``NoVerdict`` where a drill has none: it was deleted, no operator took it, or it is still under way.
"""

import re
from typing import Any, Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from gameday.api.lines import expectations_of, figures_of, plain
from gameday.api.record import shown_moment
from gameday.cli.following import ended
from gameday.cluster.resources import Object
from gameday.model.record import NOT_REACHED, ResultState, Verdict

_UNPRINTABLE: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML has no way to say."""
NO_VERDICT: Final = "NoVerdict"
"""Type of the error of a drill without a verdict."""
SUCCESS: Final = ""
OUTCOMES: Final = {
    Verdict.PASSED.value: SUCCESS,
    Verdict.FAILED.value: "failure",
    Verdict.INCONCLUSIVE.value: "error",
    Verdict.ABORTED.value: "error",
    ResultState.MET.value: SUCCESS,
    ResultState.ALWAYS_TRUE.value: SUCCESS,
    ResultState.MISSED.value: "failure",
    ResultState.UNKNOWN.value: "error",
    ResultState.PENDING.value: "skipped",
    "Skipped": "skipped",
}
"""What a verdict or a state is in JUnit; all others are errors."""


def junit(drill: Object, why: str = "") -> str:
    """The report of a drill; ``why`` says why it has no verdict, for a drill that has none."""
    status, metadata = drill.get("status", {}), drill["metadata"]
    gameday = drill["spec"]["gameDay"]
    suite = Element("testsuite", name=_text(f"gameday.{metadata['namespace']}.{gameday}"))
    if "startedAt" in status:
        suite.set("timestamp", status["startedAt"])
    began, finished = (shown_moment(status.get(field, "")) for field in ("startedAt", "finishedAt"))
    suite.set("time", f"{finished - began:.3f}" if began and finished else "0")
    _properties(suite, drill)
    _case(suite, gameday, "verdict", None, *_verdict(drill, why))
    for one in expectations_of(status):
        state = "Skipped" if one.get("reason") == NOT_REACHED else one["state"]
        name = f"{gameday}.{one['stage']}"
        _case(suite, name, one["name"], one.get("seconds"), state, one.get("message") or one["state"])
    for name, kind in (
        ("tests", "testcase"),
        ("failures", ".//failure"),
        ("errors", ".//error"),
        ("skipped", ".//skipped"),
    ):
        suite.set(name, str(len(suite.findall(kind))))
    root = Element("testsuites")
    root.append(suite)
    indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _verdict(drill: Object, why: str) -> tuple[str, str]:
    """The verdict and its reason; ``NO_VERDICT`` and why the drill has no verdict where it has none."""
    status, name = drill.get("status", {}), drill["metadata"]["name"]
    if not ended(drill):
        phase = f"its phase is {status['phase']}" if status.get("phase") else "no operator has started it"
        return NO_VERDICT, why or f"drill {name} has not ended ({phase}): write this report again once it has"
    if not (verdict := status.get("verdict")):
        namespace = drill["metadata"]["namespace"]
        return NO_VERDICT, f"drill {name} ended without a verdict: see `kubectl -n {namespace} describe drill {name}`"
    if verdict not in {known.value for known in Verdict}:
        return NO_VERDICT, f"this version of gameday does not know the verdict {verdict!r} of drill {name}: update it"
    return verdict, f"{status.get('reason', '')}: {status.get('message', '')}"


def _properties(suite: Element, drill: Object) -> None:
    status = drill.get("status", {})
    found = {"drill": drill["metadata"]["name"]}
    found |= {
        key: str(status[key]) for key in ("verdict", "reason", "changed", "planDigest", "summary") if key in status
    }
    for figure in figures_of(status):
        found[str(figure["name"])] = f"{plain(float(figure['value']))} {figure['unit']}".rstrip()
    listed = SubElement(suite, "properties")
    for name, value in found.items():
        SubElement(listed, "property", name=_text(name), value=_text(value))


def _case(suite: Element, group: str, name: str, seconds: Any, state: str, why: str) -> None:
    case = SubElement(suite, "testcase", classname=_text(group), name=_text(name), time=f"{seconds or 0.0:.3f}")
    outcome = OUTCOMES.get(state, "error")
    if outcome != SUCCESS:
        found = SubElement(case, outcome, message=_text(why))
        if outcome != "skipped":
            found.set("type", state)
            found.text = _text(why)


def _text(text: str) -> str:
    return _UNPRINTABLE.sub("\ufffd", text)
