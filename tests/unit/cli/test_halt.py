"""``gameday halt`` and ``resume`` as a person meets them: what is printed, what is done, and what a refusal says."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gameday.cli.halt import CannotHalt, halt, resume, status
from gameday.cli.main import app
from gameday.cluster.client import Cluster
from unit.api_server import ApiServer
from unit.ports import free_port

NAMESPACE = "gameday-system"
KEY = ("configmaps", NAMESPACE, "gameday-halt")


def drill(server: ApiServer, name: str, phase: str) -> None:
    server.put("drills", "shop", {"metadata": {"name": name}, "status": {"phase": phase} if phase else {}})


async def test_a_halt_is_a_configmap_and_names_the_drills_that_it_ends(api_server: ApiServer, cluster: Cluster) -> None:
    for name, phase in (("first", "Outage"), ("second", "Pending"), ("third", ""), ("old", "Finished")):
        drill(api_server, name, phase)
    said = await halt(cluster, NAMESPACE, "a launch")
    assert api_server.objects[KEY]["data"] == {"reason": "a launch"}
    assert "1 drill is being undone: shop/first" in said
    assert "2 drills are waiting to start: shop/second, shop/third" in said


@pytest.mark.parametrize("holder", [None, "", "operator-0"])
async def test_a_halt_that_nobody_carries_out_says_so(
    api_server: ApiServer, cluster: Cluster, holder: str | None
) -> None:
    if holder is not None:
        lease = {"metadata": {"name": "gameday-operator"}, "spec": {"holderIdentity": holder}}
        api_server.put("leases", NAMESPACE, lease)
    assert ("no operator is running" in await halt(cluster, NAMESPACE, "")) is (not holder)
    assert ("no operator is running" in await status(cluster, NAMESPACE)) is (not holder)


async def test_a_second_halt_leaves_the_first_ones_reason(api_server: ApiServer, cluster: Cluster) -> None:
    await halt(cluster, NAMESPACE, "a launch")
    said = await halt(cluster, NAMESPACE, "something else")
    assert "halted since 2026-11-24T12:00:00Z: a launch; nothing was changed" in said
    assert api_server.objects[KEY]["data"] == {"reason": "a launch"}


async def test_resume_ends_a_halt_and_says_when_there_was_none(api_server: ApiServer, cluster: Cluster) -> None:
    await halt(cluster, NAMESPACE, "")
    assert "resumed" in await resume(cluster, NAMESPACE)
    assert KEY not in api_server.objects
    assert "there was no halt in namespace gameday-system" in await resume(cluster, NAMESPACE)


async def test_status_tells_and_changes_nothing(api_server: ApiServer, cluster: Cluster) -> None:
    assert (await status(cluster, NAMESPACE)).startswith("not halted\n")
    assert KEY not in api_server.objects
    await halt(cluster, NAMESPACE, "a launch")
    assert "a launch" in await status(cluster, NAMESPACE)


@pytest.mark.parametrize(("verb", "act"), [("create", "halt"), ("delete", "resume"), ("get", "status")])
async def test_who_may_not_is_told_which_right_is_missing(
    api_server: ApiServer, cluster: Cluster, verb: str, act: str
) -> None:
    api_server.forbidden.add(verb)
    acts = {
        "halt": lambda: halt(cluster, NAMESPACE, ""),
        "resume": lambda: resume(cluster, NAMESPACE),
        "status": lambda: status(cluster, NAMESPACE),
    }
    with pytest.raises(CannotHalt) as refused:
        await acts[act]()
    assert 'User "jane" cannot' in str(refused.value)
    assert f"the right to {verb} ConfigMap gameday-halt in namespace gameday-system" in str(refused.value)
    assert "manifests/namespace" not in str(refused.value)


async def test_who_may_not_list_drills_can_halt_all_the_same(api_server: ApiServer, cluster: Cluster) -> None:
    api_server.forbidden.add("list")
    said = await halt(cluster, NAMESPACE, "")
    assert KEY in api_server.objects
    assert "not known how many" in said


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments])


def test_a_kubeconfig_that_names_no_cluster_is_an_error_in_words(tmp_path: Path) -> None:
    done = run("halt", "--kubeconfig", str(tmp_path / "none"))
    assert done.exit_code == 1
    assert "name one with --kubeconfig or KUBECONFIG" in done.output


def test_an_api_server_that_does_not_answer_is_an_error_in_words(tmp_path: Path) -> None:
    nobody = ApiServer()
    nobody.port = free_port()
    done = run("resume", "--kubeconfig", str(nobody.kubeconfig(tmp_path)))
    assert done.exit_code == 1
    assert "did not answer" in done.output
