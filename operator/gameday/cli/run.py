"""``gameday run``: a drill of a GameDay, and with ``--wait`` its end as an exit code that CI understands."""

import asyncio
import contextlib
import enum
import os
import signal
import sys
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from rich.text import Text

from gameday.cli.abort import abort
from gameday.cli.asking import NotDone, Where, ask, condition, fail, in_words, say
from gameday.cli.deleted import deleted
from gameday.cli.following import follow, more
from gameday.cli.forms import Output
from gameday.cli.junit import junit
from gameday.cli.output import COLOURS, console, name_of, show
from gameday.cli.progress import Happened, Progress
from gameday.cluster.client import Cluster
from gameday.cluster.resources import DRILLS, GAMEDAYS, Object
from gameday.errors import GameDayError
from gameday.model.record import Phase, Verdict

PHASES: Final = frozenset(phase.value for phase in Phase)
UNTAKEN: Final = 20.0
"""Seconds after which it is said that no operator has taken the drill."""
GIVEN_UP: Final = 330.0
"""Seconds after which a drill that none has taken cannot start any more: five minutes, and what clocks differ by."""
SHOWN_WITHIN: Final = 15.0
"""Seconds for which the GameDay is waited for to show a drill that has ended, so that the next command sees it."""


class Exit(enum.IntEnum):
    """How ``gameday run --wait`` ends."""

    PASSED = 0
    FAILED = 1
    USAGE = 2
    """Also: no drill was created, and the message says why."""
    INCONCLUSIVE_CHANGED = 3
    ABORTED = 4
    INCONCLUSIVE_UNTOUCHED = 5
    INTERRUPTED = 128
    """With the number of the signal; the drill goes on."""


class Left(Exception):
    """The person left, and the drill goes on."""

    def __init__(self, number: int) -> None:
        self.code = Exit.INTERRUPTED + number
        super().__init__(str(number))


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a drill ended: as it was seen last, the exit code, and a sentence."""

    drill: Object
    code: Exit
    message: str


@dataclass(frozen=True, slots=True)
class Shown:
    """What a run shows, and where: JUnit goes to a file, the rest to standard output."""

    wait: bool
    junit: Path | None = None
    form: Output | None = None


def run(where: Where, gameday: str, shown: Shown) -> int:
    """Start a drill, and follow it to its end if requested; returns the exit code."""
    if shown.junit is not None and not os.access(shown.junit.parent, os.W_OK):
        fail(
            f"no drill was started: --junit {shown.junit}: its folder does not exist, or you may not write there",
            Exit.USAGE,
        )
    if shown.junit is not None:
        _forget(shown.junit)
    # For a program nothing but its result stands on standard output.
    people = console(stderr=shown.form is not None)

    def tell(one: Happened) -> None:
        people.print(Text(str(one), style="yellow" if one.bad else "bold" if one.reason in PHASES else ""))

    async def start(cluster: Cluster, namespace: str) -> Object:
        drill = await create(cluster, namespace, gameday)
        name = name_of(DRILLS, drill)
        people.print(f"{name} created")
        if shown.form is Output.NAME:
            sys.stdout.write(f"{name}\n")
        return drill

    async def do(cluster: Cluster, namespace: str) -> int:
        if not shown.wait:
            _result(shown, await start(cluster, namespace))
            return Exit.PASSED
        await cluster.list(DRILLS, namespace, fields=f"metadata.name={gameday}")  # Whether it may be followed.
        with Signals() as signals:  # From here on: a drill that was created is not to be left without a word.
            drill = await start(cluster, namespace)
            outcome = await wait(cluster, drill, tell, signals)
        if shown.junit is not None:
            _write(shown.junit, junit(outcome.drill, outcome.message))
        people.print(Text(outcome.message, style=COLOURS.get(outcome.message.split(" ")[0], "")))
        _result(shown, outcome.drill)
        return outcome.code

    try:
        return ask(where, do, code=Exit.USAGE)
    except Left as left:
        return left.code


def _result(shown: Shown, drill: Object) -> None:
    if shown.form in {Output.JSON, Output.YAML}:
        show(drill, shown.form)


def _forget(path: Path) -> None:
    """Remove what an earlier run wrote: if this one is ended first, a pipeline must not take that for its result."""
    try:
        if path.is_file() and not path.is_symlink():  # Not /dev/stdout and the like.
            path.unlink()
    except OSError as error:
        fail(f"no drill was started: --junit {path}: the file of an earlier run stays: {error.strerror}", Exit.USAGE)


def _write(path: Path, text: str) -> None:
    """Write a file; if that fails, the verdict still decides the exit code."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        say(f"{path} was not written: {error}")


async def create(cluster: Cluster, namespace: str, gameday: str) -> Object:
    """Create a Drill of a GameDay.

    Raises:
        NotDone: when there is no such GameDay, or its plan is refused.
        GameDayError: when the Drill cannot be created.

    """
    found = await cluster.get(GAMEDAYS, namespace, gameday)
    if found is None:
        known, _ = await cluster.list(GAMEDAYS, namespace)
        names = ", ".join(sorted(one["metadata"]["name"] for one in known)) or "none"
        raise NotDone(f"there is no GameDay {gameday} in namespace {namespace}; those that are there: {names}")
    ready = condition(found, "Ready")
    current = found.get("status", {}).get("observedGeneration") == found["metadata"].get("generation")
    if current and ready.get("status") == "False":
        raise NotDone(f"GameDay {gameday} is not ready ({ready['reason']}): {ready['message']}")
    body: Object = {
        "apiVersion": DRILLS.api_version,
        "kind": DRILLS.kind,
        "metadata": {"generateName": f"{gameday}-", "namespace": namespace},
        "spec": {"gameDay": gameday},
    }
    return await cluster.create(DRILLS, namespace, body)


async def wait(cluster: Cluster, drill: Object, tell: Callable[[Happened], None], signals: "Signals") -> Outcome:
    """Follow a drill to its end. A signal asks whether to leave it running or to abort it.

    Raises:
        Left: when the person leaves the drill running.

    """
    following = asyncio.create_task(_end_of(cluster, drill, tell))
    try:
        while True:
            signalled = asyncio.create_task(signals.queue.get())
            await asyncio.wait({following, signalled}, return_when=asyncio.FIRST_COMPLETED)
            if following.done():
                signalled.cancel()
                return following.result()
            await _interrupted(cluster, drill, signalled.result(), signals)
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


async def _end_of(cluster: Cluster, drill: Object, tell: Callable[[Happened], None]) -> Outcome:
    namespace, name = drill["metadata"]["namespace"], drill["metadata"]["name"]
    progress, last = Progress(), drill
    nobody = asyncio.get_running_loop().call_later(UNTAKEN, say, untaken(name, namespace))
    try:
        async with (
            asyncio.timeout(GIVEN_UP) as patience,
            aclosing(follow(cluster, namespace, name, _trouble, SHOWN_WITHIN)) as states,
        ):
            async for state in states:
                if state is None:
                    return Outcome(last, Exit.ABORTED, deleted(last))
                if state.get("status", {}).get("phase"):
                    nobody.cancel()
                    patience.reschedule(None)
                last = state
                for one in progress.news(state):
                    tell(one)
    except TimeoutError:
        return Outcome(
            last, Exit.INCONCLUSIVE_UNTOUCHED, f"{untaken(name, namespace)}. The drill will not start any more"
        )
    finally:
        nobody.cancel()
    return Outcome(last, code_of(last), _sentence(last))


def code_of(drill: Object) -> Exit:
    """The exit code of a drill that has ended."""
    status = drill["status"]
    match status.get("verdict"):
        case Verdict.PASSED.value:
            return Exit.PASSED
        case Verdict.FAILED.value:
            return Exit.FAILED
        case Verdict.ABORTED.value:
            return Exit.ABORTED
        case _:
            # Unless the status says that nothing was changed, something may have been.
            return Exit.INCONCLUSIVE_UNTOUCHED if status.get("changed") is False else Exit.INCONCLUSIVE_CHANGED


def _sentence(drill: Object) -> str:
    status = drill["status"]
    cleared = condition(drill, "FaultsCleared")
    left = f"SOMETHING IS LEFT: {cleared['message']}" if cleared.get("status") == "False" else ""
    shown = f"{status.get('verdict')} ({status.get('reason')}): {status.get('summary') or status.get('message')}"
    return "\n".join(filter(None, (shown, more(drill, shown), left)))


def untaken(name: str, namespace: str) -> str:
    """The message about a drill that no operator has taken."""
    return (
        f"no operator has started drill {name} so far: see with `kubectl -n gameday-system get pods` "
        f"whether one runs, and whether it watches namespace {namespace}"
    )


def _trouble(error: str) -> None:
    say(f"{error}; the drill goes on, and this command waits for an answer")


class Signals:
    """The signals that want the program to end, as numbers in a queue while it is entered.

    Where the system has no such handlers they end the program as usual.
    """

    NUMBERS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self) -> None:
        self.queue: asyncio.Queue[int] = asyncio.Queue()

    def __enter__(self) -> Self:
        """Begin to listen."""
        with contextlib.suppress(NotImplementedError):
            for number in self.NUMBERS:
                asyncio.get_running_loop().add_signal_handler(number, self.queue.put_nowait, number.value)
        return self

    def __exit__(self, *_: object) -> None:
        """Let them end the program again."""
        with contextlib.suppress(NotImplementedError):
            for number in self.NUMBERS:
                asyncio.get_running_loop().remove_signal_handler(number)


async def _interrupted(cluster: Cluster, drill: Object, number: int, signals: Signals) -> None:
    """Abort the drill or go on, as the person chooses.

    Raises:
        Left: when the person leaves it running, or the terminal is not interactive.

    """
    namespace, name = drill["metadata"]["namespace"], drill["metadata"]["name"]
    asks = number == signal.SIGINT and sys.stdin.isatty() and sys.stderr.isatty()
    answer = _answer(name, signals) if asks else "l"
    if answer == "l":
        say(f"drill {name} goes on; to end it: gameday abort {name} -n {namespace}")
        raise Left(number)
    if answer == "a":
        try:
            await abort(cluster, namespace, name)
            say(f"drill {name} will end; waiting until everything is put back")
        except GameDayError as error:
            say(f"drill {name} was not aborted: {in_words(error)}")


def _answer(name: str, signals: Signals) -> str:
    """``l`` to leave the drill running, ``a`` to abort it, ``w`` to watch on."""
    question = f"\ndrill {name} is under way: [l]eave it running, [a]bort it, or [w]atch on? "
    signals.__exit__()  # A second Ctrl-C is to end the question.
    try:
        while True:
            print(question, end="", file=sys.stderr, flush=True)  # noqa: T201
            given = sys.stdin.readline()
            if not given:
                return "l"
            if (word := given.strip().lower()[:1]) in {"l", "a", "w"}:
                return word
    except KeyboardInterrupt:
        print(file=sys.stderr)  # noqa: T201
        return "l"
    finally:
        signals.__enter__()
