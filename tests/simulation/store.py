"""The API server's objects: versions, names, owners and finalizers, as Kubernetes keeps them; and who watches.

An object is never changed in place: each version is a new dictionary, so that a reader keeps what it read. Objects of
our own kinds are held to their CRDs (``crd.py``).
"""

import json
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from gameday.api.record import timestamp
from gameday.cluster.resources import BUDGETS, DEPLOYMENTS, LEASES, PODS, Object, Resource
from gameday.errors import AlreadyExists, Conflict, NotFound, Rejected, TooManyRequests
from simulation.crd import admitted
from simulation.world import World

PERSON = "person"
"""Who changes what the drill has nothing to do with: a team, an owner, a GitOps tool."""
SYSTEM = "system"
"""Kubernetes' own controllers."""

Key = tuple[str, str, str]
"""Plural, namespace and name."""


@dataclass(slots=True, eq=False)
class Stream:
    """One open watch: what it still has to tell, and how it is woken."""

    resource: Resource
    namespace: str | None
    labels: str
    name: str
    queue: deque[Object] = field(default_factory=deque)
    broken: bool = False
    over: bool = False
    """Whether the API server has ended it, as it does after a while."""
    wake: Callable[[], None] = lambda: None

    def tells(self, thing: Object) -> bool:
        """Whether a change of this object is one of its events."""
        metadata = thing["metadata"]
        if self.namespace is not None and metadata["namespace"] != self.namespace:
            return False
        return (not self.name or metadata["name"] == self.name) and matches(self.labels, thing)

    def deliver(self, event: Object) -> None:
        """Tell an event."""
        if not self.broken:
            self.queue.append(event)
            self.wake()

    def end(self) -> None:
        """Break the connection."""
        self.broken = True
        self.wake()

    def end_in_time(self) -> None:
        """End as the API server ends every watch."""
        self.over = True
        self.wake()


@dataclass(frozen=True, slots=True)
class Change:
    """One object before and after; ``after`` None is: it is gone."""

    actor: str
    verb: str
    resource: Resource
    before: Object | None
    after: Object | None

    @property
    def thing(self) -> Object:
        """The newest version that there was."""
        found = self.after if self.after is not None else self.before
        assert found is not None
        return found


class Store:
    """All objects by kind and namespace. ``listeners`` hear each change when it has happened."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.version = 0
        self.things: dict[tuple[str, str], dict[str, Object]] = {}
        self.listeners: list[Callable[[Change], None]] = []
        self.refused: Callable[[str, Rejected], None] = lambda _, __: None
        """Hears whose write a CRD did not admit, and why."""
        self.streams: list[Stream] = []
        self.tell: Callable[[Stream, Object], None] = lambda stream, event: stream.deliver(event)
        self._history: list[tuple[int, Resource, Object]] = []
        self._uids = 0

    # Reading

    def get(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """The newest version of an object."""
        return self.things.get((resource.plural, namespace), {}).get(name)

    def need(self, resource: Resource, namespace: str, name: str) -> Object:
        """The newest version of an object.

        Raises:
            NotFound: when it is not there.

        """
        found = self.get(resource, namespace, name)
        if found is None:
            raise NotFound(f'{resource.plural} "{name}" not found')
        return found

    def all_of(self, resource: Resource, namespace: str | None) -> Iterator[Object]:
        """Every object of a kind."""
        for (plural, where), things in self.things.items():
            if plural == resource.plural and namespace in {None, where}:
                yield from things.values()

    def list(
        self, resource: Resource, namespace: str | None, labels: str, fields: str
    ) -> tuple[tuple[Object, ...], str]:
        """What a list answers."""
        name = fields.removeprefix("metadata.name=")
        found = tuple(
            thing
            for thing in self.all_of(resource, namespace)
            if matches(labels, thing) and (not name or thing["metadata"]["name"] == name)
        )
        return found, str(self.version)

    def watch(self, resource: Resource, namespace: str | None, version: str, labels: str, fields: str) -> Stream:
        """A watch since a version."""
        stream = Stream(resource, namespace, labels, fields.removeprefix("metadata.name="))
        for at, what, event in self._history[self._first_after(int(version)) :]:
            if at > int(version) and what.plural == resource.plural and stream.tells(event["object"]):
                stream.queue.append(event)
        self.streams.append(stream)
        return stream

    def _first_after(self, version: int) -> int:
        low, high = 0, len(self._history)
        while low < high:
            middle = (low + high) // 2
            if self._history[middle][0] <= version:
                low = middle + 1
            else:
                high = middle
        return low

    # Writing

    def create(self, actor: str, resource: Resource, namespace: str, body: Object, *, dry_run: bool = False) -> Object:
        """Create an object.

        Raises:
            AlreadyExists: when one of its name is there.
            Rejected: when its CRD does not admit it; every other write may be refused like this as well.

        """
        name = body["metadata"]["name"]
        if self.get(resource, namespace, name) is not None:
            raise AlreadyExists(f'{resource.plural} "{name}" already exists')
        if dry_run:
            return admitted(resource, None, body)
        thing = {"apiVersion": resource.api_version, "kind": resource.kind} | body
        return self._put(
            actor, "create", resource, None, thing | {"metadata": body["metadata"] | self._born(namespace)}
        )

    def place(self, resource: Resource, namespace: str, thing: Object) -> Object:
        """Have an object be as a person or a test says, also where no call would: metadata and what no CRD admits."""
        before = self.get(resource, namespace, thing["metadata"]["name"])
        thing = thing | {"metadata": self._born(namespace) | thing["metadata"] | {"namespace": namespace}}
        return self._keep(PERSON, "create" if before is None else "update", resource, before, thing)

    def _born(self, namespace: str) -> Object:
        """What the API server says of an object that is created."""
        self._uids += 1
        at = timestamp(self.world.now)[:-5] + "Z"
        return {"uid": f"uid-{self._uids}", "creationTimestamp": at, "generation": 1, "namespace": namespace}

    def replace(self, actor: str, resource: Resource, namespace: str, name: str, body: Object) -> Object:
        """Replace all but the status.

        Raises:
            Conflict: when the version is no longer the object's.

        """
        before = self._fresh(resource, namespace, name, body)
        metadata = before["metadata"] | {
            key: value for key, value in body["metadata"].items() if key in {"labels", "annotations", "finalizers"}
        }
        return self._changed(actor, resource, before, body | {"metadata": metadata, "status": before.get("status", {})})

    def replace_status(self, actor: str, resource: Resource, namespace: str, name: str, body: Object) -> Object:
        """Replace the status alone.

        Raises:
            Conflict: when the version is no longer the object's.

        """
        before = self._fresh(resource, namespace, name, body)
        return self._put(actor, "status", resource, before, before | {"status": body.get("status", {})})

    def patch(
        self, actor: str, resource: Resource, namespace: str, name: str, body: Object, *, dry_run: bool = False
    ) -> Object:
        """Merge into an object, or into its scale.

        Raises:
            NotFound: when it is not there.
            Conflict: when it names a version that is no longer the object's.

        """
        before = self._fresh(resource, namespace, name, body)
        if dry_run:
            return before
        change = body | {
            "metadata": {k: v for k, v in body.get("metadata", {}).items() if k not in {"resourceVersion", "uid"}}
        }
        return self._changed(actor, resource, before, merged(before, change))

    def status(self, resource: Resource, namespace: str, name: str, uid: str, **fields: Any) -> None:
        """What a controller writes of an object, if it is still that one."""
        before = self.get(resource, namespace, name)
        if before is not None and before["metadata"]["uid"] == uid:
            self._put(SYSTEM, "status", resource, before, before | {"status": before.get("status", {}) | fields})

    def edit(self, resource: Resource, namespace: str, name: str, **fields: Any) -> None:
        """What a person does with kubectl edit, if the object is there."""
        before = self.get(resource, namespace, name)
        if before is not None:
            self._changed(PERSON, resource, before, merged(before, fields))

    def edit_scale(self, namespace: str, name: str, replicas: int) -> None:
        """What a person does with kubectl scale."""
        before = self.get(DEPLOYMENTS, namespace, name)
        if before is not None:
            self._changed(PERSON, DEPLOYMENTS, before, merged(before, {"spec": {"replicas": replicas}}))

    def delete(
        self,
        actor: str,
        resource: Resource,
        namespace: str,
        name: str,
        uid: str | None = None,
        version: str | None = None,
    ) -> None:
        """Delete an object: at once, or once its finalizers are off or, for a pod, its container has ended.

        Raises:
            NotFound: when it is not there.
            Conflict: when ``uid`` is another's, or ``version`` is no longer the object's.

        """
        before = self.need(resource, namespace, name)
        if uid is not None and before["metadata"]["uid"] != uid:
            raise Conflict(f"precondition failed: uid of {resource.plural} {name}")
        if version is not None and before["metadata"]["resourceVersion"] != version:
            raise Conflict(f"precondition failed: resourceVersion of {resource.plural} {name}")
        if before["metadata"].get("finalizers") or resource is PODS:
            if "deletionTimestamp" not in before["metadata"]:
                mark = before["metadata"] | {"deletionTimestamp": timestamp(self.world.now)}
                self._put(actor, "delete", resource, before, before | {"metadata": mark})
            return
        self.remove(actor, resource, namespace, name)

    def evict(self, actor: str, namespace: str, name: str, uid: str) -> None:
        """Evict a pod, where each PodDisruptionBudget that selects it allows it.

        Raises:
            NotFound: when it is not there.
            Conflict: when ``uid`` is another's.
            TooManyRequests: when a budget does not allow it now.

        """
        pod = self.need(PODS, namespace, name)
        ready = any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", ()))
        for budget in list(self.all_of(BUDGETS, namespace)):
            wanted = budget["spec"]["selector"]["matchLabels"]
            free = not ready and budget["spec"].get("unhealthyPodEvictionPolicy") == "AlwaysAllow"
            if free or not all((pod["metadata"].get("labels") or {}).get(key) == wanted[key] for key in wanted):
                continue
            allowed = budget["status"]["disruptionsAllowed"]
            if not allowed:
                raise TooManyRequests("Cannot evict pod as it would violate the pod's disruption budget.", 1.0)
            metadata = budget["metadata"]
            self.status(BUDGETS, namespace, metadata["name"], metadata["uid"], disruptionsAllowed=allowed - 1)
        self.delete(actor, PODS, namespace, name, uid)

    def remove(self, actor: str, resource: Resource, namespace: str, name: str) -> None:
        """Take an object away, whatever stands in the way; one that is gone is fine."""
        before = self.things.get((resource.plural, namespace), {}).pop(name, None)
        if before is not None:
            self._note(actor, "remove", resource, before, None)

    def _fresh(self, resource: Resource, namespace: str, name: str, body: Object) -> Object:
        if "uid" in body.get("metadata", {}) and self.get(resource, namespace, name) is None:
            raise Conflict(f"{resource.plural} {name}: Precondition failed: UID in object meta: ")
        before = self.need(resource, namespace, name)
        metadata = body.get("metadata", {})
        version, uid = metadata.get("resourceVersion"), metadata.get("uid")
        if version is not None and version != before["metadata"]["resourceVersion"]:
            raise Conflict(f"{resource.plural} {name}: the object has been modified")
        if uid is not None and uid != before["metadata"]["uid"]:
            raise Conflict(f"{resource.plural} {name}: another uid")
        return before

    def _changed(self, actor: str, resource: Resource, before: Object, after: Object) -> Object:
        if after.get("spec") != before.get("spec"):
            generation = before["metadata"].get("generation", 1) + 1
            after = after | {"metadata": after["metadata"] | {"generation": generation}}
        metadata = after["metadata"]
        if "deletionTimestamp" in metadata and not metadata.get("finalizers") and resource is not PODS:
            self.remove(actor, resource, metadata["namespace"], metadata["name"])
            return after
        return self._put(actor, "update", resource, before, after)

    def _put(self, actor: str, verb: str, resource: Resource, before: Object | None, thing: Object) -> Object:
        try:
            thing = admitted(resource, before, thing)
        except Rejected as error:
            self.refused(actor, error)
            raise
        return self._keep(actor, verb, resource, before, thing)

    def _keep(self, actor: str, verb: str, resource: Resource, before: Object | None, thing: Object) -> Object:
        self.version += 1
        thing = thing | {"metadata": thing["metadata"] | {"resourceVersion": str(self.version)}}
        metadata = thing["metadata"]
        self.things.setdefault((resource.plural, metadata["namespace"]), {})[metadata["name"]] = thing
        self._note(actor, verb, resource, before, thing)
        return thing

    def _note(self, actor: str, verb: str, resource: Resource, before: Object | None, after: Object | None) -> None:
        change = Change(actor, verb, resource, before, after)
        if after is None:
            self.version += 1
            gone = change.thing
            told: Object = gone | {"metadata": gone["metadata"] | {"resourceVersion": str(self.version)}}
            event: Object = {"type": "DELETED", "object": told}
        else:
            event = {"type": "ADDED" if before is None else "MODIFIED", "object": after}
        if resource is not LEASES:
            self._history.append((self.version, resource, event))
            for stream in self.streams:
                if stream.resource.plural == resource.plural and not stream.broken and stream.tells(event["object"]):
                    self.tell(stream, event)
        for listener in self.listeners:
            listener(change)


def matches(selector: str, thing: Object) -> bool:
    """Whether a label selector, as kubectl writes it, selects an object: ``key``, or ``key=value``, with commas."""
    if not selector:
        return True
    labels = thing["metadata"].get("labels") or {}
    for part in selector.split(","):
        key, equals, value = part.partition("=")
        if key not in labels or (equals and labels[key] != value):
            return False
    return True


def merged(whole: Object, part: Object) -> Object:
    """A JSON merge patch."""
    answer = dict(whole)
    for key, value in part.items():
        if value is None:
            answer.pop(key, None)
        elif isinstance(value, dict):
            answer[key] = merged(answer.get(key) or {}, value)
        else:
            answer[key] = value
    return answer


def copied(thing: Object) -> Object:
    """A copy that its reader may change."""
    fresh: Object = json.loads(json.dumps(thing))
    return fresh
