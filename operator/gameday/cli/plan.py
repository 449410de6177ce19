"""``gameday plan``: a dry run of a GameDay that is in the cluster, or of one in a file, with the caller's own rights.

The Drill is created first, and a file's GameDay belongs to it: whoever deletes the Drill deletes both. That is this
command, however it ends, and the operator where this command could not.
"""

import asyncio
import contextlib
import enum
import secrets
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from rich.text import Text

from gameday.api.drill import FORGOTTEN_AFTER
from gameday.api.dry_run import FIELDS, read
from gameday.api.lines import events_of
from gameday.api.record import duration
from gameday.cli import validate
from gameday.cli.abort import abort
from gameday.cli.asking import NotDone, condition, in_words, say
from gameday.cli.checks.documents import NotYaml, documents
from gameday.cli.following import ended, follow
from gameday.cli.output import COLOURS, console
from gameday.cli.run import UNTAKEN, Signals, untaken
from gameday.cli.runs import Run, runs_of
from gameday.cluster.client import Cluster
from gameday.cluster.resources import DRILLS, GAMEDAYS, Object
from gameday.errors import GameDayError, NotFound
from gameday.model.dry_run import DryRun
from gameday.model.labels import PLAN
from gameday.model.record import AGENTS_WAITING, Phase, Reason

SUFFIXES: Final = (".yaml", ".yml", ".json")
LONGEST: Final = 40
"""Characters of a GameDay's name."""
RUNS: Final = 3
"""Runs of a schedule that are shown."""
TRIES: Final = 3
"""How often the deletion is tried: the API server may be away for a moment."""


class Exit(enum.IntEnum):
    """How ``gameday plan`` ends."""

    PLANNED = 0
    REFUSED = 1
    NOT_DONE = 2
    """No dry run was made, or no operator made it; the message says why."""
    ENDED = 4
    """Somebody ended the dry run."""
    INTERRUPTED = 128
    """With the number of the signal; the dry run is deleted."""


class Interrupted(Exception):
    """A signal ended the command."""

    def __init__(self, number: int) -> None:
        self.code = Exit.INTERRUPTED + number
        super().__init__(str(number))


@dataclass(frozen=True, slots=True)
class Planned:
    """What a dry run came to."""

    gameday: str
    namespace: str
    reason: str
    message: str
    found: DryRun
    runs: tuple[Run, ...]

    @property
    def code(self) -> Exit:
        """The exit code."""
        known = {Reason.PLANNED.value: Exit.PLANNED, Reason.REFUSED.value: Exit.REFUSED}
        return known.get(self.reason, Exit.ENDED)

    def plain(self) -> dict[str, Any]:
        """As programs read it."""
        lists = {name: list(getattr(self.found, name)) for name in FIELDS}
        about = {"gameDay": self.gameday, "namespace": self.namespace, "reason": self.reason, "message": self.message}
        return {**about, **lists, "nextRuns": [run.plain() for run in self.runs]}


TITLES: Final = {
    "refusals": "Refused by",
    "warnings": "Warnings",
    "targets": "Targets",
    "limits": "Blast radius and limits",
    "policies": "Policies in the way",
    "rights": "Rights of the account gameday",
    "probes": "Answers of probes",
    "expectations": "What expectations read now",
}
"""The lists in the order in which people read them."""


def tell(planned: Planned, now: float) -> None:
    """Print it for people; ``now`` is a Unix second."""
    out = console()
    head = Text(f"Dry run of GameDay {planned.gameday} in namespace {planned.namespace}: ", style="bold")
    out.print(head.append(planned.reason, style="green" if planned.code is Exit.PLANNED else "bold red"))
    if not planned.found.refusals:
        out.print(f"{planned.message[:1].upper()}{planned.message[1:]}.")
    for name, title in TITLES.items():
        lines = getattr(planned.found, name)
        if lines:
            out.print(f"\n{title}")
        for line in lines:
            out.print(Text(f"  {line}", style=_style(name, line)))
    if planned.runs:
        out.print("\nNext runs")
        for run in planned.runs:
            away = f"in {run.away(now)}" if run.at is not None else run.note
            out.print(f"  {run.local}   {away}" if run.at is not None else f"  {away}")


def _style(name: str, line: str) -> str:
    match name:
        case "refusals":
            return COLOURS["Missed"]
        case "warnings":
            return COLOURS["Unknown"]
        case "rights" if "; missing: " in line:
            return COLOURS["Missed"]
        case "probes" if any(sign in line for sign in (": failed ", ": not known ", "is not known")):
            return COLOURS["Unknown"]
        case _:
            return ""


def is_file(target: str) -> bool:
    """Whether an argument names a file, and no GameDay: neither a path nor a suffix is part of such a name."""
    return target == validate.STDIN or "/" in target or target.endswith(SUFFIXES)


def gameday_of(file: str) -> Object:
    """The one GameDay in a file, checked as ``gameday validate`` checks it.

    Raises:
        NotDone: when it cannot be read, is refused, or is not one.

    """
    text = validate.text_of(file)
    checked = validate.checked(file, text)
    if findings := [validate.as_lines(one) for one in checked if one.findings]:
        raise NotDone("nothing was planned, because the file is refused:\n" + "\n".join(findings))
    try:
        bodies = [document.body for document in documents(text)]
    except NotYaml as error:
        raise NotDone(f"{file}: it is not YAML that kubectl can read: {error}") from error
    found = [body for body in bodies if isinstance(body, dict) and body.get("kind") == GAMEDAYS.kind]
    if len(found) != 1:
        names = ", ".join(body["metadata"].get("name", "?") for body in found) or "none"
        raise NotDone(f"{file} must hold one GameDay, and those in it are: {names}")
    return found[0]


async def plan(
    cluster: Cluster, namespace: str, name: str, gameday: Object | None, now: float, *, given: bool
) -> Planned:
    """A dry run of the GameDay of that name, or of this one; everything that it created is deleted again.

    ``given`` says that the namespace was named on the command line.

    Raises:
        Interrupted: when a signal ended it.
        NotDone: when there is no such GameDay, no operator makes the dry run, or it cannot be made.
        GameDayError: when the API server refuses or does not answer.

    """
    if gameday is not None:
        namespace = _namespace(namespace, gameday, given=given)
        name = gameday["metadata"]["name"]
        runs = tuple(_without_notes(gameday, namespace, now))
    else:
        there = await cluster.get(GAMEDAYS, namespace, name)
        if there is None:
            known, _ = await cluster.list(GAMEDAYS, namespace)
            names = ", ".join(sorted(one["metadata"]["name"] for one in known)) or "none"
            raise NotDone(f"there is no GameDay {name} in namespace {namespace}; those that are there: {names}")
        runs = tuple(runs_of(there, RUNS, now)) if "schedule" in there["spec"] else ()
    await cluster.list(DRILLS, namespace, fields=f"metadata.name={name}")  # Whether it may be followed.
    with Signals() as signals:  # From here on: nothing that was created is to be left.
        async with _drill(cluster, namespace, name, own=gameday is not None) as drill:
            if gameday is not None:
                await cluster.create(GAMEDAYS, namespace, _copy(gameday, drill), strict=True)
            last = await _end_of(cluster, drill, signals)
    status = last["status"]
    return Planned(name, namespace, status.get("reason", ""), status.get("message", ""), read(status), runs)


def _namespace(namespace: str, gameday: Object, *, given: bool) -> str:
    """Where a file's GameDay is planned: as for kubectl, a file and a command line must not differ."""
    own: str = gameday["metadata"].get("namespace") or namespace
    if given and own != namespace:
        raise NotDone(f"the file names namespace {own}, and -n names {namespace}: leave one of both out")
    return own


def _without_notes(gameday: Object, namespace: str, now: float) -> list[Run]:
    """The next runs of a GameDay that is not in the cluster, of which no operator has said anything."""
    if "schedule" not in gameday["spec"]:
        return []
    placed = {"metadata": {"name": gameday["metadata"]["name"], "namespace": namespace}, "spec": gameday["spec"]}
    return [Run(run.namespace, run.name, run.at, run.zone) if run.at else run for run in runs_of(placed, RUNS, now)]


def _copy(gameday: Object, drill: Object) -> Object:
    """A file's GameDay under the Drill's name, owned by it: without schedule, and without labels that others know."""
    metadata = drill["metadata"]
    owner = {"apiVersion": DRILLS.api_version, "kind": DRILLS.kind, "name": metadata["name"], "uid": metadata["uid"]}
    return {
        "apiVersion": GAMEDAYS.api_version,
        "kind": GAMEDAYS.kind,
        "metadata": {"name": metadata["name"], "labels": {PLAN: "true"}, "ownerReferences": [owner]},
        "spec": {key: value for key, value in gameday["spec"].items() if key != "schedule"},
    }


@asynccontextmanager
async def _drill(cluster: Cluster, namespace: str, gameday: str, *, own: bool) -> AsyncIterator[Object]:
    """A Drill that is a dry run, and is deleted at the end; ``own`` says that its GameDay will have its name."""
    tail = f"-plan-{secrets.token_hex(3)}"
    name = f"{gameday[: LONGEST - len(tail)].rstrip('-.')}{tail}"
    body: Object = {
        "apiVersion": DRILLS.api_version,
        "kind": DRILLS.kind,
        "metadata": {"name": name, "namespace": namespace, "labels": {PLAN: "true"}},
        "spec": {"gameDay": name if own else gameday, "dryRun": True},
    }
    try:
        # Strictly: where the cluster does not know the field dryRun, it must not start a drill.
        made = await cluster.create(DRILLS, namespace, body, strict=True)
        if made["spec"].get("dryRun") is not True:
            raise NotDone("the cluster's resources know no dry run: upgrade them with `kubectl apply -k crds`")
        yield made
    finally:
        await _delete(cluster, namespace, name)


async def _delete(cluster: Cluster, namespace: str, name: str) -> None:
    """Delete the Drill, whatever the API server answered to its creation; the name is this command's own."""
    for left in reversed(range(TRIES)):
        try:
            await cluster.delete(DRILLS, namespace, name)
        except GameDayError as error:
            if error.retry and left:
                await asyncio.sleep(max(1.0, error.after))
                continue
            say(
                f"gameday: dry run {name} was not deleted: {in_words(error)}\nThe operator deletes it "
                f"{duration(FORGOTTEN_AFTER)} after its creation."
            )
        return


async def _end_of(cluster: Cluster, drill: Object, signals: Signals) -> Object:
    """The Drill once it has ended.

    Raises:
        Interrupted: when a signal comes first.
        NotDone: when it is deleted, or no operator makes it.

    """
    following = asyncio.create_task(_follow(cluster, drill))
    signalled = asyncio.create_task(signals.queue.get())
    try:
        await asyncio.wait({following, signalled}, return_when=asyncio.FIRST_COMPLETED)
        if following.done():
            return following.result()
        raise Interrupted(signalled.result())
    finally:
        for task in (following, signalled):
            task.cancel()
        await asyncio.gather(following, signalled, return_exceptions=True)


async def _follow(cluster: Cluster, drill: Object) -> Object:
    namespace, name = drill["metadata"]["namespace"], drill["metadata"]["name"]
    told = ""
    try:
        async with asyncio.timeout(UNTAKEN) as patience, aclosing(follow(cluster, namespace, name, _trouble)) as states:
            async for state in states:
                if state is None:
                    raise NotDone(f"dry run {name} was deleted by somebody else")
                status = state.get("status", {})
                if status.get("phase"):
                    patience.reschedule(None)
                    await _see_that_it_is_dry(cluster, state)
                if ended(state):
                    return state
                if (waits := _waits_for(state)) != told and waits:
                    say(waits)
                told = waits
    except TimeoutError:
        raise NotDone(untaken(name, namespace)) from None
    raise NotDone(f"dry run {name} was deleted by somebody else")


async def _see_that_it_is_dry(cluster: Cluster, drill: Object) -> None:
    """End what an operator that knows no dry run has begun as a drill: it is still before its first change.

    Raises:
        NotDone: when that is so.

    """
    if "dryRun" in drill["status"]:
        return
    namespace, name = drill["metadata"]["namespace"], drill["metadata"]["name"]
    with contextlib.suppress(NotFound):
        await abort(cluster, namespace, name)
    raise NotDone(f"the operator knows no dry run, so that {name} was ended at once: upgrade the operator")


def _waits_for(drill: Object) -> str:
    """What keeps a dry run from beginning, or its pods from starting, or ""."""
    if "status" not in drill:
        return ""
    if drill["status"].get("phase") == Phase.STEADY_STATE.value:
        lines = (line["message"] for line in events_of(drill["status"]) if line["reason"] == AGENTS_WAITING)
        return next(reversed([*lines]), "")
    if drill["status"].get("phase") != Phase.PENDING.value:
        return ""
    message = str(condition(drill, "Reconciling").get("message", ""))
    return message if message.startswith("waiting: ") else ""


def _trouble(error: str) -> None:
    say(f"{error}; the dry run goes on, and this command waits for an answer")
