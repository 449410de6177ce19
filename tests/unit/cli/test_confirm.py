"""``gameday confirm``: a person's word on a Drill that asks for it, with statuses that the operator really wrote."""

from collections.abc import Iterator
from functools import lru_cache

import pytest

from gameday.api.lines import events_of
from gameday.cluster.resources import Object
from simulation import running
from simulation.scenario import Call, Hand, Scenario, Trial
from simulation.silence import silent
from unit.cli.asked import CommandLine

KEY = ("drills", "shop", "first")
ANNOTATION = "confirm.gameday.dev/by-hand"


@pytest.fixture(autouse=True)
def _silent() -> Iterator[None]:
    with silent():
        yield


@lru_cache(maxsize=2)
def statuses(*, sees: bool) -> tuple[Object, ...]:
    """All statuses of a drill that asks a person."""
    made = running.Simulation(Scenario(1, (Trial(hand=Hand(sees=sees)),)))
    assert not made.run().broken
    return tuple(made.namespaces[0].statuses)


@lru_cache(maxsize=1)
def of_call() -> Object:
    """A status of a drill whose call nothing takes back, while it asks for its end."""
    made = running.Simulation(Scenario(1, (Trial(call=Call(ends=14.0)),)))
    assert not made.run().broken
    return next(s for s in made.namespaces[0].statuses if any(e["reason"] == "UndoByHand" for e in events_of(s)))


def first_with(reason: str, *, sees: bool = True) -> Object:
    return next(one for one in statuses(sees=sees) if any(e["reason"] == reason for e in events_of(one)))


def put(line: CommandLine, status: Object) -> None:
    body = {"metadata": {"name": "first"}, "spec": {"gameDay": "plan"}, "status": status}
    line.server.put("drills", "shop", body)


def annotations(line: CommandLine) -> Object:
    found: Object = line.server.objects[KEY]["metadata"].get("annotations") or {}
    return found


@pytest.mark.parametrize(
    ("sees", "told"),
    [
        (True, "noted: fault by-hand is done. The outage of Drill first begins once a probe sees it\n"),
        (
            False,
            "noted: fault by-hand is done. The outage of Drill first begins; "
            "by your word alone the verdict is Inconclusive (NotProven) at best\n",
        ),
    ],
)
async def test_what_is_done_is_said_on_the_drill(command_line: CommandLine, sees: bool, told: str) -> None:
    put(command_line, first_with("ActByHand", sees=sees))
    done = await command_line.run("confirm", "first", "by-hand", "done")
    assert (done.exit_code, done.stdout) == (0, told), done.output
    assert annotations(command_line) == {ANNOTATION: "done"}


async def test_what_is_undone_takes_the_place_of_what_was_done(command_line: CommandLine) -> None:
    put(command_line, first_with("UndoByHand"))
    assert (await command_line.run("confirm", "first", "by-hand", "done")).exit_code == 0
    done = await command_line.run("confirm", "first", "by-hand", "undone", "-o", "name")
    assert (done.exit_code, done.stdout) == (0, "drill.gameday.dev/first\n")
    assert annotations(command_line) == {ANNOTATION: "undone"}


async def test_of_a_call_that_nothing_takes_back_its_end_alone_is_confirmed(command_line: CommandLine) -> None:
    put(command_line, of_call())
    done = await command_line.run("confirm", "first", "suspend", "done")
    assert done.exit_code == 1
    assert "makes fault suspend itself, by a call: confirm only that it is undone" in done.stderr
    assert annotations(command_line) == {}
    done = await command_line.run("confirm", "first", "suspend", "undone")
    assert done.exit_code == 0, done.output
    assert annotations(command_line) == {"confirm.gameday.dev/suspend": "undone"}


async def test_a_drill_whose_state_cannot_be_read_still_hears_that_it_is_undone(command_line: CommandLine) -> None:
    put(command_line, first_with("UndoByHand") | {"state": "damaged"})
    done = await command_line.run("confirm", "first", "by-hand", "undone")
    assert done.exit_code == 0, done.output
    assert annotations(command_line) == {ANNOTATION: "undone"}


@pytest.mark.parametrize(
    ("reason", "fault", "said"),
    [
        ("Preflight", "by-hand", "has asked for nothing so far: it asks once its steady state is met"),
        ("ActByHand", "partition", "asks nobody for fault partition; those that it asks for: by-hand"),
        ("Finished", "by-hand", "has ended, so nothing reads what is confirmed now"),
    ],
)
async def test_what_nobody_would_read_is_refused(command_line: CommandLine, reason: str, fault: str, said: str) -> None:
    put(command_line, first_with(reason))
    done = await command_line.run("confirm", "first", fault, "done")
    assert done.exit_code == 1
    assert said in done.stderr
    assert annotations(command_line) == {}


async def test_a_word_before_the_drill_asks_is_refused(command_line: CommandLine) -> None:
    """It would count as the proof of an act that nobody was asked for yet."""
    status = first_with("ActByHand")
    early = [one | {"times": one["times"].partition(", requested")[0]} for one in status["undo"]]
    put(command_line, status | {"undo": early})
    done = await command_line.run("confirm", "first", "by-hand", "done")
    assert done.exit_code == 1
    assert "has not asked for fault by-hand yet: wait for ActByHand" in done.stderr


async def test_other_words_and_other_drills_are_refused(command_line: CommandLine) -> None:
    put(command_line, first_with("ActByHand"))
    assert (await command_line.run("confirm", "first", "by-hand", "yes")).exit_code == 2
    done = await command_line.run("confirm", "none", "by-hand", "done")
    assert (done.exit_code, "there is no Drill none in namespace shop" in done.stderr) == (1, True)


@pytest.mark.parametrize("verb", ["get", "patch"])
async def test_who_may_not_reads_which_right_is_missing(command_line: CommandLine, verb: str) -> None:
    put(command_line, first_with("ActByHand"))
    command_line.server.forbidden.add(f"{verb} drills")
    done = await command_line.run("confirm", "first", "by-hand", "done")
    assert done.exit_code == 1
    assert f"user jane may not {verb} drills.gameday.dev in namespace shop" in done.stderr
    assert annotations(command_line) == {}


async def test_of_an_entry_of_version_1_nobody_is_asked(command_line: CommandLine) -> None:
    """Its fuse stands in another field."""
    status = first_with("ActByHand")
    cut = {"name": "partition", "kind": "NetworkPartition", "fuse": {"kind": "Job", "name": "fuse"}, "state": "Active"}
    put(command_line, status | {"undo": [cut]})
    done = await command_line.run("confirm", "first", "partition", "undone")
    assert done.exit_code == 1
    assert "has asked for nothing so far" in done.stderr
