"""The machine state: versioned, bounded, and read exactly or not at all."""

import json
from dataclasses import replace
from typing import Any

import pytest

from gameday.api import state
from gameday.api.packing import packed, unpacked
from gameday.api.state import Saved, decided_bytes, read_state, setup_bytes, state_text
from gameday.errors import StateUnreadable
from gameday.model.change import Change, ChangeState
from gameday.model.plan import Stage, Via
from gameday.model.record import (
    Doubt,
    DrillRecord,
    Phase,
    Reason,
    Result,
    ResultState,
    StepEntry,
    StepState,
    TimelineEntry,
    Waiting,
)
from gameday.model.setup import Cut, CutDestination, CutPort, Pair, Setup
from gameday.schema.bounds import LINE, STATE_BYTES, cut

RECORD = DrillRecord(
    Phase.OUTAGE,
    100.5,
    started_at=1.0,
    waiting=Waiting(Reason.BUSY, "drill x"),
    changes=(
        Change(
            "cut", "networkPartition", "CiliumNetworkPolicy", "d-cut", "d-fuse", ChangeState.ACTIVE, requested_at=5.0
        ),
        Change("stop", "scale", "Deployment", "worker", "d-fuse-stop", before={"replicas": 3}, wanted={"replicas": 0}),
    ),
    steps=(StepEntry("stop", StepState.INTENDED, 7.0, "from 3 to 0"),),
    results=(Result(Stage.OUTAGE, "seen", ResultState.MET, 8.0, 2.5, 0.25),),
    doubts=(Doubt(Reason.LEAK, "through", 9.0),),
    baseline={"queue.body.depth": 3.0},
)
CUT = Cut(
    "cut", Via.CILIUM, CutDestination("shop", {"app": "redis"}, ("10.0.0.3",), ports=(CutPort(6379, 6379),)),
    (Pair("node", {"app": "api"}),), ("10.0.0.9",),
)  # fmt: skip
SETUP = Setup((CUT,))

PLAN = '{"description":"a \\"plan\\""}'
WRITTEN = (
    '{"plan":"{\\"description\\":\\"a \\\\\\"plan\\\\\\"\\"}","engine":{"phase":"Outage","since":100.5,"started_at"'
    ':1.0,"waiting":{"cause":"Busy","message":"drill x"},'
    '"changes":[{"name":"cut","kind":"networkPartition","object_kind":"CiliumNetworkPolicy","object_name":"d-cut",'
    '"fuse_name":"d-fuse","state":"Active","requested_at":5.0},{"name":"stop","kind":"scale",'
    '"object_kind":"Deployment","object_name":"worker","fuse_name":"d-fuse-stop","before":{"replicas":3},'
    '"wanted":{"replicas":0}}],"steps":[{"name":"stop","state":"Intended","at":7.0,"message":"from 3 to 0"}],'
    '"results":[{"stage":"Outage","name":"seen","state":"Met","at":8.0,"seconds":2.5,"resolution":0.25}],'
    '"doubts":[{"cause":"Leak","message":"through","since":9.0}],"baseline":{"queue.body.depth":3.0}},'
    '"setup":{"cuts":[{"fault":"cut","backend":"CiliumNetworkPolicy",'
    '"destination":{"namespace":"shop","selector":{"app":"redis"},'
    '"addresses":["10.0.0.3"],"ports":[{"port":6379,"target":6379}]},"pairs":[{"node":"node","labels":{"app":"api"}}],'
    '"targets":["10.0.0.9"]}]}}'
)
"""What version 2 writes of these: a later operator must read it, as long as it is not said to be unreadable."""
SAVED = Saved(RECORD, SETUP, PLAN)


def status(text: str) -> dict[str, Any]:
    """A status with this state."""
    return {"state": text}


def test_what_version_2_writes_is_read() -> None:
    text = state_text(RECORD, SETUP, PLAN)
    assert json.loads(WRITTEN) | {"version": 2} == unpacked(text)
    assert read_state(status(packed(WRITTEN, 2))) == read_state(status(text)) == SAVED
    assert text == state_text(RECORD, SETUP, PLAN), "the same state is the same text"


def test_the_version_comes_first_and_can_be_read_by_every_operator() -> None:
    assert state_text(RECORD, SETUP).startswith('{"version":2,"gzip":"')
    assert read_state(status(state_text(DrillRecord(), None))) == Saved(DrillRecord())


def test_the_timeline_is_kept_elsewhere() -> None:
    text = state_text(replace(RECORD, timeline=(TimelineEntry(1.0, "X", "later"),)), None)
    assert "later" not in json.dumps(unpacked(text))


def changed(*way: str, value: Any) -> str:
    """What was written, with one more or another field at a path."""
    data = json.loads(WRITTEN)
    there: Any = data
    for part in way[:-1]:
        there = there[int(part)] if part.isdigit() else there[part]
    there[way[-1]] = value
    return packed(json.dumps(data), 2)


TEXT = packed(WRITTEN, 2)
BOMB = packed('{"plan":"' + "x" * 1_000_000, 2)

UNREADABLE = {
    "nothing": " ",
    "torn": TEXT[:200],
    "torn within": json.dumps({"version": 2, "gzip": json.loads(TEXT)["gzip"][:200]}),
    "no object": "[1]",
    "no object within": packed("[1]", 2),
    "no version": TEXT.replace('"version":2,', ""),
    "a version that is no number": TEXT.replace('"version":2,', '"version":"2",'),
    "a version that is a truth": TEXT.replace('"version":2,', '"version":true,'),
    "a newer version": packed(WRITTEN, 3),
    "a newer version of another form": '{"version":3,"zstd":"..."}',
    "an older one that nobody knows": packed(WRITTEN, 0),
    "not packed": WRITTEN.replace("{", '{"version":2,', 1).replace('"engine"', '"motor"'),
    "no base64": '{"version":2,"gzip":"\u00fc"}',
    "no text": '{"version":2,"gzip":7}',
    "no gzip": '{"version":2,"gzip":"aGFsbG8="}',
    "larger than any": BOMB,
    "a plan larger than any": changed("plan", value="x" * 25_000),
    "an unknown field": changed("mood", value="bad"),
    "an unknown field of the record": changed("engine", "mood", value="bad"),
    "an unknown field of a change": changed("engine", "changes", "0", "mood", value="bad"),
    "an unknown field of a result": changed("engine", "results", "0", "mood", value="bad"),
    "an unknown field of the setup": changed("setup", "mood", value="bad"),
    "an unknown field of the destination": changed("setup", "cuts", "0", "destination", "mood", value="bad"),
    "an unknown phase": changed("engine", "phase", value="Lunch"),
    "an unknown cause": changed("engine", "doubts", "0", "cause", value="Rain"),
    "another type": changed("engine", "since", value="soon"),
    "a number that is none": packed(WRITTEN.replace("100.5", "NaN"), 2),
    "as deep as a well": packed('{"engine":' + "[" * 30_000, 2),
}


@pytest.mark.parametrize("text", UNREADABLE.values(), ids=UNREADABLE)
def test_what_is_not_exactly_a_state_is_unreadable_and_says_why(text: str) -> None:
    with pytest.raises(StateUnreadable, match=r"status.state .{10}") as caught:
        read_state(status(text))
    assert len(str(caught.value)) < LINE


def test_a_state_of_an_older_version_is_migrated_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two versions that were never written: first the engine was called memory, then its changes were entries."""

    def renamed(data: dict[str, Any]) -> dict[str, Any]:
        return {"engine" if name == "memory" else name: value for name, value in data.items()}

    def held(data: dict[str, Any]) -> dict[str, Any]:
        engine = {"changes" if name == "entries" else name: value for name, value in data["engine"].items()}
        return data | {"engine": engine}

    old = json.loads(WRITTEN)
    engine = {"entries" if name == "changes" else name: value for name, value in old["engine"].items()}
    text = packed(json.dumps({"memory": engine, "setup": old["setup"], "plan": PLAN}), 0)
    monkeypatch.setattr(state, "MIGRATIONS", {0: renamed, 1: held})
    assert read_state(status(text)) == SAVED
    with pytest.raises(StateUnreadable, match="version 1 is damaged"):
        read_state(status('{"version":0}'))


@pytest.mark.parametrize("count", [1, 60, 120])
def test_messages_are_shortened_until_the_state_fits_and_nothing_else_is_lost(count: int) -> None:
    why = "because the API server says “no” " * 100
    results = tuple(Result(Stage.OUTAGE, f"expectation {n}", ResultState.UNKNOWN, 1.5, why=why) for n in range(count))
    saved = read_state(status(state_text(replace(RECORD, results=results), SETUP, PLAN)))
    read = saved.record
    assert decided_bytes(read, SETUP, (LINE,)) <= STATE_BYTES
    assert (saved.setup, saved.plan) == (SETUP, PLAN)
    assert [(r.name, r.state, r.at) for r in read.results] == [(r.name, r.state, r.at) for r in results]
    assert read.changes == RECORD.changes
    assert len(read.results[0].why) == {1: 512, 60: 256, 120: 64}[count]
    assert read.results[0].why.endswith("…")


def test_a_text_that_utf_8_cannot_say_is_written_all_the_same() -> None:
    text = state_text(replace(RECORD, stalled_by="\ud800 said the server"), None)
    assert read_state(status(text)).record.stalled_by == "? said the server"


def test_a_cut_text_has_as_many_characters_as_there_is_room_for() -> None:
    assert cut("abcdef", 6) == "abcdef"
    assert cut("abcdef", 5) == "abcd…"
    assert cut("äöüäöü", 3) == "äö…"
    assert cut("abcdef", 0) == ""


def test_a_setup_is_measured_as_it_is_written() -> None:
    assert setup_bytes(SETUP) == len(WRITTEN[WRITTEN.index('"setup":') + len('"setup":') : -1].encode())
