"""``gameday validate``: files as kubectl reads them, checked by the schema, its rules and the plan; no cluster."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from gameday.api.crds import definitions
from gameday.cli.checks.check import check, refusals, schemas
from gameday.cli.checks.defaults import defaulted
from gameday.cli.checks.documents import NotYaml, documents
from gameday.cli.checks.rules import broken
from gameday.cli.main import app
from gameday.controller.gameday.gamedays import read_all
from gameday.errors import GameDayError
from specs import BASE, drills, gamedays

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "manifests" / "examples" / "redis-failover.yaml"


def body(**metadata: Any) -> dict[str, Any]:
    about = {"apiVersion": "gameday.dev/v1alpha1", "kind": "GameDay", "metadata": {"name": "one", **metadata}}
    return about | {"spec": copy.deepcopy(BASE)}


def run(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, ["validate", *arguments], input=stdin, env={"NO_COLOR": "1"})


def changed(path: str, value: Any) -> dict[str, Any]:
    thing = body()
    *way, last = path.split(".")
    there: Any = thing
    for part in way:
        there = there[int(part)] if part.isdigit() else there[part]
    there[last] = value
    return thing


def test_what_the_operator_takes_is_valid() -> None:
    assert check(body()) == ()


@pytest.mark.parametrize(
    ("path", "value", "where", "words"),
    [
        ("spec.outage.duratoin", "5m", "spec.outage.duratoin", "unknown field: did you mean duration?"),
        ("spec.outage.last", "5m", "spec.outage.last", "unknown field: the fields here are duration, expect, faults"),
        ("spec.outage.duration", "90", "spec.outage.duration", "does not match"),
        ("spec.outage.duration", "30s\n", "spec.outage.duration", "does not match"),
        ("spec.outage.duration", 90, "spec.outage.duration", "90 is a number: write a string"),
        ("spec.outage.duration", "3h", "spec.outage", "outage.duration must be at most 1h"),
        ("spec.outage.duration", None, "spec.outage", "duration is missing: write it"),
        ("spec.outage", None, "spec.outage", "is missing: write it"),
        ("spec.probes", {}, "spec.probes", "{} is an object: write a list"),
        ("spec.probes.3.tcp.port", 2**63, "spec.probes[3].tcp.port", "write a whole number"),
        ("spec.probes.3.tcp.port", 65536, "spec.probes[3].tcp.port", "out of range: maximum is 65535"),
        ("spec.probes.3.tcp.port", True, "spec.probes[3].tcp.port", "true or false: write a whole number"),
        ("spec.probes.3.name", "hook", "spec.probes[3]", "is used twice: choose another name 'hook'"),
        ("spec.outage.expect.0.becomes", "health.body !=", "spec.outage.expect[0].becomes", ""),
        ("spec.outage.expect.0.becomes", "helth.ok", "spec.outage.expect[0].becomes", "there is no probe 'helth'"),
        ("spec.outage.expect.0.always", "true", "spec.outage.expect[0]", "give exactly one of always"),
        ("spec.recovery.expect.0.measures", "detect", "spec.recovery.expect[0].measures", "choose another"),
        ("metadata.name", "x" * 41, "metadata.name", "a GameDay's name has at most 40 characters"),
        ("metadata.name", "Big", "metadata.name", "'Big' is not a valid name"),
        ("metadata.name", None, "metadata.name", "is missing"),
        ("metadata.labels", {"a b": "c"}, "metadata.labels.a b", "is not a valid label key"),
        ("metadata.labels", {"a": "-c"}, "metadata.labels.a", "is not a valid label value"),
        ("metadata.label", {}, "metadata.label", "unknown field: did you mean labels?"),
        ("apiVersion", "gameday.dev/v1", "apiVersion", "write gameday.dev/v1alpha1"),
        ("kind", "Gameday", "kind", "write GameDay or Drill"),
        ("status", {"nextrun": "x"}, "status.nextrun", "unknown field: did you mean nextRun?"),
    ],
)
def test_what_is_wrong_is_found_with_its_path_and_what_to_do(path: str, value: Any, where: str, words: str) -> None:
    found = check(changed(path, value))
    assert [message for one, message in found if one == where and words in message], found


def test_nulls_count_as_nothing_and_defaults_are_filled_in() -> None:
    assert check(changed("spec.description", None)) == ()
    assert check(changed("spec.probes.3.interval", None)) == ()
    assert check(changed("metadata.labels", None)) == ()


def test_all_findings_of_the_schema_come_at_once() -> None:
    thing = changed("spec.outage.duration", "90")
    thing["spec"]["recovery"]["within"] = 7
    thing["spec"]["nothing"] = 1
    assert {path for path, _ in check(thing)} == {"spec.outage.duration", "spec.recovery.within", "spec.nothing"}


def test_every_rule_of_the_crds_can_be_evaluated() -> None:
    """One that could not would refuse everything: here each of them holds somewhere."""
    rules = [rule for schema in schemas().values() for rule in _rules(schema)]
    assert len(rules) > 60
    for schema in schemas().values():
        assert _rules(schema)
    drill = {"apiVersion": "gameday.dev/v1alpha1", "kind": "Drill", "metadata": {"name": "d"}, "spec": {"gameDay": "g"}}
    assert refusals(drill) == ()
    for path in sorted((ROOT / "manifests" / "examples").rglob("*.yaml")):
        for one in documents(path.read_text()):
            assert check(one.body) == ()


def _rules(schema: Any) -> list[str]:
    found = [rule["rule"] for rule in schema.get("x-kubernetes-validations", ())]
    below = [*schema.get("properties", {}).values(), schema.get("items"), schema.get("additionalProperties")]
    return found + [rule for one in below if isinstance(one, dict) for rule in _rules(one)]


def test_a_rule_that_cannot_be_evaluated_does_not_hold() -> None:
    schema = {"x-kubernetes-validations": [{"rule": "duration(self.a) > duration('1s')", "message": "no"}]}
    assert list(broken({"a": "soon"}, schema, "spec")) == [("spec", "no")]
    assert list(broken({}, schema, "spec")) == [("spec", "no")]
    assert list(broken({"a": "2s"}, schema, "spec")) == []


def test_the_plan_is_checked_by_the_operators_own_code() -> None:
    """Of everything that the schema admits, the two agree; and nothing makes the check fail itself."""
    admitted = 0
    for case in gamedays():
        found = check(case.body)
        assert all(path is not None and message for path, message in found), case.what
        if refusals(case.body):
            continue
        admitted += 1
        try:
            read_all(defaulted(case.body, schemas()["GameDay"]))  # as the API server hands it out
            taken = True
        except GameDayError:
            taken = False
        assert taken is (not found), (case.what, found)
    assert admitted > 100
    for case in drills("g"):
        check(case.body)


def test_lines_are_those_of_compilers(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    text = EXAMPLE.read_text().replace("  outage:\n", "  outage:\n    duratoin: 5m\n", 1)
    path.write_text(text)
    line = text.splitlines().index("    duratoin: 5m") + 1
    done = run(str(path))
    assert done.exit_code == 1
    wanted = "GameDay redis-failover: spec.outage.duratoin: unknown field: did you mean duration?"
    assert done.stdout == f"{path}:{line}: {wanted}\n"


def test_programs_get_every_object_with_its_findings(tmp_path: Path) -> None:
    path = tmp_path / "all.yaml"
    foreign = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
    path.write_text(yaml.safe_dump_all([foreign, body(), changed("spec.outage.duration", "90")]))
    done = run(str(path), "-o", "json")
    assert done.exit_code == 1
    first, second, third = json.loads(done.stdout)
    assert (first["kind"], first["checked"]) == ("Namespace", False)
    assert (second["name"], second["valid"], second["findings"]) == ("one", True, [])
    assert [one["path"] for one in third["findings"]] == ["spec.outage.duration"]
    assert third["findings"][0]["line"] > third["line"] > second["line"]


def test_folders_lists_and_standard_input_are_read(tmp_path: Path) -> None:
    whole = {"apiVersion": "v1", "kind": "List", "items": [body(), changed("spec.outage.duration", "90")]}
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "list.json").write_text(json.dumps(whole))
    (tmp_path / "notes.txt").write_text("{")
    done = run(str(tmp_path))
    assert done.exit_code == 1
    assert done.stdout.count("GameDay one") == 2
    assert run("-", stdin=yaml.safe_dump(body())).exit_code == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "there is no object in any of these files"),
        ("# nothing\n---\n", "there is no object in any of these files"),
        ("apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n", "there is no GameDay and no Drill in any of these"),
    ],
)
def test_a_file_with_nothing_to_check_is_no_success(text: str, said: str) -> None:
    done = run("-", stdin=text)
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr


def test_a_file_that_is_not_there_is_said() -> None:
    done = run("/nonexistent/plan.yaml")
    assert done.exit_code == 2
    assert "/nonexistent/plan.yaml cannot be read" in done.stderr


@pytest.mark.parametrize(
    "text",
    [
        "a: [",
        "a: 1\na: 2\n",
        "\t",
        "? {a: b}\n: c\n",
        "a: !!python/object:os.system b\n",
        "a: &a [*a]\n",
        "b: \0",
        "a: .inf",
    ],
)
def test_what_is_no_yaml_is_a_finding(text: str) -> None:
    done = run("-", stdin=text)
    assert done.exit_code == 1
    assert "it is not YAML that kubectl can read" in done.stdout


def test_aliases_that_grow_without_end_are_refused() -> None:
    lines = [
        "a0: &a0 [x, x, x, x, x, x, x, x, x, x]",
        *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)),
    ]
    with pytest.raises(NotYaml, match="more than 100000 values"):
        list(documents("\n".join(lines)))


def test_a_text_alone_is_no_object() -> None:
    assert "it is not an object" in run("-", stdin="hello\n").stdout


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("2026-12-18", "2026-12-18"),
        ("2026-12-18T18:00:00Z", "2026-12-18T18:00:00Z"),
        ("10:30", "10:30"),
        ("1e3", 1000),
        ("1.5", 1.5),
        ("0x10", 16),
        ("010", 8),
        ("0o10", 8),
        ("08", 8),
        ("1_000", 1000),
        ("on", True),
        ("No", False),
        ("y", True),
        ("~", None),
        ("'5'", "5"),
        ("5s", "5s"),
        ("=", "="),
        ("1:30:00", "1:30:00"),
    ],
)
def test_plain_words_are_read_as_kubectl_reads_them(written: str, value: Any) -> None:
    (one,) = documents(f"a: {written}\n")
    assert one.body == {"a": value}
    assert type(one.body["a"]) is type(value)


def test_keys_are_texts_and_merges_are_done() -> None:
    (one,) = documents("base: &b {x: 1}\n1: a\ntrue: b\nnew: {<<: *b, z: 2}\n")
    assert one.body == {"base": {"x": 1}, "1": "a", "true": "b", "new": {"x": 1, "z": 2}}


def test_a_key_that_stands_twice_is_refused_with_its_line() -> None:
    with pytest.raises(NotYaml, match="line 2: key 'b' is given twice"):
        list(documents("a:\n  b: 1\n  b: 2\n"))


def test_no_form_of_names_is_promised() -> None:
    assert run("-", "-o", "name", stdin=yaml.safe_dump(body())).exit_code == 2


def test_both_kinds_are_known() -> None:
    assert list(schemas()) == [one["spec"]["names"]["kind"] for one in definitions().values()]
