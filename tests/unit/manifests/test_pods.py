"""Pods of ours are restricted, pinned, and started with all that the command line asks for."""

import json
import re
from pathlib import Path

import pytest
import typer
import yaml
from typer.core import TyperGroup

from gameday.cli.main import app
from gameday.cluster.resources import Object
from gameday.controller.agent_settings import DEFAULT, USER, agent_settings
from gameday.controller.own_image import CONTAINER
from unit.manifests.reading import (
    MANIFESTS,
    OPERATOR,
    ROOT,
    SHOP,
    TEMPLATES,
    containers,
    only,
    overlay,
    rendered,
    said_by,
    template,
    written,
)

PINNED = re.compile(r"^[\w./-]+(:(?!latest$)[\w.-]+|@sha256:[0-9a-f]{64})$")
SHELLS = {"sh", "bash", "dash", "ash", "busybox", "env"}


def workloads() -> list[tuple[str, Object]]:
    found = [
        (f"{path} {body['metadata']['name']}", body)
        for path, body in written(MANIFESTS, SHOP)
        if body["kind"] in TEMPLATES
    ]
    assert found
    return found


def hooks(container: Object) -> list[Object]:
    """What the kubelet asks or runs besides the container itself."""
    probes = [container.get(f"{kind}Probe", {}) for kind in ("startup", "readiness", "liveness")]
    return probes + list(container.get("lifecycle", {}).values())


def operator(bodies: list[Object] | None = None) -> Object:
    return only(bodies or [body for _, body in written(OPERATOR)], "Deployment")


@pytest.mark.parametrize("workload", [pytest.param(body, id=name) for name, body in workloads()])
def test_every_pod_meets_the_restricted_standard(workload: Object) -> None:
    spec = template(workload)["spec"]
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
    assert not [volume for volume in spec.get("volumes", ()) if "hostPath" in volume]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] != 0
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in containers(workload):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


@pytest.mark.parametrize("workload", [pytest.param(body, id=name) for name, body in workloads()])
def test_every_container_says_what_it_needs_and_what_it_may_take(workload: Object) -> None:
    for container in containers(workload):
        assert set(container["resources"]["requests"]) == {"cpu", "memory"}
        assert "memory" in container["resources"]["limits"]
        assert container["imagePullPolicy"] == "IfNotPresent"


@pytest.mark.parametrize("workload", [operator()], ids=["operator"])
def test_nothing_asks_for_a_shell(workload: Object) -> None:
    for container in containers(workload):
        run = [container.get("command", ()), container.get("args", ())]
        run += [(found.get("exec") or {}).get("command", ()) for found in hooks(container)]
        assert not SHELLS & {word.rpartition("/")[2] for words in run for word in words}


def test_only_the_operators_pod_has_a_token() -> None:
    has = [name for name, body in workloads() if template(body)["spec"]["automountServiceAccountToken"]]
    assert [name.split()[1] for name in has] == ["gameday-operator"]


@pytest.mark.parametrize("folder", ["operator", "demo"])
def test_every_image_is_pinned(folder: str) -> None:
    images = [
        c["image"] for body in rendered(MANIFESTS / folder) if body["kind"] in TEMPLATES for c in containers(body)
    ]
    assert images
    assert not [image for image in images if not PINNED.match(image)]


def test_the_image_stands_in_one_place_and_agents_run_that_of_the_operators_container() -> None:
    body = operator(rendered(OPERATOR))
    (container,) = containers(body)
    assert container["name"] == CONTAINER
    assert json.dumps(body).count(container["image"]) == 1
    env = {entry["name"]: entry.get("valueFrom") for entry in container["env"]}
    assert env["POD_NAME"] == {"fieldRef": {"fieldPath": "metadata.name"}}
    assert env["POD_NAMESPACE"] == {"fieldRef": {"fieldPath": "metadata.namespace"}}


def test_the_documented_overlay_with_another_image_sets_it_and_nothing_else(tmp_path: Path) -> None:
    changed, before = overlay(tmp_path, "newTag"), rendered(OPERATOR)
    (container,) = containers(operator(changed))
    assert container["image"] == "images.example/gameday:1.2.3"
    container["image"] = containers(operator(before))[0]["image"]
    assert changed == before


@pytest.mark.parametrize("image", ["", "images.example/gameday:1.2.3"], ids=["the image as it is", "a release"])
def test_the_one_file_holds_what_kustomize_renders(image: str, tmp_path: Path) -> None:
    file = tmp_path / "install.yaml"
    told = {"INSTALL_YAML": str(file)} | ({"RELEASE_IMAGE": image} if image else {})
    said_by("make", "--directory", ROOT, "install-yaml", environment=told)
    wanted = rendered(OPERATOR)
    if image:
        containers(operator(wanted))[0]["image"] = image
    assert list(yaml.safe_load_all(file.read_text())) == wanted


def test_the_documented_overlay_for_some_namespaces_is_understood(tmp_path: Path) -> None:
    (container,) = containers(operator(overlay(tmp_path, "--watch")))
    command = typer.main.get_command(app)
    assert isinstance(command, TyperGroup)
    name, *arguments = container["args"]
    env = {entry["name"]: "any" for entry in container["env"]}
    with command.commands[name].make_context(
        name, [*arguments, "--namespace", env["GAMEDAY_NAMESPACE"], "--image", "any"]
    ) as context:
        assert context.params["watch"] == ["shop"]


def test_the_operator_is_started_with_all_that_it_asks_for() -> None:
    (container,) = containers(operator())
    command = typer.main.get_command(app)
    assert isinstance(command, TyperGroup)
    assert container["args"][0] in command.commands
    options = command.commands[container["args"][0]].params
    asked = {option.envvar for option in options if isinstance(option.envvar, str)}
    needed = {option.envvar for option in options if option.required}
    given = {entry["name"] for entry in container["env"]}
    assert needed <= given <= asked


def test_the_agents_settings_that_are_written_are_those_of_an_operator_without_any() -> None:
    env = {entry["name"]: entry.get("value") for entry in containers(operator())[0]["env"]}
    written_out = agent_settings(env["GAMEDAY_AGENT_RESOURCES"], env["GAMEDAY_AGENT_USER"], "")
    assert written_out == DEFAULT == agent_settings("", str(USER), "")


def test_the_documented_overlay_for_openshift_leaves_the_user_to_the_cluster(tmp_path: Path) -> None:
    changed = operator(overlay(tmp_path, "GAMEDAY_AGENT_USER"))
    env = {entry["name"]: entry.get("value") for entry in containers(changed)[0]["env"]}
    told = agent_settings(env["GAMEDAY_AGENT_RESOURCES"], env["GAMEDAY_AGENT_USER"], "")
    assert told.user is None
    assert told.resources["requests"] == {"cpu": "50m", "memory": "64Mi"}
    assert not {"runAsUser", "runAsGroup"} & template(changed)["spec"]["securityContext"].keys()


def test_each_replica_is_known_by_its_pods_name_and_its_lease_stands_beside_it() -> None:
    env = {entry["name"]: entry.get("valueFrom") for entry in containers(operator())[0]["env"]}
    assert env["GAMEDAY_IDENTITY"] == {"fieldRef": {"fieldPath": "metadata.name"}}
    assert env["GAMEDAY_NAMESPACE"] == {"fieldRef": {"fieldPath": "metadata.namespace"}}


def test_one_replica_stays_whatever_is_drained() -> None:
    bodies = [body for _, body in written(OPERATOR)]
    assert operator()["spec"]["replicas"] == 2
    assert only(bodies, "PodDisruptionBudget")["spec"]["minAvailable"] == 1


def test_all_that_selects_the_operators_pods_finds_them() -> None:
    bodies = [body for _, body in written(OPERATOR, MANIFESTS / "components")]
    selector = operator()["spec"]["selector"]["matchLabels"]
    spread = template(operator())["spec"]["topologySpreadConstraints"][0]
    assert selector.items() <= template(operator())["metadata"]["labels"].items()
    assert spread["labelSelector"]["matchLabels"] == selector
    assert only(bodies, "Service")["spec"]["selector"] == selector
    assert only(bodies, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"] == selector
    assert only(bodies, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"] == selector
    assert only(bodies, "CiliumNetworkPolicy")["spec"]["endpointSelector"]["matchLabels"] == selector


def test_probes_and_service_use_the_port_that_the_operator_serves() -> None:
    (container,) = containers(operator())
    (port,) = container["ports"]
    assert port == {"name": "http", "containerPort": 8080}
    for probe in ("livenessProbe", "readinessProbe"):
        assert container[probe]["httpGet"] == {"path": "/healthz", "port": "http"}
    (served,) = only((body for _, body in written(OPERATOR)), "Service")["spec"]["ports"]
    assert served["targetPort"] == "http"


def test_all_of_the_operator_stands_in_its_namespace_but_for_the_right_to_find_dns() -> None:
    elsewhere = {
        (body["kind"], body["metadata"].get("namespace"))
        for body in rendered(OPERATOR)
        if body["metadata"].get("namespace", "gameday-system") != "gameday-system"
    }
    assert elsewhere == {("Role", "kube-system"), ("RoleBinding", "kube-system")}


def test_its_namespace_admits_restricted_pods_only() -> None:
    namespace = only((body for _, body in written(OPERATOR)), "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_the_crds_come_with_it() -> None:
    names = {body["metadata"]["name"] for body in rendered(OPERATOR) if body["kind"] == "CustomResourceDefinition"}
    assert names == {"gamedays.gameday.dev", "drills.gameday.dev"}
