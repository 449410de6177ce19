"""More addresses than a status holds: refused by the preflight, and during a drill an end that is defined."""

from dataclasses import replace
from typing import Any

import pytest

from gameday.api.lines import events_of
from gameday.api.record import saved_of
from gameday.api.state import setup_bytes
from gameday.cluster.client import Cluster
from gameday.controller.drill.setup_size import too_large
from gameday.model.plan import Via
from gameday.model.setup import Cut, CutDestination, Pair, Setup
from gameday.schema.bounds import SETUP_AT_FIRST, SETUP_BYTES
from unit.api_server import ApiServer
from unit.controller.process.test_operator import becomes
from unit.controller.test_halted_drill import POLICY, acting, under_cut
from unit.engine.simulation import PARTITION, a_plan

PLAN = a_plan(faults=(replace(PARTITION, name="cut"),))


def addresses(count: int) -> tuple[str, ...]:
    return tuple(f"10.100.{n // 100}.{100 + n % 100}" for n in range(count))


def setup(endpoints: int, targets: int, labels: int = 1) -> Setup:
    agent_labels = {f"label-{n}".ljust(63, "x"): "v" * 63 for n in range(labels)}
    end = CutDestination("shop", {}, addresses(endpoints))
    return Setup((Cut("cut", Via.NETWORK_POLICY, end, (Pair("n", agent_labels),), addresses(targets)),))


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (setup(430, 100), "100 addresses of targets, 430 of the dependency and 1 labels"),
        (setup(3, 3, 64), "3 addresses of targets, 3 of the dependency and 64 labels"),
    ],
    ids=["a large Service", "many labels"],
)
def test_what_does_not_fit_is_refused_with_its_counts(found: Setup, words: str) -> None:
    (finding,) = too_large(found, PLAN)
    assert finding.startswith("spec.outage.faults[cut].networkPartition: TooManyAddresses: ")
    assert words in finding
    assert f"{SETUP_AT_FIRST} fit" in finding


def test_what_fits_is_no_finding() -> None:
    assert too_large(setup(100, 100), PLAN) == ()


def a_slice(name: str, ips: tuple[str, ...]) -> dict[str, Any]:
    labels = {"kubernetes.io/service-name": "redis"}
    return {"metadata": {"name": name, "labels": labels}, "endpoints": [{"addresses": list(ips)}]}


async def test_a_service_that_grows_beyond_what_a_drill_keeps_ends_it(
    api_server: ApiServer, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gameday.engine.drill.loop.CATCH_UP", 0.1)
    monkeypatch.setattr("gameday.engine.drill.stop_conditions._lost_agent", lambda _: None)
    under_cut(api_server)
    async with acting(cluster):
        api_server.put("endpointslices", "shop", a_slice("redis-1", addresses(100)))

        def kept() -> int:
            saved = saved_of(api_server.objects["drills", "shop", "first"]["status"])
            assert saved is not None
            assert saved.setup is not None
            assert setup_bytes(saved.setup) <= SETUP_BYTES
            return len(saved.setup.cuts[0].destination.addresses)

        assert kept() == 1
        api_server.put("endpointslices", "shop", a_slice("redis-2", addresses(600)[100:]))
        await becomes(lambda: POLICY not in api_server.objects)

        def said() -> bool:
            return any(
                line["reason"] == "TooManyAddresses"
                and "addresses since the drill began, more than a drill can record: cut a Service with fewer endpoints"
                in line["message"]
                for line in events_of(api_server.objects["drills", "shop", "first"]["status"])
            )

        await becomes(said)
        kept()
