"""The shipped alerts in a real Prometheus, which scrapes the operator's endpoint as the PodMonitor has it scraped."""

import asyncio
import time
from pathlib import Path
from typing import Final

import httpx
import yaml

from gameday.controller.telemetry import Heartbeat, Metrics, serve
from gameday.model.schedule import Decision
from pages import ROOT
from unit.monitoring import prometheus_options, running
from unit.ports import free_port

RULES: Final = ROOT / "manifests" / "components" / "monitoring" / "prometheus" / "rules.yaml"
OWN: Final = "gameday-system"
WITHIN: Final = 30.0
"""Seconds for the first scrape and the evaluation after it, each of which is due within one."""


async def alerts(port: int) -> set[tuple[str, str, str, str]]:
    """The alerts that are pending or fire: name, namespace, GameDay and state."""
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = (await client.get(f"http://127.0.0.1:{port}/api/v1/alerts")).raise_for_status()
    return {
        (one["labels"]["alertname"], one["labels"]["namespace"], one["labels"].get("gameday", ""), one["state"])
        for one in answer.json()["data"]["alerts"]
    }


async def test_what_a_new_process_counts_before_its_first_scrape_fires(tmp_path: Path) -> None:
    """Series without a namespace get the operator's from the scrape, and those of drills keep their own."""
    metrics = Metrics({})
    metrics.leading.set(1)
    metrics.halted.set(1)
    for gameday in ("redis", "fine"):
        metrics.known("shop", gameday, scheduled=True)
    metrics.decided("shop", "redis", Decision.TOO_LATE.value, 1)
    metrics.decided("shop", "fine", Decision.STARTED.value, 1)
    metrics.finished("shop", "redis", "Failed", [])
    scraped, asked = free_port(), free_port()
    runner = await serve(metrics, Heartbeat(metrics, time.time, time.monotonic), scraped)
    target = {"targets": [f"127.0.0.1:{scraped}"], "labels": {"namespace": OWN, "pod": "gameday-operator-a"}}
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(yaml.safe_load(RULES.read_text())["spec"]))
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(tmp_path / "rules.yaml")],
        "scrape_configs": [{"job_name": "gameday", "honor_labels": True, "static_configs": [target]}],
    }
    wanted = {
        ("GameDaySlotTooLate", "shop", "redis", "firing"),
        ("GameDayDrillFailed", "shop", "redis", "firing"),
        ("GameDayHaltedForADay", OWN, "", "pending"),
    }
    found: set[tuple[str, str, str, str]] = set()
    try:
        async with running("prometheus", tmp_path, prometheus_options(tmp_path, config), asked) as port:
            deadline = time.monotonic() + WITHIN
            while found != wanted and time.monotonic() < deadline:
                await asyncio.sleep(0.2)
                found = await alerts(port)
            assert found == wanted
            metrics.leading.set(0)
            wanted |= {("GameDayNoLeader", OWN, "", "pending")}
            while found != wanted and time.monotonic() < deadline:
                await asyncio.sleep(0.2)
                found = await alerts(port)
            assert found == wanted
    finally:
        await runner.cleanup()
