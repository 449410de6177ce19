"""What ran in the targets: recorded from their pods, kept in the status, compared by ``gameday history``."""

from dataclasses import replace
from typing import Any

import pytest

from gameday.actions.target_versions import target_versions
from gameday.api import versions
from gameday.api.fitting import fitted
from gameday.api.record import saved_of, status_of
from gameday.cli.history import Past, target_differences
from gameday.cluster.resources import Object
from gameday.model.record import DrillRecord
from gameday.model.versions import Version
from gameday.schema.bounds import LINE, SHOWN_BYTES, json_bytes
from unit.actions.test_blast_radius import PLAN, owned, replica_set
from unit.preflight.things import a_snapshot

API = Version("Deployment api", ("6f7",), ("app=shop/api:41 (9f2c1d0b7a3e)", "init=shop/init:1"))
QUEUE = Version("StatefulSet queue", ("queue-1",), ("queue=shop/queue:3",))


def running(name: str, image: str, digest: str = "", template: str = "6f7") -> Object:
    made = owned(name, "ReplicaSet", "api-1", {"app": "api", "pod-template-hash": template})
    made["spec"] |= {"containers": [{"name": "app", "image": image}], "initContainers": [{"name": "i", "image": "b:1"}]}
    made["status"]["containerStatuses"] = [{"name": "app", "imageID": f"docker.io/x@sha256:{digest}" if digest else ""}]
    return made


def test_templates_and_images_of_the_targets_are_those_of_their_pods() -> None:
    pods = (running("api-0", "shop/api:41", "9f2c1d0b7a3e" + "0" * 52), running("api-1", "shop/api:42", "", "7aa"))
    (found,) = target_versions(a_snapshot(pods=pods, replicasets=(replica_set("api-1", "api"),)), PLAN)
    assert found == Version(
        "Deployment api", ("6f7", "7aa"), ("app=shop/api:41 (9f2c1d0b7a3e)", "app=shop/api:42", "i=b:1")
    )


def test_a_moved_tag_is_another_image() -> None:
    before, after = (
        target_versions(a_snapshot(pods=(running("api-0", "shop/api:latest", d * 64),)), PLAN) for d in ("a", "b")
    )
    assert before != after


def test_they_are_kept_once_and_read_back() -> None:
    record = DrillRecord(targets=(API, QUEUE, Version("Pod bare", (), ("c=i",))))
    status = status_of(record, 1)
    assert status["targets"] == [
        "Deployment api: template 6f7; app=shop/api:41 (9f2c1d0b7a3e), init=shop/init:1",
        "StatefulSet queue: template queue-1; queue=shop/queue:3",
        "Pod bare: template none; c=i",
    ]
    assert "shop/queue" not in str(status["state"])
    saved = saved_of(status)
    assert saved is not None
    assert saved.record == record


def test_they_are_bounded_and_what_was_cut_says_nothing() -> None:
    many = tuple(Version(f"Deployment d{n}", ("t",), tuple(f"c{i}=image:{i}" for i in range(200))) for n in range(99))
    lines = versions.shown(many)
    assert len(lines) == versions.MOST
    assert max(map(len, lines)) == LINE
    assert versions.read({"targets": lines}) == (), "a part of the images would compare wrongly"


@pytest.mark.parametrize("damaged", [None, "x", {}, [7, "no line", "Deployment api: template"]])
def test_damaged_lines_are_left_out(damaged: Any) -> None:
    assert versions.read({"targets": damaged}) == ()


def test_they_go_before_a_status_is_too_large() -> None:
    message = "\N{BROKEN HEART}" * 500
    status: dict[str, Any] = {
        "targets": versions.shown(tuple(replace(API, workload=f"Deployment d{n}") for n in range(16))),
        "expectations": [f'Outage "{n}": Unknown at 2026-11-24T12:00:00.000Z: {message}' for n in range(128)],
        "timeline": [],
    }
    assert json_bytes(fitted(status)) <= SHOWN_BYTES


def past(name: str, *found: Version) -> Past:
    status = {"targets": versions.shown(found)} if found else {}
    return Past({"metadata": {"name": name}, "spec": {}, "status": status})


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ((API,), (API,), ["the targets had the same images and pod templates"]),
        (
            (API, QUEUE),
            (replace(API, images=("app=shop/api:42",)), QUEUE),
            [
                "Deployment api ran other images: app=shop/api:41 (9f2c1d0b7a3e), init=shop/init:1 before, "
                "app=shop/api:42 then"
            ],
        ),
        ((API,), (replace(API, templates=("7aa",)),), ["Deployment api had another pod template with the same images"]),
        ((API,), (API, QUEUE), ["StatefulSet queue was a target of failed alone"]),
        ((API, QUEUE), (API,), ["StatefulSet queue was a target of passed alone"]),
        ((), (API,), []),
        ((API,), (), []),
    ],
)
def test_what_differs_is_said(before: tuple[Version, ...], after: tuple[Version, ...], said: list[str]) -> None:
    assert list(target_differences(past("passed", *before), past("failed", *after))) == said
