"""The health check for Argo CD, run by the Lua that Argo CD has (gopher-lua) on what the operator writes."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from pages import DOCS, blocks
from unit.manifests.reading import MANIFESTS, said_by, tool

HEALTH: Final = MANIFESTS / "argocd" / "health.lua"
TELL: Final = 'print(hs.status .. "|" .. (hs.message or ""))'


def lua(value: Any) -> str:
    """A value as Lua writes it; None is what is not there."""
    match value:
        case None:
            return "nil"
        case dict():
            return "{" + ", ".join(f"[{json.dumps(key)}] = {lua(one)}" for key, one in value.items()) + "}"
        case list() | tuple():
            return "{" + ", ".join(map(lua, value)) + "}"
        case _:
            return json.dumps(value)


def health(folder: Path, status: Mapping[str, Any] | None, generation: int = 2) -> tuple[str, str]:
    """Status and message that Argo CD would show."""
    thing = {"metadata": {"generation": generation}, "status": dict(status) if status is not None else None}
    program = f"obj = {lua(thing)}\nlocal function check()\n{HEALTH.read_text()}end\nlocal hs = check()\n{TELL}\n"
    (folder / "health.lua").write_text(program)
    word, _, message = said_by(tool("glua"), folder / "health.lua").strip().partition("|")
    return word, message


def conditions(**of: tuple[str, str]) -> dict[str, Any]:
    listed = [{"type": kind, "status": status, "message": message} for kind, (status, message) in of.items()]
    return {"observedGeneration": 2, "conditions": listed}


NOT_SEEN: Final = ("Progressing", "the operator has not seen it yet")


@pytest.mark.parametrize(
    ("status", "wanted"),
    [
        pytest.param(None, NOT_SEEN, id="nothing was written yet"),
        pytest.param(conditions(Ready=("True", "old")) | {"observedGeneration": 1}, NOT_SEEN, id="an earlier plan"),
        pytest.param({"observedGeneration": 2}, NOT_SEEN, id="no conditions yet"),
        pytest.param(conditions(Ready=("True", "can run")), ("Healthy", "can run"), id="a plan that can run"),
        pytest.param(
            conditions(Ready=("False", "no right"), Stalled=("True", "grant it")),
            ("Degraded", "grant it"),
            id="refused",
        ),
        pytest.param(
            conditions(Ready=("False", "phase Outage"), Reconciling=("True", "phase Outage")),
            ("Progressing", "phase Outage"),
            id="a drill under way",
        ),
        pytest.param(
            conditions(Ready=("True", "ended: Failed"), Passed=("False", "1 missed")),
            ("Healthy", "ended: Failed"),
            id="a drill that failed",
        ),
    ],
)
def test_it_is_as_healthy_as_its_conditions_say(
    status: Mapping[str, Any] | None, wanted: tuple[str, str], tmp_path: Path
) -> None:
    assert health(tmp_path, status) == wanted


def test_the_page_shows_it_as_it_is() -> None:
    assert blocks(DOCS / "how-to" / "gitops.md", "lua") == [HEALTH.read_text()]
