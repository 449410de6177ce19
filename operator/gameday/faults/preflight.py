"""What would refuse a cut, all of it at once, each finding with its remedy; nothing is changed to find it."""

from collections.abc import Iterator

from gameday.cluster.answers import OPT_IN_COMMAND
from gameday.cluster.kinds import (
    CILIUM_NETWORK_POLICIES,
    CRON_JOBS,
    DAEMON_SETS,
    DEPLOYMENTS,
    NETWORK_POLICIES,
    REPLICA_SETS,
    SERVICES,
    STATEFUL_SETS,
    Object,
)
from gameday.faults.selectors import selects
from gameday.faults.sight import Sight
from gameday.faults.targets import labels_of, pairs, targets
from gameday.model.plan import NetworkPartition, Plan, RunJob, Scale, ServiceRef, Via

MOST_TARGETS = 100
"""Most pods that one cut may select."""


def choose(sight: Sight, via: Via) -> Via:
    """The backend: Cilium's where the cluster has it and the account may write it, unless the plan says otherwise."""
    if via is not Via.AUTO:
        return via
    return Via.CILIUM if sight.cilium else Via.NETWORK_POLICY


def refusals(sight: Sight, plan: Plan) -> tuple[str, ...]:
    """Everything that keeps the plan from running in this namespace now."""
    found: list[str] = [f"{what} cannot be read: {why}" for what, why in sorted(_needed(sight))]
    for fault in plan.outage.faults:
        path = f"spec.outage.faults[{fault.name}].networkPartition"
        found.extend(f"{path}.{text}" for text in _partition(sight, fault.partition))
    found.extend(_steps(sight, plan))
    return tuple(found)


def warnings(sight: Sight, partition: NetworkPartition) -> tuple[str, ...]:
    """What a person should know before the cut, although it does not refuse it."""
    found = []
    if choose(sight, partition.via) is Via.NETWORK_POLICY and CILIUM_NETWORK_POLICIES.plural not in sight.missing:
        found.append(
            "on Cilium a NetworkPolicy also cuts the targets off from the API server and host processes; "
            "allow the account to write ciliumnetworkpolicies to cut nothing else"
        )
    return tuple(found)


def _needed(sight: Sight) -> Iterator[tuple[str, str]]:
    for what, why in sight.missing.items():
        if what != CILIUM_NETWORK_POLICIES.plural:
            yield what, why


def _partition(sight: Sight, partition: NetworkPartition) -> Iterator[str]:
    pods = targets(sight, partition.pod_selector)
    if not pods:
        yield "podSelector: no running pod matches: correct the labels or start the workload"
    if len(pods) > MOST_TARGETS:
        yield f"podSelector: {len(pods)} pods match, at most {MOST_TARGETS} are cut at once: select fewer"
    on_host = sorted(pod["metadata"]["name"] for pod in pods if pod["spec"].get("hostNetwork"))
    if on_host:
        yield (
            f"podSelector: {', '.join(on_host)} use the host's network, where policies do not hold: "
            "leave them out of the selection"
        )
    if isinstance(partition.to, ServiceRef):
        yield from _service(sight, partition.to)
    backend = choose(sight, partition.via)
    if backend is Via.CILIUM and not sight.cilium:
        why = sight.missing.get(CILIUM_NETWORK_POLICIES.plural, "the account may not write ciliumnetworkpolicies")
        yield f"via: CiliumNetworkPolicy cannot be used: {why}; use via: Auto or NetworkPolicy"
    if backend is Via.NETWORK_POLICY:
        names = sorted({name for pod in pods for name in isolating(sight, pod)})
        if names:
            yield (
                f"via: {', '.join(names)} already isolate targets for egress; policies only add, so a NetworkPolicy "
                "cannot cut there and would open what they close: use CiliumNetworkPolicy where Cilium runs"
            )
    yield from _adopters(sight, partition)


def _service(sight: Sight, ref: ServiceRef) -> Iterator[str]:
    if sight.service is None:
        yield f"to.service: there is no Service {ref.name} in {ref.namespace or sight.namespace}: correct the name"
        return
    spec = sight.service["spec"]
    if spec.get("type") == "ExternalName":
        yield f"to.service: {ref.name} is an ExternalName: name the host by to.host or its addresses by to.cidrs"
    elif not spec.get("selector"):
        yield f"to.service: {ref.name} selects no pods: name the addresses behind it by to.cidrs"
    if ref.port is not None and ref.port not in {port["port"] for port in spec.get("ports", ())}:
        yield f"to.service.port: {ref.name} has no port {ref.port}"


def isolating(sight: Sight, pod: Object) -> Iterator[str]:
    """The policies that isolate a pod for egress already, as kind/name."""
    for policy in sight.of(NETWORK_POLICIES):
        spec = policy["spec"]
        isolates = "Egress" in spec.get("policyTypes", ()) or "egress" in spec
        if isolates and selects(spec.get("podSelector"), labels_of(pod)):
            yield f"NetworkPolicy/{policy['metadata']['name']}"
    for policy in sight.of(CILIUM_NETWORK_POLICIES):
        for spec in [policy.get("spec") or {}, *(policy.get("specs") or ())]:
            isolates = "egress" in spec and spec.get("enableDefaultDeny", {}).get("egress", True)
            if isolates and selects(spec.get("endpointSelector"), labels_of(pod)):
                yield f"CiliumNetworkPolicy/{policy['metadata']['name']}"


def _adopters(sight: Sight, partition: NetworkPartition) -> Iterator[str]:
    """Who would take a twin for a pod of its own, or send it traffic."""
    for pair in pairs(sight, partition.pod_selector):
        for kind in (REPLICA_SETS, STATEFUL_SETS, DAEMON_SETS):
            for owner in sight.of(kind):
                if selects(owner["spec"].get("selector"), pair.labels):
                    yield (
                        f"podSelector: {kind.name} {owner['metadata']['name']} would adopt the witness, because its "
                        "selector has no label of its own: give its pods a label that no policy selects on"
                    )
        for service in sight.of(SERVICES):
            chosen = service["spec"].get("selector")
            unready = service["spec"].get("publishNotReadyAddresses")
            if unready and chosen and selects({"matchLabels": chosen}, pair.labels):
                yield (
                    f"podSelector: Service {service['metadata']['name']} publishes addresses that are not ready and "
                    "would send traffic to the witness: set publishNotReadyAddresses to false"
                )


def _steps(sight: Sight, plan: Plan) -> Iterator[str]:
    deployments = {thing["metadata"]["name"] for thing in sight.of(DEPLOYMENTS)}
    cron_jobs = {thing["metadata"]["name"] for thing in sight.of(CRON_JOBS)}
    for step in plan.rollback.steps if plan.rollback is not None else ():
        path = f"spec.rollback.steps[{step.name}]"
        if isinstance(step.action, Scale) and step.action.deployment not in deployments:
            yield f"{path}.scale.deployment: there is no Deployment {step.action.deployment}: correct the name"
        if isinstance(step.action, RunJob) and step.action.from_cron_job not in cron_jobs:
            yield f"{path}.job.fromCronJob: there is no CronJob {step.action.from_cron_job}: correct the name"


def not_opted_in(namespace: str) -> str:
    """The refusal of a namespace without the account."""
    command = OPT_IN_COMMAND.format(namespace=namespace)
    return (
        f"namespace {namespace} has no ServiceAccount gameday labelled gameday.dev/opt-in=true: "
        f"its owner opts in with `{command}`"
    )


def likely_leak(sight: Sight, partition: NetworkPartition, backend: Via) -> str:
    """What most likely lets traffic through a cut that shows no effect."""
    if backend is Via.NETWORK_POLICY:
        pods = targets(sight, partition.pod_selector)
        names = sorted({name for pod in pods for name in isolating(sight, pod)})
        if names:
            return f"{', '.join(names)} allows it, and policies only add"
        return "the CNI does not enforce NetworkPolicy egress, or the dependency is reached by another address"
    return "the dependency is reached by another address than the Service's pods"
