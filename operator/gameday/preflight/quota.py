"""What all objects of a drill together need of a namespace's ResourceQuotas.

The API server holds each object of a dry run against a quota by itself, so a drill whose fifth pod no longer fits
passes there. What is summed here are its answers: with defaults of LimitRanges and with injected containers.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Final

from gameday.cluster.resources import PODS, Object, Resource
from gameday.preflight.findings import Finding, Severity
from gameday.preflight.policies.selectors import selects
from gameday.preflight.quantity import quantity, text

PLAIN: Final = frozenset({"cpu", "memory", "ephemeral-storage"})
"""Names in a quota that mean requests."""
CLASS: Final = "PriorityClass"


def check(
    quotas: Iterable[Object],
    created: Iterable[tuple[Resource, Object]],
    targets: Iterable[Object] = (),
    steps: Iterable[tuple[str, Object]] = (),
) -> Iterator[Finding]:
    """A finding for each resource of which there is not enough; ``created`` are answers of dry runs.

    ``targets`` are pods of the team: where the drill leaves no room for one more of them, there is a warning.
    ``steps`` are a pod of each step's Job with the step's path. One runs while all that is created is there, so where
    there is no room for it there is a warning: what the drill does before the step may free some.
    """
    objects, pods, jobs = tuple(created), tuple(targets), tuple(steps)
    for quota in quotas:
        counted = [(resource, body) for resource, body in objects if _is_meant(quota["spec"], resource, body)]
        needs, largest = _needs(counted), _largest_of(quota["spec"], pods)
        of_steps = [(path, pod, _needs([(PODS, pod)])) for path, pod in jobs if _is_meant(quota["spec"], PODS, pod)]
        status = quota.get("status") or {}
        hard, used = status.get("hard") or quota["spec"].get("hard") or {}, status.get("used") or {}
        for resource, most in sorted(hard.items()):
            name = f"requests.{resource}" if resource in PLAIN else resource
            left = quantity(most) - quantity(used.get(resource, 0))
            need = needs.get(name, Fraction(0))
            has = (
                f"ResourceQuota/{quota['metadata']['name']} has {text(name, max(left, Fraction(0)))} of "
                f"{resource} left (of {text(name, quantity(most))})"
            )
            one = largest.get(name, Fraction(0))
            if need and need > left:
                message = f"{has}, but the drill needs {text(name, need)}"
                yield Finding("QuotaExceeded", "", message, f"raise it by {text(name, need - left)}, or free this much")
                continue
            for path, pod, amounts in of_steps:
                more = amounts.get(name, Fraction(0))
                if need and more and need + more > left:
                    job = pod["metadata"]["name"]
                    message = (
                        f"{has}, and the drill needs {text(name, need)}: Job {job} would wait for room for its pod"
                    )
                    remedy = f"raise it by {text(name, need + more - left)}, or free this much before the step begins"
                    yield Finding("QuotaTight", path, message, remedy, Severity.WARN)
            if need and one <= left < need + one:
                message = (
                    f"{has}, and the drill needs {text(name, need)}: while it runs, another target would not start, "
                    f"which needs {text(name, one)}"
                )
                remedy = f"raise it by {text(name, need + one - left)}, so that targets can be replaced and scaled"
                yield Finding("QuotaTight", "", message, remedy, Severity.WARN)


def _largest_of(spec: Object, pods: Iterable[Object]) -> Mapping[str, Fraction]:
    """The most of each resource that one of these pods needs, of those that a quota counts."""
    largest: dict[str, Fraction] = {}
    for pod in pods:
        if _is_meant(spec, PODS, pod):
            largest = _largest(largest, _needs([(PODS, pod)]))
    return largest


def _needs(created: Iterable[tuple[Resource, Object]]) -> Mapping[str, Fraction]:
    needs: Counter[str] = Counter()
    total: dict[str, Fraction] = {}
    for resource, body in created:
        needs[f"count/{resource.full_name}"] += 1
        if resource is PODS:
            needs["pods"] += 1
            for name, amount in of_pod(body["spec"]).items():
                total[name] = total.get(name, Fraction(0)) + amount
    return total | {name: Fraction(count) for name, count in needs.items()}


def of_pod(spec: Object) -> Mapping[str, Fraction]:
    """What a pod requests and is limited to: its containers together, or the largest that starts before them."""
    return {
        f"{part}.{resource}": amount
        for part in ("requests", "limits")
        for resource, amount in _of_part(spec, part).items()
    }


def _of_part(spec: Object, part: str) -> Mapping[str, Fraction]:
    beside: dict[str, Fraction] = {}
    largest: dict[str, Fraction] = {}
    for container in spec.get("initContainers") or ():
        own = _amounts(container, part)
        if container.get("restartPolicy") == "Always":
            beside = _sum(beside, own)
            own = {}
        largest = _largest(largest, _sum(beside, own))
    for container in spec.get("containers") or ():
        beside = _sum(beside, _amounts(container, part))
    needed = _largest(largest, beside) | _amounts(spec, part)
    overhead = {name: quantity(value) for name, value in (spec.get("overhead") or {}).items()}
    return _sum(needed, {name: amount for name, amount in overhead.items() if part == "requests" or name in needed})


def _amounts(thing: Object, part: str) -> dict[str, Fraction]:
    written = (thing.get("resources") or {}).get(part) or {}
    return {name: quantity(value) for name, value in written.items()}


def _sum(one: Mapping[str, Fraction], other: Mapping[str, Fraction]) -> dict[str, Fraction]:
    return {name: one.get(name, Fraction(0)) + other.get(name, Fraction(0)) for name in (*one, *other)}


def _largest(one: Mapping[str, Fraction], other: Mapping[str, Fraction]) -> dict[str, Fraction]:
    return {name: max(one.get(name, Fraction(0)), other.get(name, Fraction(0))) for name in (*one, *other)}


def _is_meant(spec: Object, resource: Resource, body: Object) -> bool:
    """Whether a quota counts an object: one with scopes counts pods alone, and those that meet all of them."""
    scopes = [{"scopeName": name, "operator": "Exists"} for name in spec.get("scopes") or ()]
    scopes += (spec.get("scopeSelector") or {}).get("matchExpressions") or ()
    return not scopes or (resource is PODS and all(_meets(scope, body["spec"]) for scope in scopes))


def _meets(scope: Object, spec: Object) -> bool:
    ends = spec.get("activeDeadlineSeconds") is not None
    requests = any(of_pod(spec).values())
    match scope["scopeName"]:
        case "Terminating":
            return ends
        case "NotTerminating":
            return not ends
        case "BestEffort":
            return not requests
        case "NotBestEffort":
            return requests
        case "PriorityClass":
            named = {CLASS: spec["priorityClassName"]} if spec.get("priorityClassName") else {}
            return selects({"matchExpressions": [{"key": CLASS, **_without_name(scope)}]}, named)
        case "CrossNamespacePodAffinity":
            return False
        case _:
            return True


def _without_name(scope: Object) -> Object:
    return {key: value for key, value in scope.items() if key != "scopeName"}
