"""Specs made up by a seeded generator: valid ones, nearly valid ones, and hostile ones; the same for a seed each time.

One list serves the tests without a cluster and those with one. A case is a whole GameDay or Drill as YAML may have it.
"""

import copy
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

Spec = dict[str, Any]
Object = dict[str, Any]

SEED: Final = 20261127

BASE: Final[Spec] = {
    "description": "everything that a plan can say",
    "dependencies": [
        {
            "name": "redis",
            "redis": {
                "service": {"name": "redis"},
                "auth": {"passwordFrom": {"secretKeyRef": {"name": "redis", "key": "password"}}},
            },
        },
        {"name": "outside", "tcp": {"cidrs": ["203.0.113.7/32"], "ports": [443]}},
    ],
    "probes": [
        {"name": "health", "interval": "1s", "timeout": "1s", "http": {"url": "http://api/healthz"}},
        {
            "name": "hook",
            "http": {
                "url": "http://api/webhooks/test",
                "method": "POST",
                "json": {"id": 1},
                "headers": [
                    {"name": "X-One", "value": "1"},
                    {"name": "X-Key", "valueFrom": {"secretKeyRef": {"name": "key", "key": "key"}}},
                ],
            },
        },
        {"name": "metrics", "interval": "5s", "http": {"url": "http://api/metrics", "parse": "prometheus"}},
        {"name": "port", "tcp": {"host": "api", "port": 80}},
        {
            "name": "redis",
            "redis": {"dependency": "redis", "queue": {"kind": "bullmq", "name": "jobs"}},
        },
        {"name": "deploy", "kubernetes": {"deployment": "api"}},
        {
            "name": "errors",
            "prometheus": {
                "url": "https://prometheus:9090/prefix",
                "query": 'sum(rate(http_requests_total{code="500"}[1m]))',
                "auth": {"bearer": {"tokenFrom": {"secretKeyRef": {"name": "key", "key": "token"}}}},
                "tls": {"caFrom": {"configMapKeyRef": {"name": "ca", "key": "ca.crt"}}},
            },
        },
        {
            "name": "page",
            "alert": {
                "alertmanager": {"url": "http://alertmanager:9093", "receiver": "team"},
                "labels": {"alertname": "RedisDown"},
            },
        },
    ],
    "steadyState": {"duration": "3s", "expect": [{"name": "healthy", "always": "health.body.redis == 'ok'"}]},
    "outage": {
        "duration": "8s",
        "faults": [
            {
                "name": "partition",
                "networkPartition": {
                    "podSelector": {
                        "matchLabels": {"app": "api"},
                        "matchExpressions": [{"key": "app", "operator": "In", "values": ["api"]}],
                    },
                    "to": ["redis"],
                    "mustRemainReachable": [{"name": "pay", "service": {"name": "payments", "port": 80}}],
                },
            }
        ],
        "expect": [
            {"name": "noticed", "becomes": "health.body.redis != 'ok'", "within": "6s", "measures": "detect"},
            {"name": "up", "always": "port.ok", "tolerates": "2s", "guardrail": True},
        ],
    },
    "recovery": {
        "within": "20s",
        "expect": [
            {"name": "healthy again", "eventually": "health.body.redis == 'ok'", "for": "2s", "measures": "recover"},
            {"name": "drained", "eventually": "near(redis.depth, baseline.redis.depth, 0.1, 5)", "unaided": True},
        ],
    },
    "mitigations": [
        {
            "name": "restart consumers",
            "when": "redis.depth > baseline.redis.depth + 1000",
            "for": "3s",
            "within": "2m",
            "steps": [{"name": "renew", "restart": {"deployment": "consumer"}, "irreversible": True}],
        }
    ],
    "rollback": {
        "ifMissed": ["healthy again"],
        "within": "1m",
        "steps": [
            {"name": "stop", "scale": {"deployment": "worker", "replicas": 0}},
            {"name": "clear", "job": {"fromCronJob": "clear"}, "irreversible": True},
            {"name": "start", "restore": {"deployment": "worker"}},
        ],
    },
    "measurements": [{"name": "peak", "stage": "Outage", "path": "metrics.memory", "aggregate": "max", "unit": "B"}],
    "schedule": {
        "cron": "0 10 * * 1-4",
        "timeZone": "Europe/Berlin",
        "startingDeadline": "10m",
        "blackouts": [
            {"name": "the year's end", "from": "2090-12-18T00:00:00+01:00", "until": "2091-01-07T00:00:00+01:00"},
            {"name": "release", "when": "Thu 16:00-24:00 Europe/Berlin"},
        ],
        "suspend": True,
    },
    "history": {"keep": 5},
}
"""A plan with every field in it; it never starts by itself."""

TEXTS: Final[list[Any]] = [
    "", " ", "\n", "a\x00b", "a\u202eb", "\u200f", "é", "日本語", "😀" * 20, "x" * 64, "x" * 5_000, "'; drop table", "{{ .Values.x }}",
    "$(rm -rf /)", "../../etc/passwd", "%s%n", "null", "true", "-", "in", "A", "a.b", "a b", "a\r\nb", "<script>", "\ud7ff", "\\",
]  # fmt: skip
NUMBERS: Final[list[Any]] = [0, -1, 1, 65536, 2**31, 2**63 - 1, -(2**63), 1.5, 1e30, 10**25]
DURATIONS: Final[list[Any]] = [
    "0s", "1", "s", "-1s", "1.5s", "1h1h", "999999h", "9999999999h", "99999999999s", "1d", "1ms", "١s", " 1s", "1s ", "0h0m0s",
]  # fmt: skip
SHAPES: Final[list[Any]] = [None, True, False, [], {}, [[]], [None], {"a": 1}, {"": {}}, ["x"], [{"name": "x"}], "x", 7]
URLS: Final[list[Any]] = [
    "javascript:alert(1)", "file:///etc/passwd", "http://", "http:///x", "http://[", "http://[::1", "http://a:99999/", "http://a:b/",
    "http://user:secret@api/", "http://a/\r\nHost: b", "http://ä.example/", "http://a..b/", "gopher://a/", "HTTP://API/",
    "http://169.254.169.254/latest/meta-data/", "http://api/" + "x" * 1014, "http://a#b", "http://?x", "https://a:0/",
]  # fmt: skip
EXPRESSIONS: Final[list[Any]] = [
    "", "true", "1", "health", "health.", "health.ok &&", "health.ok = true", "helth.ok", "health.ok ? 1", "((((", "health.body[x]",
    "health.body.l.all(x, x.m.all(y, y))", "health.ok ? 1 : 'a'", "nearly(1, 2)", "near(health.latency)", "'" + "a" * 1022, "health.ok // x",
    "health.body.l.all(in, in)", "health.body['\\u0000']", "health.body.n % 2 == 0", "{'a': 1}.a == health.n", "health.ok in [1, 2",
    "health.text.matches('((a{1,99}){1,99})')", "health.body.l.map(x, health.body.l).size() > 0", "!" * 900 + "health.ok",
    "(" * 300 + "health.ok" + ")" * 300, "health.ok" + " && health.ok" * 75, "1/0 > health.n", "health.n == 99999999999999999999999",
    "baseline.health.ok", "baseline", "health.ok\x00", "health.ok \u202e", "dyn(health.ok)", "type(health.ok)", "health.body.l[999999999999]",
    ".health.ok", "health..ok", "as.ok", "health.if", "timestamp('x') > health.n", "b'\\xff' == health.text", "0x == health.n", "\ud7ff",
]  # fmt: skip
CRONS: Final[list[Any]] = [
    "* * * *", "* * * * * *", "60 * * * *", "0 25 * * *", "0 0 31 2 *", "0 0 0 * *", "a b c d e", "*/0 * * * *", "0 0 * * 8", "5-1 * * * *",
    "@daily    ", "0 0 L * *", "0 0 * * 5#9", "1,,2 * * * *", "0 0 1 1 * 2026", "\t0 0 * * *", "0\n0 * * *", "٠ 0 * * *",
]  # fmt: skip
ZONES: Final[list[Any]] = [
    "Mars/Base",
    "",
    "../../etc/passwd",
    "/etc/localtime",
    "europe/berlin",
    "UTC+25",
    "a\x00b",
    "é",
    ".",
    "Europe",
]
MOMENTS: Final[list[Any]] = [
    "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "0000-00-00T00:00:00Z", "9999-12-31T23:59:59-23:59", "2026-12-20T25:00:00Z", "tomorrow",
    "0001-01-01T00:00:00+23:59", "2026-12-20T18:00:00Z", "2026-12-20", "2026-12-20T18:00", "2026-12-20T18:00:00", "2026-12-20t18:00:00z",
    "2026-12-20T18:00:60Z", "2026-12-20T18:00:00+99:99", "2026-12-20T18:00:00.123456789123Z", "2026-12-20 18:00:00Z",
]  # fmt: skip
HOURS: Final[list[Any]] = [
    "Sat,Sun 00:00-24:00 UTC", "Mon-Fri 22:00-06:00 Asia/Tokyo", "Fri-Mon 09:00-17:00 Europe/Berlin", "Mon 09:00-09:00 UTC", "Mon 24:00-09:00 UTC",
    "Mon-Fri 9-17 UTC", "09:00-17:00 UTC", "Mon 09:00-17:00", "Mon 09:00-17:00 Berlin", "Mon 09:00-17:00 localtime", "Mon,,Tue 09:00-17:00 UTC",
    "mon 09:00-17:00 UTC", "Mon  09:00-17:00 UTC", "0 16 * * 4", "Mon-Sun 00:00-24:00 UTC", "Mon" + ",Mon" * 20 + " 09:00-17:00 UTC",
]  # fmt: skip
CIDRS: Final[list[Any]] = [
    "0.0.0.0/0",
    "::/0",
    "10.0.0.1/8",
    "10.0.0.0/99",
    "999.1.1.1/8",
    "a::b::c/64",
    "1.2.3/24",
    "10.0.0.0/8",
]


@dataclass(frozen=True)
class Case:
    """One object to apply; ``what`` says what is odd about it."""

    what: str
    body: Object

    @property
    def name(self) -> str:
        """Its object's name."""
        return str(self.body["metadata"].get("name", ""))


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every place in a spec."""
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


def at(spec: Any, path: tuple[str | int, ...]) -> Any:
    for key in path:
        spec = spec[key]
    return spec


def replaced(path: tuple[str | int, ...], value: Any) -> Callable[[Spec], None]:
    def change(spec: Spec) -> None:
        at(spec, path[:-1])[path[-1]] = copy.deepcopy(value)

    return change


def removed(path: tuple[str | int, ...]) -> Callable[[Spec], None]:
    def change(spec: Spec) -> None:
        del at(spec, path[:-1])[path[-1]]

    return change


def _value(dice: random.Random, path: tuple[str | int, ...], old: Any) -> Any:
    """Something for a place that looks like what belongs there, or not at all."""
    key = str(path[-1])
    fitting: dict[str, list[Any]] = {
        "interval": DURATIONS, "timeout": DURATIONS, "duration": DURATIONS, "within": DURATIONS, "for": DURATIONS,
        "tolerates": DURATIONS, "startingDeadline": DURATIONS, "url": URLS, "always": EXPRESSIONS, "eventually": EXPRESSIONS, "becomes": EXPRESSIONS,
        "after": DURATIONS,
        "path": EXPRESSIONS, "cron": CRONS, "timeZone": ZONES, "from": MOMENTS, "until": MOMENTS, "when": HOURS,
    }  # fmt: skip
    if key in fitting and dice.random() < 0.75:
        return dice.choice(fitting[key])
    if isinstance(old, str) and dice.random() < 0.6:
        return dice.choice(TEXTS)
    if isinstance(old, int) and dice.random() < 0.6:
        return dice.choice(NUMBERS)
    return dice.choice(SHAPES)


def _many(spec: Spec) -> None:
    spec["probes"] += [{"name": f"p{n}", "tcp": {"host": "api", "port": n + 1}} for n in range(40)]


def _big(spec: Spec) -> None:
    text = "health.body.redis == 'ok' || health.body.redis != '" + "x" * 900 + "'"
    spec["outage"]["expect"] += [{"name": f"e{n}", "always": text} for n in range(30)]


def _deep(spec: Spec) -> None:
    value: Any = 1
    for _ in range(60):
        value = {"a": [value]}
    spec["probes"][1]["http"]["json"] = {"deep": value}


def _costly(spec: Spec) -> None:
    expect = spec["outage"]["expect"]
    expect += [{"name": f"c{n}", "always": f"health.body.l.filter(x, x > {n}).size() > 0"} for n in range(25)]


NET: Final = ("outage", "faults", 0, "networkPartition")


def cut_off(described: Spec) -> Callable[[Spec], None]:
    """A plan that cuts off from something else."""

    def change(spec: Spec) -> None:
        spec["dependencies"].append({"name": "another", **copy.deepcopy(described)})
        at(spec, NET)["to"] = ["another"]

    return change


CHOSEN: Final[dict[str, Callable[[Spec], None]]] = {
    "nothing odd": lambda _: None,
    "too many probes": _many,
    "a plan over 24 KiB": _big,
    "a deep request body": _deep,
    "expressions that cost too much together": _costly,
    "probes of one name": lambda spec: spec["probes"].append(copy.deepcopy(spec["probes"][0])),
    "expectations of one name": lambda spec: spec["outage"]["expect"].append(copy.deepcopy(spec["outage"]["expect"][0])),
    "mitigations of one name": lambda spec: spec["mitigations"].append(copy.deepcopy(spec["mitigations"][0])),
    "mitigations without a step": replaced(("mitigations", 0, "steps"), []),
    "a mitigation of what the rollback scales": replaced(("mitigations", 0, "steps", 0), {"name": "s", "scale": {"deployment": "worker", "replicas": 1}}),
    "a mitigation for ever": replaced(("mitigations", 0, "for"), "99999999h"),
    "a mitigation without a sense": replaced(("mitigations", 0, "when"), "redis.depth > 'many'"),
    "an unaided steady state": replaced(("steadyState", "expect", 0, "unaided"), True),
    "steps of one name": lambda spec: spec["rollback"]["steps"].append(copy.deepcopy(spec["rollback"]["steps"][0])),
    "a header that splits the request": replaced(("probes", 1, "http", "headers", 0, "value"), "a\r\nX-Two: 2"),
    "a header that is no ASCII": replaced(("probes", 1, "http", "headers", 0, "value"), "é"),
    "a header of the connection": replaced(("probes", 1, "http", "headers", 0, "name"), "Transfer-Encoding"),
    "a header's name with a line": replaced(("probes", 1, "http", "headers", 0, "name"), "X\r\nY"),
    "a secret of another namespace": replaced(("probes", 1, "http", "headers", 1, "valueFrom", "secretKeyRef", "name"), "kube-system/x"),
    "a secret's key that climbs": replaced(("probes", 1, "http", "headers", 1, "valueFrom", "secretKeyRef", "key"), "../../token"),
    "a probe called as CEL has a word": lambda spec: spec["probes"][3].update(name="in"),
    "a probe called true": lambda spec: spec["probes"][3].update(name="true"),
    "a probe called as a function": lambda spec: spec["probes"][3].update(name="size"),
    "a host that cannot be looked up": replaced(("probes", 3, "tcp", "host"), "a..b"),
    "a negative port": replaced(("probes", 3, "tcp", "port"), -1),
    "a selector of no label": replaced((*NET, "podSelector"), {"matchLabels": {"a b!": "c d!"}}),
    "a selector with our label": replaced((*NET, "podSelector"), {"matchLabels": {"gameday.dev/role": "control"}}),
    "an operator without values": replaced((*NET, "podSelector", "matchExpressions", 0, "values"), []),
    "values where none may be": replaced((*NET, "podSelector", "matchExpressions", 0, "operator"), "Exists"),
    "a cut of everything": cut_off({"tcp": {"cidrs": ["0.0.0.0/0", "::/0"], "ports": [1]}}),
    "a cut of the API server's Service": cut_off({"tcp": {"service": {"name": "kubernetes", "namespace": "default"}}}),
    "a destination that is a name": cut_off({"tcp": {"host": "redis.example.com", "ports": [6379]}}),
    "a destination that was described in the cut": replaced((*NET, "to"), {"service": {"name": "redis"}}),
    "a cut of nothing that is known": replaced((*NET, "to"), ["nothing"]),
    "a cut of two": replaced((*NET, "to"), ["redis", "outside"]),
    "a probe of what is no redis": replaced(("probes", 4, "redis", "dependency"), "outside"),
    "dependencies of one name": lambda spec: spec["dependencies"].append(copy.deepcopy(spec["dependencies"][0])),
    "a blackout that ends before it begins": replaced(("schedule", "blackouts", 0, "until"), "2090-01-01T00:00:00Z"),
    "a blackout under its earlier names": replaced(("schedule", "blackouts", 1), {"name": "release", "cron": "0 16 * * 4", "lasts": "8h"}),
    "a recovery that never ends": replaced(("recovery", "expect", 0, "for"), "99999999h"),
    "a deadline that never comes": replaced(("recovery", "expect", 0, "within"), "99999999h"),
    "an outage of no length": replaced(("outage", "duration"), "0s"),
    "a steady state of no length": replaced(("steadyState", "duration"), "0s"),
    "a recovery of no length": replaced(("recovery", "within"), "0s"),
    "a probe without a pause": replaced(("probes", 0, "interval"), "0s"),
    "a request that may take for ever": replaced(("probes", 0, "timeout"), "999999h"),
    "nothing at all": lambda spec: spec.clear(),
    "a spec of something else": lambda spec: (spec.clear(), spec.update(replicas=3, template={}))[0],
} | {
    f"cidr {cidr}": cut_off({"tcp": {"cidrs": [cidr], "ports": [80]}}) for cidr in CIDRS
} | {
    f"expression {text[:24]!r}": replaced(("outage", "expect", 0, "becomes"), text) for text in EXPRESSIONS
} | {
    f"url {url[:24]!r}": replaced(("probes", 0, "http", "url"), url) for url in URLS
} | {
    f"cron {cron!r}": replaced(("schedule", "cron"), cron) for cron in CRONS
} | {
    f"zone {zone!r}": replaced(("schedule", "timeZone"), zone) for zone in ZONES
} | {
    f"from {moment!r}": replaced(("schedule", "blackouts", 0, "from"), moment) for moment in MOMENTS
} | {
    f"when {hours!r:.40}": replaced(("schedule", "blackouts", 1, "when"), hours) for hours in HOURS
}  # fmt: skip


def gamedays(rolled: int = 120, seed: int = SEED) -> list[Case]:
    """GameDays: those that were chosen, then so many at random, of one to three changes each."""
    cases: list[Case] = []
    for what, change in CHOSEN.items():
        spec = copy.deepcopy(BASE)
        change(spec)
        cases.append(_gameday(len(cases), what, spec))
    dice = random.Random(seed)
    while len(cases) < len(CHOSEN) + rolled:
        spec, told = copy.deepcopy(BASE), []
        for _ in range(dice.choice([1, 1, 2, 3])):
            path = dice.choice(list(places(spec)))
            where = ".".join(str(part) for part in path)
            act = dice.random()
            if act < 0.15:
                removed(path)(spec)
                told.append(f"without {where}")
            elif act < 0.25 and isinstance(at(spec, path), dict):
                at(spec, path)[dice.choice(["unknown", "Name", "x-y", "spec", "$ref"])] = dice.choice(SHAPES)
                told.append(f"an unknown field in {where}")
            else:
                value = _value(dice, path, at(spec, path))
                replaced(path, value)(spec)
                told.append(f"{where} = {value!r:.40}")
        cases.append(_gameday(len(cases), "; ".join(told), spec))
    return cases


def _gameday(number: int, what: str, spec: Any) -> Case:
    metadata: Object = {"name": f"case-{number}"}
    return Case(what, {"apiVersion": "gameday.dev/v1alpha1", "kind": "GameDay", "metadata": metadata, "spec": spec})


def _drill(name: str, what: str, spec: Any, **metadata: Any) -> Case:
    body = {"apiVersion": "gameday.dev/v1alpha1", "kind": "Drill", "metadata": {"name": name, **metadata}, "spec": spec}
    return Case(what, body)


def drills(gameday: str) -> list[Case]:
    """Drills with odd specs and odd metadata; ``gameday`` is one that is Ready and that no drill of may begin."""
    past = "2020-01-01T00:00:00Z"
    plain: Spec = {"gameDay": gameday, "startBefore": past}
    slots = ["9" * 63, "-1", "x", "", "0", "1e9", "29924806"]
    labels: dict[str, dict[str, str]] = {
        **{f"slot {slot[:8]!r}": {"gameday.dev/slot": slot} for slot in slots},
        "another drill's label": {"gameday.dev/drill": "first", "gameday.dev/agent": "witness-0"},
        "our manager's label": {"app.kubernetes.io/managed-by": "gameday", "gameday.dev/gameday": "somebody-elses"},
    }
    owners = {
        "an owner that is not there": ("v1", "ConfigMap", "none", "00000000-0000-0000-0000-000000000000"),
    }
    found = [
        _drill("no-gameday", "no gameDay", {}),
        _drill("null-gameday", "gameDay null", {"gameDay": None}),
        _drill("empty-gameday", "gameDay empty", {"gameDay": ""}),
        _drill("odd-gameday", "a gameDay that is no name", {"gameDay": "../x", "startBefore": past}),
        _drill("long-gameday", "a gameDay that is too long", {"gameDay": "x" * 64, "startBefore": past}),
        _drill("dots-gameday", "a gameDay with dots", {"gameDay": "a.b.c", "startBefore": past}),
        _drill("absent-gameday", "a gameDay that is not there", {"gameDay": "nowhere", "startBefore": past}),
        _drill("number-gameday", "a gameDay that is a number", {"gameDay": 7}),
        _drill("unknown-field", "an unknown field", plain | {"force": True}),
        _drill("past", "startBefore long past", plain),
        _drill("year-one", "startBefore in the year 1", plain | {"startBefore": "0001-01-01T00:00:00Z"}),
        _drill(
            "year-9999", "startBefore in 9999, aborted", plain | {"startBefore": "9999-12-31T23:59:59Z", "abort": True}
        ),
        _drill("zone", "startBefore with a zone", plain | {"startBefore": "2020-01-01T00:00:00+14:00"}),
        _drill("fraction", "startBefore with a fraction", plain | {"startBefore": "2020-01-01T00:00:00.123456789Z"}),
        _drill("no-time", "startBefore that is no time", plain | {"startBefore": "soon"}),
        _drill("leap", "startBefore in a leap second", plain | {"startBefore": "2016-12-31T23:59:60Z"}),
        _drill("lower", "startBefore in small letters", plain | {"startBefore": "2020-01-01t00:00:00z"}),
        _drill("zone-99", "startBefore in a zone that is none", plain | {"startBefore": "2020-01-01T00:00:00+99:99"}),
        _drill(
            "slot-lower",
            "a scheduled one with an odd startBefore",
            plain | {"startBefore": "2020-01-01t00:00:00z"},
            labels={"gameday.dev/slot": "60"},
        ),
        _drill("odd-dry-run", "dryRun that is a word", plain | {"dryRun": "yes"}),
        _drill("dry-run-number", "dryRun that is a number", plain | {"dryRun": 1}),
        _drill("dry-run", "a dry run that comes too late", plain | {"dryRun": True}),
        _drill(
            "dry-run-slot",
            "a dry run with the label of a slot",
            plain | {"dryRun": True},
            labels={"gameday.dev/slot": "29924806"},
        ),
        _drill("odd-abort", "abort that is a word", plain | {"abort": "yes"}),
        _drill("aborted", "aborted at its creation", {"gameDay": gameday, "abort": True}),
        _drill("x" * 63, "a name of 63 characters", plain),
        _drill("x" * 64, "a name of 64 characters", plain),
        _drill("x" * 253, "a name of 253 characters", plain),
        _drill("with.dots.in-it", "a name with dots", plain),
        _drill("finalized", "our finalizer set by a person", plain, finalizers=["gameday.dev/undo"]),
        _drill(
            "annotated",
            "annotations without sense",
            plain,
            annotations={"gameday.dev/deadline": "NaN", "x": "y" * 9000},
        ),
    ]
    found += [
        _drill(f"labelled-{number}", what, plain, labels=given) for number, (what, given) in enumerate(labels.items())
    ]
    for number, (what, (version, kind, name, uid)) in enumerate(owners.items()):
        owner = {"apiVersion": version, "kind": kind, "name": name, "uid": uid}
        found.append(_drill(f"owned-{number}", what, plain, ownerReferences=[owner]))
    return found
