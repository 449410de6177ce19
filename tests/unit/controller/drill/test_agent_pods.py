"""Our pods in a team's namespace: restricted, never taken for the team's, and told exactly what they need."""

import json
import math
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

import pytest

from gameday.actions.kind import AgentPod
from gameday.actions.network_partition.action import NetworkPartition
from gameday.cluster.resources import Object
from gameday.controller.drill.agent_pods import KEPT, LINGER, PodTemplate, fuse_job, pod, pod_of
from gameday.controller.drill.agents import Closing, PodContext, closer, pods, wanted
from gameday.controller.drill.dry_run import explained
from gameday.engine.drill.timeouts import longest
from gameday.fuses.owner import FuseOwner
from gameday.model.agent import (
    CONFIG_MAPS,
    HANDSHAKE,
    HTTP,
    POSTGRES,
    SERVER,
    VARIABLE,
    CloserConfig,
    Config,
    CounterConfig,
    Dial,
    FuseConfig,
    ObserverConfig,
    Peers,
    WitnessConfig,
    read_config,
)
from gameday.model.agent_configs import CONFIGS
from gameday.model.labels import AGENT, DRILL
from gameday.model.placement import Mesh, Placement
from gameday.model.places import redis_at, redis_server
from gameday.model.plan import (
    ConfigMapKey,
    Dependency,
    Fault,
    HostTarget,
    Outage,
    Plan,
    Probe,
    Recovery,
    SecretKey,
    Selector,
    Sentinel,
    ServiceRef,
    SteadyState,
    Trust,
    Via,
)
from gameday.model.setup import ClosingPlan, Connections, Cut, CutDestination, CutPort, Pair, Setup
from gameday.probes.http.kind import HttpProbe
from gameday.probes.kubernetes.kind import KubernetesProbe
from gameday.probes.redis.kind import RedisProbe
from gameday.probes.request import Header
from gameday.probes.tcp.kind import TcpProbe
from gameday.probes.web import Access

PLACE = PodContext("shop", "redis-failover-first", "drill-uid", "gameday:test", "IfNotPresent")
REDIS = RedisProbe(redis_at(service=ServiceRef("redis"), password=SecretKey("redis", "password")))
PROBES = (
    Probe(
        "health", HttpProbe("http://api/healthz", headers=(Header("X-API-Key", secret=SecretKey("api-key", "key")),))
    ),
    Probe("port", TcpProbe("api", 80)),
    Probe("redis", REDIS),
    Probe("workers", KubernetesProbe("worker")),
)
CUT = NetworkPartition(Selector({"app": "api"}), Dependency("redis", ServiceRef("redis"), REDIS.server))
DESTINATION = CutDestination("shop", {"app": "redis"}, ("10.0.0.3",), ("10.96.0.7",), (), (CutPort(6379, 6379),))
PAIRS = (Pair("node-a", {"app": "api"}), Pair("node-b", {"app": "api", "tier": "web"}))
REDIS_DIAL = Dial("target:10.96.0.7:6379", "10.96.0.7", 6379, "redis")
THE_CUT = Cut("partition", Via.CILIUM, DESTINATION, PAIRS, ("10.0.0.9",), closing=ClosingPlan(), dials=(REDIS_DIAL,))
SETUP = Setup((THE_CUT,), dns="10.96.0.10")
NAMES = {"observer", "client", "counter", "witness-0", "control-0", "witness-1", "control-1"}


def plan(cut: NetworkPartition = CUT, probes: tuple[Probe, ...] = PROBES) -> Plan:
    return Plan("it", probes, SteadyState(5), Outage(60, (Fault("partition", cut),)), Recovery(60))


def made(wanted_plan: Plan | None = None, setup: Setup = SETUP) -> dict[str, Object]:
    """The pods by their agent's name."""
    return {pod["metadata"]["labels"]["gameday.dev/agent"]: pod for pod in pods(wanted_plan or plan(), setup, PLACE)}


def setup(**changes: Any) -> Setup:
    """The setup with another cut."""
    return replace(SETUP, cuts=(replace(THE_CUT, **changes),))


def config(pod: Object, *expected: type[Config]) -> Config:
    (entry,) = pod["spec"]["containers"][0]["env"]
    assert entry["name"] == VARIABLE
    return read_config(entry["value"], *expected)


def dials(pod: Object) -> list[tuple[str, str, int, str]]:
    return [(dial.name, dial.host, dial.port, dial.protocol) for dial in config(pod, WitnessConfig).dials]


def test_every_agent_that_is_waited_for_has_its_pod() -> None:
    assert wanted(plan(), SETUP) == NAMES == made().keys()
    only = plan(probes=(Probe("health", HttpProbe("http://api/healthz")),))
    alone = setup(closing=None, pairs=PAIRS[:1])
    assert wanted(only, alone) == {"observer", "witness-0", "control-0"} == made(only, alone).keys()


def test_each_cut_has_witnesses_and_agents_of_its_own() -> None:
    other = NetworkPartition(Selector({"app": "worker"}), Dependency("cache", ServiceRef("cache"), REDIS.server))
    one = plan(probes=())
    two = replace(one, outage=replace(one.outage, faults=(*one.outage.faults, Fault("other", other))))
    dial = Dial("target:10.96.0.8:6379", "10.96.0.8", 6379, "redis")
    second = Cut("other", Via.CILIUM, pairs=(Pair("node-c", {"app": "worker"}),), closing=ClosingPlan(), dials=(dial,))
    both = replace(SETUP, cuts=(THE_CUT, second))
    found = made(two, both)
    pairs = {f"{role}-{number}" for role in ("witness", "control") for number in range(3)}
    assert found.keys() == wanted(two, both) == pairs | {"counter", "counter-1"}
    assert both.pair_numbers() == {"partition": range(2), "other": range(2, 3)}
    assert [name for name, *_ in dials(found["witness-1"])] == ["target:10.96.0.7:6379", "bystander:dns"]
    assert [name for name, *_ in dials(found["witness-2"])] == ["target:10.96.0.8:6379", "bystander:dns"]
    assert found["witness-2"]["metadata"]["labels"]["app"] == "worker"
    ends = closer(two, both, second, PLACE, Closing(Connections(), 1.0))
    assert ends["metadata"]["labels"]["gameday.dev/agent"] == "closer-1"
    assert ends["metadata"]["labels"]["app"] == "worker"


def test_a_drill_without_a_cut_has_only_those_who_probe() -> None:
    assert wanted(plan(), Setup()) == {"observer", "client"} == made(plan(), Setup()).keys()
    assert made(plan(), Setup())["client"]["metadata"]["labels"]["gameday.dev/role"] == "control"


@pytest.mark.parametrize("agent", sorted(NAMES))
def test_a_pod_meets_the_restricted_standard_and_holds_no_token(agent: str) -> None:
    spec = made()[agent]["spec"]
    (container,) = spec["containers"]
    assert spec["securityContext"]["runAsNonRoot"]
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["resources"].keys() == {"requests", "limits"}
    assert (spec["serviceAccountName"], spec["automountServiceAccountToken"]) == ("gameday", False)
    assert spec["restartPolicy"] == "Never"


@pytest.mark.parametrize("agent", sorted(NAMES))
def test_a_pod_starts_a_module_that_there_is_and_no_shell(agent: str) -> None:
    python, flag, module = made()[agent]["spec"]["containers"][0]["command"]
    assert (python, flag) == ("python3", "-m")
    assert find_spec(module) is not None


@pytest.mark.parametrize("agent", sorted(NAMES))
def test_the_drill_owns_a_pod_and_nobody_waits_for_it(agent: str) -> None:
    (owner,) = made()[agent]["metadata"]["ownerReferences"]
    assert owner == {
        "apiVersion": "gameday.dev/v1alpha1",
        "kind": "Drill",
        "name": "redis-failover-first",
        "uid": "drill-uid",
    }


@pytest.mark.parametrize("agent", sorted(NAMES))
def test_a_pod_ends_itself_after_the_last_deadline_of_its_drill_and_the_kubelet_sees_to_it(agent: str) -> None:
    wanted_plan = plan()
    one = made(wanted_plan)[agent]
    assert config(one, *CONFIGS).ends_after == longest(wanted_plan)
    assert one["spec"]["activeDeadlineSeconds"] == math.ceil(longest(wanted_plan)) + LINGER


def test_an_agent_that_would_never_end_is_not_made() -> None:
    with pytest.raises(ValueError, match="agent observer would never end"):
        pod(PLACE, "observer", PodTemplate("observer", "observer"), ObserverConfig())


def test_an_agent_that_a_cut_would_not_spare_is_not_made() -> None:
    unknown = PodTemplate("observer", "auditor")  # type: ignore[arg-type]  # a role that is in no list
    with pytest.raises(ValueError, match="agent audit has the role auditor"):
        pod(PLACE, "audit", unknown, ObserverConfig(ends_after=1.0))


def test_pairs_have_their_targets_labels_run_on_its_node_and_are_never_ready() -> None:
    for agent, role in (("witness-1", "witness"), ("control-1", "control")):
        one = made()[agent]
        assert one["metadata"]["labels"] == {
            "app": "api",
            "tier": "web",
            "gameday.dev/drill": "redis-failover-first",
            "gameday.dev/role": role,
            "gameday.dev/agent": agent,
            "app.kubernetes.io/managed-by": "gameday",
        }
        assert one["spec"]["readinessGates"] == [{"conditionType": "gameday.dev/never-ready"}]
        (term,) = one["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"][
            "nodeSelectorTerms"
        ]
        assert term == {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["node-b"]}]}
        assert one["spec"]["tolerations"] == [{"operator": "Exists"}]


def test_what_talks_to_redis_has_target_labels_and_is_spared_by_the_cut() -> None:
    for agent in ("client", "counter"):
        pod = made()[agent]
        labels = pod["metadata"]["labels"]
        assert (labels["app"], labels["gameday.dev/role"]) == ("api", "control")
        assert pod["spec"]["readinessGates"]


def test_the_observer_is_in_no_pair() -> None:
    observer = made()["observer"]
    assert "app" not in observer["metadata"]["labels"]
    assert "readinessGates" not in observer["spec"]


def test_secrets_are_mounted_by_key_where_the_configuration_says() -> None:
    observer = made()["observer"]
    assert observer["spec"]["volumes"] == [
        {"name": "secret-0", "secret": {"secretName": "api-key", "items": [{"key": "key", "path": "key"}]}}
    ]
    (mount,) = observer["spec"]["containers"][0]["volumeMounts"]
    assert (mount["mountPath"], mount["readOnly"]) == ("/run/gameday/secrets/api-key", True)
    assert config(observer, ObserverConfig).probes[0].config["headers"][0]["file"] == "/run/gameday/secrets/api-key/key"
    redis = config(made()["counter"], CounterConfig).redis
    assert redis.password_file == "/run/gameday/secrets/redis/password"


def test_config_maps_are_mounted_beside_secrets_each_once() -> None:
    ca, token = ConfigMapKey("corporate", "ca.crt"), SecretKey("api", "token")
    probes = tuple(
        Probe(f"p{number}", HttpProbe("https://api/", access=access))
        for number, access in enumerate(
            (Access(bearer=token, ca=ca), Access(bearer=token, ca=ca), Access(ca=ConfigMapKey("corporate", "old.crt")))
        )
    )
    observer = made(plan(probes=probes))["observer"]
    keys = [{"key": "ca.crt", "path": "ca.crt"}, {"key": "old.crt", "path": "old.crt"}]
    assert observer["spec"]["volumes"] == [
        {"name": "secret-0", "secret": {"secretName": "api", "items": [{"key": "token", "path": "token"}]}},
        {"name": "configmap-0", "configMap": {"name": "corporate", "items": keys}},
    ]
    mounts = observer["spec"]["containers"][0]["volumeMounts"]
    assert [(mount["name"], mount["mountPath"], mount["readOnly"]) for mount in mounts] == [
        ("secret-0", "/run/gameday/secrets/api", True),
        ("configmap-0", "/run/gameday/configmaps/corporate", True),
    ]


def test_witnesses_speak_to_a_redis_that_wants_it_as_its_dependency_says() -> None:
    trust = Trust(ConfigMapKey("redis-ca", "ca.crt"), certificate="redis-client")
    server = redis_at(host="203.0.113.7", tls=True, trust=trust, password=SecretKey("redis", "password"))
    cut = replace(CUT, dependency=Dependency("redis", HostTarget("203.0.113.7", (6379,)), server))
    dialled = setup(dials=(replace(REDIS_DIAL, protocol=SERVER),))
    for agent in ("witness-0", "control-1", "counter"):
        pod = made(plan(cut), dialled)[agent]
        mounts = [mount["mountPath"] for mount in pod["spec"]["containers"][0]["volumeMounts"]]
        assert mounts == ["/run/gameday/secrets/redis", "/run/gameday/secrets/redis-client", f"{CONFIG_MAPS}/redis-ca"]
        told = config(pod, WitnessConfig, CounterConfig)
        assert isinstance(told, WitnessConfig | CounterConfig)
        assert told.redis == redis_server(server, "shop")
    assert config(made(plan(cut), dialled)["witness-0"], WitnessConfig).every == 0.5, "logins cost more than a PING"
    plain = made(plan(cut))["witness-0"]
    assert (plain["spec"]["volumes"], config(plain, WitnessConfig).redis) == ([], None)


@pytest.mark.parametrize(("protocol", "every"), [(HANDSHAKE, 0.5), (POSTGRES, 0.5), (HTTP, 0.25), ("tcp", 0.25)])
def test_dials_that_cost_a_server_much_are_half_as_many(protocol: str, every: float) -> None:
    dialled = setup(dials=(Dial("target:10.96.0.7:443", "10.96.0.7", 443, protocol, "web.shop.svc"),))
    told = config(made(setup=dialled)["witness-0"], WitnessConfig)
    assert (told.every, told.dials[0].server_name) == (every, "web.shop.svc")


@pytest.mark.parametrize(
    ("changes", "peers", "mounts"),
    [
        ({"cluster": True}, Peers(), ["/run/gameday/secrets/redis"]),
        (
            {"sentinel": Sentinel("m", password=SecretKey("sentinel", "password"), username="drill")},
            Peers("m", "drill", password_file="/run/gameday/secrets/sentinel/password"),
            ["/run/gameday/secrets/redis", "/run/gameday/secrets/sentinel"],
        ),
    ],
    ids=["Cluster", "Sentinel"],
)
def test_witnesses_of_a_redis_of_several_servers_know_how_to_ask_them(
    changes: dict[str, Any], peers: Peers, mounts: list[str]
) -> None:
    server = redis_at(service=ServiceRef("redis"), password=SecretKey("redis", "password"), **changes)
    cut = replace(CUT, dependency=Dependency("redis", ServiceRef("redis"), server))
    pod = made(plan(cut), setup(dials=(replace(REDIS_DIAL, protocol=SERVER),)))["witness-0"]
    assert config(pod, WitnessConfig).peers == peers
    assert [mount["mountPath"] for mount in pod["spec"]["containers"][0]["volumeMounts"]] == mounts


@pytest.mark.parametrize("host", ["sessions.example.com", "203.0.113.7"])
def test_witnesses_find_the_servers_behind_a_host_by_asking_there(host: str) -> None:
    server = redis_at(host=host, cluster=True)
    target = HostTarget(host, (6379,), servers=True)
    cut = replace(CUT, dependency=Dependency("redis", target, server))
    dialled = setup(dials=(Dial(f"target:{host}:6379", host, 6379, SERVER),))
    told = config(made(plan(cut), dialled)["witness-0"], WitnessConfig)
    assert (told.through, told.peers) == (host, Peers())
    behind = replace(
        CUT, dependency=Dependency("redis", ServiceRef("redis"), redis_at(ServiceRef("redis"), cluster=True))
    )
    pod = made(plan(behind), setup(dials=(replace(REDIS_DIAL, protocol=SERVER),)))["witness-0"]
    assert config(pod, WitnessConfig).through == "", "a Service's pods are all dialled by themselves"


def test_no_secret_stands_in_any_configuration_of_a_witness() -> None:
    assert "volumes" not in made()["witness-0"]["spec"] or made()["witness-0"]["spec"]["volumes"] == []


def test_probes_go_to_the_agent_that_can_run_them() -> None:
    assert [probe.name for probe in config(made()["observer"], ObserverConfig).probes] == ["health", "port"]
    assert [probe.name for probe in config(made()["client"], ObserverConfig).probes] == ["redis"]


def test_what_counts_connections_knows_the_targets_and_ends_none() -> None:
    counter = config(made()["counter"], CounterConfig)
    assert counter.pods == (("10.0.0.9", "10.0.0.9"),)
    assert type(counter) is CounterConfig, "it has no time until which it ends any"


def test_addresses_of_both_families_are_of_one_target() -> None:
    """Else half of them would never be seen, because a target connects by one."""
    known = (("pod api-7 (10.0.0.7)", "10.0.0.7", "fd00::7"),)
    agents = {
        pod["metadata"]["labels"]["gameday.dev/agent"]: pod for pod in pods(plan(), SETUP, PLACE, {"partition": known})
    }
    assert config(agents["counter"], CounterConfig).pods == known


def test_what_ends_connections_does_so_until_its_time() -> None:
    targets, servers = (("pod api-7", "10.0.0.7", "fd00::7"),), (("10.0.0.3", 6379), ("10.0.0.4", 6379))
    found = Closing(Connections(targets, servers), 99.5, ("10.0.0.7",))
    pod = closer(plan(probes=PROBES), SETUP, THE_CUT, PLACE, found)
    assert pod["metadata"]["name"].endswith("-closer")
    told = config(pod, CloserConfig)
    assert (told.pods, told.until, told.servers, told.seen) == (targets, 99.5, servers, ("10.0.0.7",))
    one = Closing(Connections(targets, servers[:1]), 99.5)
    alone = config(closer(plan(probes=PROBES), SETUP, THE_CUT, PLACE, one), CloserConfig)
    assert alone.servers == (), "one server is asked by the Service's name"


def test_closing_connections_goes_to_the_redis_that_is_cut_and_to_each_of_its_servers() -> None:
    cache = Probe(
        "cache", RedisProbe(redis_at(service=ServiceRef("redis-cache"), password=SecretKey("cache", "password")))
    )
    servers = (("10.0.0.3", 6379), ("10.0.0.4", 6379))
    told = config(made(plan(probes=(cache, *PROBES)), setup(closing=ClosingPlan(servers)))["counter"], CounterConfig)
    assert (told.redis.host, told.redis.password_file) == ("redis.shop.svc", "/run/gameday/secrets/redis/password")
    assert told.servers == servers


def test_without_a_redis_probe_connections_are_counted_with_the_dependencys_credentials_all_the_same() -> None:
    agents = made(plan(probes=PROBES[:1]))
    assert "client" not in agents
    told = config(agents["counter"], CounterConfig)
    assert (told.redis.host, told.redis.password_file) == ("redis.shop.svc", "/run/gameday/secrets/redis/password")
    assert agents["counter"]["spec"]["volumes"] == [
        {"name": "secret-0", "secret": {"secretName": "redis", "items": [{"key": "password", "path": "password"}]}}
    ]


def test_a_witness_and_its_control_dial_the_same() -> None:
    expected = [("target:10.96.0.7:6379", "10.96.0.7", 6379, "redis"), ("bystander:dns", "10.96.0.10", 53, "dns")]
    assert dials(made()["witness-0"]) == dials(made()["control-0"]) == expected


def test_bystanders_are_dialled_too() -> None:
    found = dials(made(plan(), setup(bystanders=(("mail", "203.0.113.25", 25),)))["witness-0"])
    assert found[2:] == [("bystander:mail", "203.0.113.25", 25, "tcp")]


def test_names_are_the_same_each_time_and_fit() -> None:
    long = replace(PLACE, drill="d" * 63)
    first = [pod["metadata"]["name"] for pod in pods(plan(), SETUP, long)]
    assert first == [pod["metadata"]["name"] for pod in pods(plan(), SETUP, long)]
    assert len(set(first)) == len(first)
    assert max(map(len, first)) <= 63
    assert made()["witness-0"]["metadata"]["name"] == "redis-failover-first-witness-0"


TOLD = FuseConfig(workload="worker", namespace="shop", replicas=3, lasts=90.0, ends_after=100.5)
FUSE = AgentPod("fuse", "fuse", TOLD)


def test_a_fuse_of_a_scale_outlives_its_drill_and_its_node() -> None:
    job = fuse_job(PLACE, "first-fuse-stop", "fuse-stop", FUSE)
    assert "ownerReferences" not in job["metadata"]
    assert FuseOwner(PLACE.uid).owns(job), "its Drill is known all the same"
    assert not FuseOwner("another-uid").owns(job)
    assert (job["kind"], job["metadata"]["name"]) == ("Job", "first-fuse-stop")
    spec, pod_spec = job["spec"], job["spec"]["template"]["spec"]
    assert (spec["parallelism"], spec["completions"], spec["podReplacementPolicy"]) == (1, 1, "TerminatingOrFailed")
    assert spec["backoffLimit"] >= 1000
    assert spec["activeDeadlineSeconds"] == 101 + LINGER
    assert spec["ttlSecondsAfterFinished"] == KEPT, "Kubernetes deletes it where no operator knows of it any more"
    assert "activeDeadlineSeconds" not in pod_spec, "another pod must not have less time"
    assert (pod_spec["automountServiceAccountToken"], pod_spec["restartPolicy"]) == (True, "OnFailure")
    assert config(pod_of(job), FuseConfig) == replace(TOLD, job="first-fuse-stop")
    labels = job["spec"]["template"]["metadata"]["labels"]
    assert (labels[DRILL], labels[AGENT]) == (PLACE.drill, "fuse-stop")


@pytest.mark.parametrize("own", [(), ({"operator": "Exists"},)], ids=["none", "everything"])
def test_a_fuse_leaves_a_lost_node_soon_whatever_the_targets_tolerate(own: tuple[dict[str, str], ...]) -> None:
    ctx = replace(PLACE, placement=Placement(own))
    tolerations = fuse_job(ctx, "first-fuse-stop", "fuse-stop", FUSE)["spec"]["template"]["spec"]["tolerations"]
    fits = next(t for t in tolerations if t.get("key") in {None, "node.kubernetes.io/unreachable"})
    assert fits["tolerationSeconds"] <= 10


def test_the_pod_that_is_tried_is_the_one_that_the_job_makes() -> None:
    job = fuse_job(PLACE, "first-fuse-stop", "fuse-stop", FUSE)
    tried = pod_of(job)
    assert tried["spec"] is job["spec"]["template"]["spec"]
    assert tried["metadata"]["labels"] == job["spec"]["template"]["metadata"]["labels"]


PLACEMENT = Placement(
    ({"key": "dedicated", "operator": "Equal", "value": "shop"},), {"pool": "shop"}, ("registry", "more")
)


def placed(agent: str) -> Object:
    """A pod of a drill whose targets say where they may run."""
    ctx = replace(PLACE, placement=PLACEMENT)
    if agent == "fuse":
        return pod_of(fuse_job(ctx, "first-fuse-stop", "fuse-stop", FUSE))
    return next(
        one for one in pods(plan(), setup(placement=PLACEMENT), ctx) if one["metadata"]["labels"][AGENT] == agent
    )


@pytest.mark.parametrize("agent", sorted({*NAMES, "fuse"}))
def test_each_pod_may_run_where_targets_may_and_asks_to_stay(agent: str) -> None:
    spec = placed(agent)["spec"]
    assert spec["nodeSelector"]["kubernetes.io/os"] == "linux"
    assert spec["imagePullSecrets"] == [{"name": "registry"}, {"name": "more"}]
    if "affinity" in spec:
        assert spec["tolerations"] == [{"operator": "Exists"}]
    else:
        assert spec["nodeSelector"]["pool"] == "shop"
        assert spec["tolerations"][-1] == {"key": "dedicated", "operator": "Equal", "value": "shop"}
    annotations = placed(agent)["metadata"]["annotations"]
    assert annotations["karpenter.sh/do-not-disrupt"] == "true"
    assert annotations["cluster-autoscaler.kubernetes.io/safe-to-evict"] == "false"


def test_a_node_selector_of_targets_never_leads_away_from_linux() -> None:
    ctx = replace(PLACE, placement=Placement(node_selector={"kubernetes.io/os": "windows", "pool": "shop"}))
    found = {one["metadata"]["labels"][AGENT]: one["spec"]["nodeSelector"] for one in pods(plan(), SETUP, ctx)}
    assert found["observer"] == {"kubernetes.io/os": "linux", "pool": "shop"}


def test_the_client_does_so_where_it_asks_no_service() -> None:
    own = Placement(dns_policy="None", dns_config='{"nameservers": ["10.0.0.53"]}')
    outside = Probe("outside", RedisProbe(redis_at(host="eu1.redis.test")))

    def client(*probes: Probe) -> Object:
        found = pods(plan(probes=probes), SETUP, replace(PLACE, placement=own))
        return next(pod for pod in found if pod["metadata"]["labels"][AGENT] == "client")

    assert client(outside)["spec"]["dnsPolicy"] == "None"
    assert "dnsPolicy" not in client(outside, Probe("redis", REDIS))["spec"]


def test_only_witnesses_and_controls_ask_dns_as_the_targets_of_a_name_do() -> None:
    own = Placement(dns_policy="None", dns_config='{"nameservers": ["10.0.0.53"]}')
    dial = Dial("target:eu1.redis.test:6379", "eu1.redis.test", 6379, "redis")
    there = replace(setup(placement=own, dials=(dial,)), placement=own)
    found = made(setup=there)
    asks = {agent for agent, pod in found.items() if "dnsPolicy" in pod["spec"] or "dnsConfig" in pod["spec"]}
    assert asks == {"witness-0", "control-0", "witness-1", "control-1"}
    spec = found["witness-0"]["spec"]
    assert (spec["dnsPolicy"], spec["dnsConfig"]) == ("None", {"nameservers": ["10.0.0.53"]})


def test_the_log_of_the_longest_name_fits() -> None:
    host = ".".join(["a" * 50] * 4)
    dial = Dial(f"target:{host}:6379", host, 6379, "redis")
    there, long = setup(dials=(dial,)), replace(plan(), recovery=Recovery(7200))
    told = config(made(long, there)["witness-0"], WitnessConfig)
    plain = config(made(long)["witness-0"], WitnessConfig)
    length = 5 + 60 + 7200
    line = json.dumps(
        {
            "n": 100000,
            "type": "dial",
            "name": dial.name,
            "sent": 1764000000.123456,
            "received": 1764000000.123456,
            "ok": True,
            "values": {"at": "2001:db8:" + "aaaa:" * 6},
        }
    )
    looks = length / 5 * (16 * 42 + 300)
    assert length / told.every * len(line) + looks < 8 * 1024 * 1024
    assert told.every > plain.every


def test_pods_without_anything_to_take_over_leave_it_to_the_cluster() -> None:
    assert not {"tolerations", "priorityClassName", "imagePullSecrets"} & set(made()["observer"]["spec"])


def test_a_witness_and_its_control_are_in_the_mesh_as_their_target_is_and_nobody_else() -> None:
    mesh = Mesh({"istio.io/dataplane-mode": "ambient"}, {"linkerd.io/inject": "enabled"})
    found = made(setup=setup(pairs=(replace(PAIRS[0], mesh=mesh),)))
    for agent, one in found.items():
        enrolled = agent in {"witness-0", "control-0"}
        assert (one["metadata"]["labels"].get("istio.io/dataplane-mode") == "ambient") is enrolled
        assert (one["metadata"]["annotations"].get("linkerd.io/inject") == "enabled") is enrolled


def test_no_proxy_stands_between_a_fuse_and_the_api_server() -> None:
    metadata = placed("fuse")["metadata"]
    assert metadata["annotations"]["linkerd.io/inject"] == "disabled"
    assert metadata["labels"]["sidecar.istio.io/inject"] == "false"


def test_a_refusal_of_autopilot_says_what_it_means_and_others_stand_alone() -> None:
    warden = 'create pods: admission webhook "warden-validating" denied the request: GKE Warden rejected the request'
    assert explained(warden).startswith(warden)
    assert "GKE Autopilot chooses the nodes itself" in explained(warden)
    assert explained("create pods: exceeded quota") == "create pods: exceeded quota"


def test_a_configuration_stays_small() -> None:
    many = tuple(Dial(f"bystander:{n}", "203.0.113.25", n, "tcp") for n in range(8))
    assert len(json.dumps(WitnessConfig(dials=many).to_json())) < 4096


def test_dials_of_the_longest_drill_fit_into_a_log_and_those_of_a_usual_one_are_quick() -> None:
    assert config(made()["witness-0"], WitnessConfig).every == 0.25
    long = replace(plan(), steady_state=SteadyState(1800), outage=Outage(3600, plan().outage.faults))
    long = replace(long, recovery=Recovery(7200))
    told = config(made(long)["witness-0"], WitnessConfig)
    assert told.every > 0.25
    seconds, held = 1800 + 3600 + 7200, sum(dial.name.startswith("target") for dial in told.dials)
    assert held > 0
    assert seconds / told.every * len(told.dials) * 160 + seconds * held * 20 <= 8 * 1024 * 1024 + 1


@pytest.mark.parametrize(
    ("pairs", "dialled", "every"),
    [
        (1, [("10.96.0.7", 6379)], 0.25),
        (4, [("10.96.0.7", 6379)], 0.4),
        (4, [("10.96.0.7", 6379), ("10.96.0.7", 9121), ("10.96.0.8", 6379)], 1.2),
        (2, [("10.0.0.3", 6379), ("10.0.0.4", 6379), ("10.0.0.5", 6379)], 0.25),
        (4, [("10.0.0.3", 6379), ("10.0.0.3", 9121), ("10.0.0.4", 6379)], 0.8),
        (4, [("10.96.0.7", 6379), ("10.0.0.3", 6379), ("10.0.0.4", 6379)], 0.8),
    ],
    ids=["one", "one, of many agents", "one Service", "three pods", "two ports of a pod", "a Service and its pods"],
)
def test_no_server_is_dialled_more_than_twenty_times_a_second(
    pairs: int, dialled: list[tuple[str, int]], every: float
) -> None:
    destination = replace(DESTINATION, services=("10.96.0.7", "10.96.0.8"))
    dials = tuple(Dial(f"target:{host}:{port}", host, port, "redis") for host, port in dialled)
    many = setup(destination=destination, pairs=PAIRS[:1] * pairs, dials=dials)
    assert config(made(setup=many)["witness-0"], WitnessConfig).every == pytest.approx(every)
