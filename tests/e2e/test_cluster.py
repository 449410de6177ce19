"""The test cluster itself: what its command promises. Serial, and last: it stops and starts what the others use."""

import json
import os
import subprocess
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from e2e.dialling import ROOT, kubeconfig, until
from e2e.namespaces import TeamNamespace, kubectl

pytestmark = pytest.mark.cluster

COMMAND = str(ROOT / "tests" / "cluster" / "cluster")


def cluster(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    return subprocess.run(
        [COMMAND, *arguments], env=os.environ | environment, capture_output=True, text=True, check=False
    )


def answers() -> bool:
    """Whether the API server answers within two seconds."""
    return kubectl("get", "--raw", "/readyz", "--request-timeout=2s", ok=False).stdout == "ok"


@pytest.fixture
def bed_only() -> None:
    """Skip where kind makes the cluster: what it leaves is its own affair."""
    if "(bed)" not in cluster("status").stdout:
        pytest.skip("another provider's affair")


@pytest.fixture
async def restored() -> AsyncIterator[None]:
    """Whatever a test does, the next one finds a cluster that works."""
    yield
    for component in ("etcd", "kube-apiserver"):
        cluster("continue", component)
    assert cluster("up").returncode == 0


def test_up_is_idempotent_and_touches_no_context_of_the_user(tmp_path: Path) -> None:
    own = tmp_path / ".kube" / "config"
    own.parent.mkdir()
    own.write_text("mine")
    cache = str(kubeconfig().parents[1])
    done = cluster("up", HOME=str(tmp_path), KUBECONFIG=str(own), GAMEDAY_CACHE=cache)
    assert done.returncode == 0, done.stderr
    assert "already up" in done.stderr
    assert own.read_text() == "mine"
    assert str(kubeconfig()) in cluster("status").stdout


@pytest.mark.parametrize("town_needs", ["payments"])
async def test_kill_ends_every_process_of_a_pod_and_the_kubelet_starts_it_again(
    ns: TeamNamespace, town_needs: str
) -> None:
    await ns.shop(parts=(town_needs,))
    pod = kubectl("-n", ns.namespace, "get", "pods", "-l", f"app={town_needs}", "-o", "name").stdout.strip()[4:]
    assert cluster("kill", pod, ns.namespace).returncode == 0

    async def restarted() -> bool:
        told = kubectl("-n", ns.namespace, "get", "pod", pod, "-o", "json").stdout
        return bool(json.loads(told)["status"]["containerStatuses"][0]["restartCount"] == 1)

    await until(restarted, "the container was started again")
    refused = cluster("kill", "no-such-pod", ns.namespace)
    assert refused.returncode != 0
    assert "no pod no-such-pod" in refused.stderr


@pytest.mark.usefixtures("restored")
@pytest.mark.parametrize("component", ["etcd", "kube-apiserver"])
async def test_a_component_stops_goes_on_and_comes_back_after_a_kill(component: str) -> None:
    async def back() -> bool:
        return answers()

    async def away() -> bool:
        return not answers()

    assert cluster("pause", component).returncode == 0
    # Not at once: the API server may answer from the last look at etcd, which the kubelet has it take each second.
    await until(away, f"nobody answers without {component}", 30)
    assert cluster("continue", component).returncode == 0
    await until(back, f"{component} goes on", 30)
    assert cluster("kill", component).returncode == 0
    await until(back, f"{component} is back after a kill", 60)


def test_wrong_use_is_told_in_one_line(tmp_path: Path) -> None:
    wrong = cluster("pause", "kube-nothing")
    assert wrong.returncode != 0
    assert "no component kube-nothing: one of etcd" in wrong.stderr
    down = cluster("kill", "pod", GAMEDAY_CACHE=str(tmp_path))
    assert down.stderr.strip() == "cluster: the cluster is not up: run 'make up'"
    unknown = cluster("up", GAMEDAY_PROVIDER="minikube")
    assert "no provider minikube: set GAMEDAY_PROVIDER to kind or bed" in unknown.stderr


@pytest.mark.usefixtures("bed_only")
def test_what_is_missing_is_told_before_anything_is_made(tmp_path: Path) -> None:
    no_go = cluster("up", GAMEDAY_CACHE=str(tmp_path), PATH="/usr/sbin:/usr/bin:/sbin:/bin")
    assert "no Go: install Go 1.26 or later, or start Docker" in no_go.stderr
    command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", COMMAND, "up"]
    for cache, message in (
        (Path("/proc/nowhere"), "cannot write /proc/nowhere: set GAMEDAY_CACHE"),
        (None, "not root"),
    ):
        with tempfile.TemporaryDirectory() as folder:
            Path(folder).chmod(0o777)
            environment = os.environ | {"GAMEDAY_CACHE": str(cache or folder), "GAMEDAY_PROVIDER": "bed"}
            refused = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
            assert message in refused.stderr
            assert refused.returncode != 0


def _traces() -> dict[str, set[str]]:
    """What a running node shows on this machine."""
    processes = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if any(word in line for word in ("etcd --data-dir", "kube-apiserver", "containerd", "cilium-agent", "kubelet")):
            processes.add(line[:60])
    rules = subprocess.run(["iptables-save"], capture_output=True, text=True, check=True).stdout
    return {
        "processes": processes,
        "mounts": {line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()},
        "interfaces": {link.name for link in Path("/sys/class/net").iterdir()},
        "rules": {line for line in rules.splitlines() if line.startswith("-A")},
        "cgroups": {str(path) for path in Path("/sys/fs/cgroup").rglob("*") if path.is_dir()},
    }


@pytest.mark.usefixtures("bed_only")
@pytest.mark.usefixtures("restored")
def test_down_leaves_no_process_mount_interface_rule_or_cgroup() -> None:
    up = _traces()
    assert up["processes"], "the node's processes are seen while it is up"
    assert cluster("down").returncode == 0
    first = _traces()
    assert first["processes"] == set()
    assert cluster("up").returncode == 0
    assert cluster("down").returncode == 0
    assert _traces() == first, "a second life leaves nothing that the first did not"
    assert not [mount for mount in first["mounts"] if "gameday" in mount]
    assert not [path for path in first["cgroups"] if "kubepods" in path or "gameday" in path]
