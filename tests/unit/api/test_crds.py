"""The definitions as the API server gets them."""

import enum
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
from pydantic import BaseModel

from gameday.api.crds import definitions
from gameday.api.drill import DrillSpec
from gameday.api.gameday import GameDaySpec
from gameday.model.change import ChangeState
from gameday.model.record import Phase, Verdict
from gameday.model.schedule import Decision
from gameday.schema.base import ApiModel

CRDS = Path(__file__).parents[3] / "crds"
Schema = dict[str, Any]


def schema(name: str) -> Schema:
    """The schema of a kind."""
    found: Schema = definitions()[name]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
    return found


def at(path: str) -> Schema:
    """The schema of a field: ``drills.status.undo.kind``; a list stands for its items."""
    name, *way = path.split(".")
    node = {"properties": schema(f"{name}.yaml")}
    for part in way:
        node = node["properties"][part]
        node = node.get("items", node)
    return node


def test_no_category_is_the_name_of_a_kind() -> None:
    """``kubectl delete gameday small`` would delete the Drill of that name as well: kubectl knows categories first."""
    names = [body["spec"]["names"] for body in definitions().values()]
    known = {word for one in names for word in (one["plural"], one["singular"], *one.get("shortNames", ()))}
    assert known >= {"gamedays", "gameday", "gd", "drills", "drill"}
    assert not known & {category for one in names for category in one.get("categories", ())}


def test_a_definition_has_no_anchors() -> None:
    files = list(CRDS.glob("*s.yaml"))
    assert {path.name for path in files} >= {"drills.yaml", "gamedays.yaml"}
    for path in files:
        assert not [line for line in path.read_text().splitlines() if "&id0" in line or "*id0" in line]


def literals(annotation: Any, node: Schema, path: str) -> Iterator[tuple[str, list[str], Schema]]:
    """Every Literal below a type, with its path, its values and the schema that stands for it."""
    origin = get_origin(annotation)
    if origin is Literal:
        yield path, list(get_args(annotation)), node
    elif origin is typing.Annotated:
        yield from literals(get_args(annotation)[0], node, path)
    elif origin in {typing.Union, types.UnionType}:
        for one in get_args(annotation):
            yield from literals(one, node, path)
    elif origin is tuple:
        yield from literals(get_args(annotation)[0], node["items"], f"{path}[]")
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield from literals_of(annotation, node, path)


def literals_of(model: type[BaseModel], node: Schema, path: str) -> Iterator[tuple[str, list[str], Schema]]:
    """Every Literal of a model."""
    for name, field in model.model_fields.items():
        wire = field.alias or name
        yield from literals(field.annotation, node["properties"][wire], f"{path}.{wire}")


def every_literal() -> list[tuple[str, list[str], Schema]]:
    """Those of both kinds."""
    return [
        *literals_of(GameDaySpec, schema("gamedays.yaml")["spec"], "spec"),
        *literals_of(DrillSpec, schema("drills.yaml")["spec"], "spec"),
    ]


def written(model: type[ApiModel], seen: set[type]) -> int:
    """How many fields of a model and of all below it are Literals, each model counted once."""
    seen.add(model)
    count = 0
    for field in model.model_fields.values():
        todo = [field.annotation]
        while todo:
            one = todo.pop()
            count += get_origin(one) is Literal
            todo += [arg for arg in get_args(one) if get_origin(one) is not Literal]
            if isinstance(one, type) and issubclass(one, ApiModel) and one not in seen:
                count += written(one, seen)
    return count


def test_every_literal_is_an_enum_of_the_same_values() -> None:
    found = every_literal()
    assert len(found) >= written(GameDaySpec, set()) + written(DrillSpec, set()) > 5
    assert {path: node.get("enum") for path, _, node in found} == {path: values for path, values, _ in found}
    kinds = ["bullmq", "celery", "sidekiq"]
    assert ("spec.probes[].redis.queue.kind", kinds) in [(path, values) for path, values, _ in found]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("drills.status.phase", Phase),
        ("drills.status.verdict", Verdict),
        ("drills.status.undo.state", ChangeState),
        ("gamedays.status.lastVerdict", Verdict),
    ],
)
def test_a_word_of_a_status_is_one_of_its_enum(path: str, words: type[enum.Enum]) -> None:
    assert at(path)["enum"] == [word.value for word in words]


def test_the_word_that_an_earlier_operator_left_for_a_slot_is_admitted_beside_those_of_today() -> None:
    assert at("gamedays.status.slots.decision")["enum"] == [*(decision.value for decision in Decision), "Coming"]


def strings(node: Schema, path: str) -> Iterator[tuple[str, Schema]]:
    """Every string of a schema."""
    if node.get("type") == "string":
        yield path, node
    for name, below in node.get("properties", {}).items():
        yield from strings(below, f"{path}.{name}")
    for inner in ("items", "additionalProperties"):
        if inner in node:
            yield from strings(node[inner], f"{path}[]")


def fields(node: Schema, path: str = "") -> Iterator[tuple[str, Schema]]:
    """Every field below a schema, with its path."""
    for name, field in node.get("properties", {}).items():
        yield f"{path}.{name}", field
        yield from fields(field, f"{path}.{name}")
        yield from fields(field.get("items", {}), f"{path}.{name}[]")


@pytest.mark.parametrize("name", ["gamedays.yaml", "drills.yaml"])
def test_nothing_is_added_to_what_nobody_wrote_but_what_rules_read(name: str) -> None:
    """An operator from before a field would refuse every GameDay to which the API server adds it."""
    spec = schema(name)["spec"]
    rules = str([field.get("x-kubernetes-validations") for _, field in [("", spec), *fields(spec)]])
    rules += str([field.get("items", {}).get("x-kubernetes-validations") for _, field in fields(spec)])
    added = [path for path, field in fields(spec) if "default" in field]
    assert [path for path in added if f".{path.rpartition('.')[2]}" not in rules] == []
    assert not {".notifications", ".mitigations", ".contacts", ".links", ".history"} & set(added)


def test_a_default_that_is_not_added_is_described() -> None:
    unaided = at("gamedays.spec.outage.expect.unaided")
    assert "default" not in unaided
    assert unaided["description"].endswith("Default: false.")


def test_every_string_is_bounded() -> None:
    for name in definitions():
        for part in ("spec", "status"):
            found = list(strings(schema(name)[part], part))
            assert found, f"{part} of {name} has strings"
            loose = [
                path
                for path, node in found
                if not {"maxLength", "enum"} & set(node) and node.get("format") != "date-time"
            ]
            assert loose == [], name


def columns(name: str, *, wide: bool) -> list[str]:
    """Names of the columns that kubectl shows, in its order; ``wide`` with ``-o wide`` only."""
    found = definitions()[name]["spec"]["versions"][0]["additionalPrinterColumns"]
    return [column["name"].upper() for column in found if (column.get("priority", 0) > 0) is wide]


def test_the_columns_are_those_that_people_look_for() -> None:
    assert columns("gamedays.yaml", wide=False) == [
        "READY", "SCHEDULE", "NEXT", "LAST", "VERDICT", "REASON", "DETECT", "RECOVER", "AGE",
    ]  # fmt: skip
    assert columns("gamedays.yaml", wide=True) == ["DRILL", "MESSAGE"]
    assert columns("drills.yaml", wide=False) == [
        "GAMEDAY", "PHASE", "VERDICT", "REASON", "STARTED", "TOOK", "AGE",
    ]  # fmt: skip
    assert columns("drills.yaml", wide=True) == ["CLEARED", "MESSAGE"]


@pytest.mark.parametrize("name", ["gamedays.yaml", "drills.yaml"])
def test_a_column_shows_a_field_that_is_there_and_an_age_is_made_of_a_time(name: str) -> None:
    version = definitions()[name]["spec"]["versions"][0]
    for column in version["additionalPrinterColumns"]:
        path = column["jsonPath"].split("[")[0].strip(".").split(".")
        if path[0] == "metadata":
            continue
        node = version["schema"]["openAPIV3Schema"]
        for part in path:
            node = node["properties"][part]
        assert column["type"] == "date" if node.get("format") == "date-time" else column["type"] == "string", column


@pytest.mark.parametrize("name", ["gamedays.yaml", "drills.yaml"])
def test_what_the_operator_has_not_seen_yet_is_not_done(name: str) -> None:
    """Flux takes an object without a status for one that is as it should be."""
    assert schema(name)["status"]["default"] == {"observedGeneration": -1}
