"""``gameday doctor``: each thing that would keep drills from running is found, and what may not be seen is unknown."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from gameday.api.record import timestamp
from gameday.cli.version import VERSION
from unit.cli.asked import CommandLine

NOW = 1_796_040_000.0
ALL = [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]
OWN = "gameday-system"


def lease(line: CommandLine, ago: float = 2.0, holder: str = "operator-0") -> None:
    spec = {"holderIdentity": holder, "renewTime": timestamp(NOW - ago)}
    line.server.put("leases", OWN, {"metadata": {"name": "gameday-operator"}, "spec": spec})


def account(line: CommandLine, **labels: str) -> None:
    line.server.put("serviceaccounts", "shop", {"metadata": {"name": "gameday", "labels": labels}})


def config(line: CommandLine, name: str, data: dict[str, str]) -> None:
    line.server.put("configmaps", OWN, {"metadata": {"name": name}, "data": data})


def gameday(line: CommandLine, status: str) -> None:
    conditions = [{"type": "Ready", "status": status, "message": "spec.outage: too long"}] if status else []
    line.server.put(
        "gamedays", "shop", {"metadata": {"name": "redis"}, "spec": {}, "status": {"conditions": conditions}}
    )


def pod(line: CommandLine, waiting: dict[str, str]) -> None:
    state = {"waiting": waiting} if waiting else {"running": {}}
    status = {"containerStatuses": [{"image": "registry/gameday", "state": state}]}
    about = {"name": "first-observer", "labels": {"gameday.dev/drill": "first"}}
    line.server.put("pods", "shop", {"metadata": about, "status": status})


def well(line: CommandLine) -> None:
    """A cluster in which a drill would run."""
    labels = {"app.kubernetes.io/version": VERSION, "app.kubernetes.io/name": "gameday-operator"}
    spec = {"template": {"spec": {"containers": [{"image": "registry/gameday"}]}}}
    line.server.put("deployments", OWN, {"metadata": {"name": "gameday-operator", "labels": labels}, "spec": spec})
    line.server.put("customresourcedefinitions", "", {"metadata": {"name": "drills.gameday.dev", "labels": labels}})
    line.server.groups["gameday.dev"] = {"v1alpha1": ["drills", "gamedays"]}
    line.server.groups["cilium.io"] = {"v2": ["ciliumnetworkpolicies"]}
    line.server.rules = ALL
    lease(line)
    account(line, **{"gameday.dev/opt-in": "true"})
    gameday(line, "True")
    pod(line, {})


async def checks(line: CommandLine) -> tuple[int, dict[str, dict[str, str]]]:
    done = await line.run("doctor", "-o", "json")
    return done.exit_code, {one["check"]: one for one in json.loads(done.stdout)}


async def test_where_all_is_well_every_check_is_ok(command_line: CommandLine) -> None:
    well(command_line)
    code, found = await checks(command_line)
    assert (code, {one["state"] for one in found.values()}) == (0, {"ok"}), found
    assert list(found) == [
        "resources", "versions", "operator", "halt", "limits", "opt-in", "rights", "network", "images", "gamedays",
    ]  # fmt: skip
    text = await command_line.run("doctor")
    assert "ok       operator: operator-0 acts" in text.stdout


@pytest.mark.parametrize(
    ("change", "check", "state", "words"),
    [
        (lambda line: line.server.groups.pop("gameday.dev"), "resources", "failed", "does not serve"),
        (lambda line: line.server.drop("leases", OWN, "gameday-operator"), "operator", "failed", "no operator holds"),
        (lambda line: lease(line, 0, ""), "operator", "failed", "no operator holds"),
        (lambda line: lease(line, 100), "operator", "failed", "renewed its Lease 1m40s ago"),
        (lambda line: lease(line, -100), "operator", "warning", "1m40s ahead of this machine's"),
        (lambda line: config(line, "gameday-halt", {"reason": "launch"}), "halt", "failed", ": launch"),
        (lambda line: config(line, "gameday-limits", {"limits.yaml": "maxPods: x"}), "limits", "failed", "maxPods"),
        (lambda line: config(line, "gameday-limits", {"limits.yaml": "maxPods: 3"}), "limits", "ok", "can be read"),
        (account, "opt-in", "failed", "no ServiceAccount gameday with the label"),
        (lambda line: gameday(line, "False"), "gamedays", "failed", "redis: spec.outage: too long"),
        (lambda line: gameday(line, ""), "gamedays", "warning", "no operator has seen redis"),
        (
            lambda line: pod(line, {"reason": "ImagePullBackOff"}),
            "images",
            "failed",
            "pod first-observer: ImagePullBack",
        ),
        (lambda line: pod(line, {"reason": "ContainerCreating"}), "images", "ok", "have their images"),
        (
            lambda line: line.server.drop("pods", "shop", "first-observer"),
            "images",
            "unknown",
            "image pulls show only while a drill runs",
        ),
        (lambda line: line.server.groups.pop("cilium.io"), "network", "unknown", "shows only in a drill"),
        (lambda line: setattr(line.server, "rules", []), "rights", "warning", "create drills.gameday.dev"),
        (lambda line: line.server.forbidden.add("get leases"), "operator", "unknown", "may not get leases"),
        (lambda line: line.server.forbidden.add("list gamedays"), "gamedays", "unknown", "may not list gamedays"),
    ],
)
async def test_what_is_not_well_is_found(
    command_line: CommandLine, change: Callable[[CommandLine], Any], check: str, state: str, words: str
) -> None:
    well(command_line)
    change(command_line)
    code, found = await checks(command_line)
    assert found[check]["state"] == state, found[check]
    assert words in found[check]["message"]
    assert bool(found[check].get("do")) is (state in {"failed", "warning"} or check == "network")
    assert code == (1 if state == "failed" else 0)
    assert {name for name, one in found.items() if one["state"] != "ok"} <= {check}


async def test_who_may_run_drills_but_read_no_logs_is_told(command_line: CommandLine) -> None:
    well(command_line)
    command_line.server.rules = [{"verbs": ["*"], "apiGroups": ["gameday.dev"], "resources": ["*"]}]
    _, found = await checks(command_line)
    assert found["rights"]["message"].endswith("list pods, watch pods, get pods/log is missing")


async def test_another_version_is_a_warning(command_line: CommandLine) -> None:
    well(command_line)
    deployment = command_line.server.objects["deployments", OWN, "gameday-operator"]
    deployment["metadata"]["labels"] = deployment["metadata"]["labels"] | {"app.kubernetes.io/version": "9.9.9"}
    code, found = await checks(command_line)
    assert (code, found["versions"]["state"]) == (0, "warning")
    assert "the operator is 9.9.9" in found["versions"]["message"]


async def test_a_cluster_that_does_not_answer_is_an_error_and_no_list(command_line: CommandLine) -> None:
    command_line.server.down = True
    done = await command_line.run("doctor", "-o", "json")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "the server is down" in done.stderr
