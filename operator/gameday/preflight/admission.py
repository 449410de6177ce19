"""What admission would make of the drill's objects, from the answers of dry runs: an accepted object may be changed."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest
from typing import Any, Final

from gameday.cluster.client import CONTAINER
from gameday.cluster.resources import Object
from gameday.model.agent import VARIABLE
from gameday.preflight.findings import Finding, Severity

TOLD: Final = 3
"""Most containers, or fields, that a message names."""
EXEMPT_POLICIES: Final = (
    "exclude policies with the label gameday.dev/drill from the webhook or admission policy; update the CRD if it "
    "does not know a field"
)
ENDS: Final = (
    "inject it as a native sidecar, so that it ends with its pod; do not keep it from the drill's pods, which must be "
    "carried by the targets' mesh"
)
EXEMPT: Final = "exclude pods with the label gameday.dev/drill from the webhook or admission policy"


def of_pods(pods: Iterable[tuple[Object, Object]], carried: frozenset[str] = frozenset()) -> Iterator[Finding]:
    """Findings about agents, each as we sent it and as it would be created.

    ``carried`` are the proxies of a mesh beside the targets: a witness without them would not show what targets reach.
    """
    both = list(pods)
    for sent, made in both:
        if changed := ", ".join(_changed(sent, made)):
            text = f"admission changes parts of the drill's pod {sent['metadata']['name']} that it needs: {changed}"
            yield Finding("ChangedByAdmission", "", text, EXEMPT)
    if injected := injected_into(made for _, made in both):
        text = (
            f"admission adds {some(injected)} to the drill's pods: they do not end before it ends, and "
            "it may carry the witnesses' traffic and hide a cut"
        )
        yield Finding("Injected", "", text, ENDS if carried.issuperset(injected) else EXEMPT, Severity.WARN)


def of_fuse(path: str, made: Object, does: str, why: str) -> Iterator[Finding]:
    """Findings about a fuse's Job; ``does`` is what it must do, ``why`` is why it would not, or ""."""
    if why:
        text = f"admission changes the Job {made['metadata']['name']}, which must {does} by its deadline: {why}"
        yield Finding(
            "ChangedByAdmission",
            path,
            text,
            "exclude Jobs with the label gameday.dev/drill from the webhook or admission policy",
        )


def of_step(path: str, sent: Object, made: Object, injected: Iterable[str]) -> Iterator[Finding]:
    """Findings about the Job of a step; ``path`` is the step's, ``injected`` what admission adds to pods here."""
    name = made["metadata"]["name"]
    if sent["spec"].get("suspend"):
        text = f"the CronJob's template says suspend: true, so Job {name} would never run and the step never end"
        yield Finding(
            "StepWouldNotRun",
            path,
            text,
            "remove suspend from spec.jobTemplate.spec; the CronJob's own spec.suspend may stay",
        )
    elif made["spec"].get("suspend"):
        text = (
            f"admission suspends Job {name} (a queue such as Kueue does), so the step waits until somebody resumes it"
        )
        yield Finding(
            "StepMayWait", path, text, "make room in the queue, or exclude the CronJob's Jobs from it", Severity.WARN
        )
    template = sent["spec"].get("template") or {}
    if (names := tuple(injected)) and not _declines(template.get("metadata") or {}):
        text = f"admission adds {some(names)} to pods here, and a Job does not end while such a container runs"
        remedy = "switch the injection off in the CronJob's pod template, or inject it as a native sidecar"
        yield Finding("StepWouldNotEnd", path, text, remedy, Severity.WARN)


def of_policy(sent: Object, made: Object) -> Iterator[Finding]:
    """Findings about the policy of a cut, which must be exactly as it was sent: a change may open it or cut all."""
    if changes := differences(sent, made):
        text = f"admission changes the {sent['kind']} {sent['metadata']['name']}, which is to cut: {some(changes)}"
        yield Finding("ChangedByAdmission", "", text, EXEMPT_POLICIES)


def differences(sent: Object, made: Object) -> tuple[str, ...]:
    """How an object that was made differs from the one that was sent, each with the field's path.

    Its spec must be the same, and so must its owners: garbage collection takes only what no owner is left of. No
    finalizer may be added: a deleted object stays, and acts, until somebody takes that away. What others add to its
    labels and annotations changes nothing.
    """
    found = [*_differing("spec", sent["spec"], made.get("spec"))]
    for field in ("labels", "annotations"):
        there = made["metadata"].get(field) or {}
        for key, value in sent["metadata"].get(field, {}).items():
            found += _differing(f"metadata.{field}[{key}]", value, there.get(key))
    if _owners(sent) != _owners(made):
        found.append("metadata.ownerReferences was changed")
    if added := _finalizers(made) - _finalizers(sent):
        found.append(f"metadata.finalizers has {', '.join(sorted(added))}")
    return tuple(found)


def _differing(path: str, sent: Any, made: Any) -> Iterator[str]:
    if isinstance(sent, dict) and isinstance(made, dict):
        for key in dict.fromkeys((*sent, *made)):
            yield from _differing(f"{path}.{key}", sent.get(key), made.get(key))
    elif isinstance(sent, list) and isinstance(made, list):
        for number, (before, after) in enumerate(zip_longest(sent, made)):
            yield from _differing(f"{path}[{number}]", before, after)
    elif sent != made:
        yield f"{path} was {'removed' if made is None else 'added' if sent is None else 'changed'}"


def _owners(thing: Object) -> set[str]:
    return {owner["uid"] for owner in thing["metadata"].get("ownerReferences") or ()}


def _finalizers(thing: Object) -> set[str]:
    return set(thing["metadata"].get("finalizers") or ())


def injected_into(pods: Iterable[Object]) -> tuple[str, ...]:
    """The containers that run in addition to the agent's own; native sidecars do not count, since they end with it."""
    return tuple(sorted({c["name"] for pod in pods for c in pod["spec"]["containers"] if c["name"] != CONTAINER}))


def _changed(sent: Object, made: Object) -> Iterator[str]:
    own = next((one for one in made["spec"]["containers"] if one["name"] == CONTAINER), None)
    wanted = sent["spec"]["containers"][0]
    if own is None:
        yield f"its container {CONTAINER} is gone"
        return
    if own.get("command") != wanted["command"] or own.get("args"):
        yield "its command"
    if _variable(own) != _variable(wanted):
        yield f"its variable {VARIABLE}"
    if not _labels(sent).items() <= _labels(made).items():
        yield "its labels"
    for field in ("restartPolicy", "activeDeadlineSeconds", "readinessGates", "serviceAccountName"):
        if sent["spec"].get(field) and sent["spec"][field] != made["spec"].get(field):
            yield field


def _variable(container: Object) -> str | None:
    return next((one.get("value") for one in container.get("env") or () if one["name"] == VARIABLE), None)


def _labels(thing: Object) -> Mapping[str, str]:
    labels: Mapping[str, str] = thing["metadata"].get("labels") or {}
    return labels


def _declines(metadata: Object) -> bool:
    said = {**(metadata.get("labels") or {}), **(metadata.get("annotations") or {})}
    return any("inject" in key and value in {"false", "disabled"} for key, value in said.items())


def some(names: tuple[str, ...]) -> str:
    """The first few of these, and how many more there are."""
    left = len(names) - TOLD
    return ", ".join(names[:TOLD]) + (f" and {left} more" if left > 0 else "")
