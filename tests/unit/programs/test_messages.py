"""The page of messages: it is up to date, has messages of every kind, and a text that cannot be listed is named."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from programs import messages, sources
from programs.messages import API_SERVER, LOG, PACKAGE, PAGE, ROOT, SAID, WHERE, collected, page, refusals, where
from programs.sources import FOREIGN, SINKS, Package
from programs.texts import CALLS, MODULES, NAMES, SENT, Module, exempted, last_name, modules, parsed, template, texts


@pytest.fixture(scope="module")
def package() -> tuple[Module, ...]:
    return modules(PACKAGE)


@pytest.fixture(scope="module")
def listed() -> dict[str, set[str]]:
    """The texts of the product by their heading."""
    found: dict[str, set[str]] = {heading: set() for heading in SAID}
    for heading, text in collected():
        found[heading].add(text.text)
    return found


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == page(collected()), "run `make generate` and commit"


def test_the_program_says_that_the_page_is_not_up_to_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(messages, "PAGE", tmp_path / "messages.md")
    (tmp_path / "messages.md").write_text(page(collected()[1:]))
    assert messages.main(["--check"]) == 1
    assert "run `make generate`" in capsys.readouterr().err
    assert messages.main([]) == 0
    assert messages.main(["--check"]) == 0


def test_behind_every_message_of_the_product_stands_a_string(package: tuple[Module, ...]) -> None:
    assert list(Package(package).unresolved()) == []


@pytest.mark.parametrize(
    ("heading", "text"),
    [
        ("Status, timeline and verdict", "the Drill was deleted"),
        ("Status, timeline and verdict", "guardrail {expectation.name} cannot be judged: {why}"),
        ("Status, timeline and verdict", "no sample at the deadline could be judged ({series.excuse()})"),
        ("Schedules", "in blackout {blackout.name}"),
        ("Operator", "slot {local(slot.at, zone)} did not run: {slot.message}"),
        (LOG, "the Drill's status was not saved, so nothing is changed: %s"),
        (LOG, "drills may start"),
        ("Command line", "not halted: {error}; name the operator's namespace with --namespace"),
        ("API server, kubeconfig and leases", "{message}; the rights come with `{remedy}`"),
        (API_SERVER, "startBefore is immutable: create a new Drill instead"),
        (API_SERVER, "only the operator writes the status of GameDays and Drills"),
        ("Plans", "{zone} is not an IANA time zone: write one such as Europe/Berlin or Etc/UTC"),
        ("Expressions", "size() takes text, a list or a map"),
        ("Preflight and status", "no running pod matches"),
        ("Preflight and status", "its deadline has passed"),
        ("Agents", "port 0 is not valid; use http://HOST:PORT/PATH"),
        ("Agents", "the lookup of {self.lookup.name} did not end before the timeout: check the namespace's DNS"),
        ("Registries", "two kinds of actions are called {kind.name}"),
    ],
)
def test_known_messages_stand_where_they_are_met(listed: dict[str, set[str]], heading: str, text: str) -> None:
    assert any(text in one for one in listed[heading]), sorted(listed[heading])


def test_every_heading_has_its_place_and_many_texts(listed: dict[str, set[str]]) -> None:
    assert {*WHERE.values(), LOG, API_SERVER} == set(SAID)
    assert all(listed[heading] for heading in SAID)
    assert sum(map(len, listed.values())) > 800


def test_a_module_without_a_heading_is_named() -> None:
    with pytest.raises(LookupError, match=r"novel/kind\.py: say in WHERE"):
        where("novel/kind.py")


def test_the_rules_of_crds_are_read_from_what_is_installed() -> None:
    found = {text.text for text in refusals(ROOT) if text.module == "crds/drills.yaml"}
    assert "abort cannot be set back to false: create a new Drill instead" in found


def strings(source: str) -> list[str]:
    return [text.text for text in texts(parsed("new.py", source))]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('raise ValueError("it is wrong")', ["it is wrong"]),
        ('raise ValueError(f"{path}: it is {wrong!r}")', ["{path}: it is {wrong}"]),
        ('def f():\n    yield f"step {name} failed"', ["step {name} failed"]),
        ('text = "it is wrong, " "and twice so"', ["it is wrong, and twice so"]),
        ('why = {"a": "it is wrong"}.get(key) or "nobody knows"', ["it is wrong", "nobody knows"]),
        ('"""It is wrong."""\nX = 1\n"""It is right."""', []),
        ('RULE = "has(self.a) && self.b"', []),
        ('WORD = re.compile(r"\\w+ and \\w+")', []),
        ('def f(a: "one | two") -> "one | two": ...', []),
        ('x = field(description="What it is.")', []),
        ('reason = "NotSteady"', []),
    ],
)
def test_texts_are_found_where_messages_stand(source: str, found: list[str]) -> None:
    assert strings(source) == found


def test_log_lines_are_told_from_other_texts() -> None:
    found = texts(parsed("new.py", 'self.log.warning("it is wrong: %s", error)\nblog("it is right")'))
    assert [(text.text, text.logged) for text in found] == [("it is wrong: %s", True), ("it is right", False)]


def unresolved(source: str, name: str = "engine/new.py") -> list[str]:
    return list(Package((parsed(name, source),)).unresolved())


@pytest.mark.parametrize(
    "source",
    [
        "def f(rows):\n    for row in load():\n        raise ValueError(row)",
        "raise ValueError(fetch())",
        "raise ValueError(TABLE[key])",
        "def f(rows):\n    raise ValueError(rows['why'])",
        "class Odd(ValueError): pass\nclass Odder(Odd): pass\nraise Odder(fetch())",
        "def f():\n    text = fetch()\n    raise ValueError(text)",
        "def f():\n    text = fetch()\n    raise ValueError(f'{text}: {text}')",
        "def g():\n    return fetch()\ndef f():\n    raise ValueError(g())",
        "log.warning(fetch())",
        "record.note(now, 'Reason', fetch())",
        "end_inconclusive(ctx, reason, fetch())",
        "Finding('spec.probes', fetch())",
        "Doubt(cause, message=fetch(), since=0)",
    ],
)
def test_a_message_that_no_string_stands_behind_is_named(source: str) -> None:
    (line,) = unresolved(source)
    assert line.startswith("engine/new.py:")
    assert "cannot list it: write the text as a string or an f-string where it is used" in line


@pytest.mark.parametrize(
    "source",
    [
        "raise ValueError('it is wrong')",
        "def f(text):\n    raise ValueError(text)",
        "def f():\n    try:\n        g()\n    except OSError as error:\n        raise ValueError(str(error))",
        "def g():\n    return 'it is wrong'\ndef f():\n    why = g()\n    raise ValueError(f'{why}: {why}')",
        "WHY = {'a': 'it is wrong'}\nraise ValueError(WHY[key])",
        "class Found:\n    why: str\nraise ValueError(found.why)",
        "raise typer.Exit(code)",
    ],
)
def test_a_message_that_a_string_stands_behind_is_not(source: str) -> None:
    assert unresolved(source) == []


def test_another_function_of_the_name_of_a_sink_takes_no_message() -> None:
    assert unresolved("abort(at, cause, fetch())", "cli/new.py") == []


def used(package: tuple[Module, ...]) -> Iterator[tuple[Module, ast.AST, str]]:
    for module in package:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Constant | ast.JoinedStr):
                yield module, node, exempted(module, node)


def test_no_exemption_is_left_over(package: tuple[Module, ...]) -> None:
    reasons = {reason for _, _, reason in used(package)}
    assert CALLS.keys() <= reasons
    assert NAMES.keys() <= reasons
    assert MODULES.keys() <= {module.name for module in package}
    assert {template(node) for _, node, _ in used(package) if isinstance(node, ast.expr)} >= SENT
    found = Package(package)
    list(found.unresolved())
    assert found.foreign == set(FOREIGN)


def test_every_sink_is_called(package: tuple[Module, ...]) -> None:
    calls = {last_name(n.func) for m in package for n in ast.walk(m.tree) if isinstance(n, ast.Call)}
    assert SINKS.keys() <= calls, "a call that takes messages has another name now: correct SINKS"
    assert sources.SILENT & calls
