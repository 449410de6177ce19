"""The pods that send messages of a drill: how they are made, and what is seen of them.

A pod holds its messages in its own manifest, so nobody needs to reach it, and what became of them is its termination
message. Its Secrets are optional to the kubelet: one that is missing keeps no pod from starting, and the pod says so.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from gameday.api.notifications import Notify, notifications_of
from gameday.cluster.client import CONTAINER
from gameday.cluster.resources import GAMEDAYS, PODS, Object
from gameday.controller.drill.about_drill import about
from gameday.controller.drill.agent_pods import PodContext, PodTemplate, pod
from gameday.controller.drill.dry_run import Part
from gameday.model.agent import Delivery, NotifierConfig
from gameday.model.hosts import address_of
from gameday.model.labels import NOTIFIER
from gameday.model.notice import Delivered, Event, Outcome
from gameday.model.record import DrillRecord, Verdict
from gameday.notify.decide import LASTS, TRIES_FOR, NotifierPod
from gameday.notify.happened import happened
from gameday.notify.message import message
from gameday.preflight import agent_reach
from gameday.preflight.agent_egress import of_dns, our_pod
from gameday.preflight.agent_reach import Needs, Outside, needed
from gameday.preflight.findings import Finding
from gameday.preflight.snapshot import NamespaceSnapshot
from gameday.probes.web import destination_of
from gameday.schema.bounds import LINE, cut
from gameday.schema.times import shown_moment

EVENTS: Final = "gameday.dev/events"
"""Annotation of a pod: the events that it sends, in order."""
RECEIVER: Final = "gameday.dev/receiver"
"""Annotation of a pod: the receiver that it sends them to."""
ABOUT: Final = "gameday.dev/about"
"""Annotation of a pod: the UID of the Drill, or of the GameDay with a slot, that its messages are about.

A later one may have the same name, and Kubernetes takes an owner that is gone off the list of owners.
"""
MOST_BYTES: Final = 96 * 1024
"""Longest configuration of a pod that has several messages: Linux takes a variable of 128 KiB."""
NO_MESSAGE: Final = "its messages would not be sent"
"""What follows where policies keep a notifier from its receiver."""
GRACE: Final = 15
"""Seconds for which a pod that is ended may finish the request that is under way."""


def notifier_pod(
    ctx: PodContext, one: Notify, events: Iterable[Event], deliveries: tuple[Delivery, ...], gameday: Object | None
) -> Object:
    """The pod that sends ``events`` to a receiver.

    It is owned by the GameDay as well: a Drill that is deleted must not take along the message that says so.
    """
    names = [event.value for event in events]
    config = NotifierConfig(deliveries=deliveries, tries_for=TRIES_FOR, ends_after=LASTS)
    template = PodTemplate(
        "notifier",
        NOTIFIER,
        secrets=one.kind.secrets(one.spec),
        config_maps=one.kind.config_maps(one.spec),
        optional=True,
    )
    made = pod(ctx, f"notify-{one.receiver.name}-{names[0]}", template, config)
    made["metadata"]["annotations"] |= {EVENTS: ",".join(names), RECEIVER: one.receiver.name, ABOUT: ctx.uid}
    made["spec"]["terminationGracePeriodSeconds"] = GRACE
    if gameday is not None:
        metadata = gameday["metadata"]
        owner = {"apiVersion": GAMEDAYS.api_version, "kind": GAMEDAYS.kind}
        made["metadata"]["ownerReferences"].append(owner | {"name": metadata["name"], "uid": metadata["uid"]})
    return made


def fitting(deliveries: Iterable[Delivery]) -> tuple[Delivery, ...]:
    """As many of these, from the first on, as one pod can hold; the others are for the next one."""
    found: list[Delivery] = []
    for delivery in deliveries:
        if found and len(NotifierConfig(deliveries=(*found, delivery)).to_json().encode()) > MOST_BYTES:
            break
        found.append(delivery)
    return tuple(found)


def shut_out(snapshot: NamespaceSnapshot, drill: Object, gameday: Object | None) -> Iterator[Finding]:
    """Warnings of policies that keep messages from their receivers: no drill waits for them, and no verdict."""
    needs: list[Needs] = []
    names: list[str] = []
    for one, delivery in _verdicts(drill, gameday):
        if delivery is None:
            continue
        path = f"{one.path}.{'url' if delivery.url else 'urlFrom'}"
        to = destination_of("url", delivery.url) if delivery.url else None
        found = needed(snapshot, to) if to is not None else (Outside(one.receiver.name, anywhere=True), ())
        if found is not None:
            own = our_pod(snapshot, NOTIFIER)
            needs.append(Needs(path, f"the {NOTIFIER}", own, *found, why=NO_MESSAGE, refuses=False))
        if to is None or address_of(to.host) is None:
            names.append(path)
    yield from agent_reach.check(snapshot, needs)
    if names:
        yield from of_dns(snapshot, names[0], NOTIFIER, NO_MESSAGE)


def tried(ctx: PodContext, drill: Object, gameday: Object | None) -> Iterator[Part]:
    """One pod of each receiver, for the API server to try: there must be room for them besides the drill's own."""
    for one, delivery in _verdicts(drill, gameday):
        sent = (delivery,) if delivery is not None else ()
        yield Part(PODS, notifier_pod(ctx, one, (Event.VERDICT,), sent, None), one.path)


def _verdicts(drill: Object, gameday: Object | None) -> Iterator[tuple[Notify, Delivery | None]]:
    """Each receiver, and what it would be sent of a verdict."""
    record = DrillRecord(verdict=Verdict.INCONCLUSIVE, finished_at=0.0, outage_started_at=0.0, recovery_started_at=0.0)
    (verdict,) = (one for one in happened(record, ()) if one.event is Event.VERDICT)
    text = message(about(drill, gameday, None), record, verdict)
    for one in notifications_of(gameday["spec"]) if gameday is not None else ():
        yield one, one.kind.delivery(one.spec, one.path, text)


def is_about(made: Object, uid: str) -> bool:
    """Whether a pod's messages are about this one; a pod that an earlier operator made does not say it."""
    return bool((made["metadata"].get("annotations") or {}).get(ABOUT, uid) == uid)


def seen(made: Object) -> NotifierPod | None:
    """What a pod shows; None of one that names no event that we know."""
    metadata, status = made["metadata"], made.get("status", {})
    annotations: Mapping[str, str] = metadata.get("annotations") or {}
    known = {event.value: event for event in Event}
    names = annotations.get(EVENTS, "").split(",")
    if RECEIVER not in annotations or not all(name in known for name in names):
        return None
    container: Mapping[str, Any] = next(
        (one for one in status.get("containerStatuses", ()) if one.get("name") == CONTAINER), {}
    )
    state = container.get("state", {})
    found = NotifierPod(
        metadata["name"],
        annotations[RECEIVER],
        tuple(known[name] for name in names),
        trouble=_trouble(status, state.get("waiting", {})),
        leaving="deletionTimestamp" in metadata,
        made_at=shown_moment(metadata["creationTimestamp"]) if "creationTimestamp" in metadata else None,
    )
    if (ended := state.get("terminated")) is not None:
        return replace(found, started_at=_moment(ended), ended=True, results=_results(ended.get("message", "")))
    if status.get("phase") in {"Failed", "Succeeded"}:
        # Evicted, or out of time, before its container began.
        unsent = dict.fromkeys(found.events, Delivered(Outcome.UNSENT, str(status.get("reason", ""))))
        return replace(found, ended=True, results=None if "running" in state else unsent)
    return replace(found, started_at=_moment(state["running"])) if "running" in state else found


def _moment(state: Mapping[str, Any]) -> float:
    return shown_moment(str(state.get("startedAt", "")))


def _results(text: str) -> Mapping[Event, Delivered] | None:
    """What a termination message says; None where it says nothing that can be read."""
    try:
        said = json.loads(text)
        return {Event(name): Delivered(Outcome(outcome), cut(str(why), LINE)) for name, (outcome, why) in said.items()}
    except (ValueError, TypeError, AttributeError):
        return None


def _trouble(status: Mapping[str, Any], waiting: Mapping[str, Any]) -> str:
    """What keeps a pod from starting, in the cluster's words."""
    if waiting.get("message"):
        return cut(f"{waiting.get('reason', '')}: {waiting['message']}", LINE)
    scheduled: Mapping[str, Any] = next(
        (one for one in status.get("conditions", ()) if one.get("type") == "PodScheduled"), {}
    )
    return cut(str(scheduled.get("message", "")), LINE) if scheduled.get("status") == "False" else ""
