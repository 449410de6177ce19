"""Credentials that end while an operator runs outside the cluster: both its clients get new ones from the plugin."""

import json
import stat
from pathlib import Path

import pytest
import yaml

from e2e.dialling import until
from e2e.stage import Stage, kubectl, small

pytestmark = pytest.mark.e2e

API = "client.authentication.k8s.io/v1"


class Plugin:
    """An exec plugin that hands out the operator's newest token; each is bound to a Secret and ends with it."""

    def __init__(self, town: Stage) -> None:
        self._town = town
        self._answer = town.folder / "answer.json"
        self.path = town.folder / "login"
        self.path.write_text(f"#!/bin/sh\ncat {self._answer}\n")
        self.path.chmod(self.path.stat().st_mode | stat.S_IXUSR)

    def hands_out(self, name: str) -> None:
        """From now on a token bound to a new Secret of this name."""
        there = ("-n", self._town.namespace)
        kubectl(*there, "create", "secret", "generic", name)
        bound = ("--bound-object-kind=Secret", f"--bound-object-name={name}")
        token = kubectl(*there, "create", "token", "gameday-operator", *bound).stdout.strip()
        answer = self._answer.with_suffix(".new")
        answer.write_text(json.dumps({"apiVersion": API, "kind": "ExecCredential", "status": {"token": token}}))
        answer.replace(self._answer)

    def ends(self, name: str) -> None:
        """Let the API server refuse the token that is bound to this Secret."""
        kubectl("-n", self._town.namespace, "delete", "secret", name)

    def used_by(self, kubeconfig: Path) -> None:
        """Let the operator log in by it."""
        config = yaml.safe_load(kubeconfig.read_text())
        config["users"][0]["user"] = {"exec": {"apiVersion": API, "command": f"./{self.path.name}"}}
        kubeconfig.write_text(yaml.safe_dump(config))


async def test_an_operator_whose_tokens_end_goes_on_with_new_ones(town: Stage) -> None:
    await town.shop(parts=("api", "redis"), replicas=1)
    kubeconfig = town._operator_kubeconfig()
    town.revokes("the operator's tokens end")
    plugin = Plugin(town)
    plugin.used_by(kubeconfig)
    plugin.hands_out("first")
    plugin.ends("first")
    operator = await town.operator()
    await town.start(small())

    async def refused() -> bool:
        return "does not accept our credentials" in operator.says()

    await until(refused, "the operator says that it is refused", 12)
    plugin.hands_out("second")
    await town.in_phase("Outage")
    plugin.hands_out("third")
    plugin.ends("second")
    status = await town.finishes()
    assert status["verdict"] == "Passed", status["message"]
    assert operator.process.returncode is None
    await town.nothing_is_left()
