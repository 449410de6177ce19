"""The Helm charts install what kustomize installs, by helm itself; a value adds what the component of its name adds."""

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from gameday.actions.kinds import Kinds
from gameday.actions.registry import KINDS as ACTIONS
from gameday.api import charts as made
from gameday.api.limits import limits_of
from gameday.cli.version import VERSION
from gameday.cluster.resources import Object
from gameday.controller.agent_settings import agent_settings
from granted import NAMESPACE, components, role
from pages import DOCS, tables
from unit.manifests.reading import (
    CHARTS,
    MANIFESTS,
    OPERATOR,
    ROOT,
    containers,
    only,
    overlay,
    rendered,
    said_by,
    template,
    tool,
    with_components,
)

CHART: Final = CHARTS / "gameday"
OPT_IN: Final = CHARTS / "gameday-namespace"
OWN: Final = "gameday-system"
KEEP: Final = "helm.sh/resource-policy"
OF_THE_TOOL: Final = {
    "helm.sh/chart",
    *(f"app.kubernetes.io/{name}" for name in ("instance", "managed-by", "part-of", "version")),
}
"""Labels by which an object says who installed it, and of which version: other for each tool."""
Comparable = dict[tuple[str, str, str], Object]


def helm(chart: Path, folder: Path, values: Mapping[str, Any] | None = None, namespace: str = OWN) -> list[Object]:
    """What an installation of a chart would apply."""
    file = folder / "values.yaml"
    file.write_text(yaml.safe_dump(dict(values or {})))
    command = (tool("helm"), "template", "drills", chart, "--namespace", namespace, "--values", file)
    return [body for body in yaml.safe_load_all(said_by(*command, environment=homes(folder))) if body is not None]


def homes(folder: Path) -> dict[str, str]:
    """Helm's own folders: the user's are left alone."""
    return {f"HELM_{name}_HOME": str(folder / name) for name in ("CACHE", "CONFIG", "DATA")}


def refused(chart: Path, folder: Path, values: Mapping[str, Any]) -> str:
    """Why helm does not take values."""
    with pytest.raises(AssertionError) as raised:
        helm(chart, folder, values)
    return str(raised.value)


def comparable(bodies: Iterable[Object]) -> Comparable:
    """Objects by kind, namespace and name, without what tells the tools apart."""
    found: Comparable = {}
    for body in bodies:
        metadata = body["metadata"]
        pods = [template(body)["metadata"]] if body["kind"] == "Deployment" else []
        for labelled in (metadata, *pods):
            labels = {key: value for key, value in labelled.get("labels", {}).items() if key not in OF_THE_TOOL}
            labelled["labels"] = labels
        metadata.get("annotations", {}).pop(KEEP, None)
        if not metadata.get("annotations"):
            metadata.pop("annotations", None)
        for container in containers(body) if pods else ():
            for entry in container["env"]:
                if entry["name"] == "GAMEDAY_AGENT_RESOURCES":
                    entry["value"] = json.loads(entry["value"])
        key = (body["kind"], metadata.get("namespace", ""), metadata["name"])
        assert key not in found, f"twice: {key}"
        found[key] = body
    return found


def without_namespace(bodies: Iterable[Object]) -> Comparable:
    """Helm makes the namespace of a release itself, or finds it there."""
    return comparable(body for body in bodies if body["kind"] != "Namespace")


def test_the_chart_installs_what_kustomize_installs(tmp_path: Path) -> None:
    assert comparable(helm(CHART, tmp_path)) == without_namespace(rendered(OPERATOR))


ALL_OF_IT: Final[dict[str, Any]] = {
    "people": True,
    "policies": {"status": True, "author": True},
    "network": {"policy": "cilium"},
    "monitoring": {name: {"enabled": True} for name in ("podMonitor", "rules", "dashboard")},
}
COMPONENTS: Final = (
    "people",
    "policy/status",
    "policy/author",
    "cni/cilium",
    "monitoring/prometheus",
    "monitoring/grafana",
)


@pytest.mark.parametrize("page", [DOCS / "install.md", OPT_IN / "README.md"], ids=lambda page: page.name)
def test_a_team_that_only_cuts_switches_every_other_kind_off(page: Path) -> None:
    """What these pages tell it to set, and that no value is left out which the chart has by now."""
    values = yaml.safe_load((OPT_IN / "values.yaml").read_text())["actions"]
    told = re.findall(r"--set actions\.(\w+)=false", page.read_text())
    assert sorted(told) == sorted(values.keys() - {"networkPartition"})


def test_a_value_adds_what_the_component_of_its_name_adds(tmp_path: Path) -> None:
    assert comparable(helm(CHART, tmp_path, ALL_OF_IT)) == without_namespace(with_components(tmp_path, *COMPONENTS))


def test_the_plain_network_policy_is_the_components_with_the_addresses_that_are_given(tmp_path: Path) -> None:
    to = ["10.0.0.5/32", "10.96.0.1/32"]
    found = helm(CHART, tmp_path, {"network": {"policy": "networkPolicy", "apiServer": to}})
    policy = only(found, "NetworkPolicy")
    wanted = only(with_components(tmp_path, "cni/networkpolicy"), "NetworkPolicy")
    wanted["spec"]["egress"][0]["to"] = [{"ipBlock": {"cidr": cidr}} for cidr in to]
    assert comparable([policy]) == comparable([wanted])


def test_in_another_namespace_all_of_it_names_that_one(tmp_path: Path) -> None:
    text = json.dumps(helm(CHART, tmp_path, ALL_OF_IT, namespace="drills-hq"))
    assert OWN not in text.replace("kubectl -n gameday-system", "")
    assert "system:serviceaccount:drills-hq:gameday-operator" in text
    assert '"namespace": "kube-system"' in text
    (group,) = only(helm(CHART, tmp_path, ALL_OF_IT, namespace="drills-hq"), "PrometheusRule")["spec"]["groups"]
    (leads,) = [rule["expr"] for rule in group["rules"] if rule["alert"] == "GameDayNoLeader"]
    assert leads.count('gameday_leader{namespace="drills-hq"}') == 2


def test_every_object_has_the_labels_of_its_release_and_its_version(tmp_path: Path) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    for chart in (CHART, OPT_IN):
        about = yaml.safe_load((chart / "Chart.yaml").read_text())
        assert (about["version"], about["appVersion"]) == (version, version)
        for body in helm(chart, tmp_path, ALL_OF_IT if chart is CHART else {}):
            labels = body["metadata"]["labels"]
            assert labels["helm.sh/chart"] == f"{about['name']}-{version}"
            assert labels["app.kubernetes.io/instance"] == "drills"
            assert labels["app.kubernetes.io/managed-by"] == "Helm"
            assert labels["app.kubernetes.io/version"] == version
            assert labels["app.kubernetes.io/part-of"] == "gameday"
            assert {"app.kubernetes.io/name", "app.kubernetes.io/component"} <= labels.keys()


def test_crds_are_kept_unless_their_owner_says_otherwise(tmp_path: Path) -> None:
    kept = [body for body in helm(CHART, tmp_path) if KEEP in body["metadata"].get("annotations", {})]
    assert {body["kind"] for body in kept} == {"CustomResourceDefinition"}
    assert len(kept) == 2
    assert not [b for b in helm(CHART, tmp_path, {"crds": {"keep": False}}) if "annotations" in b["metadata"]]
    kinds = {body["kind"] for body in helm(CHART, tmp_path, {"crds": {"enabled": False}})}
    assert "CustomResourceDefinition" not in kinds


def test_the_overlay_of_the_docs_sets_the_image_that_the_value_sets(tmp_path: Path) -> None:
    def images(bodies: list[Object]) -> list[str]:
        (container,) = containers(only(bodies, "Deployment"))
        return [entry["value"] for entry in container["env"] if entry["name"] == "GAMEDAY_IMAGE"]

    assert images(helm(CHART, tmp_path)) == []
    wanted = images(overlay(tmp_path, "GAMEDAY_IMAGE"))
    assert wanted == ["images.example/gameday:1.2.3"]
    assert images(helm(CHART, tmp_path, {"agents": {"image": wanted[0]}})) == wanted


def test_what_the_values_say_of_the_operator_reaches_it(tmp_path: Path) -> None:
    digest = f"sha256:{'0' * 64}"
    tolerations = [{"key": "batch", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 3_000_000}]
    values = {
        "image": {"repository": "images.example/gameday", "digest": digest, "pullPolicy": "Always"},
        "imagePullSecrets": [{"name": "pull"}],
        "replicas": 1,
        "watchNamespaces": ["shop", "bank"],
        "log": {"level": "debug", "format": "json"},
        "agents": {
            "image": "images.example/agents:1.2.3",
            "user": "",
            "priorityClass": "drills",
            "tolerations": tolerations,
            "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}},
        },
        "podSecurityContext": {"runAsUser": None, "runAsGroup": None},
        "podLabels": {"team": "sre", "app.kubernetes.io/name": "stolen"},
        "nodeSelector": {"disk": "ssd"},
        "extraArgs": ["--lease=other"],
        "extraEnv": [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}],
    }
    bodies = helm(CHART, tmp_path, values)
    assert not [body for body in bodies if body["kind"] == "PodDisruptionBudget"], "one replica could never be drained"
    deployment = only(bodies, "Deployment")
    spec, (container,) = template(deployment)["spec"], containers(deployment)
    assert container["image"] == f"images.example/gameday@{digest}"
    assert container["args"] == [
        "operator",
        "--watch=shop",
        "--watch=bank",
        "--pull-policy=Always",
        "--log-level=debug",
        "--log-format=json",
        "--lease=other",
    ]
    env = {entry["name"]: entry.get("value") for entry in container["env"]}
    assert env["HTTPS_PROXY"] == "http://proxy:3128"
    assert env["GAMEDAY_IMAGE"] == "images.example/agents:1.2.3"
    told = agent_settings(
        env["GAMEDAY_AGENT_RESOURCES"],
        env["GAMEDAY_AGENT_USER"],
        env["GAMEDAY_AGENT_PRIORITY_CLASS"],
        env["GAMEDAY_AGENT_TOLERATIONS"],
    )
    assert (told.user, told.priority_class, told.resources["requests"]["memory"]) == (None, "drills", "64Mi")
    assert told.tolerations == tuple(tolerations)
    assert spec["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    assert spec["imagePullSecrets"] == [{"name": "pull"}]
    assert spec["nodeSelector"] == {"disk": "ssd"}
    labels = template(deployment)["metadata"]["labels"]
    assert labels["team"] == "sre"
    assert deployment["spec"]["selector"]["matchLabels"].items() <= labels.items()


def test_numbers_of_a_values_file_reach_the_operator_as_they_are_written(tmp_path: Path) -> None:
    """Helm reads them as floating point, and prints those from a million on with an exponent."""
    agents = {
        "user": 1_000_660_000,
        "resources": {"requests": {"cpu": 0.5, "memory": 67_108_864}, "limits": {"cpu": 1, "memory": 134_217_728}},
    }
    deployment = only(helm(CHART, tmp_path, {"replicas": 1_000_000, "agents": agents}), "Deployment")
    assert deployment["spec"]["replicas"] == 1_000_000
    (container,) = containers(deployment)
    env = {entry["name"]: entry.get("value") for entry in container["env"]}
    found = agent_settings(env["GAMEDAY_AGENT_RESOURCES"], env["GAMEDAY_AGENT_USER"], "")
    assert found.user == 1_000_660_000
    assert found.resources == {
        "requests": {"cpu": "0.5", "memory": "67108864"},
        "limits": {"cpu": "1", "memory": "134217728"},
    }


def test_a_number_on_the_command_line_is_the_user(tmp_path: Path) -> None:
    command = (tool("helm"), "template", "drills", CHART, "--namespace", OWN, "--set", "agents.user=1000660000")
    bodies = [body for body in yaml.safe_load_all(said_by(*command, environment=homes(tmp_path))) if body is not None]
    (container,) = containers(only(bodies, "Deployment"))
    assert {"name": "GAMEDAY_AGENT_USER", "value": "1000660000"} in container["env"]


@pytest.mark.parametrize("user", ["", None], ids=["empty", "null"])
def test_without_a_user_in_the_values_the_cluster_chooses(user: str | None, tmp_path: Path) -> None:
    (container,) = containers(only(helm(CHART, tmp_path, {"agents": {"user": user}}), "Deployment"))
    assert {"name": "GAMEDAY_AGENT_USER", "value": ""} in container["env"]


def test_without_a_tag_the_image_is_of_the_charts_version(tmp_path: Path) -> None:
    (container,) = containers(only(helm(CHART, tmp_path, {"image": {"tag": ""}}), "Deployment"))
    assert container["image"] == f"localhost/gameday:{VERSION}"


def test_limits_become_the_config_map_that_the_operator_reads(tmp_path: Path) -> None:
    limits = {"maxOutage": "10m", "maxPods": 20, "when": ["Mon-Fri 09:00-17:00 Europe/Berlin"]}
    config = only(helm(CHART, tmp_path, {"limits": limits}), "ConfigMap", "gameday-limits")
    assert limits_of(config["data"]) == limits_of({"limits.yaml": yaml.safe_dump(limits)})


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"imgae": {}}, "imgae"),
        ({"image": {"tag": "latest"}}, "tag"),
        ({"replicas": 0}, "replicas"),
        ({"log": {"level": "loud"}}, "level"),
        ({"network": {"policy": "networkPolicy"}}, "apiServer"),
        ({"agents": {"resources": {"limits": {"cpu": "1"}, "requests": None}}}, "requests"),
        ({"agents": {"resources": {"requests": {"memory": None}}}}, "memory"),
        ({"agents": {"user": "root"}}, "user"),
        ({"agents": {"user": 2**31}}, "user"),
        ({"agents": {"user": "0"}}, "user"),
        ({"agents": {"image": "images.example/agents:latest"}}, "image"),
        ({"watchNamespaces": ["Shop"]}, "watchNamespaces"),
        ({"extraArgs": ["lease"]}, "extraArgs"),
    ],
    ids=str,
)
def test_a_value_that_is_wrong_is_refused_by_its_name(values: dict[str, Any], word: str, tmp_path: Path) -> None:
    assert word in refused(CHART, tmp_path, values)


def test_every_value_is_described_and_in_the_schema() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    assert set(schema["properties"]) - {"global"} == set(yaml.safe_load((CHART / "values.yaml").read_text()))


def test_the_page_of_the_installation_names_values_that_there_are() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    ways, settings, *_ = tables((DOCS / "install.md").read_text())
    cells = [ways[0][3], *(row[2] for row in settings)]
    named = [name for cell in cells for name in re.findall(r"`([\w.]+)`", cell)]
    assert {"image.tag", "watchNamespaces"} <= set(named)
    for name in named:
        found = values
        for part in name.split("."):
            found = found[part]


def account_of(bodies: Iterable[Object]) -> Comparable:
    """The objects of an account; the order of a Role's rules says nothing, and kustomize's subject has no namespace."""
    found = comparable(bodies)
    for (kind, _, _), body in found.items():
        if kind == "Role":
            body["rules"] = sorted(body["rules"], key=json.dumps)
        if kind == "RoleBinding":
            body["subjects"][0]["namespace"] = "shop"
        body["metadata"]["namespace"] = "shop"
    return {(kind, "shop", name): body for (kind, _, name), body in found.items()}


def test_the_chart_of_a_namespace_grants_what_kustomize_grants(tmp_path: Path) -> None:
    assert account_of(helm(OPT_IN, tmp_path, namespace="shop")) == account_of(rendered(NAMESPACE))


@pytest.mark.parametrize("left", components())
def test_a_kind_that_is_switched_off_takes_what_its_component_adds(left: str, tmp_path: Path) -> None:
    what, _, kind = left.partition("/")
    off = {what: {kind: False} if kind else False}
    found = only(helm(OPT_IN, tmp_path, off, namespace="shop"), "Role")
    wanted = role(*(one for one in components() if one != left))
    assert sorted(found["rules"], key=json.dumps) == sorted(wanted["rules"], key=json.dumps)


def test_a_kind_that_there_is_not_cannot_be_granted(tmp_path: Path) -> None:
    assert "scael" in refused(OPT_IN, tmp_path, {"actions": {"scael": True}})
    assert "scale" in refused(OPT_IN, tmp_path, {"actions": {"scale": "yes"}})


def test_pull_secrets_reach_the_account(tmp_path: Path) -> None:
    account = only(helm(OPT_IN, tmp_path, {"imagePullSecrets": [{"name": "pull"}]}, namespace="shop"), "ServiceAccount")
    assert account["imagePullSecrets"] == [{"name": "pull"}]


@pytest.mark.parametrize("chart", [CHART, OPT_IN], ids=["operator", "namespace"])
def test_helm_finds_nothing_wrong_with_it(chart: Path, tmp_path: Path) -> None:
    said_by(tool("helm"), "lint", "--strict", chart, environment=homes(tmp_path))


@pytest.mark.parametrize("chart", [CHART, OPT_IN], ids=["operator", "namespace"])
def test_what_it_says_after_an_installation_names_the_namespace(chart: Path, tmp_path: Path) -> None:
    command = (tool("helm"), "install", "drills", chart, "--namespace", "here", "--dry-run=client", "--output", "json")
    notes = json.loads(said_by(*command, environment=homes(tmp_path) | {"KUBECONFIG": "/dev/null"}))["info"]["notes"]
    assert "kubectl -n here " in notes
    assert "{{" not in notes


def test_the_made_files_are_up_to_date(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert made.main(["--check", str(MANIFESTS)]) == 0
    said_by("cp", "-r", MANIFESTS, ROOT / "crds", tmp_path)
    copy = tmp_path / "manifests"
    (copy / "operator" / "rbac.yaml").write_text("kind: Role\n")
    left = copy / "helm" / "gameday" / "files" / "operator" / "gone.yaml"
    left.touch()
    assert made.main(["--check", str(copy)]) == 1
    said = capsys.readouterr().err
    assert all(name in said for name in ("files/operator/rbac.yaml", "files/operator/gone.yaml", "make generate"))
    assert made.main([str(copy)]) == 0
    assert made.main(["--check", str(copy)]) == 0
    assert not left.exists()


def test_a_new_kind_gets_a_value() -> None:
    without = Kinds([kind for kind in ACTIONS if kind.name != "scale"])
    found = made.files(MANIFESTS, actions=without)[OPT_IN / "values.yaml"]
    assert "scale: true" not in found
    assert "scale: true" in (OPT_IN / "values.yaml").read_text()
