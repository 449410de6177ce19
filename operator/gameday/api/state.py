"""The machine state in a Drill's status: one JSON text, ``status.state``, that begins with its version.

It holds what the engine knows and what the preflight decided. Fields with their default are left out, so a default that
changes its meaning needs a new version, as does a field that goes or is renamed: raise ``VERSION`` and say in
``MIGRATIONS`` how the old form becomes the new one. A text that is not exactly this is unreadable, and then what the
undo log names is undone (``controller/drill/recall.py``): a guess could leave a fault behind.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from gameday.errors import StateUnreadable
from gameday.model.record import Record
from gameday.model.setup import Setup
from gameday.schema.bounds import LINE, STATE_BYTES, cut

VERSION: Final = 1
"""The version that is written."""

MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""How the state of a version becomes that of the next one."""

TEXTS: Final = (LINE, 256, 64, 0)
"""Characters of each message in the state: as many as fit."""


class _State(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    version: Literal[1]
    engine: Record
    setup: Setup | None = None


_SETUP: Final = TypeAdapter(Setup)


def state_text(record: Record, setup: Setup | None, texts: tuple[int, ...] = TEXTS) -> str:
    """The state as JSON; where it would be too large, its messages are shortened. The timeline stands elsewhere."""
    text = ""
    for most in texts:
        state = _State(version=VERSION, engine=_shortened(record, most), setup=setup)
        text = state.model_dump_json(exclude_none=True, exclude_defaults=True)
        if len(text.encode()) <= STATE_BYTES:
            break
    return text


def setup_bytes(setup: Setup) -> int:
    """Size of a setup within the state."""
    return len(_SETUP.dump_json(setup, exclude_none=True, exclude_defaults=True))


def read_state(text: str) -> tuple[Record, Setup | None]:
    """The record and the setup that an earlier process left, without the timeline.

    Raises:
        StateUnreadable: when the text is damaged, was edited, or is of a newer operator.

    """
    state = _validated(_migrated(_parsed(text)))
    return state.engine, state.setup


def _parsed(text: str) -> dict[str, Any]:
    try:
        data = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise StateUnreadable(f"status.state is damaged: {cut(str(error), 128)}") from error
    if not isinstance(data, dict) or type(data.get("version")) is not int:
        raise StateUnreadable("status.state was edited: it has no version")
    return data


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is not a number")


def _migrated(data: dict[str, Any]) -> dict[str, Any]:
    while (version := data["version"]) != VERSION:
        migrate = MIGRATIONS.get(version)
        if migrate is None:
            text = f"status.state is of version {version}, and this operator reads up to version {VERSION}"
            raise StateUnreadable(f"{text}: run the operator that wrote it")
        try:
            data = migrate(data) | {"version": version + 1}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise StateUnreadable(f"status.state of version {version} is damaged: {error!r}") from error
    return data


def _validated(data: dict[str, Any]) -> _State:
    try:
        return _State.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(str(part) for part in first["loc"])
        raise StateUnreadable(
            f"status.state was edited or damaged: {cut(path, 128)}: {cut(first['msg'], 128)}"
        ) from error


def _shortened(record: Record, most: int) -> Record:
    """The record with each message cut; whatever else it holds stays as it is."""
    waiting, unsevered = record.waiting, record.unsevered
    return replace(
        record,
        obstacle=cut(record.obstacle, most),
        waiting=replace(waiting, message=cut(waiting.message, most)) if waiting is not None else None,
        unsevered=replace(unsevered, message=cut(unsevered.message, most)) if unsevered is not None else None,
        aborted_why=cut(record.aborted_why, most),
        message=cut(record.message, most),
        doubts=tuple(d if _fits(d.message, most) else replace(d, message=cut(d.message, most)) for d in record.doubts),
        results=tuple(r if _fits(r.why, most) else replace(r, why=cut(r.why, most)) for r in record.results),
        steps=tuple(s if _fits(s.message, most) else replace(s, message=cut(s.message, most)) for s in record.steps),
        warnings=(),
        timeline=(),
    )


def _fits(text: str, most: int) -> bool:
    return len(text) <= most and text.isascii()
