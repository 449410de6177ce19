"""What a real Prometheus and a real Alertmanager say in a drill: a rule, evaluated, grouped and sent to the team."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from e2e.monitoring import PASSWORD, monitoring
from e2e.namespaces import TeamNamespace, missed, small
from gameday.api.lines import expectations_of, figures_of
from gameday.cluster.resources import Object
from unit.tls_api import authority

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

PROBES: list[dict[str, Any]] = yaml.safe_load("""
- {name: webhook, http: {url: "http://api/webhooks/test", method: POST, json: {id: 1}}}
- name: failing
  interval: 1s
  prometheus:
    url: https://prometheus
    query: sum(rate(shop_webhooks_total{status="503"}[5s])) or vector(0)
    auth: {basic: {username: gameday, passwordFrom: {secretKeyRef: {name: prometheus-user, key: password}}}}
    tls: {caFrom: {configMapKeyRef: {name: private-ca, key: ca.crt}}}
- name: alert
  interval: 1s
  alert: {alertmanager: {url: "http://alertmanager", receiver: team}, labels: {alertname: WebhooksFail}}
- {name: pager, interval: 1s, http: {url: "http://pager/received"}}
""")
OUTAGE: list[dict[str, Any]] = yaml.safe_load("""
- {name: webhooks fail in Prometheus, becomes: "failing.value > 0.2", within: 20s}
- {name: alert fires, becomes: alert.firing, within: 30s, measures: timeToAlert}
- {name: team is told, becomes: "increase(pager.body.received) >= 1", within: 60s, measures: timeToTell}
""")
RECOVERY: list[dict[str, Any]] = yaml.safe_load("""
- {name: none fail any more, eventually: failing.value == 0, for: 3s}
- {name: alert is over, eventually: "!alert.firing", for: 3s}
""")


def watched(**changes: Any) -> Object:
    """A drill with all of that in it."""
    gameday = copy.deepcopy(small(**changes))
    spec = gameday["spec"]
    spec["probes"] += copy.deepcopy(PROBES)
    spec["steadyState"]["expect"] += [{"name": "no alert", "always": "!alert.firing"}]
    spec["outage"]["duration"], spec["recovery"]["within"] = "60s", "40s"
    spec["outage"]["expect"] += copy.deepcopy(OUTAGE)
    spec["recovery"]["expect"] += copy.deepcopy(RECOVERY)
    return gameday


async def stand(ns: TeamNamespace) -> None:
    """The shop, and what watches it."""
    folder = ns.folder / "certificates"
    folder.mkdir()
    authority(folder).sign("prometheus", "DNS:prometheus")
    ns.apply(*monitoring(Path(folder)))
    await ns.shop(parts=("api", "redis"), replicas=1)
    await ns.operator()


async def test_the_team_is_alerted_within_a_minute_and_that_is_measured_at_the_receiver(ns: TeamNamespace) -> None:
    await stand(ns)
    await ns.start(watched())
    status = await ns.finishes()
    assert status["verdict"] == "Passed", status["message"]
    figures = {one["name"]: one["value"] for one in figures_of(status)}
    print(figures)
    assert 0 < figures["timeToAlert"] <= figures["timeToTell"] < 60
    assert PASSWORD not in yaml.safe_dump(status)
    await ns.nothing_is_left()

    # Nobody is told of an alert that is routed elsewhere, however loudly it fires.
    elsewhere = watched()
    probe = next(one for one in elsewhere["spec"]["probes"] if one["name"] == "alert")
    probe["alert"]["alertmanager"]["receiver"] = "nobody"
    await ns.start(elsewhere, "elsewhere")
    status = await ns.finishes("elsewhere")
    assert status["verdict"] == "Failed", status["message"]
    assert missed(status) == {"alert fires"}
    await ns.nothing_is_left()


async def test_an_alert_that_fires_already_and_a_query_that_gives_no_number_end_a_drill_before_the_cut(
    ns: TeamNamespace,
) -> None:
    await stand(ns)
    already = watched()
    spec = already["spec"]
    probe = next(one for one in spec["probes"] if one["name"] == "alert")
    probe["alert"] = {"alertmanager": {"url": "http://alertmanager"}, "labels": {"alertname": "Watchdog"}}
    spec["steadyState"]["expect"].pop()
    # Prometheus and Alertmanager have just begun.
    spec["steadyState"]["duration"] = "10s"
    await ns.start(already, "already")
    status = await ns.finishes("already")
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "AlreadyTrue"), status["message"]
    assert "alert fires" in status["message"]
    assert status["undo"] == []

    several = watched()
    probe = next(one for one in several["spec"]["probes"] if one["name"] == "failing")
    probe["prometheus"]["query"] = "label_replace(up, 'again', 'yes', '', '') or up"
    await ns.start(several, "several")
    status = await ns.finishes("several")
    assert (status["verdict"], status["undo"]) == ("Inconclusive", []), status["message"]
    assert "the query gives 2 series: choose one by its labels" in status["message"]
    assert {one["state"] for one in expectations_of(status) if one["stage"] != "SteadyState"} == {"Unknown"}
    await ns.nothing_is_left()
