"""What Prometheus and Grafana are given: alerts fire when they should, and nothing asks for a metric that is not."""

import json
import re
import runpy
import shlex
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from typer.main import get_command

from gameday.cli import reference
from gameday.cli.main import app
from gameday.cluster.resources import Object
from pages import DOCS, ROOT, blocks, tables
from unit.manifests.reading import (
    MANIFESTS,
    OPERATOR,
    containers,
    only,
    overlay,
    said_by,
    tool,
    with_components,
    written,
)

MONITORING: Final = MANIFESTS / "components" / "monitoring"
ALERTS: Final = DOCS / "how-to" / "alerts.md"
TESTS: Final = Path(__file__).parent / "alerts.yaml"
DASHBOARD: Final = MONITORING / "grafana" / "gameday.json"
PARTS: Final = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("_total", "_created"), "gauge": ("",)}
"""The series of a metric, by its type; the page names counters with their ``_total``."""

OF_THE_SCRAPE: Final = {"namespace"}
"""Labels that series without them get from the scrape: the operator's namespace."""


def series() -> set[str]:
    """The names of all series that the operator serves."""
    found = re.findall(r"^\| `(\w+)` \| (\w+) \|", reference.metrics(), re.MULTILINE)
    return {f"{name.removesuffix('_total')}{part}" for name, kind in found for part in PARTS[kind]}


def asked(expression: str) -> set[str]:
    return set(re.findall(r"\bgameday_\w+", expression))


def family(name: str) -> str:
    """The metric of a series, as the page names it."""
    return re.sub(r"_created$", "_total", re.sub(r"_(bucket|sum|count)$", "", name))


def rules() -> list[Object]:
    (group,) = only((body for _, body in written(MONITORING)), "PrometheusRule")["spec"]["groups"]
    found: list[Object] = group["rules"]
    return found


def test_the_page_has_the_rules_that_are_installed() -> None:
    (block,) = blocks(ALERTS, "yaml")
    (on_page,) = yaml.safe_load(block)["groups"]
    shown = {"alert", "expr", "for"}
    assert on_page["rules"] == [{key: value for key, value in rule.items() if key in shown} for rule in rules()]


def test_each_alert_says_how_bad_it_is_and_what_to_do() -> None:
    for rule in rules():
        assert rule["labels"].keys() == {"severity"}
        assert rule["annotations"].keys() == {"summary", "description", "runbook"}
    (rows,) = tables(ALERTS.read_text())
    paged = {row[0] for row in rows if "Page somebody" in row[1]}
    critical = [rule["alert"] for rule in rules() if rule["labels"]["severity"] == "critical"]
    assert {f"[{alert}](alerts/{alert}.md)" for alert in critical} == paged


def test_each_alert_has_a_page_that_its_annotation_names() -> None:
    pages = {rule["alert"]: ROOT / rule["annotations"]["runbook"] for rule in rules()}
    assert sorted(pages.values()) == sorted((DOCS / "how-to" / "alerts").glob("*.md"))
    for rule in rules():
        text = pages[rule["alert"]].read_text()
        assert text.startswith(f"# {rule['alert']}\n\nSeverity {rule['labels']['severity']}")
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == [
            "What to check",
            "What to do",
            "When it is a false alarm",
        ]


def test_the_commands_on_the_pages_of_the_alerts_are_ones_that_there_are() -> None:
    commands = get_command(app).commands  # type: ignore[attr-defined]  # a group has them
    written = [text for page in ALERTS.with_suffix("").glob("*.md") for text in blocks(page, "sh")]
    lines = [line for text in written for line in text.splitlines()]
    assert {line.split()[0] for line in lines} == {"kubectl", "gameday"}
    asked = [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("gameday ")]
    assert asked
    for name, *rest in asked:
        commands[name].make_context(name, rest)  # an unknown option raises


def test_the_site_lists_the_pages_of_the_alerts() -> None:
    conf = runpy.run_path(str(DOCS / "conf.py"))
    source = [ALERTS.read_text()]
    conf["prepare"](None, "how-to/alerts", source)
    (toctree,) = re.findall(r"^```\{toctree\}\n(?::.*\n)+\n(.*?)^```$", source[0], re.MULTILINE | re.DOTALL)
    assert toctree.split() == [f"alerts/{rule['alert']}.md" for rule in rules()]


def test_each_alert_fires_when_it_should_and_not_before(tmp_path: Path) -> None:
    """By Prometheus' own program: the rules are taken, and ``alerts.yaml`` says what fires when."""
    groups = only((body for _, body in written(MONITORING)), "PrometheusRule")["spec"]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(groups))
    tests = yaml.safe_load(TESTS.read_text())
    (tmp_path / "tests.yaml").write_text(yaml.safe_dump({"rule_files": ["rules.yaml"], **tests}))
    assert f"{len(rules())} rules found" in said_by(tool("promtool"), "check", "rules", tmp_path / "rules.yaml")
    said_by(tool("promtool"), "test", "rules", tmp_path / "tests.yaml")
    fired = set(re.findall(r"alertname=\"(\w+)\"", TESTS.read_text()))
    assert fired == {rule["alert"] for rule in rules()}


def test_the_pods_are_scraped_at_the_port_that_they_serve(tmp_path: Path) -> None:
    bodies = with_components(tmp_path, "monitoring/prometheus", "monitoring/grafana")
    spec = only(bodies, "PodMonitor")["spec"]
    deployment = only(bodies, "Deployment")
    assert spec["selector"] == deployment["spec"]["selector"]
    (endpoint,) = spec["podMetricsEndpoints"]
    assert endpoint["port"] == containers(deployment)[0]["ports"][0]["name"]
    assert endpoint["honorLabels"] is True
    config = only(bodies, "ConfigMap", "gameday-dashboard")
    assert json.loads(config["data"]["gameday.json"]) == json.loads(DASHBOARD.read_text())
    assert {body["metadata"]["namespace"] for body in (only(bodies, "PodMonitor"), config)} == {"gameday-system"}


def test_the_documented_overlay_adds_both_to_the_operator(tmp_path: Path) -> None:
    found = overlay(tmp_path, "monitoring/prometheus")
    assert {"PodMonitor", "PrometheusRule", "Deployment"} <= {body["kind"] for body in found}
    assert only(found, "ConfigMap", "gameday-dashboard")


def test_the_documented_command_moves_the_rules_to_another_namespace(tmp_path: Path) -> None:
    (move,) = re.findall(r"\| (sed '[^']+') \|", (DOCS / "install.md").read_text())
    with_components(tmp_path, "monitoring/prometheus")
    there = said_by("bash", "-o", "pipefail", "-c", f"'{tool('kustomize')}' build '{tmp_path}' | {move}")
    assert "gameday-system" not in there
    (group,) = only(yaml.safe_load_all(there), "PrometheusRule")["spec"]["groups"]
    of_one = {
        rule["alert"]: re.findall(r'(\w+)\{namespace="your-namespace"\}', rule["expr"]) for rule in group["rules"]
    }
    assert {alert: names for alert, names in of_one.items() if names} == {
        "GameDayNoLeader": ["gameday_leader", "gameday_leader"],
        "GameDayLimitsInvalid": ["gameday_limits_invalid"],
        "GameDayHaltedForADay": ["gameday_halted"],
    }


def test_none_of_it_is_installed_unless_it_is_asked_for() -> None:
    assert not [body for _, body in written(OPERATOR) if "monitoring" in body["apiVersion"]]


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(DASHBOARD.read_text())
    return found


def expressions(board: dict[str, Any]) -> Iterator[str]:
    for panel in board["panels"]:
        yield from (target["expr"] for target in panel["targets"])
    yield from (one["expr"] for one in board["annotations"]["list"])
    yield from (one["definition"] for one in board["templating"]["list"] if one["type"] == "query")


def test_the_dashboard_asks_for_metrics_that_there_are_and_for_each_of_them() -> None:
    found = {name for expression in expressions(dashboard()) for name in asked(expression)}
    assert found <= series()
    families = {family(name) for name in found}
    assert families == set(re.findall(r"^\| `(\w+)` ", reference.metrics(), re.MULTILINE))


def test_what_a_panel_names_by_its_labels_are_labels_of_its_metric() -> None:
    known = {
        name: set(re.findall(r"`(\w+)`", labels))
        for name, labels in re.findall(r"^\| `(\w+)` \| \w+ \| ([^|]*) \|", reference.metrics(), re.MULTILINE)
    }
    for panel in dashboard()["panels"]:
        for target in panel["targets"]:
            (name,) = {family(one) for one in asked(target["expr"])}
            used = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) - OF_THE_SCRAPE
            used |= set(re.findall(r'(\w+)(?:=~|!=|=)"', target["expr"]))
            assert used <= known[name], target["expr"]


def test_the_dashboard_is_one_that_grafana_takes() -> None:
    board = dashboard()
    assert board["uid"] == "gameday"
    assert board["schemaVersion"] >= 39
    assert "id" not in board, "an id of another Grafana keeps it from being imported"
    assert not {"__inputs", "__requires"} & board.keys(), "a sidecar answers no questions"
    panels = board["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        assert panel["type"] in {"stat", "timeseries"}
        assert panel["title"]
        assert panel["description"].endswith(".")
        assert panel["datasource"]["uid"] == "${datasource}"
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"]) > 0
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
    for one, other in combinations((panel["gridPos"] for panel in panels), 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or above
    assert [one["name"] for one in board["templating"]["list"]] == ["datasource", "namespace"]


def test_prometheus_takes_what_the_panels_ask(tmp_path: Path) -> None:
    words = {"$__rate_interval": "5m", "$namespace": ".*"}
    asking = [one for one in expressions(dashboard()) if not one.startswith("label_values")]
    for word, value in words.items():
        asking = [one.replace(word, value) for one in asking]
    records = [{"record": f"panel:{number}", "expr": one} for number, one in enumerate(asking)]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": records}]}))
    assert f"{len(records)} rules found" in said_by(tool("promtool"), "check", "rules", tmp_path / "rules.yaml")


@pytest.mark.parametrize(
    ("counter", "labels", "shown"),
    [
        ("gameday_drills", 'namespace="shop", verdict="Failed"', '{verdict="Failed"}'),
        ("gameday_slots", 'namespace="shop", decision="TooLate"', '{decision="TooLate"}'),
        ("gameday_internal_errors", "", "{}"),
    ],
)
@pytest.mark.parametrize(
    ("counts", "created", "value"),
    [
        ("_x20 2x20", "_x20 1190x20", 2),
        ("2x10 _x10 2x20", "-90000x10 _x10 1190x20", 2),
        ("2x17 _x2 2x20", "-90000x17 _x2 1190x20", 2),
        ("_x20 2x20", "_x20 -90000x20", 0),
        ("2x40", "-90000x40", 0),
    ],
    ids=["a new pod", "a new container", "a new container that is there soon", "scraped late", "nothing new"],
)
def test_a_panel_shows_what_was_counted_before_the_first_scrape(
    counter: str, labels: str, shown: str, counts: str, created: str, value: int, tmp_path: Path
) -> None:
    """The first scrape of a new process is at minute 20 or 21."""
    (asking,) = [one for one in expressions(dashboard()) if f"increase({counter}_total" in one]
    for word, text in {"$__rate_interval": "5m", "$namespace": ".*"}.items():
        asking = asking.replace(word, text)
    name = f'{{pod="a"{", " if labels else ""}{labels}}}'
    series = [
        {"series": f"{counter}_total{name}", "values": counts},
        {"series": f"{counter}_created{name}", "values": created},
    ]
    wanted = {"expr": asking, "eval_time": "22m", "exp_samples": [{"labels": shown, "value": value}]}
    group = {"interval": "1m", "input_series": series, "promql_expr_test": [wanted]}
    (tmp_path / "tests.yaml").write_text(yaml.safe_dump({"evaluation_interval": "1m", "tests": [group]}))
    said_by(tool("promtool"), "test", "rules", tmp_path / "tests.yaml")


@pytest.mark.parametrize(
    ("gauge", "shown"),
    [
        ("gameday_leader", (1, 0)),
        ("gameday_halted", (1, 0)),
        ("gameday_limits_invalid", (1, 0)),
        ("gameday_heartbeat_timestamp_seconds", (119, 120)),
    ],
)
def test_a_panel_about_the_operator_shows_each_installation(gauge: str, shown: tuple[int, int], tmp_path: Path) -> None:
    (asking,) = [one for one in expressions(dashboard()) if asked(one) == {gauge}]
    homes = ("gameday-system", "drills-hq")
    values = {"gameday-system": {"a": 1, "b": 0}, "drills-hq": {"c": 0}}
    series = [
        {"series": f'{gauge}{{namespace="{home}", pod="{pod}"}}', "values": f"{value}x5"}
        for home in homes
        for pod, value in values[home].items()
    ]
    samples = [{"labels": f'{{namespace="{home}"}}', "value": value} for home, value in zip(homes, shown, strict=True)]
    wanted = {"expr": asking, "eval_time": "2m", "exp_samples": samples}
    group = {"interval": "1m", "input_series": series, "promql_expr_test": [wanted]}
    (tmp_path / "tests.yaml").write_text(yaml.safe_dump({"evaluation_interval": "1m", "tests": [group]}))
    said_by(tool("promtool"), "test", "rules", tmp_path / "tests.yaml")
