"""The policy of a cut, of either backend: applied, extended, deleted, and compared with what was written."""

import hashlib
import json
from dataclasses import asdict, replace
from typing import Any, Final

from gameday.actions.network_partition import cilium, network_policy
from gameday.actions.network_partition.action import NetworkPartition
from gameday.cluster.client import Cluster
from gameday.cluster.resources import CILIUM_NETWORK_POLICIES, CUTTING, JOBS, NETWORK_POLICIES, Object, Resource
from gameday.errors import AlreadyExists, ChangedByAdmission, Conflict, Forbidden, GameDayError, Rejected
from gameday.model.change import Observed, Presence
from gameday.model.labels import DRILL, ownership_labels
from gameday.model.plan import Via
from gameday.model.setup import Cut, CutDestination, CutPort
from gameday.preflight import admission
from gameday.preflight.policies.selectors import with_stand_ins

DIGEST: Final = "gameday.dev/spec-digest"
"""Annotation with the digest of the spec that we wrote: a spec that does not match it was changed by somebody else."""

DESTINATION: Final = "gameday.dev/destination"
"""Annotation with what the policy cuts off, as JSON: it grows with the endpoints and never shrinks."""


def kind_of(backend: Via) -> Resource:
    """The kind of object that a backend writes."""
    return CILIUM_NETWORK_POLICIES if backend is Via.CILIUM else NETWORK_POLICIES


def build(drill: str, name: str, partition: NetworkPartition, cut: Cut, fuse: str, fuse_uid: str) -> Object:
    """The policy, owned by its fuse: when the fuse is gone, garbage collection takes the policy."""
    shape = cilium if cut.backend is Via.CILIUM else network_policy
    selector = with_stand_ins(partition.pod_selector, (pair.labels for pair in cut.pairs))
    spec = shape.spec(selector, cut.destination)
    resource = kind_of(cut.backend)
    owner = {"apiVersion": JOBS.api_version, "kind": JOBS.kind, "name": fuse, "uid": fuse_uid}
    return {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": {
            "name": name,
            "labels": ownership_labels(drill, "cut"),
            "annotations": {DIGEST: digest(spec), DESTINATION: json.dumps(asdict(cut.destination), sort_keys=True)},
            "ownerReferences": [owner],
        },
        "spec": spec,
    }


async def apply(account: Cluster, namespace: str, backend: Via, policy: Object) -> Object:
    """Make the cut, or grow the one that is there; a second time changes nothing.

    Raises:
        Rejected: when a policy of its name is not this drill's.
        Conflict: when somebody changed it meanwhile, or another fuse owns it.
        ChangedByAdmission: when another policy came of it, which is deleted again at once.

    """
    resource, name = kind_of(backend), policy["metadata"]["name"]
    try:
        made = await account.create(resource, namespace, policy, strict=True)
    except AlreadyExists:
        there = await account.get(resource, namespace, name)
    else:
        return await _as_sent(account, namespace, resource, policy, made)
    if there is None:
        raise Conflict(f"{resource.kind} {namespace}/{name} was deleted while the drill created it")
    if not _same_drill(there, policy):
        raise Rejected(
            f"{resource.kind} {namespace}/{name} exists and does not belong to this drill: delete it, or give "
            "the Drill another name"
        )
    if difference := _difference(there, policy):
        raise Conflict(f"{resource.kind} {namespace}/{name}: {difference}")
    if there["metadata"]["annotations"][DIGEST] == policy["metadata"]["annotations"][DIGEST]:
        return there
    metadata = there["metadata"] | {"annotations": policy["metadata"]["annotations"]}
    grown = there | {"metadata": metadata, "spec": policy["spec"]}
    return await _as_sent(account, namespace, resource, grown, await account.replace(resource, namespace, name, grown))


async def _as_sent(account: Cluster, namespace: str, resource: Resource, sent: Object, made: Object) -> Object:
    """The policy that was made, if it is the one that was sent; else it is deleted, since it may cut anything."""
    changes = admission.differences(sent, made)
    if not changes:
        return made
    name, uid = made["metadata"]["name"], made["metadata"]["uid"]
    what, remedy = f"{resource.kind} {name} as it was written: {admission.some(changes)}", admission.EXEMPT_POLICIES
    try:
        await account.delete(resource, namespace, name, uid=uid)
    except GameDayError as error:
        raise ChangedByAdmission(f"admission changed {what}; {remedy}", made) from error
    raise ChangedByAdmission(f"admission changed {what}, and it was deleted at once; {remedy}")


async def revert(
    account: Cluster,
    namespace: str,
    drill: str,
    name: str,
    uid: str | None = None,
    backend: Via | None = None,
    fuse_uid: str | None = None,
) -> None:
    """Revert the cut, whichever kind made it; finding it gone, or another Drill's in its place, is success.

    Where ``uid`` and ``backend`` are known, one call is all that stands between the decision and the revert.
    """
    first = kind_of(backend) if backend is not None else None
    for kind in sorted(CUTTING, key=lambda resource: resource is not first):
        try:
            if uid is not None and await account.delete(kind, namespace, name, uid=uid):
                return
        except (Conflict, Forbidden):
            pass  # Another object of that name, or a kind that the account never wrote: looked at below.
        await _delete_ours(account, kind, namespace, drill, name, fuse_uid)


def is_anothers(policy: Object, uid: str | None, fuse_uid: str | None) -> bool:
    """Whether a policy of a cut's name is that of another Drill of the same name: its fuse is not this drill's.

    ``uid`` and ``fuse_uid`` are those of the drill's own policy and fuse, where they are known. One whose owner
    somebody has removed is still the drill's.
    """
    metadata = policy["metadata"]
    fuses = {owner["uid"] for owner in metadata.get("ownerReferences") or () if owner.get("kind") == JOBS.kind}
    return metadata["uid"] != uid and bool(fuses) and fuse_uid is not None and fuse_uid not in fuses


async def _delete_ours(
    account: Cluster, resource: Resource, namespace: str, drill: str, name: str, fuse_uid: str | None
) -> None:
    try:
        there = await account.get(resource, namespace, name)
    except Forbidden:
        if resource is CILIUM_NETWORK_POLICIES:
            return  # Auto never chose it without this right; if the right was revoked, the fuse reverts the cut.
        raise
    if there is not None and _drill_of(there) == drill and not is_anothers(there, None, fuse_uid):
        await account.delete(resource, namespace, name, uid=there["metadata"]["uid"])


def digest(spec: Any) -> str:
    """A digest of a spec that does not depend on the order of keys."""
    return hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()[:32]


def observed(policy: Object | None, wanted: Object | None) -> Observed:
    """How a cut's policy stands. ``wanted`` is what we would write now; None where that is not known any more."""
    if policy is None:
        return Observed(Presence.ABSENT, shown="its policy is gone")
    seen = Observed(Presence.PRESENT, uid=policy["metadata"]["uid"], shown="its policy is still there")
    if "deletionTimestamp" in policy["metadata"]:
        # A finalizer may keep it, and as long as it is there it cuts.
        return replace(seen, presence=Presence.TAMPERED, detail="it is being deleted")
    if wanted is None:
        return seen
    if difference := _difference(policy, wanted):
        return replace(seen, presence=Presence.TAMPERED, detail=difference, by_admission=_never_written_again(policy))
    outgrown = _grown(_written(policy), _written(wanted)) != _written(policy)
    return replace(seen, presence=Presence.DRIFTED) if outgrown else seen


def grown(policy: Object | None, destination: CutDestination) -> CutDestination:
    """What a cut must cover now: what it covers already, and what has come since."""
    return destination if policy is None else _grown(_written(policy), destination)


def _grown(before: CutDestination, now: CutDestination) -> CutDestination:
    return replace(
        now,
        addresses=tuple(sorted({*before.addresses, *now.addresses})),
        services=tuple(sorted({*before.services, *now.services})),
        cidrs=tuple(sorted({*before.cidrs, *now.cidrs})),
        ports=tuple(sorted({*before.ports, *now.ports}, key=lambda port: (port.port, port.target, port.protocol))),
    )


def _difference(policy: Object, wanted: Object) -> str:
    annotations = policy["metadata"].get("annotations") or {}
    if not _same_drill(policy, wanted):
        return "it does not belong to this drill"
    if DIGEST not in annotations or DESTINATION not in annotations:
        return "its annotations were removed"
    if digest(policy["spec"]) != annotations[DIGEST]:
        return "its spec differs from what the drill wrote"
    owners = {owner["uid"] for owner in policy["metadata"].get("ownerReferences") or ()}
    if not owners >= {owner["uid"] for owner in wanted["metadata"]["ownerReferences"]}:
        return "its owner reference to the fuse was removed"
    return ""


def _never_written_again(policy: Object) -> bool:
    """Whether a spec that is not ours was so from the beginning: the API server counts each change of a spec."""
    metadata, written = policy["metadata"], digest(policy["spec"])
    annotations = metadata.get("annotations") or {}
    return bool(metadata.get("generation") == 1 and annotations.get(DIGEST, written) != written)


def _same_drill(policy: Object, wanted: Object) -> bool:
    return _drill_of(policy) == _drill_of(wanted)


def _drill_of(thing: Object) -> str | None:
    labels: dict[str, str] = thing["metadata"].get("labels") or {}
    return labels.get(DRILL)


def _written(policy: Object) -> CutDestination:
    fields = json.loads(policy["metadata"]["annotations"][DESTINATION])
    return _grown(
        CutDestination(),
        CutDestination(
            fields["namespace"],
            fields["selector"],
            tuple(fields["addresses"]),
            tuple(fields["services"]),
            tuple(fields["cidrs"]),
            tuple(CutPort(**port) for port in fields["ports"]),
        ),
    )
