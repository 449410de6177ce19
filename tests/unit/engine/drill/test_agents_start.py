"""Agents that do not start: the drill says what the cluster says of them, while it waits and at its end."""

from dataclasses import replace

import pytest

from gameday.engine.drill.context import Context
from gameday.engine.drill.decide import decide
from gameday.model.dry_run import DryRun
from gameday.model.observation import Life, Lock, Observation, Preflight
from gameday.model.record import AGENTS_WAITING, DrillRecord, Phase
from unit.engine.script import Script
from unit.engine.simulation import a_plan

BACK_OFF = 'ImagePullBackOff: Back-off pulling image "gameday:tpyo"'
WAITS = frozenset({"observer", "witness-0", "control-0"})


def seen(troubles: dict[str, str], lives: dict[str, Life]) -> Observation:
    return Observation(
        drill="d",
        lock=Lock.HELD,
        preflight=Preflight(),
        agents_wanted=WAITS,
        agents=dict.fromkeys(WAITS, Life.STARTING) | lives,
        agent_troubles=troubles,
    )


def after(seconds: float, record: DrillRecord, observed: Observation) -> DrillRecord:
    return decide(Context(a_plan(), record, observed, Script({}, lambda: 0.0), record.since + seconds))


STARTS = DrillRecord(Phase.STEADY_STATE, since=100.0)
DRY = replace(STARTS, dry_run=DryRun())
STUCK = seen(dict.fromkeys(WAITS, BACK_OFF), {})


@pytest.mark.parametrize("begun", [STARTS, DRY], ids=["drill", "dry run"])
def test_the_end_says_what_the_cluster_says_of_each_agent(begun: DrillRecord) -> None:
    record = after(91.0, begun, seen(dict.fromkeys(("witness-0", "observer"), BACK_OFF), {"control-0": Life.ABSENT}))
    told = " ".join(doubt.message for doubt in record.doubts) or record.message
    assert f"observer, witness-0: {BACK_OFF}" in told
    assert "control-0: Absent" in told


@pytest.mark.parametrize("begun", [STARTS, DRY], ids=["drill", "dry run"])
def test_what_they_wait_for_is_said_while_they_do(begun: DrillRecord) -> None:
    assert after(14.0, begun, STUCK) == begun
    record = after(16.0, begun, STUCK)
    (line,) = record.timeline
    assert (line.reason, line.message) == (
        AGENTS_WAITING,
        f"these agents do not run yet: control-0, observer, witness-0: {BACK_OFF}",
    )
    assert after(17.0, record, seen({"observer": "ErrImagePull: not found"}, {})) == record, "not at each change"
    assert after(46.0, record, STUCK) == record, "not the same again"
    later = after(46.0, record, seen({}, {"observer": Life.RUNNING}))
    assert [one.message for one in later.timeline[1:]] == [
        "these agents do not run yet: control-0, witness-0: Starting"
    ]


@pytest.mark.parametrize(
    ("troubles", "said"),
    [
        (
            {"observer": "EvictionByEvictionAPI: Eviction API: evicting"},
            "during the drill: EvictionByEvictionAPI: Eviction API: evicting",
        ),
        ({}, "during the drill: see its events"),
    ],
)
def test_an_agent_that_is_lost_later_is_told_with_what_the_cluster_says(troubles: dict[str, str], said: str) -> None:
    lives = dict.fromkeys(WAITS, Life.RUNNING) | {"observer": Life.ENDED}
    record = after(5.0, replace(STARTS, steady_from=99.0), seen(troubles, lives))
    (message,) = {doubt.message for doubt in record.doubts} or {record.message}
    assert message.startswith("the pod of agent observer ended or was deleted during the drill")
    assert said in message


def test_agents_that_all_run_are_not_waited_for() -> None:
    running = seen({}, dict.fromkeys(WAITS, Life.RUNNING))
    assert not any(line.reason == AGENTS_WAITING for line in after(50.0, STARTS, running).timeline)
