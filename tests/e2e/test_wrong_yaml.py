"""Wrong YAML: each kind gets a message that names the field's path and what to do, at apply or within two seconds."""

import copy
import itertools
import time
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from e2e.namespaces import SMALL, TeamNamespace, kubectl, ready

pytestmark = pytest.mark.e2e

Spec = dict[str, Any]


def _set(path: str, value: object) -> Callable[[Spec], None]:
    def change(spec: Spec) -> None:
        *way, last = path.split(".")
        there: Any = spec
        for part in way:
            there = there[int(part)] if part.isdigit() else there[part]
        if isinstance(there, list):
            there[int(last)] = value
        elif value is None:
            there.pop(last)
        else:
            there[last] = value

    return change


def _moved(path: str, earlier: str) -> Callable[[Spec], None]:
    def change(spec: Spec) -> None:
        *way, last = path.split(".")
        there: Any = spec
        for part in way:
            there = there[part]
        there[earlier] = there.pop(last, "10s")

    return change


def _many_for_long(spec: Spec) -> None:
    spec["probes"] += [{"name": f"port{n}", "tcp": {"host": "api", "port": n}} for n in range(1, 20)]
    spec["recovery"]["within"] = "1h"


NET = "outage.faults.0.networkPartition"
NET_PATH = "spec.outage.faults[0].networkPartition"
FAR = "spec.dependencies[1]"
"""The dependency that ``_cut`` adds."""


JOB = {"fromCronJob": "clear-stalled"}
STOP = {"name": "stop", "scale": {"deployment": "worker", "replicas": 0}}


def _cut(described: Spec) -> Callable[[Spec], None]:
    """Cut off from something else, which is a dependency of its own."""

    def change(spec: Spec) -> None:
        spec["dependencies"].append({"name": "another", **described})
        spec["outage"]["faults"][0]["networkPartition"]["to"] = ["another"]

    return change


def _blackout(**fields: str) -> Callable[[Spec], None]:
    blackout = {"name": "release"} | {name.rstrip("_"): value for name, value in fields.items()}
    return _set("schedule", {"cron": "0 10 * * 1", "timeZone": "Etc/UTC", "suspend": True, "blackouts": [blackout]})


def _both(first: Callable[[Spec], None], second: Callable[[Spec], None]) -> Callable[[Spec], None]:
    def change(spec: Spec) -> None:
        first(spec)
        second(spec)

    return change


TEAM_SECRET = {"secretKeyRef": {"name": "team", "key": "url"}}


def _told(receiver: Spec) -> Callable[[Spec], None]:
    return _set("notifications", [{"name": "team", **receiver}])


AT_APPLY = {
    "no probes": (_set("probes", []), "spec.probes", "at least 1"),
    "two kinds in a probe": (_set("probes.0.tcp", {"host": "api", "port": 80}), "spec.probes[0]", "exactly one of"),
    "probe named baseline": (_set("probes.0.name", "baseline"), "spec.probes[0]", "choose another name"),
    "probe name with a dash": (_set("probes.0.name", "the-api"), "spec.probes[0].name", "should match"),
    "unknown field": (_set("outage.last", "5m"), "spec.outage.last", "unknown field"),
    "duration without a unit": (_set("outage.duration", "90"), "spec.outage.duration", "should match"),
    "outage too long": (_set("outage.duration", "3h"), "spec.outage", "at most 1h"),
    "no outage": (_set("outage", None), "spec.outage", "Required value"),
    "no fault": (_set("outage.faults", []), "spec.outage.faults", "at least 1"),
    "empty selector": (_set(f"{NET}.podSelector", {}), "podSelector", "would cut all pods"),
    "two destinations": (
        _cut({"tcp": {"service": {"name": "r"}, "host": "r"}}), f"{FAR}.tcp", "exactly one of service"
    ),
    "cidr without ports": (_cut({"tcp": {"cidrs": ["10.0.0.0/8"]}}), f"{FAR}.tcp", "name the ports"),
    "ports beside a Service": (
        _cut({"tcp": {"service": {"name": "redis"}, "ports": [6379]}}), f"{FAR}.tcp", "as service.port"
    ),
    "a database's port": (
        _cut({"tcp": {"cidrs": ["10.0.16.7/32"], "ports": [5432]}}),
        f"{FAR}.tcp",
        "write protocol: postgres, or protocol: none if this server takes such connections",
    ),
    "a Service's port of a database": (
        _cut({"tcp": {"service": {"name": "mysql", "port": 3306}}}), f"{FAR}.tcp", "or protocol: none if this server"
    ),
    "a protocol that nobody speaks": (
        _cut({"tcp": {"service": {"name": "r"}, "protocol": "mysql"}}), f"{FAR}.tcp.protocol", "supported values"
    ),
    "a port that leaves Sentinels out": (
        _cut({"redis": {"service": {"name": "r", "port": 6379}, "sentinel": {"masterName": "m"}}}),
        f"{FAR}.redis",
        "remove it; if Redis listens on another port than 6379, write that as redis.port",
    ),
    "Sentinels without the name of what they watch": (
        _cut({"redis": {"service": {"name": "r"}, "sentinel": {}}}), f"{FAR}.redis.sentinel.masterName", "Required"
    ),
    "two Redis in one": (_cut({"redis": {"service": {"name": "r"}, "host": "r"}}), f"{FAR}.redis", "exactly one of"),
    "two kinds in a dependency": (
        _cut({"redis": {"host": "r"}, "tcp": {"host": "10.0.0.1", "ports": [1]}}), FAR, "exactly one of redis and tcp"
    ),
    "two dependencies of one name": (
        _set("dependencies", [copy.deepcopy(SMALL["spec"]["dependencies"][0]) for _ in range(2)]),
        "spec.dependencies[1]",
        "Duplicate value",
    ),
    "a cut of no dependency": (_set(f"{NET}.to", ["none"]), "spec", "use a name from spec.dependencies"),
    "a cut of nothing": (_set(f"{NET}.to", []), "networkPartition", "to must have exactly one name"),
    "a cut of two": (_set(f"{NET}.to", ["redis", "redis"]), "networkPartition", "to must have exactly one name"),
    "a probe of no dependency": (_set("probes.1.redis.dependency", "none"), "spec", "is not a redis of"),
    "a probe of what is no redis": (
        _both(
            _set("dependencies.0", {"name": "other", "tcp": {"host": "10.0.0.1", "ports": [1]}}),
            _both(_set(f"{NET}.to", ["other"]), _set("probes.1.redis.dependency", "other")),
        ),
        "spec",
        "is not a redis of spec.dependencies",
    ),
    "a redis probe without its dependency": (
        _set("probes.1.redis", {"queue": {"kind": "bullmq", "name": "q"}}),
        "spec.probes[1].redis",
        "dependency is missing",
    ),
    # Strict decoding looks for fields before types: it knows none of a list.
    "what is cut, described in the cut": (
        _set(f"{NET}.to", {"service": {"name": "redis"}}), f"{NET_PATH}.to", "unknown field",
    ),
    "unknown kind of queue": (_set("probes.1.redis.queue", {"kind": "kafka", "name": "q"}), "queue.kind", "bullmq"),
    "unknown backend": (_set(f"{NET}.via", "iptables"), "networkPartition.via", "supported values"),
    "always and eventually": (_set("outage.expect.0.always", "true"), "spec.outage.expect[0]", "exactly one of"),
    "within on an always": (_set("steadyState.expect.0.within", "5s"), "spec.steadyState.expect[0]", "use one of"),
    "eventually in the outage": (
        _set("outage.expect", [{"name": "down", "eventually": "!health.ok"}]), "spec.outage", "write becomes"
    ),
    "becomes in the recovery": (
        _set("recovery.expect", [{"name": "again", "becomes": "health.ok"}]), "spec.recovery", "write eventually"
    ),
    "becomes in the steady state": (
        _set("steadyState.expect", [{"name": "up", "becomes": "health.ok"}]), "spec.steadyState", "takes only always"
    ),
    "after on a becomes": (_set("outage.expect.0.after", "5s"), "spec.outage.expect[0]", "belong to always"),
    "guardrail in the recovery": (
        _set("recovery.expect", [{"name": "up", "always": "health.ok", "guardrail": True}]),
        "spec.recovery",
        "belong to outage.expect",
    ),
    "rollback of what is not expected": (
        _set(
            "rollback",
            {"ifMissed": ["no such"], "within": "1m", "steps": [{"name": "s", "restore": {"deployment": "w"}}]},
        ),
        "spec",
        "not in recovery.expect",
    ),
    "irreversible step that does not say so": (
        _set(
            "rollback",
            {"ifMissed": ["healthy again"], "within": "1m", "steps": [{"name": "s", "job": {"fromCronJob": "c"}}]},
        ),
        "spec.rollback.steps[0]",
        "irreversible: true",
    ),
    "mitigation without a step": (
        _set("mitigations", [{"name": "m", "when": "!health.ok", "steps": []}]), "mitigations[0].steps", "at least 1"
    ),
    "mitigation without a condition": (
        _set("mitigations", [{"name": "m", "steps": [STOP]}]), "mitigations[0].when", "Required value"
    ),
    "mitigation that takes too long": (
        _set("mitigations", [{"name": "m", "when": "!health.ok", "within": "2h", "steps": [STOP]}]),
        "spec.mitigations[0]",
        "within must be at most 1h",
    ),
    "mitigation with an irreversible step that does not say so": (
        _set("mitigations", [{"name": "m", "when": "!health.ok", "steps": [{"name": "r", "job": JOB}]}]),
        "spec.mitigations[0].steps[0]",
        "irreversible: true",
    ),
    "unaided in the steady state": (
        _set("steadyState.expect.0.unaided", True), "spec.steadyState", "unaided belong to the stages under the fault"
    ),
    "blackout without a time": (_blackout(), "spec.schedule.blackouts[0]", "give either when, or from and until"),
    "blackout that is a span and hours": (
        _blackout(when="Mon 09:00-17:00 UTC", from_="2026-12-18T00:00:00Z", until="2026-12-19T00:00:00Z"),
        "spec.schedule.blackouts[0]",
        "give either when, or from and until",
    ),
    "blackout's hours without a zone": (
        _blackout(when="Mon-Thu 09:00-17:00"),
        "spec.schedule.blackouts[0].when",
        "write days, hours and a time zone, such as Mon-Thu 09:00-17:00 Europe/Berlin",
    ),
    "blackout from a day": (
        _blackout(from_="2026-12-18", until="2026-12-19T00:00:00Z"),
        "spec.schedule.blackouts[0].from",
        "write a time with its offset from UTC",
    ),
    "link that is not for the web": (
        _set("links", [{"name": "Runbook", "url": "javascript:alert(1)"}]), "spec.links[0].url", "should match"
    ),
    "notification of two kinds": (
        _told({"slack": {"urlFrom": TEAM_SECRET}, "webhook": {"url": "http://bus/"}}),
        "spec.notifications[0]",
        "exactly one of",
    ),
    "notification of no kind": (_told({}), "spec.notifications[0]", "exactly one of"),
    "notification of an event that is none": (
        _told({"webhook": {"url": "http://bus/"}, "events": ["lunch"]}), "spec.notifications[0].events", "started"
    ),
    "a Slack URL in the open": (
        _told({"slack": {"url": "https://hooks.slack.example/T0/B0/x"}}), "spec.notifications[0].slack.url", "unknown",
    ),
    "events for Grafana": (
        _told({"grafana": {"url": "https://g.example", "tokenFrom": TEAM_SECRET}, "events": ["verdict"]}),
        "spec.notifications[0]",
        "remove events and onlyOnFailure",
    ),
    "webhook with and from a URL": (
        _told({"webhook": {"url": "http://bus/", "urlFrom": TEAM_SECRET}}),
        "spec.notifications[0].webhook",
        "exactly one of url and urlFrom",
    ),
    "contact without a way": (_set("contacts", [{"name": "Redis Team"}]), "spec.contacts[0].contact", "Required"),
    "header without a value": (
        _set("probes.0.http.headers", [{"name": "X-Key"}]),
        "headers[0]",
        "exactly one of value",
    ),
}  # fmt: skip

IN_READY = {
    "notification with credentials in its URL": (
        _told({"webhook": {"url": "http://user:password@bus/"}}),
        "spec.notifications[0].webhook.url",
        "the URL has credentials",
    ),
    "panel without its dashboard": (
        _told({"grafana": {"url": "https://g.example", "tokenFrom": TEAM_SECRET, "panelId": 2}}),
        "spec.notifications[0].grafana.panelId",
        "give dashboardUID as well",
    ),
    "blackout in a zone that is none": (
        _blackout(when="Mon-Thu 09:00-17:00 Berlin"),
        "spec.schedule.blackouts[0].when",
        "write one such as Europe/Berlin or Etc/UTC",
    ),
    "blackout until a day that is none": (
        _blackout(from_="2026-02-01T00:00:00Z", until="2026-02-30T00:00:00Z"),
        "spec.schedule.blackouts[0].until",
        "is not a date that exists",
    ),
    "broken CEL": (_set("outage.expect.0.becomes", "health.body.redis !="), "spec.outage.expect[0].becomes", ""),
    "unknown probe": (_set("outage.expect.0.becomes", "helth.ok"), "spec.outage.expect[0].becomes", "health"),
    "unknown function": (
        _set("outage.expect.0.becomes", "nearly(1.0, 2.0)"),
        "spec.outage.expect[0].becomes",
        "near",
    ),
    "after the outage": (
        _set("outage.expect", [{"name": "up", "always": "health.ok", "after": "40s"}]),
        "spec.outage.expect[0].after",
        "shorten",
    ),
    "nothing expected": (_both(_set("outage.expect", []), _set("recovery.expect", [])), "spec", "would prove nothing"),
    "within longer than the outage": (_set("outage.expect.0.within", "30s"), "spec.outage.expect[0]", "lengthen"),
    "restore of what was not scaled": (
        _set(
            "rollback",
            {"ifMissed": ["healthy again"], "within": "1m", "steps": [{"name": "s", "restore": {"deployment": "w"}}]},
        ),
        "spec.rollback.steps[0]",
        "nothing to restore",
    ),
    "two figures of one name": (
        _set("recovery.expect.0.measures", "timeToDetect"),
        "spec.recovery.expect[0].measures",
        "choose another name",
    ),
    "a step named as the fault": (
        _set(
            "rollback",
            {
                "ifMissed": ["healthy again"],
                "within": "1m",
                "steps": [{"name": "partition", "scale": {"deployment": "worker", "replicas": 0}}],
            },
        ),
        "spec.rollback.steps[0].name",
        "choose another name",
    ),
    "a destination that is a name of the cluster's own": (
        _cut({"tcp": {"host": "redis.shop.svc", "ports": [6379]}}),
        f"{FAR}.tcp.host",
        "write it as service",
    ),
    "a host that is not in its ranges": (
        _cut({"redis": {"host": "203.0.113.7", "cidrs": ["10.0.16.0/24"], "tls": {}}}),
        f"{FAR}.redis.cidrs",
        "is in none of these ranges",
    ),
    "a range of which no address is known": (
        _cut({"tcp": {"cidrs": ["10.0.16.0/24"], "ports": [6379]}}),
        f"{FAR}.tcp.cidrs[0]",
        "name single addresses",
    ),
    "an IPv4 range as IPv6 writes it": (
        _cut({"tcp": {"cidrs": ["::ffff:203.0.113.7/128"], "ports": [6379]}}),
        f"{FAR}.tcp.cidrs[0]",
        "write 203.0.113.7/32",
    ),
    "an operator without values": (
        _set(f"{NET}.podSelector", {"matchExpressions": [{"key": "app", "operator": "In"}]}),
        "podSelector.matchExpressions[0].values",
        "name at least one",
    ),
    "a bystander without a port": (
        _set(f"{NET}.mustRemainReachable", [{"name": "payments", "service": {"name": "payments"}}]),
        "networkPartition.mustRemainReachable[0].service.port",
        "give the Service's port",
    ),
    "mitigation whose condition reads no probe": (
        _set("mitigations", [{"name": "m", "when": "!helth.ok", "steps": [STOP]}]),
        "spec.mitigations[0].when",
        "there is no probe 'helth'",
    ),
    "mitigation that could never act": (
        _set("mitigations", [{"name": "m", "when": "!health.ok", "for": "1h", "steps": [STOP]}]),
        "spec.mitigations[0].for",
        "could never act: shorten it",
    ),
    "mitigation of what the rollback scales": (
        _both(
            _set("mitigations", [{"name": "m", "when": "!health.ok", "steps": [STOP]}]),
            _set("rollback", {"ifMissed": ["healthy again"], "within": "1m", "steps": [STOP | {"name": "again"}]}),
        ),
        "spec.mitigations[0].steps[0].scale",
        "act on it in one of the two only",
    ),
    "too much log": (_many_for_long, "spec.probes", "probe less often"),
    "measurement of no probe": (
        _set("measurements", [{"name": "peak", "stage": "Outage", "path": "metrics.memory"}]),
        "spec.measurements[0].path",
        "there is no probe",
    ),
}


def changed(change: Callable[[Spec], None], name: str = "wrong") -> str:
    """The small GameDay with something wrong in it."""
    gameday = copy.deepcopy(SMALL)
    gameday["metadata"]["name"] = name
    change(gameday["spec"])
    return yaml.safe_dump(gameday)


A_LIST = "array"
"""What the API server says of an object where it wants a list."""

EARLIER = {
    "lasts of the outage": (_moved("outage.duration", "lasts"), "spec.outage", "lasts is called duration now"),
    "lasts of the steady state": (
        _moved("steadyState.duration", "lasts"),
        "spec.steadyState",
        "lasts is called duration now",
    ),
    "every of a probe": (_set("probes.0.every", "1s"), "spec.probes[0]", "every is called interval now"),
    "holds of an expectation": (
        _set("recovery.expect.0.holds", "4s"),
        "spec.recovery.expect[0]",
        "holds is called for now",
    ),
    "existing of a cut": (
        _set(f"{NET}.existing", "Keep"),
        "networkPartition",
        "existing is called openConnections now",
    ),
    "cron of a blackout": (
        _blackout(cron="*/10 8-18 * JAN-MAR mon-fri", lasts="8h"),
        "spec.schedule.blackouts[0]",
        "cron is called when now: write days, hours and a time zone",
    ),
    "lasts of a blackout": (
        _blackout(cron="0 16 * * 4", lasts="8h"),
        "spec.schedule.blackouts[0]",
        "lasts is called when now: write days, hours and a time zone",
    ),
    "mustStay of a cut": (
        _set(f"{NET}.mustStay", [{"name": "control", "apiServer": True}]),
        "networkPartition",
        "mustStay is called mustRemainReachable now",
    ),
    **{
        f"{field} of a redis probe": (
            _set("probes.1.redis", {field: value}),
            "spec.probes[1].redis",
            f"{field} moved to spec.dependencies",
        )
        for field, value in {
            "service": {"name": "redis"},
            "host": "10.0.0.1",
            "port": 6379,
            "tls": True,
            "auth": {"passwordFrom": {"secretKeyRef": {"name": "redis", "key": "password"}}},
        }.items()
    },
    # No rule is asked where a type is wrong: the API server says that it wants a list, and the docs say of what.
    "service in to": (_set(f"{NET}.to", {"service": {"name": "redis"}}), f"{NET_PATH}.to", A_LIST),
    "cidrs in to": (_set(f"{NET}.to", {"cidrs": ["10.0.0.1/32"], "ports": [1]}), f"{NET_PATH}.to", A_LIST),
}


def told(remedy: str, validation: str) -> str:
    """What the API server says: strict decoding looks for fields before types, and a list has none."""
    return "unknown field" if remedy is A_LIST and validation == "strict" else remedy


async def test_an_earlier_name_is_refused_also_where_unknown_fields_are_ignored(ns: TeamNamespace) -> None:
    wrong = []
    for (name, (change, path, remedy)), validation in itertools.product(EARLIER.items(), ("ignore", "strict")):
        body = ("-n", ns.namespace, "apply", f"--validate={validation}", "-f", "-")
        done = kubectl(*body, stdin=changed(change), ok=False)
        if done.returncode == 0 or path not in done.stderr or told(remedy, validation) not in done.stderr:
            wrong.append(f"{name} ({validation}): {done.returncode} {done.stderr.strip()}")
    assert not wrong, "\n".join(wrong)


async def test_what_the_schema_sees_is_refused_at_apply(ns: TeamNamespace) -> None:
    wrong = []
    for name, (change, path, remedy) in AT_APPLY.items():
        done = kubectl("-n", ns.namespace, "apply", "-f", "-", stdin=changed(change), ok=False)
        if done.returncode == 0 or path not in done.stderr or remedy not in done.stderr:
            wrong.append(f"{name}: {done.returncode} {done.stderr.strip()}")
    assert not wrong, "\n".join(wrong)


async def test_everything_else_shows_in_ready_within_two_seconds(ns: TeamNamespace) -> None:
    operator = await ns.operator()
    kubectl("-n", ns.namespace, "apply", "-f", "-", stdin=yaml.safe_dump(SMALL))
    assert (await ready(ns, "small"))["status"] == "True"
    wrong = []
    for number, (name, (change, path, remedy)) in enumerate(IN_READY.items()):
        kubectl("-n", ns.namespace, "apply", "-f", "-", stdin=changed(change, f"wrong-{number}"))
        began = time.monotonic()
        condition = await ready(ns, f"wrong-{number}")
        took = time.monotonic() - began
        said = condition["message"]
        if condition["status"] != "False" or path not in said or remedy not in said or took > 2:
            wrong.append(f"{name}: {condition['status']} after {took:.1f} s: {said}")
    assert not wrong, "\n".join(wrong)
    assert operator.process.returncode is None


async def test_a_drill_of_a_wrong_gameday_says_what_is_wrong_and_touches_nothing(ns: TeamNamespace) -> None:
    await ns.operator()
    change, path, _ = IN_READY["unknown probe"]
    await ns.start(yaml.safe_load(changed(change)))
    status = await ns.finishes()
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "GameDayInvalid")
    assert path in status["message"]
    await ns.nothing_is_left()


async def test_a_drills_spec_cannot_be_changed_but_for_its_abort(ns: TeamNamespace) -> None:
    drill = {"apiVersion": "gameday.dev/v1alpha1", "kind": "Drill", "metadata": {"name": "one"}}
    ns.apply(drill | {"spec": {"gameDay": "small"}})
    refused = kubectl(
        "-n", ns.namespace, "patch", "drill", "one", "--type=merge", "-p", '{"spec":{"gameDay":"x"}}', ok=False
    )
    assert refused.returncode != 0
    assert "gameDay is immutable" in refused.stderr
    kubectl("-n", ns.namespace, "patch", "drill", "one", "--type=merge", "-p", '{"spec":{"abort":true}}')
    back = kubectl(
        "-n", ns.namespace, "patch", "drill", "one", "--type=merge", "-p", '{"spec":{"abort":false}}', ok=False
    )
    assert back.returncode != 0
