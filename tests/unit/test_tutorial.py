"""The tutorial: its plan is right and passes in the simulation, and its commands name what is there."""

import re
from functools import cache
from typing import Final

import pytest
import typer
import yaml

import tutorial
from gameday.api.checks import check
from gameday.api.conditions import OF_A_DRILL, OF_A_GAMEDAY
from gameday.api.drill import DrillSpec
from gameday.api.parse import canonical, plan_of
from gameday.api.status import DRILL_STATUS
from gameday.cli.main import app
from gameday.cluster.resources import Object
from gameday.engine.cel.expressions import compile_expression
from pages import ROOT, blocks, section, tables
from simulation.demo import drill_of
from unit.manifests.reading import MANIFESTS, written

FILES: Final = {name: yaml.safe_load(text) for name, text in tutorial.files().items()}
COMMANDS: Final = [words for listed in tutorial.commands().values() for words in listed]
KUBECTL: Final = [words for words in COMMANDS if words[0] == "kubectl"]
OWN: Final = [words for words in COMMANDS if words[0] != "kubectl"]
"""The commands of `gameday`."""
KINDS: Final = {
    "gameday": "GameDay",
    "drill": "Drill",
    "service": "Service",
    "serviceaccount": "ServiceAccount",
    "deployment": "Deployment",
}
"""Kinds by the name that a command gives them, where an object is named."""
LISTED: Final = {"pods", "networkpolicies", "jobs", "drills"}
VERBS: Final = {"rollout", "get", "apply", "wait", "create", "delete"}
ABOUT: Final = {"plan": "GameDay", "explain": "Drill", "report": "Drill"}
"""What a command of `gameday` is about, by its name; `validate` is about a file."""


@cache
def there() -> frozenset[tuple[str, str]]:
    """Kind and name of everything that a reader has: the operator, the account, the shop, and the files of the page."""
    folders = (MANIFESTS / "operator", MANIFESTS / "namespace", ROOT / "tests" / "shop" / "manifests")
    bodies = [body for folder in folders for _, body in written(folder)] + list(FILES.values())
    return frozenset((body["kind"], body["metadata"]["name"]) for body in bodies)


def ended() -> Object:
    """The status of the page's drill in the simulation, under the names of the page."""
    status: Object = drill_of(FILES["cache-loss.yaml"]["spec"])["status"]
    return status


def masked(line: str) -> str:
    """A line without its times, numbers and the drill's name."""
    return re.sub(r"[0-9][0-9T:.-]*Z?", "#", line.replace(tutorial.DRILL, "drill-0"))


def test_nothing_is_wrong_with_the_plan() -> None:
    spec = FILES["cache-loss.yaml"]["spec"]
    canonical(spec)
    assert check(plan_of(tutorial.GAMEDAY, spec)) == ()


def test_the_drill_runs_the_plan() -> None:
    drill = FILES["drill.yaml"]
    assert drill["kind"] == "Drill"
    assert DrillSpec.model_validate(drill["spec"]).game_day == FILES["cache-loss.yaml"]["metadata"]["name"]
    assert {body["metadata"]["namespace"] for body in FILES.values()} == {tutorial.NAMESPACE}
    assert FILES["cache-loss.yaml"]["metadata"]["name"] == tutorial.GAMEDAY
    assert drill["metadata"]["name"] == tutorial.DRILL


def test_the_drill_passes_and_its_output_is_that_of_the_page() -> None:
    status = ended()
    assert status["verdict"] == "Passed"
    outputs = blocks(tutorial.PAGE, "")
    for field, output in zip(("expectations", "timeline"), outputs, strict=True):
        assert [masked(line) for line in output.splitlines()] == [masked(line) for line in status[field]]


def test_what_a_reader_may_write_instead_compiles() -> None:
    (rows,) = tables(section(tutorial.PAGE, "3. Write the plan"))
    texts = [text for row in rows for cell in row[1:] for text in re.findall(r"`([^`]*health\.[^`]*)`", cell)]
    assert len(texts) == 5
    for text in texts:
        compile_expression(text)


def test_what_a_service_that_answers_503_writes_holds_for_a_503() -> None:
    """Replacing what the table has and no more left an expectation that a 503 violates."""
    spec = FILES["cache-loss.yaml"]["spec"]
    (kept,) = (one for one in spec["outage"]["expect"] if "always" in one)
    assert (kept["name"], kept["always"]) == ("still answers", "health.ok")
    told = re.search(r"`still answers` becomes\s+`always: ([^`]*)`", section(tutorial.PAGE, "3. Write the plan"))
    assert told
    reads = compile_expression(told[1])
    held = [
        reads.evaluate({"health": {"ok": status < 300, "status": float(status)}}).kind.value
        for status in (200, 503, 500)
    ]
    assert held == ["True", "True", "False"]


@pytest.mark.parametrize("words", KUBECTL, ids=" ".join)
def test_a_command_is_one_that_kubectl_knows(words: list[str]) -> None:
    assert next(word for word in _without_namespace(words[1:])) in VERBS


@pytest.mark.parametrize("words", OWN, ids=" ".join)
def test_a_command_is_one_that_gameday_knows_and_names_what_is_there(words: list[str]) -> None:
    program, name, *rest = words
    assert program == "gameday"
    with typer.main.get_group(app).commands[name].make_context(name, rest) as context:
        given = context.params
    if name == "validate":
        assert set(given["files"]) <= FILES.keys()
    else:
        assert given["namespace"] == tutorial.NAMESPACE
        assert (ABOUT[name], given.get("drill", given.get("target"))) in there()


def test_the_page_leads_to_what_the_command_does() -> None:
    assert {words[1] for words in OWN} == {"validate", "plan", "explain", "report"}
    text = tutorial.PAGE.read_text()
    for word in ("`gameday run ", "`gameday watch ", "`gameday abort ", "how-to/commands.md", "how-to/plan.md"):
        assert word in text


@pytest.mark.parametrize("words", KUBECTL, ids=" ".join)
def test_a_command_names_what_is_there(words: list[str]) -> None:
    verb, *rest = _without_namespace(words[1:])
    if "-f" in rest:
        assert rest[rest.index("-f") + 1] in FILES
    elif "-k" in rest:
        assert (ROOT / rest[rest.index("-k") + 1] / "kustomization.yaml").is_file()
    else:
        named = list(_named(rest[1:] if verb == "rollout" else rest))
        assert named
        assert {(KINDS[kind], name) for kind, name in named if name} <= there()
        assert {kind for kind, name in named if not name} <= LISTED


@pytest.mark.parametrize("words", KUBECTL, ids=" ".join)
def test_a_command_reads_what_a_status_has(words: list[str]) -> None:
    conditions = {"GameDay": OF_A_GAMEDAY, "Drill": OF_A_DRILL}
    for word in words:
        if asked := re.fullmatch(r"--for=condition=(\w+)", word):
            ((kind, _),) = _named(_without_namespace(words[1:])[1:])
            assert asked[1] in conditions[KINDS[kind]]
        for field in re.findall(r"\.status\.(\w+)", word):
            assert field in DRILL_STATUS["properties"]


def test_the_commands_are_of_one_namespace() -> None:
    spaces = {words[words.index("-n") + 1] for words in COMMANDS if "-n" in words}
    assert spaces == {tutorial.NAMESPACE, "gameday-system"}


def test_every_section_has_a_command_and_the_drill_waits_for_its_end() -> None:
    sections = tutorial.commands()
    assert all(sections[title] for title in sections if title != "Write the plan")
    assert any("--for=condition=Complete" in words for words in sections["Run it"])


def _without_namespace(words: list[str]) -> list[str]:
    if "-n" not in words:
        return words
    at = words.index("-n")
    return words[:at] + words[at + 2 :]


def _named(words: list[str]) -> list[tuple[str, str]]:
    """Kinds and names that a command is about; the name is "" where a whole list is asked for."""
    skipped = {index + 1 for index, word in enumerate(words) if word in {"-l", "-o"}}
    plain = [word for index, word in enumerate(words) if not word.startswith("-") and index not in skipped]
    if any("/" in word for word in plain):
        found = [word.partition("/") for word in plain]
        return [(kind, name) for kind, _, name in found]
    kinds, *names = plain
    return [(kind, name) for kind in kinds.split(",") for name in (names or [""])]
