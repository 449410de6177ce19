"""What `gameday validate` refuses is what the API server refuses: every bad example of the repository goes to both."""

import asyncio
import copy
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from e2e.namespaces import SMALL, TeamNamespace, kubectl
from e2e.test_wrong_yaml import AT_APPLY, IN_READY
from gameday.cli.checks.check import refusals
from gameday.cli.checks.documents import NotYaml, documents
from gameday.cluster.resources import DRILLS, GAMEDAYS, Object
from gameday.errors import GameDayError
from specs import BASE, Case, drills, gamedays

pytestmark = pytest.mark.e2e

KINDS = {"GameDay": GAMEDAYS, "Drill": DRILLS}


def examples() -> Iterator[Case]:
    """All of them: valid ones, nearly valid ones, and hostile ones."""
    yield from gamedays()
    yield from drills("small")
    for what, (change, *_) in (AT_APPLY | IN_READY).items():
        body = copy.deepcopy(SMALL)
        change(body["spec"])
        yield Case(what, body)
    for what, metadata in METADATA.items():
        yield Case(what, copy.deepcopy(SMALL) | {"metadata": metadata})
    for what, (path, value) in ODD.items():
        body = {"apiVersion": SMALL["apiVersion"], "kind": "GameDay", "metadata": {"name": "odd"}}
        yield Case(what, body | {"spec": mended(copy.deepcopy(BASE), path, value)})
    for what, fields in NULLS.items():
        body = copy.deepcopy(SMALL)
        body["spec"] |= fields
        yield Case(what, body)


def mended(spec: Object, path: str, value: object) -> Object:
    """A spec with another value at a path."""
    *way, last = path.split(".")
    there: Any = spec
    for part in way:
        there = there[int(part)] if part.isdigit() else there[part]
    there[last] = value
    return spec


ODD: dict[str, tuple[str, object]] = {
    "a line feed behind a duration": ("outage.duration", "8s\n"),
    "a line feed behind a name": ("probes.3.name", "port\n"),
    "a line feed behind the name of an object": ("outage.faults.0.name", "partition\n"),
    "an integer with a point": ("probes.3.tcp.port", 80.0),
    "an integer with a fraction": ("probes.3.tcp.port", 80.5),
    "a boolean for an integer": ("probes.3.tcp.port", True),
    "an integer for a boolean": ("outage.expect.1.guardrail", 1),
    "the largest int64": ("schedule", {"cron": "0 0 * * *", "timeZone": "UTC", "suspend": 2**63 - 1}),
    "a duration without end": ("steadyState.duration", "99999999999h"),
    "a duration that wraps around": ("steadyState.duration", "2562047788h"),
    "a duration of many parts": ("steadyState.duration", "1s1s1s1s"),
    "a duration with leading zeros": ("steadyState.duration", "00000000003s"),
    "a name of 63 characters beyond ASCII": ("outage.expect.0.name", "\u00e4" * 63),
    "a name of 63 characters of two units": ("outage.expect.0.name", "\U0001f525" * 63),
    "a name of 64 characters of two units": ("outage.expect.0.name", "\U0001f525" * 64),
    "an interval below the shortest": ("probes.3.interval", "0s"),
    "an interval at the longest": ("probes.3.interval", "60m"),
    "one beyond the longest": ("probes.3.interval", "3601s"),
    "an empty list that needs no item": ("measurements", []),
    "an empty object for a list": ("measurements", {}),
    "an empty text for an object": ("rollback", ""),
    "a word beside an enum": ("measurements.0.stage", "outage"),
}
METADATA: dict[str, Object] = {
    "no name": {},
    "a name in capitals": {"name": "Small"},
    "a name with an underscore": {"name": "a_b"},
    "a name with dots": {"name": "a.b"},
    "a name of 41 characters": {"name": "x" * 41},
    "a generated name": {"generateName": "small-"},
    "a generated name that is too long": {"generateName": "x" * 36},
    "a prefix in capitals": {"generateName": "Small-"},
    "a label with a space": {"name": "small", "labels": {"a b": "c"}},
    "a label's value with a dash at its end": {"name": "small", "labels": {"a": "b-"}},
    "a label of 64 characters": {"name": "small", "labels": {"a": "b" * 64}},
    "a label that is a number": {"name": "small", "labels": {"a": 1}},
    "an annotation that is a number": {"name": "small", "annotations": {"a": 1}},
    "an annotation with a space": {"name": "small", "annotations": {"a b": "c"}},
    "a finalizer without a domain": {"name": "small", "finalizers": ["undo"]},
    "a finalizer with a space": {"name": "small", "finalizers": ["a b/c"]},
    "an unknown field": {"name": "small", "label": {"a": "b"}},
    "labels that are a list": {"name": "small", "labels": []},
}
NULLS: dict[str, Object] = {
    "a null with a default": {"description": None},
    "a null without one": {"rollback": None},
    "a null that is needed": {"outage": None},
    "a null in a list": {"measurements": [None]},
}
WORDS = {
    "10:30": True, "1:30:00": True, "2026-12-18": True, "2026-12-18T18:00:00Z": True, "5s": True, "~": True, "=": True,
    "0x1G": True, "0x10": False, "0o10": False, "010": False, "08": False, "1_000": False, ".5": False, "1.": False,
    "1e3": False, "+5": False, "0b11": False, "y": False, "Y": False, "on": False, "No": False, ".inf": False,
    ".NaN": False,
}  # fmt: skip
"""Plain words in the place of a text, and whether kubectl takes them for one."""


async def test_both_refuse_the_same(ns: TeamNamespace) -> None:
    gate = asyncio.Semaphore(4)

    async def asked(case: Case) -> str:
        body = copy.deepcopy(case.body)
        resource, query = KINDS[body["kind"]], {"fieldValidation": "Strict", "dryRun": "All"}
        async with gate:
            try:
                await ns.admin._call("POST", resource, ns.namespace, body=body, query=query, verb="create")
            except GameDayError as error:
                return str(error)
            return ""

    cases = list(examples())
    answers = await asyncio.gather(*(asked(case) for case in cases))
    differ = [
        f"{case.what}: the API server says {answer[:300] or 'yes'}; we say {found or 'yes'}"
        for case, answer in zip(cases, answers, strict=True)
        if bool(answer) is not bool(found := refusals(case.body))
    ]
    refused = sum(map(bool, answers))
    print(f"{len(cases)} examples, {refused} refused by both")
    assert not differ, "\n".join(differ)
    assert min(refused, len(cases) - refused) > 100


async def test_a_plain_word_is_what_kubectl_takes_it_for(ns: TeamNamespace) -> None:
    wrong = {word: said for word, taken in WORDS.items() if (said := read(ns, word)) != (taken, taken)}
    assert wrong == {}


def read(ns: TeamNamespace, word: str) -> tuple[bool, bool]:
    """Whether kubectl takes a word for a text, and whether we do."""
    text = yaml.safe_dump(SMALL).replace("spec:\n", f"spec:\n  description: {word}\n", 1)
    arguments = ("-n", ns.namespace, "apply", "--dry-run=server", "--validate=strict", "-f", "-")
    done = kubectl(*arguments, stdin=text, ok=False)
    try:
        found = [finding for one in documents(text) for finding in refusals(one.body)]
    except NotYaml as error:
        found = [("", str(error))]
    return done.returncode == 0, not found
