"""The examples and the demo are plans that run: the door admits them and the check finds nothing."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from gameday.actions.network_partition.action import OpenConnections, cuts_of
from gameday.actions.network_partition.closing_plan import closing_plan_of
from gameday.actions.network_partition.dials import dials
from gameday.api.checks import check
from gameday.api.drill import DrillSpec
from gameday.api.parse import canonical, plan_of
from gameday.cluster.resources import Object
from gameday.engine.cel.expressions import OutcomeKind, compile_expression
from gameday.model import held_connection
from gameday.model.plan import Plan, ServiceRef
from gameday.schema.durations import seconds
from pages import DOCS, blocks
from unit.manifests.reading import MANIFESTS, ROOT, only, rendered, written
from unit.preflight.things import a_snapshot

EXAMPLES = MANIFESTS / "examples"
EXAMPLE = EXAMPLES / "redis-failover.yaml"
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.yaml"))
DEMO = MANIFESTS / "demo"


def files(paths: Iterable[Path]) -> list[Object]:
    """Every object in some files, whatever its kind."""
    return [body for path in paths for body in yaml.safe_load_all(path.read_text())]


def example() -> Object:
    return only((body for _, body in written(EXAMPLE)), "GameDay")


def plan(gameday: Object) -> Plan:
    return plan_of(gameday["metadata"]["name"], gameday["spec"])


def differences(path: str, one: Any, other: Any) -> Iterator[tuple[str, tuple[Any, Any]]]:
    """Where two specs differ, by path; an item of a list is known by its name."""
    if isinstance(one, list) and isinstance(other, list) and all(isinstance(item, dict) for item in [*one, *other]):
        one, other = ({item.get("name", item.get("key")): item for item in items} for items in (one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        for key in {**one, **other}:
            yield from differences(f"{path}.{key}", one.get(key), other.get(key))
    elif one != other:
        yield path, (one, other)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_wrong_with_an_example(name: str) -> None:
    (body,) = files([EXAMPLES / f"{name}.yaml"])
    assert (body["kind"], body["metadata"]) == ("GameDay", {"name": name, "namespace": "shop"})
    canonical(body["spec"])
    assert check(plan(body)) == ()


def shown() -> Iterator[tuple[str, Object]]:
    """Every GameDay that people are shown whole, with where it stands."""
    for path in (*EXAMPLES.glob("*.yaml"), *DEMO.rglob("*.yaml")):
        yield from ((path.name, body) for body in files([path]) if body and body["kind"] == "GameDay")
    for page in (ROOT / "README.md", *DOCS.rglob("*.md")):
        for text in blocks(page, "yaml"):
            if "kind: GameDay" in text and "\n  recovery:" in text:
                yield from ((page.name, body) for body in yaml.safe_load_all(text) if body["kind"] == "GameDay")


def test_every_partition_that_people_are_shown_can_have_a_verdict() -> None:
    """Open connections can be ended or held at its dependency, or it says that they are kept."""
    found = [(where, wanted, cut) for where, body in shown() for wanted in (plan(body),) for _, cut in cuts_of(wanted)]
    assert {"postgres-loss.yaml", "managed-redis.yaml", "tutorial.md", "README.md"} <= {where for where, _, _ in found}
    for where, wanted, cut in found:
        closed = closing_plan_of(a_snapshot(), cut) is not None
        held = any(dial.protocol in held_connection.PROTOCOLS for dial in dials(a_snapshot(), wanted, cut))
        assert closed or held or cut.open_connections is OpenConnections.KEEP, where


@pytest.mark.parametrize("name", NAMES)
def test_an_example_has_its_drill_and_its_line_in_the_docs(name: str) -> None:
    assert (EXAMPLES / "drills" / f"{name}.yaml").is_file()
    assert f"drills/{name}.yaml" in (EXAMPLES / f"{name}.yaml").read_text()
    assert f"| [{name}](" in (ROOT / "docs" / "example.md").read_text()


def test_applying_the_examples_starts_nothing() -> None:
    """``kubectl apply -f`` of a folder reads these files, and none below it."""
    applied = [body for suffix in (".yaml", ".yml", ".json") for body in files(EXAMPLES.glob(f"*{suffix}"))]
    assert [body["kind"] for body in applied] == ["GameDay"] * len(applied)
    assert sorted(body["metadata"]["name"] for body in applied) == NAMES


def test_building_on_the_examples_starts_nothing() -> None:
    assert [body["kind"] for body in rendered(EXAMPLES)] == ["GameDay"]


@pytest.mark.parametrize("file", sorted((EXAMPLES / "drills").glob("*.yaml")), ids=lambda file: str(file.name))
def test_a_drill_of_an_example_is_created_by_hand_and_as_often_as_one_likes(file: Path) -> None:
    (drill,) = files([file])
    gameday = only(files([EXAMPLES / file.name]), "GameDay")
    assert drill["kind"] == "Drill"
    assert DrillSpec.model_validate(drill["spec"]).game_day == gameday["metadata"]["name"]
    assert drill["metadata"]["namespace"] == gameday["metadata"]["namespace"] == "shop"
    assert "name" not in drill["metadata"], "`kubectl apply` refuses what has only generateName"
    minutes = int(seconds(gameday["spec"]["outage"]["duration"])) // 60
    assert f"starts an outage of {minutes} minutes: kubectl create -f" in file.read_text()


def test_the_example_cuts_everybody_who_talks_to_redis() -> None:
    ((_, partition),) = cuts_of(plan(example()))
    assert partition.pod_selector.expressions == (("app", "In", ("api", "worker")),)
    assert partition.to == ServiceRef("redis")


def mitigation(mitigations: Iterable[Object], name: str) -> Object:
    (found,) = [one for one in mitigations if one["name"] == name]
    return found


def runbook() -> Object:
    return only(files([EXAMPLES / "runbook.yaml"]), "GameDay")["spec"]  # type: ignore[no-any-return]


def seen(*, redis: bool, health: str, rate: float) -> dict[str, Any]:
    """What the probes of the runbook see, with three jobs in the hands of workers."""
    return {
        "redis": {"ok": redis},
        "health": {"ok": True, "body": {"redis": health, "buffered": 0}},
        "queue": {"ok": True, "body": {"active": 3, "processingRate": rate}},
    }


AWAY = seen(redis=False, health="down", rate=0)
UNNOTICED = seen(redis=False, health="ok", rate=0)
STUCK = seen(redis=True, health="ok", rate=0)
UNFOUND = seen(redis=True, health="down", rate=0)
WELL = seen(redis=True, health="ok", rate=4)


@pytest.mark.parametrize(
    ("name", "acts"), [("restart workers", [STUCK]), ("restart the API", [UNFOUND])], ids=["workers", "API"]
)
def test_the_runbook_restarts_nothing_while_redis_is_away(name: str, acts: list[Any]) -> None:
    """A rate of 0 is expected then, workers go on from memory, and what has acted does not act again."""
    when = compile_expression(mitigation(runbook()["mitigations"], name)["when"])
    found = [one for one in (AWAY, UNNOTICED, STUCK, UNFOUND, WELL) if when.evaluate(one).kind is OutcomeKind.TRUE]
    assert found == acts
    assert when.evaluate(AWAY).kind is OutcomeKind.FALSE


def test_the_mitigation_on_the_page_restarts_no_worker_while_redis_is_away() -> None:
    (shown, *_) = blocks(DOCS / "how-to" / "mitigations.md", "yaml")
    when = compile_expression(mitigation(yaml.safe_load(shown)["mitigations"], "restart workers")["when"])
    assert [when.evaluate(one).kind for one in (AWAY, STUCK, WELL)] == [
        OutcomeKind.FALSE,
        OutcomeKind.TRUE,
        OutcomeKind.FALSE,
    ]


def test_the_runbook_measures_what_its_template_asks_for() -> None:
    spec = runbook()
    expected = [one for stage in ("outage", "recovery") for one in spec[stage]["expect"]]
    measured = {one["measures"]: one["name"] for one in expected if "measures" in one}
    assert measured == {
        "timeToDetect": "health tells",
        "timeToAlert": "team is paged",
        "timeToRecover": "healthy again",
    }
    assert [one["name"] for one in spec["measurements"]] == ["peakMemory"]
    assert "no jobs lost" in {one["name"] for one in expected}


def test_nothing_is_wrong_with_the_demo() -> None:
    assert check(plan(only(rendered(DEMO), "GameDay"))) == ()


def test_the_demo_is_the_example_in_short() -> None:
    differing = dict(differences("spec", example()["spec"], only(rendered(DEMO), "GameDay")["spec"]))
    assert set(differing) <= {
        "spec.steadyState.duration",
        "spec.outage.duration",
        "spec.outage.expect.team is alerted.within",
        "spec.recovery.within",
    }
    assert "spec.outage.duration" in differing
    assert [path for path, (long, short) in differing.items() if seconds(short) >= seconds(long)] == []


def test_applying_the_demo_starts_nothing() -> None:
    assert not [body for body in rendered(DEMO) if body["kind"] == "Drill"]


def test_the_demos_drill_runs_its_plan_whenever_it_is_created() -> None:
    gameday = only(rendered(DEMO), "GameDay")
    drill = yaml.safe_load((DEMO / "drill.yaml").read_text())
    assert DrillSpec.model_validate(drill["spec"]).game_day == gameday["metadata"]["name"]
    assert drill["metadata"]["namespace"] == gameday["metadata"]["namespace"]
    assert "name" not in drill["metadata"], "with a name it could be created only once"


def test_the_demos_namespace_has_opted_in() -> None:
    bodies = rendered(DEMO)
    account = only(bodies, "ServiceAccount")
    assert account["metadata"]["labels"]["gameday.dev/opt-in"] == "true"
    (subject,) = only(bodies, "RoleBinding")["subjects"]
    assert (subject["name"], subject["namespace"]) == (account["metadata"]["name"], account["metadata"]["namespace"])
