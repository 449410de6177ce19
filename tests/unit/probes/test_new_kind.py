"""A kind of probe that is added: a folder and a line of a registry, and it goes all the way from YAML to a sample."""

import asyncio
import re
import socket
from pathlib import Path
from typing import Any, Final

import pytest
from pydantic import ValidationError

from gameday.actions.network_partition.action import NetworkPartition
from gameday.api.checks import check
from gameday.api.parse import probe_of
from gameday.api.probes import probe_model
from gameday.errors import PlanInvalid
from gameday.model.agent import ObserverConfig, ProbeTask, read_config
from gameday.model.plan import (
    Dependency,
    Expectation,
    Fault,
    HostTarget,
    Mode,
    Outage,
    Plan,
    Probe,
    ProbeSettings,
    Recovery,
    Selector,
    SteadyState,
)
from gameday.probes.io.secrets import Secrets
from gameday.probes.kind import ProbeKind, WatchedKind
from gameday.probes.kinds import Kinds
from gameday.probes.registry import PACKAGES
from gameday.probes.runner import ProbeResult, ProbeRunner
from gameday.probes.runners import create_runner
from gameday.schema.named import Dependencies
from gameday.schema.one_of import listed
from gameday.schema.structural import structural
from unit.documented import stale
from unit.probes.example.kind import DnsProbe

MORE: Final = {
    **PACKAGES,
    "dns": "unit.probes.example",
}
KINDS: Final = Kinds(MORE)
PAGE: Final = Path(__file__).parents[3] / "docs" / "dev" / "add-a-probe.md"


def parsed(**kinds: Any) -> Probe:
    """A probe from YAML."""
    return probe_of(
        Dependencies((), "spec.probes[0]"), probe_model(KINDS).model_validate({"name": "name", **kinds}), KINDS
    )


def test_the_crd_has_its_field_and_its_rule() -> None:
    schema = structural(probe_model(KINDS))
    assert list(schema["properties"])[3:-1] == [*PACKAGES, "dns"], "after name, interval, timeout; before the old name"
    assert schema["properties"]["dns"]["description"] == "A look-up of a name: gives ok, error, latency, addresses."
    assert schema["properties"]["dns"]["required"] == ["host"]
    rules = {rule["message"]: rule["rule"] for rule in schema["x-kubernetes-validations"]}
    assert "(has(self.dns) ? 1 : 0) == 1" in rules[f"give exactly one of {listed([*PACKAGES, 'dns'])}"]


def test_yaml_becomes_its_settings() -> None:
    assert parsed(dns={"host": "api.shop.svc"}) == Probe("name", DnsProbe("api.shop.svc"))
    with pytest.raises(ValidationError):
        parsed(dns={"host": "api.shop.svc", "server": "10.0.0.1"})


@pytest.mark.parametrize("kinds", [{}, {"dns": {"host": "a"}, "tcp": {"host": "a", "port": 1}}])
def test_none_and_two_of_the_kinds_are_refused(kinds: dict[str, Any]) -> None:
    with pytest.raises(PlanInvalid, match=r"spec\.probes\[0\]: give exactly one of http, .* and dns"):
        parsed(**kinds)


def test_its_findings_stand_below_its_key() -> None:
    cut = NetworkPartition(Selector({"app": "api"}), Dependency("it", HostTarget("192.0.2.1", (1,))))
    up = Expectation("up again", Mode.EVENTUALLY, "name.addresses == 1")
    probe = parsed(dns={"host": "a..b"})
    plan = Plan("g", (probe,), SteadyState(5.0), Outage(9.0, (Fault("f", cut),)), Recovery(9.0, (up,)))
    assert [finding.path for finding in check(plan, KINDS)] == ["spec.probes[0].dns.host"]


async def test_its_agent_is_given_what_the_kind_made_and_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    async def found(*_: object, **__: object) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in ("10.0.0.3", "10.0.0.4")]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", found)
    probe = parsed(dns={"host": "api.shop.svc"})
    task = KINDS.task(Probe(probe.name, probe.settings, paths=(("addresses",),)), "shop")
    (given,) = read_config(ObserverConfig(probes=(task,)).to_json(), ObserverConfig).probes
    assert await create_runner(given, Secrets(), MORE)() == ProbeResult(ok=True, values={"addresses": 2}, unknown=())


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("dns", "probe p: there is no kind 'dns'; the kinds are http, tcp, redis, kubernetes"),
        ("kubernetes", "probe p: no agent runs kind kubernetes"),
        ("tcp", "probe p: this is not a configuration of kind tcp: KeyError.*host"),
        ("http", "probe p: this is not a configuration of kind http: TypeError.*name"),
    ],
)
def test_what_an_agent_cannot_run_is_refused_by_name(kind: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        create_runner(ProbeTask("p", kind, 1.0, 1.0, (), {"name": "x", "nohost": 1}), Secrets())


def test_a_line_with_another_name_than_the_kinds_own_is_refused() -> None:
    with pytest.raises(ValueError, match="defines kind 'dns', and the registry calls it 'names'"):
        Kinds({"names": "unit.probes.example"})


@pytest.mark.parametrize("name", ["kind.py", "runner.py"])
def test_the_page_on_adding_a_kind_shows_this_very_one(name: str) -> None:
    text = (Path(__file__).parent / "example" / name).read_text()
    assert f"```python\n{text}```" in PAGE.read_text()


def test_the_page_names_the_members_of_a_kind_as_they_are() -> None:
    made_by_the_base = {"WatchedKind.config is left out", "WatchedKind.rules is left out"}
    assert set(stale(PAGE, ProbeKind, ProbeSettings, ProbeRunner, WatchedKind)) == made_by_the_base


def test_the_page_names_all_kinds_in_the_order_of_the_registry() -> None:
    first = PAGE.read_text().split("\n\n")[1]
    assert re.findall(r"`(\w+)`", first) == list(PACKAGES)
