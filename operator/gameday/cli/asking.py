"""How each command for people asks the cluster: with the caller's kubeconfig and rights, and errors in words."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn, TypeVar

import typer

from gameday.cli.rights import missing
from gameday.cluster.client import Cluster
from gameday.cluster.credentials import Credentials
from gameday.cluster.resources import Object
from gameday.errors import Forbidden, GameDayError, NotFound

FAILED: Final = 1
"""Exit code of a command that failed."""
USAGE: Final = 2
"""Exit code of a command line that says nothing certain; typer's own as well."""
DEFAULT: Final = "default"
"""The namespace where neither the command line nor the context names one, as in kubectl."""
_UNKNOWN_KIND: Final = ("could not find the requested resource", "page not found")
"""How the API server says that it does not serve a kind."""

T = TypeVar("T")


class NotDone(GameDayError):
    """A halt or resume failed; the message says why and what to do."""

    reason = "NotDone"
    retry = False


@dataclass(frozen=True, slots=True)
class Where:
    """Which cluster and namespace a command is about; None where the kubeconfig decides."""

    kubeconfig: Path | None = None
    context: str | None = None
    namespace: str | None = None


def ask(where: Where, do: Callable[[Cluster, str], Awaitable[T]], *, code: int = FAILED) -> T:
    """What ``do`` finds in the cluster and the namespace; when it cannot, say why and exit with ``code``."""
    try:
        return asyncio.run(asked(where, do))
    except GameDayError as error:
        fail(in_words(error), code)


async def asked(where: Where, do: Callable[[Cluster, str], Awaitable[T]]) -> T:
    """What ``do`` finds.

    Raises:
        GameDayError: when there is no cluster, or when ``do`` does.

    """
    credentials = await Credentials.load(where.kubeconfig, where.context)
    cluster = Cluster.by(credentials)
    try:
        return await do(cluster, where.namespace or credentials.login.namespace or DEFAULT)
    finally:
        await cluster.close()


def in_words(error: GameDayError) -> str:
    """An error for the person who runs a command."""
    if isinstance(error, Forbidden):
        return missing(error)
    if isinstance(error, NotFound) and any(words in str(error) for words in _UNKNOWN_KIND):
        return f"{error}. Is the operator installed? `kubectl apply -k manifests/operator` installs it"
    return str(error)


def condition(thing: Object, kind: str) -> Object:
    """One condition of an object's status, or nothing."""
    return next((one for one in thing.get("status", {}).get("conditions", ()) if one["type"] == kind), {})


def fail(message: str, code: int = FAILED) -> NoReturn:
    """Say what is wrong, and exit."""
    say(f"gameday: {message}")
    raise typer.Exit(code)


def say(message: str) -> None:
    """Print a message that is not a result, on standard error."""
    print(message, file=sys.stderr, flush=True)  # noqa: T201
