"""The operator's command: which cluster it goes to, and in one line why it cannot."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from gameday.cli import operate
from gameday.cli.main import app
from gameday.controller.clock import Clock
from gameday.controller.settings import Settings
from unit.tls_api import kubeconfig

NEEDED = ["operator", "--namespace", "gameday-system", "--image", "gameday:dev", "--identity", "it"]


def test_the_context_is_the_operators_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = kubeconfig(tmp_path / "config", "https://127.0.0.1:1", {"token": "jane"}, context="prod")
    before = path.read_bytes()
    given: list[Settings] = []

    async def operated(settings: Settings, _: Clock) -> int:
        given.append(settings)
        return 0

    monkeypatch.setattr(operate, "operate", operated)
    done = CliRunner().invoke(app, [*NEEDED, "--kubeconfig", str(path), "--context", "kind"])
    assert done.exit_code == 0, done.output
    assert [(one.kubeconfig, one.context) for one in given] == [(path, "kind")]
    assert path.read_bytes() == before


def test_an_operator_without_a_cluster_ends_and_says_why_in_one_line(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path / "config", "https://127.0.0.1:1", {"token": "jane"}, context="prod")
    done = CliRunner().invoke(app, [*NEEDED, "--kubeconfig", str(path), "--context", "kind"])
    assert done.exit_code == 1
    (line,) = done.stderr.splitlines()
    assert f'msg="ending: {path} has no context kind: it has prod"' in line
