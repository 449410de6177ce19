"""The command that makes test clusters, where it makes none: which provider it means, and that it ends with a reason.

A Docker engine is not at hand here: where one matters, ``docker`` is a script that answers as the real one does.
"""

import os
import re
import subprocess
from pathlib import Path
from typing import Final

import pytest
import yaml

from pages import ROOT

FOLDER: Final = ROOT / "tests" / "cluster"
LEFT_OUT: Final = {"apt-get", "cilium", "docker", "go", "kind", "kubectl"}
"""What a test puts on PATH itself, or misses."""
NO: Final = 'echo "Docker says no" >&2; exit 1'
NODE_UP: Final = f'case "$1" in inspect) echo true ;; image | info | version) echo 1.41 ;; *) {NO} ;; esac'
"""An engine with the node and each image, on which nothing else succeeds."""


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the machine's programs, without those of ``LEFT_OUT``."""
    folder = tmp_path_factory.mktemp("programs")
    for place in ("/usr/bin", "/bin", "/usr/sbin", "/sbin"):
        for program in Path(place).iterdir():
            link = folder / program.name
            if program.name not in LEFT_OUT and not link.is_symlink():
                link.symlink_to(program)
    return folder


class Command:
    """``tests/cluster/cluster`` with a cache of its own."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.cache = folder / "cache"
        self.own = folder / "own"
        self.own.mkdir()
        self.path = f"{self.own}:{programs}"

    def has(self, program: str, script: str = "exit 0") -> None:
        """Put a program on PATH."""
        file = self.own / program
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)

    def has_cluster(self) -> None:
        """A kind cluster is up, but the engine does nothing that is asked of it."""
        self.has("docker", NODE_UP)
        self.has("kind", "echo 99.0.0")
        (self.cache / "kind").mkdir(parents=True)
        (self.cache / "kind" / "kubeconfig").write_text("a kubeconfig")

    def run(self, *arguments: str, provider: str = "") -> subprocess.CompletedProcess[str]:
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("GAMEDAY_", "DOCKER_"))
        }
        environment |= {"PATH": self.path, "GAMEDAY_CACHE": str(self.cache)}
        if provider:
            environment["GAMEDAY_PROVIDER"] = provider
        return subprocess.run(
            [str(FOLDER / "cluster"), *arguments], env=environment, capture_output=True, text=True, check=False
        )

    def kubeconfig(self, provider: str = "") -> str:
        """The path of the kubeconfig, below the cache."""
        return self.run("kubeconfig", provider=provider).stdout.strip().removeprefix(f"{self.cache}/")


@pytest.fixture
def command(tmp_path: Path, programs: Path) -> Command:
    """The command."""
    return Command(tmp_path, programs)


BED, KIND = "state/admin.kubeconfig", "kind/kubeconfig"


def test_docker_decides_only_while_no_cluster_is_up(command: Command) -> None:
    assert command.kubeconfig() == BED
    command.has("docker")
    assert command.kubeconfig() == KIND
    # A bed that an earlier version of the command started: nothing but its state says so.
    (command.cache / "state").mkdir()
    (command.cache / "state" / "pid").write_text("1")
    assert command.kubeconfig() == BED
    assert command.kubeconfig("kind") == KIND


def test_the_cluster_that_is_up_is_meant_until_it_is_down(command: Command) -> None:
    command.has_cluster()
    assert "already up (kind)" in command.run("up", provider="kind").stderr
    (command.own / "docker").unlink()
    assert command.kubeconfig() == KIND
    assert command.kubeconfig("bed") == BED
    assert command.run("down").returncode == 0
    assert command.kubeconfig() == BED


def test_a_second_cluster_does_not_take_the_place_of_the_first(command: Command) -> None:
    command.has_cluster()
    state = command.cache / "state"
    state.mkdir()
    with subprocess.Popen(["unshare", "--fork", "--kill-child", "sleep", "60"]) as bed:
        try:
            (state / "pid").write_text(str(bed.pid))
            (state / "ready").touch()
            assert "already up (kind)" in command.run("up", provider="kind").stderr
            assert command.kubeconfig() == BED
        finally:
            bed.kill()


def test_without_an_engine_the_command_says_so_in_one_line(command: Command) -> None:
    ended = command.run("up", provider="kind")
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    assert "no Docker engine answers: install and start Docker" in ended.stderr


def test_a_missing_kubectl_is_no_path(command: Command) -> None:
    ended = command.run("path", provider="kind")
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", "cluster: no kubectl: install it\n")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("pause", "etcd"), "the node's systemd does not answer"),
        (("kill", "a-pod"), "the node's containerd does not answer"),
        (("audit-log",), "the audit log cannot be read"),
        (("load", "localhost/an:image"), "Docker says no"),
        (("save", "localhost/an:image", "image.tar"), "image localhost/an:image was not written to image.tar"),
    ],
)
def test_what_docker_refuses_ends_with_dockers_words_and_one_reason(
    command: Command, arguments: tuple[str, ...], reason: str
) -> None:
    command.has_cluster()
    ended = command.run(*arguments, provider="kind")
    assert ended.returncode == 1
    assert reason in ended.stderr
    assert "Docker says no" in ended.stderr
    assert sum(line.startswith("cluster: ") for line in ended.stderr.splitlines()) == 1


def test_a_failure_that_no_line_foresees_is_named(command: Command) -> None:
    command.has_cluster()
    command.has("docker", f'case "$1" in image) echo sha256:one ;; *) {NO} ;; esac')
    ended = command.run("save", "an:image", "image.tar", provider="kind")
    assert ended.returncode == 1
    assert ended.stderr.startswith("Docker says no\ncluster: this failed with exit code 1: store=$(docker info ")


def test_of_the_containerd_store_one_platform_is_saved(command: Command) -> None:
    command.has_cluster()
    asked = command.cache / "asked"
    command.has(
        "docker",
        f"""case "$1 $3" in
          "inspect "*) echo true ;; "image "*) echo sha256:one ;; "exec "*) exit 1 ;;
          "info {{{{.DriverStatus}}}}") echo '[[driver-type io.containerd.snapshotter.v1]]' ;;
          "version {{{{.Client.APIVersion}}}}") echo 1.50 ;; "version {{{{.Server.Arch}}}}") echo arm64 ;;
          "save "*) echo "$@" >{asked} ;;
        esac""",
    )
    assert command.run("save", "an:image", "image.tar", provider="kind").returncode == 0
    assert asked.read_text() == "save --platform linux/arm64 --output image.tar an:image\n"


def test_build_arguments_reach_the_build(command: Command) -> None:
    asked = command.cache / "asked"
    command.has("docker", f'case "$1" in build) echo "$@" >{asked} ;; esac')
    (command.cache / "kind").mkdir(parents=True)
    given = ("VERSION=1.2.3", "REVISION=")
    ended = command.run("build-image", "an:image", "a/Dockerfile", ".", *given, provider="kind")
    assert ended.returncode == 0, ended.stderr
    built = "build --quiet --build-arg VERSION=1.2.3 --build-arg REVISION= --tag an:image -f a/Dockerfile ."
    assert asked.read_text().strip() == built
    assert command.run("build-image", "an:image", "a/Dockerfile", provider="kind").returncode == 1


@pytest.mark.parametrize(("minor", "patches"), [(34, 1), (35, 2)])
def test_kubelets_that_can_be_told_run_on_cgroup_v1_and_start_what_was_killed_at_once(minor: int, patches: int) -> None:
    script = f"set -e; source lib.sh; here=$PWD; source kind/provider.sh; kind_config {minor} true none"
    done = subprocess.run(["bash", "-c", script], cwd=FOLDER, capture_output=True, text=True, check=True)
    told = yaml.safe_load(done.stdout)
    assert told["networking"] == {"disableDefaultCNI": True, "kubeProxyMode": "none"}
    configurations = [yaml.safe_load(patch) for patch in told["nodes"][0]["kubeadmConfigPatches"]]
    assert len(configurations) == patches
    assert configurations[0]["apiServer"]["extraArgs"]["audit-log-mode"] == "batch"
    if patches == 2:
        assert configurations[1]["failCgroupV1"] is False
        assert configurations[1]["crashLoopBackOff"] == {"maxContainerRestartPeriod": "1s"}


def test_the_node_image_has_one_version_of_kubernetes() -> None:
    line = re.compile(r"^\s*(?:require )?k8s.io/kubernetes (v\S+)", re.MULTILINE)
    modules = ("modules/kubernetes", "kind/modules/node")
    named = [line.search((FOLDER / module / "go.mod").read_text()) for module in modules]
    assert all(named)
    assert len({found[1] for found in named if found}) == 1
