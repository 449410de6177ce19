"""The image that agents run: the one that is told, else that of the operator's own pod, else a message and an end."""

import asyncio
import dataclasses
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gameday.cli.main import app
from gameday.cli.operate import operate
from gameday.cluster.client import Cluster
from gameday.cluster.resources import Object
from gameday.controller import backoff, own_image
from gameday.controller.clock import Clock
from gameday.controller.own_image import NoImage, image_of
from gameday.controller.process.operator import Operator
from gameday.controller.settings import Settings
from unit.api_server import ApiServer
from unit.ports import free_port

OWN = "gameday-system"
OURS = ("gameday.operator", "ERROR")
IN_A_POD = Settings(OWN, "me", "", pod="gameday-operator-1", pod_namespace=OWN)


def pod(*containers: tuple[str, str]) -> Object:
    spec = {"containers": [{"name": name, "image": image} for name, image in containers]}
    return {"metadata": {"name": "gameday-operator-1"}, "spec": spec}


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_image, "ASK_AGAIN", 0.01)
    monkeypatch.setattr(backoff, "LONGEST", 0.01)


async def test_what_is_told_wins_and_no_pod_is_read(api_server: ApiServer, cluster: Cluster) -> None:
    api_server.put("pods", OWN, pod(("operator", "registry/gameday:2")))
    told = Settings(OWN, "me", "registry/gameday:1", pod="gameday-operator-1", pod_namespace=OWN)
    assert await image_of(cluster, told) == "registry/gameday:1"
    assert api_server.asked == 0


async def test_it_is_that_of_the_operators_container_whatever_else_was_injected(
    api_server: ApiServer, cluster: Cluster
) -> None:
    api_server.put("pods", OWN, pod(("proxy", "mesh:1"), ("operator", "registry/gameday:2")))
    assert await image_of(cluster, IN_A_POD) == "registry/gameday:2"


async def test_an_api_server_that_is_down_is_waited_for(api_server: ApiServer, cluster: Cluster) -> None:
    api_server.put("pods", OWN, pod(("operator", "registry/gameday:2")))
    api_server.down = True
    asking = asyncio.create_task(image_of(cluster, IN_A_POD))
    async with asyncio.timeout(20):
        while api_server.asked < 20:  # noqa: ASYNC110  what is looked at has no event
            await asyncio.sleep(0.01)
    api_server.down = False
    assert await asking == "registry/gameday:2"


async def test_without_the_right_it_says_what_grants_it_and_what_else_helps(
    api_server: ApiServer, cluster: Cluster
) -> None:
    api_server.put("pods", OWN, pod(("operator", "registry/gameday:2")))
    api_server.forbidden = {"get pods"}
    with pytest.raises(NoImage) as raised:
        await image_of(cluster, IN_A_POD)
    text = str(raised.value)
    assert text.startswith("the image of the agents cannot be read from pod gameday-operator-1 in namespace gameday-")
    assert "kubectl apply -k manifests/operator" in text
    assert "set --image or GAMEDAY_IMAGE" in text


async def test_a_pod_of_another_cluster_is_not_found_and_it_says_so(cluster: Cluster) -> None:
    with pytest.raises(NoImage, match="gameday-operator-1 in namespace gameday-system is not in this cluster; set "):
        await image_of(cluster, IN_A_POD)


async def test_a_pod_whose_container_has_another_name_is_told_by_the_names_that_it_has(
    api_server: ApiServer, cluster: Cluster
) -> None:
    api_server.put("pods", OWN, pod(("proxy", "mesh:1"), ("main", "registry/gameday:2")))
    with pytest.raises(
        NoImage, match="no container named operator, only proxy, main; rename the operator's container, or set"
    ):
        await image_of(cluster, IN_A_POD)


async def test_an_operator_that_acts_knows_the_image(api_server: ApiServer, cluster: Cluster) -> None:
    api_server.put("pods", OWN, pod(("operator", "registry/gameday:2")))
    operator = Operator(cluster, IN_A_POD, time.time, time.monotonic)
    leading = asyncio.create_task(operator.lead())
    async with asyncio.timeout(20):
        while operator.metrics.registry.get_sample_value("gameday_leader") != 1:  # noqa: ASYNC110  it has no event
            await asyncio.sleep(0.01)
    assert operator.settings.image == "registry/gameday:2"
    leading.cancel()
    await asyncio.gather(leading, return_exceptions=True)


async def test_an_operator_without_an_image_never_takes_the_lease(api_server: ApiServer, cluster: Cluster) -> None:
    operator = Operator(cluster, IN_A_POD, time.time, time.monotonic)
    with pytest.raises(NoImage):
        await operator.lead()
    assert ("leases", OWN, "gameday-operator") not in api_server.objects


async def test_its_process_ends_and_says_why_in_one_line(
    api_server: ApiServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = dataclasses.replace(IN_A_POD, port=free_port(), kubeconfig=api_server.kubeconfig(tmp_path))
    assert await operate(settings, Clock(time.time, time.monotonic)) == 1
    (ended,) = (record for record in caplog.records if (record.name, record.levelname) == OURS)
    assert "ending: the image of the agents cannot be read" in str(ended.msg)
    assert ended.exc_info is None


def test_outside_of_a_pod_an_image_must_be_told() -> None:
    done = CliRunner().invoke(app, ["operator", "--namespace", OWN], env={"GAMEDAY_IMAGE": "", "POD_NAME": ""})
    assert done.exit_code == 2
    assert done.stderr == (
        "gameday: no image for the agents is set: set --image or GAMEDAY_IMAGE, or in a pod POD_NAME "
        "and POD_NAMESPACE by fieldRef, as manifests/operator/deployment.yaml does\n"
    )
