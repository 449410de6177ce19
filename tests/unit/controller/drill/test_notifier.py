"""A team gets messages about a drill at a real receiver: once each, whatever is killed, refused or late.

The API server is the simulation's; a kubelet of the test's own runs the agent's code with the pod's configuration.
"""

import asyncio
import copy
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gameday.agents import delivery as deliveries
from gameday.agents import notifier as agent
from gameday.agents.log import SampleLog
from gameday.api.notified import notified_of
from gameday.api.record import timestamp
from gameday.cluster.client import Cluster
from gameday.cluster.resources import Object
from gameday.controller.drill import notifier as drill_notifier
from gameday.controller.drill import notifying
from gameday.controller.drill.countdown import SlotNotifier
from gameday.controller.process.notifications import Notifications
from gameday.controller.settings import Settings
from gameday.controller.store import Store, key_of
from gameday.controller.telemetry import Metrics
from gameday.errors import Rejected
from gameday.model.agent import NotifierConfig, read_config
from gameday.model.halt import Halt, HaltState
from gameday.model.notice import COUNTDOWN, Delivered, Event, Notified, Outcome
from gameday.model.record import DrillRecord
from gameday.notify.decide import HAND_OVER, OVERDUE
from unit.api_server import ApiServer
from unit.notify.courses import (
    FAILED,
    OUTAGE,
    PASSED,
    RECOVERY,
    REFUSED,
    STEADY_STATE,
    STUCK,
    VIOLATED,
    WAITING,
    at,
    notified_gameday,
)
from unit.receiver import HANG, Answer, HttpReceiver
from unit.report.drills import END

ACCOUNT: Object = {"metadata": {"name": "gameday", "labels": {"gameday.dev/opt-in": "true"}}}
NAME = "redis-failover-x7k2p"
SUMMARY = "GameDay redis-failover in shop passed"
UID = f"uid-of-{NAME}"


def hook(receiver: HttpReceiver, name: str = "bus", **fields: Any) -> Object:
    return {"name": name, "webhook": {"url": receiver.url}, **fields}


class Team:
    """The cluster with one process that tells teams, and a kubelet; the process can die and begin anew."""

    def __init__(self, server: ApiServer, cluster: Cluster, folder: Path) -> None:
        self.server, self.cluster, self.folder = server, cluster, folder
        self.now = END + 1.0
        self.halt = Halt()
        self.works = True
        """Whether the kubelet starts pods."""
        self.store = Store(listed=True)
        self._tasks: list[asyncio.Task[Any]] = []
        self._started: set[str] = set()
        self._kubelet = asyncio.create_task(self._run_pods())
        self.notifications: Notifications
        self.pods_made: list[str] = []

    def begin(self) -> None:
        """A process that begins to lead, and knows what the API server has."""
        self.store = Store(listed=True)
        for plural, known in (("drills", self.store.drills), ("gamedays", self.store.gamedays)):
            for (kind, _, _), thing in self.server.objects.items():
                if kind == plural:
                    known[key_of(thing)] = copy.deepcopy(thing)
        settings = Settings("gameday-system", "me", "image")
        self.notifications = Notifications(
            self.cluster, self.store, lambda: settings, lambda: self.now, Metrics({}), lambda: self.halt
        )
        self._tasks.append(asyncio.create_task(self.notifications.lead()))

    async def die(self) -> None:
        """The process is gone, at whatever it was."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    async def lives_until(self, done: Callable[[], bool]) -> int:
        """One life after the other until it is done and no pod is left; how many.

        Each is a little longer than the one before: it is killed before, in and after each of its calls.
        """
        deadline, lives = time.monotonic() + 60, 0
        while not done() or self.pods:
            assert time.monotonic() < deadline
            self.begin()
            await asyncio.sleep(0.004 * lives)
            await self.die()
            lives += 1
        return lives

    async def end(self) -> None:
        await self.die()
        self._kubelet.cancel()
        await asyncio.gather(self._kubelet, return_exceptions=True)

    def drill(self, record: DrillRecord, **status: Any) -> None:
        """The drill has come this far; what was recorded of messages stays, as its own runner keeps it."""
        made = at(record, SUMMARY if record.verdict is not None else "", **status)
        made["status"]["operator"] = Settings("gameday-system", "me", "image").installation
        known = self.server.objects.get(("drills", "shop", NAME))
        if known is not None:
            found = notified_of(known["status"])
            made["status"] = drill_notifier.with_notified(made["status"], found, "2026-11-30T10:00:00Z")
        placed = self.server.put("drills", "shop", made)
        self.store.drill_seen(False, placed)

    @property
    def noted(self) -> Object:
        """What the Drill's status says became of messages, by receiver."""
        status = self.server.objects["drills", "shop", NAME]["status"]
        return {one["name"]: {k: v for k, v in one.items() if k != "name"} for one in status.get("notifications", ())}

    @property
    def condition(self) -> Object:
        conditions = self.server.objects["drills", "shop", NAME]["status"]["conditions"]
        return next((one for one in conditions if one["type"] == "Notified"), {})

    @property
    def pods(self) -> list[Object]:
        return [thing for (plural, _, _), thing in self.server.objects.items() if plural == "pods"]

    async def _run_pods(self) -> None:
        async with asyncio.TaskGroup() as group:
            while True:
                for pod in self.pods if self.works else ():
                    uid = pod["metadata"]["uid"]
                    if uid not in self._started:
                        self._started.add(uid)
                        self.pods_made.append(pod["metadata"]["name"])
                        group.create_task(self._run_pod(copy.deepcopy(pod), uid))
                await asyncio.sleep(0.01)

    async def _run_pod(self, pod: Object, uid: str) -> None:
        variable = pod["spec"]["containers"][0]["env"][0]["value"]
        started = timestamp(self.now)
        self.show(pod, {"running": {"startedAt": started}})
        out = self.folder / uid
        await agent.notify(read_config(variable, NotifierConfig), SampleLog(), asyncio.Event(), out)
        self.show(pod, {"terminated": {"startedAt": started, "message": out.read_text()}})

    def show(self, pod: Object, state: Object) -> None:
        """The kubelet's word on a pod."""
        key = ("pods", "shop", pod["metadata"]["name"])
        there = self.server.objects.get(key)
        if there is not None and there["metadata"]["uid"] == pod["metadata"]["uid"]:
            shown = copy.deepcopy(there) | {"status": {"containerStatuses": [{"name": "agent", "state": state}]}}
            self.server.put("pods", "shop", shown)


@asynccontextmanager
async def team(
    server: ApiServer, cluster: Cluster, folder: Path, *notifications: Object, opted_in: bool = True
) -> AsyncIterator[Team]:
    server.put("gamedays", "shop", notified_gameday(*notifications))
    if opted_in:
        server.put("serviceaccounts", "shop", copy.deepcopy(ACCOUNT))
    one = Team(server, cluster, folder)
    try:
        yield one
    finally:
        await one.end()


async def becomes(look: Callable[[], bool], within: float = 30.0) -> None:
    async with asyncio.timeout(within):
        while not look():  # noqa: ASYNC110  what is looked at has no event
            await asyncio.sleep(0.01)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits of tenths of a second."""
    monkeypatch.setattr(agent, "FIRST", 0.05)
    monkeypatch.setattr(deliveries, "TIMEOUT", 3.0)
    monkeypatch.setattr(notifying, "AGAIN_AFTER", 0.1)
    monkeypatch.setattr(notifying, "LOOK_EVERY", 0.2)


@pytest.fixture
async def receiver() -> AsyncIterator[HttpReceiver]:
    async with HttpReceiver.serve() as one:
        yield one


def ids(receiver: HttpReceiver) -> list[str]:
    return [body["id"].removeprefix(f"{UID}/") for body in receiver.bodies]


async def test_a_whole_drill_is_sent_in_order_and_leaves_no_pod(
    api_server: ApiServer, cluster: Cluster, tmp_path: Path, receiver: HttpReceiver
) -> None:
    async with team(api_server, cluster, tmp_path, hook(receiver)) as one:
        one.drill(WAITING)
        one.begin()
        for record, event in (
            (STEADY_STATE, "started"),
            (OUTAGE, "cut"),
            (VIOLATED, "guardrail"),
            (VIOLATED, "undone"),
            (STUCK, "leftover"),
            (PASSED, "verdict"),
            (PASSED, "cleared"),
        ):
            one.drill(record)
            await becomes(lambda event=event: event in one.noted.get("bus", {}).get("sent", ()))  # type: ignore[misc]
        await becomes(lambda: one.pods == [])
        assert sorted(ids(receiver)) == sorted(
            ["started", "cut", "guardrail", "undone", "leftover", "verdict", "cleared"]
        )
        assert one.condition["status"] == "True"
        assert one.noted == {
            "bus": {"sent": ["started", "cut", "guardrail", "undone", "leftover", "verdict", "cleared"]}
        }
        data = receiver.bodies[ids(receiver).index("verdict")]["data"]
        assert data["summary"] == SUMMARY
        assert data["contacts"] == [{"name": "Redis Team", "contact": "#redis-support"}]
        assert data["links"] == [{"name": "Runbook", "url": "https://wiki.example/redis"}]


async def test_a_process_that_is_killed_at_any_moment_sends_nothing_twice(
    api_server: ApiServer, cluster: Cluster, tmp_path: Path, receiver: HttpReceiver
) -> None:
    async with team(api_server, cluster, tmp_path, hook(receiver)) as one:
        one.drill(FAILED)
        assert await one.lives_until(lambda: "verdict" in one.noted.get("bus", {}).get("sent", ())) > 3
        assert sorted(ids(receiver)) == ["cut", "started", "undone", "verdict"]
        assert len(one.pods_made) == len(set(one.pods_made))


async def test_what_an_earlier_process_recorded_counts_although_the_watch_is_late(
    api_server: ApiServer, cluster: Cluster, tmp_path: Path, receiver: HttpReceiver
) -> None:
    async with team(api_server, cluster, tmp_path, hook(receiver, events=["verdict"])) as one:
        one.drill(FAILED)
        late = copy.deepcopy(api_server.objects["drills", "shop", NAME])
        one.begin()
        await becomes(lambda: one.noted.get("bus") == {"sent": ["verdict"]} and one.pods == [])
        await one.die()
        one.begin()
        one.store.drills["shop", NAME] = late
        await becomes(lambda: one.notifications._over == {UID})
        assert ids(receiver) == ["verdict"]


async def test_one_that_fails_is_said_on_the_drill_and_one_that_hangs_keeps_no_other_waiting(
    api_server: ApiServer, cluster: Cluster, tmp_path: Path, receiver: HttpReceiver
) -> None:
    async with HttpReceiver.serve() as broken, HttpReceiver.serve() as silent:
        broken.answers, silent.answers = [Answer(404, "no_service")], [HANG] * 50
        wanted = (
            hook(silent, "a-hangs"),
            hook(broken, "b-broken", events=["started"]),
            hook(receiver, events=["verdict"]),
        )
        async with team(api_server, cluster, tmp_path, *wanted) as one:
            one.drill(FAILED)
            one.begin()
            await becomes(lambda: one.noted.get("bus") == {"sent": ["verdict"]} and "b-broken" in one.noted)
            assert "a-hangs" not in one.noted
            said = {"failed": ["started"], "message": "the receiver answered 404 (no_service)"}
            assert one.noted["b-broken"] == said
            assert (one.condition["status"], one.condition["reason"]) == ("False", "NotificationFailed")
            assert one.condition["message"] == "b-broken: started was not sent: the receiver answered 404 (no_service)"


async def test_failures_alone_are_sent_where_nothing_else_is_wanted(
    api_server: ApiServer, cluster: Cluster, tmp_path: Path, receiver: HttpReceiver
) -> None:
    async with team(api_server, cluster, tmp_path, hook(receiver, onlyOnFailure=True)) as one:
        one.drill(PASSED)
        one.begin()
        await becomes(lambda: one.notifications._over == {UID})
        assert (receiver.bodies, one.noted) == ([], {})
        await one.die()
        one.drill(FAILED)
        one.begin()
        await becomes(lambda: one.noted.get("bus") == {"sent": ["verdict"]})
        assert ids(receiver) == ["verdict"]


@pytest.mark.parametrize("kind", ["old", "ofAnother", "dryRun", "unwanted"])
async def test_nothing_is_sent_about_what_is_old_or_of_another_operator_or_a_dry_run(
    api_server: ApiServer, cluster: Cluster, tmp_path: Path, receiver: HttpReceiver, kind: str
) -> None:
    async with team(api_server, cluster, tmp_path, *([] if kind == "unwanted" else [hook(receiver)])) as one:
        one.drill(FAILED)
        drill = copy.deepcopy(api_server.objects["drills", "shop", NAME])
        if kind == "old":
            one.now = END + 86_400
        elif kind == "ofAnother":
            drill["status"]["operator"] = "elsewhere/gameday-operator"
        elif kind == "dryRun":
            drill["spec"]["dryRun"] = True
        api_server.put("drills", "shop", drill)
        one.begin()
        await asyncio.sleep(0.3)
        assert (receiver.bodies, one.pods, one.noted) == ([], [], {})


async def test_without_opt_in_no_pod_is_made_and_the_drill_says_so(
    api_server: ApiServer, cluster: Cluster, tmp_path: Path, receiver: HttpReceiver
) -> None:
    async with team(api_server, cluster, tmp_path, hook(receiver), opted_in=False) as one:
        one.drill(STEADY_STATE)
        one.begin()
        await asyncio.sleep(0.3)
        assert one.pods == []
        api_server.put("serviceaccounts", "shop", copy.deepcopy(ACCOUNT))
        await becomes(lambda: one.noted.get("bus") == {"sent": ["started"]})
        api_server.drop("serviceaccounts", "shop", "gameday")
        one.now = END + HAND_OVER - 1
        one.drill(FAILED)
        await asyncio.sleep(0.3)
        one.now = END + HAND_OVER + 5
        await becomes(lambda: "verdict" in one.noted["bus"].get("failed", ()))
        assert (
            "no pod could begin to send it within 15 min: namespace shop has not opted in any more"
            in (one.noted["bus"]["message"])
        )


async def test_a_pod_that_is_refused_for_one_receiver_keeps_no_other_waiting(
    api_server: ApiServer, cluster: Cluster, tmp_path: Path, receiver: HttpReceiver
) -> None:
    def refuse(plural: str, body: Object) -> Object:
        if plural == "pods" and "notify-a-refused" in body["metadata"]["name"]:
            raise Rejected("exceeded quota")
        return body

    api_server.admission = refuse
    wanted = (hook(receiver, "a-refused"), hook(receiver, events=["verdict"]))
    async with team(api_server, cluster, tmp_path, *wanted) as one:
        one.drill(REFUSED)
        one.begin()
        await becomes(lambda: one.noted.get("bus") == {"sent": ["verdict"]})
        assert "a-refused" not in one.noted


async def test_a_pod_that_never_starts_is_given_up_with_its_reason(
    api_server: ApiServer, cluster: Cluster, tmp_path: Path, receiver: HttpReceiver
) -> None:
    async with team(api_server, cluster, tmp_path, hook(receiver, events=["verdict"])) as one:
        one.works = False
        one.drill(FAILED)
        one.begin()
        await becomes(lambda: len(one.pods) == 1)
        one.show(one.pods[0], {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}})
        await asyncio.sleep(0.3)
        assert one.noted == {}
        one.now = END + HAND_OVER + 5
        await becomes(lambda: one.noted.get("bus", {}).get("failed") == ["verdict"])
        assert one.noted["bus"]["message"].endswith("within 15 min: ImagePullBackOff: Back-off pulling image")
        await becomes(lambda: one.pods == [])


async def test_a_pod_that_is_lost_while_it_sends_is_not_made_again(
    api_server: ApiServer, cluster: Cluster, tmp_path: Path, receiver: HttpReceiver
) -> None:
    receiver.answers = [Answer(after=30.0)]
    async with team(api_server, cluster, tmp_path, hook(receiver, events=["verdict"])) as one:
        one.drill(FAILED)
        one.begin()
        await becomes(lambda: len(receiver.bodies) == 1)
        await asyncio.sleep(0.2)
        api_server.drop("pods", "shop", one.pods[0]["metadata"]["name"])
        await becomes(lambda: one.noted.get("bus", {}).get("unknown") == ["verdict"])
        assert (one.condition["status"], one.condition["reason"]) == ("Unknown", "NotificationUnknown")
        await asyncio.sleep(0.3)
        assert one.pods_made == [f"{NAME}-notify-bus-verdict"]


async def test_a_pod_that_somebody_deletes_before_its_word_is_recorded_is_not_made_again(
    api_server: ApiServer, cluster: Cluster, tmp_path: Path, receiver: HttpReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a drained node takes pods that have ended, while the API server takes no status."""
    record, refuses, tries = drill_notifier.DrillNotifier.record, True, 0

    async def recorded(one: drill_notifier.DrillNotifier, found: Notified) -> None:
        nonlocal tries
        tries += 1
        await asyncio.sleep(0.001)
        if refuses:
            raise Rejected("the status is not taken")
        await record(one, found)

    monkeypatch.setattr(drill_notifier.DrillNotifier, "record", recorded)
    monkeypatch.setattr(notifying, "AGAIN_AFTER", 0.05)
    async with team(api_server, cluster, tmp_path, hook(receiver, events=["verdict"])) as one:
        one.drill(FAILED)
        one.begin()
        await becomes(lambda: len(receiver.bodies) == 1 and "terminated" in str(one.pods))
        await asyncio.sleep(0.2)
        api_server.drop("pods", "shop", one.pods[0]["metadata"]["name"])
        await asyncio.sleep(0.2)
        assert 1 < tries < 15, "it is tried again, and not without a pause"
        refuses = False
        await becomes(lambda: one.noted.get("bus") == {"sent": ["verdict"]})
        assert (ids(receiver), one.pods) == (["verdict"], [])


async def test_one_whose_node_is_gone_is_given_up(
    api_server: ApiServer, cluster: Cluster, tmp_path: Path, receiver: HttpReceiver
) -> None:
    async with team(api_server, cluster, tmp_path, hook(receiver, events=["verdict"])) as one:
        one.works = False
        one.drill(FAILED)
        one.begin()
        await becomes(lambda: len(one.pods) == 1)
        one.show(one.pods[0], {"running": {"startedAt": "2026-11-30T10:06:12Z"}})
        one.now = END + OVERDUE + 60
        await becomes(lambda: one.noted.get("bus", {}).get("unknown") == ["verdict"])
        await becomes(lambda: one.pods == [])


async def test_a_pod_that_a_drain_ended_before_it_sent_is_made_again(
    api_server: ApiServer, cluster: Cluster, tmp_path: Path, receiver: HttpReceiver
) -> None:
    async with team(api_server, cluster, tmp_path, hook(receiver, events=["verdict"])) as one:
        one.works = False
        one.drill(FAILED)
        one.begin()
        await becomes(lambda: len(one.pods) == 1)
        unsent = json.dumps({"verdict": ["Unsent", "the pod was ended"]})
        one.show(one.pods[0], {"terminated": {"startedAt": "2026-11-30T10:06:12Z", "message": unsent}})
        one.works = True
        await becomes(lambda: one.noted.get("bus") == {"sent": ["verdict"]})
        assert ids(receiver) == ["verdict"]


@pytest.mark.parametrize("sends", [True, False])
async def test_a_new_drill_of_an_old_ones_name_has_messages_of_its_own(
    api_server: ApiServer, cluster: Cluster, tmp_path: Path, receiver: HttpReceiver, sends: bool
) -> None:
    """The old one's pod is still there, since the GameDay owns it too and its operator died."""
    async with team(api_server, cluster, tmp_path, hook(receiver, events=["verdict"])) as one:
        one.works = False
        one.drill(FAILED)
        one.begin()
        await becomes(lambda: len(one.pods) == 1)
        await one.die()
        if sends:
            one.works = True
            await becomes(lambda: "terminated" in str(one.pods))
        newer = copy.deepcopy(api_server.objects["drills", "shop", NAME])
        api_server.drop("drills", "shop", NAME)
        newer["metadata"]["uid"] = "another"
        api_server.put("drills", "shop", newer)
        one.begin()
        await asyncio.sleep(0.3)
        one.works = True
        await becomes(lambda: one.noted.get("bus") == {"sent": ["verdict"]})
        assert [body["id"] for body in receiver.bodies] == [f"{UID}/verdict", "another/verdict"]
        await becomes(lambda: one.pods == [])


async def test_of_a_drill_that_is_deleted_the_verdict_is_sent_and_the_pod_outlives_it(
    api_server: ApiServer, cluster: Cluster, tmp_path: Path, receiver: HttpReceiver
) -> None:
    async with team(api_server, cluster, tmp_path, hook(receiver, events=["started", "verdict"])) as one:
        one.drill(STEADY_STATE)
        one.begin()
        await becomes(lambda: one.noted.get("bus") == {"sent": ["started"]})
        one.works = False
        one.drill(FAILED)
        await becomes(lambda: len(one.pods) == 1)
        owners = {owner["kind"] for owner in one.pods[0]["metadata"]["ownerReferences"]}
        assert owners == {"Drill", "GameDay"}
        last = copy.deepcopy(api_server.objects["drills", "shop", NAME])
        api_server.drop("drills", "shop", NAME)
        one.store.drill_seen(True, last)
        one.works = True
        await becomes(lambda: ids(receiver) == ["started", "verdict"])
        await becomes(lambda: one.pods == [])
        await becomes(lambda: one.notifications._running == {})


async def test_what_somebody_else_writes_meanwhile_stays(
    api_server: ApiServer, cluster: Cluster, tmp_path: Path, receiver: HttpReceiver
) -> None:
    async with team(api_server, cluster, tmp_path, hook(receiver)) as one:
        one.drill(RECOVERY)
        api_server.conflicts = 3
        one.begin()
        await becomes(lambda: one.noted.get("bus", {}).get("sent") == ["started", "cut", "undone"])
        status = api_server.objects["drills", "shop", NAME]["status"]
        assert status["phase"] == "Recovery"
        assert {c["type"] for c in status["conditions"]} >= {"Complete", "FaultsCleared", "Notified"}


async def test_somebody_who_takes_the_record_out_of_the_status_has_nothing_sent_again(
    api_server: ApiServer, cluster: Cluster, tmp_path: Path, receiver: HttpReceiver
) -> None:
    async with team(api_server, cluster, tmp_path, hook(receiver)) as one:
        one.drill(STEADY_STATE)
        one.begin()
        await becomes(lambda: one.noted.get("bus") == {"sent": ["started"]} and one.pods == [])
        drill = copy.deepcopy(api_server.objects["drills", "shop", NAME])
        del drill["status"]["notifications"]
        one.store.drill_seen(False, api_server.put("drills", "shop", drill))
        one.drill(OUTAGE)
        await becomes(lambda: "cut" in one.noted.get("bus", {}).get("sent", ()))
        assert ids(receiver) == ["started", "cut"]


async def test_without_the_right_to_see_pods_nothing_is_sent_and_it_ends(
    api_server: ApiServer, cluster: Cluster, tmp_path: Path, receiver: HttpReceiver
) -> None:
    async with team(api_server, cluster, tmp_path, hook(receiver)) as one:
        api_server.forbidden = {"list pods"}
        one.drill(FAILED)
        one.begin()
        await asyncio.sleep(0.3)
        assert (receiver.bodies, one.noted) == ([], {})
        one.now = END + drill_notifier.LOOKED_AFTER + 1
        await becomes(lambda: one.notifications._over == {UID})


DAILY = {"cron": "0 12 * * *", "timeZone": "Etc/UTC"}
SLOT = END + 6_828.0
"""30 November 2026, 12:00 UTC."""


def due(server: ApiServer, **schedule: Any) -> Object:
    """The GameDay, which is ready, with its schedule."""
    made = copy.deepcopy(server.objects["gamedays", "shop", "redis-failover"])
    made["spec"]["schedule"] = {**DAILY, **schedule}
    made["status"] = {"conditions": [{"type": "Ready", "status": "True"}], "lastDrill": "earlier"}
    return server.put("gamedays", "shop", made)


def announced(server: ApiServer) -> Object:
    found: Object = server.objects["gamedays", "shop", "redis-failover"]["status"].get("announced", {})
    return found


async def test_a_slot_is_announced_ten_minutes_before_it_once_whoever_is_killed(
    api_server: ApiServer, cluster: Cluster, tmp_path: Path, receiver: HttpReceiver
) -> None:
    async with team(api_server, cluster, tmp_path, hook(receiver)) as one:
        uid = due(api_server)["metadata"]["uid"]
        one.now = SLOT - 601.0
        one.begin()
        await asyncio.sleep(0.3)
        assert (receiver.bodies, one.pods) == ([], [])
        await one.die()
        one.now = SLOT - 599.0
        await one.lives_until(lambda: bool(announced(api_server)))
        one.begin()
        await becomes(lambda: bool(one.notifications._slots_over))
        (event,) = receiver.bodies
        assert event["id"] == f"{uid}/{int(SLOT) // 60}/countdown"
        assert event["type"] == "dev.gameday.drill.countdown"
        assert event["subject"] == f"redis-failover-{int(SLOT) // 60}"
        assert event["data"]["summary"] == "GameDay redis-failover in shop is due at 2026-11-30 12:00:00 UTC"
        assert event["data"]["drillUID"] == ""
        shown = {"slot": "2026-11-30T12:00:00.000Z", "notifications": [{"name": "bus", "sent": ["countdown"]}]}
        assert announced(api_server) == shown
        assert api_server.objects["gamedays", "shop", "redis-failover"]["status"]["lastDrill"] == "earlier"


@pytest.mark.parametrize("hindered", ["suspended", "blackout", "halted", "not ready", "unwanted", "over"])
async def test_a_slot_that_will_not_run_is_not_announced(
    api_server: ApiServer, cluster: Cluster, tmp_path: Path, receiver: HttpReceiver, hindered: str
) -> None:
    wanted = hook(receiver, events=["verdict"]) if hindered == "unwanted" else hook(receiver)
    async with team(api_server, cluster, tmp_path, wanted) as one:
        night = {"name": "night", "from": "2026-11-30T11:00:00Z", "until": "2026-11-30T13:00:00Z"}
        hindering: dict[str, Object] = {"suspended": {"suspend": True}, "blackout": {"blackouts": [night]}}
        gameday = copy.deepcopy(due(api_server, **hindering.get(hindered, {})))
        if hindered == "not ready":
            gameday["status"]["conditions"][0]["status"] = "False"
            api_server.put("gamedays", "shop", gameday)
        one.halt = Halt(HaltState.HALTED if hindered == "halted" else HaltState.CLEAR)
        one.now = SLOT + 1.0 if hindered == "over" else SLOT - 300.0
        one.begin()
        at = one.notifications._next_slot(one.store.gamedays["shop", "redis-failover"], one.now)
        assert at is None or at - COUNTDOWN > one.now
        await asyncio.sleep(0.3)
        assert (receiver.bodies, one.pods) == ([], [])


async def test_a_countdown_that_no_pod_could_send_in_time_is_not_sent_later(
    api_server: ApiServer, cluster: Cluster, tmp_path: Path, receiver: HttpReceiver
) -> None:
    async with team(api_server, cluster, tmp_path, hook(receiver)) as one:
        due(api_server)
        one.works = False
        one.now = SLOT - 300.0
        one.begin()
        await becomes(lambda: len(one.pods) == 1)
        one.show(one.pods[0], {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}})
        await asyncio.sleep(0.3)
        one.now = SLOT + 1.0
        one.notifications.gameday_changed(("shop", "redis-failover"))
        await becomes(lambda: bool(announced(api_server)))
        (noted,) = announced(api_server)["notifications"]
        assert noted["failed"] == ["countdown"]
        assert noted["message"].endswith("within 10 min: ImagePullBackOff: Back-off pulling image")
        await becomes(lambda: one.pods == [])
        assert receiver.bodies == []


async def test_a_countdown_is_of_no_drill_and_what_an_earlier_one_left_is_deleted(
    api_server: ApiServer, cluster: Cluster, tmp_path: Path, receiver: HttpReceiver
) -> None:
    async with team(api_server, cluster, tmp_path, hook(receiver)) as one:
        due(api_server)
        one.works = False
        one.now = SLOT - 300.0
        one.begin()
        await becomes(lambda: len(one.pods) == 1)
        (pod,) = one.pods
        assert [owner["kind"] for owner in pod["metadata"]["ownerReferences"]] == ["GameDay"]
        assert pod["metadata"]["labels"]["gameday.dev/slot"] == str(int(SLOT))
        await one.die()
        one.now = SLOT + 86_400.0 - 300.0
        one.begin()
        await becomes(lambda: len(one.pods) == 1 and one.pods[0]["metadata"]["name"] != pod["metadata"]["name"])
        one.works = True
        tomorrow = f"redis-failover-{int(SLOT) // 60 + 1440}"
        await becomes(lambda: [body["subject"] for body in receiver.bodies] == [tomorrow])
        await becomes(lambda: one.pods == [])


def decided(server: ApiServer, decision: str, message: str = "", **spec: Any) -> None:
    """The schedule's part of the operator has decided the slot; ``spec`` is what somebody changed before that."""
    gameday = copy.deepcopy(server.objects["gamedays", "shop", "redis-failover"])
    gameday["spec"] |= spec
    slot = {"at": "2026-11-30T12:00:00.000Z", "decision": decision, "message": message}
    if decision:
        gameday["status"] |= {"lastDecidedSlot": slot["at"], "slots": [{k: v for k, v in slot.items() if v}]}
    server.put("gamedays", "shop", gameday)


async def announce(one: Team, count: int = 1) -> None:
    one.now = SLOT - 300.0
    one.begin()
    await becomes(lambda: bool(announced(one.server)) and len(one.notifications._slots_over) == count)
    await one.die()


CHANGED = {"schedule": DAILY | {"cron": "30 12 * * *"}}


@pytest.mark.parametrize(
    ("decision", "message", "spec", "why"),
    [
        ("Suspended", "spec.schedule.suspend is true", {}, "Suspended: spec.schedule.suspend is true"),
        ("Halted", "", {}, "Halted"),
        ("", "", CHANGED, "its schedule was changed"),
    ],
)
async def test_who_was_told_of_a_slot_that_did_not_run_is_told_that_once_whoever_is_killed(
    api_server: ApiServer,
    cluster: Cluster,
    tmp_path: Path,
    receiver: HttpReceiver,
    decision: str,
    message: str,
    spec: Object,
    why: str,
) -> None:
    async with team(api_server, cluster, tmp_path, hook(receiver)) as one:
        uid = due(api_server)["metadata"]["uid"]
        await announce(one)
        one.now = SLOT + 1.0
        decided(api_server, decision, message, **spec)
        await one.lives_until(lambda: announced(api_server)["notifications"][0]["sent"] == ["countdown", "cancelled"])
        one.begin()
        await asyncio.sleep(0.3)
        assert one.pods == []
        _, event = receiver.bodies
        assert event["id"] == f"{uid}/{int(SLOT) // 60}/cancelled"
        assert event["type"] == "dev.gameday.drill.cancelled"
        assert event["data"]["summary"] == (
            "GameDay redis-failover in shop did not run at 2026-11-30 12:00:00 UTC, as it was announced to do"
        )
        assert event["data"]["why"] == why
        assert event["data"]["drillUID"] == ""


@pytest.mark.parametrize(
    ("decision", "later"),
    [("Started", 1.0), ("Starting", 1.0), ("", 1.0), ("Suspended", -1.0), ("Suspended", HAND_OVER + 60.0)],
)
async def test_nothing_follows_where_the_slot_ran_or_is_not_decided_or_nobody_waits_any_more(
    api_server: ApiServer, cluster: Cluster, tmp_path: Path, receiver: HttpReceiver, decision: str, later: float
) -> None:
    async with team(api_server, cluster, tmp_path, hook(receiver)) as one:
        due(api_server)
        await announce(one)
        one.now = SLOT + later
        decided(api_server, decision)
        one.begin()
        await asyncio.sleep(0.3)
        assert [event["type"] for event in receiver.bodies] == ["dev.gameday.drill.countdown"]
        assert one.pods == []


async def test_who_was_not_told_or_is_no_receiver_any_more_is_told_nothing_else(
    api_server: ApiServer, cluster: Cluster, tmp_path: Path, receiver: HttpReceiver
) -> None:
    receiver.answers = [Answer(400), Answer()]
    async with team(api_server, cluster, tmp_path, hook(receiver, "one"), hook(receiver, "two")) as one:
        due(api_server)
        await announce(one)
        became = {entry["name"]: set(entry) & {"sent", "failed"} for entry in announced(api_server)["notifications"]}
        (refused,) = [name for name, fields in became.items() if fields == {"failed"}]
        assert sorted(map(sorted, became.values())) == [["failed"], ["sent"]]
        one.now = SLOT + 1.0
        decided(api_server, "Halted", notifications=[hook(receiver, refused)])
        one.begin()
        await becomes(lambda: any(cancelled for _, _, cancelled in one.notifications._slots_over))
        assert len(receiver.bodies) == 2
        assert one.pods == []


async def test_what_became_of_an_older_slot_takes_nothing_from_a_newer_one(
    api_server: ApiServer, cluster: Cluster, tmp_path: Path, receiver: HttpReceiver
) -> None:
    async with team(api_server, cluster, tmp_path, hook(receiver)) as one:
        due(api_server)
        await announce(one)
        newer = {"slot": "2026-11-30T12:05:00.000Z", "notifications": [{"name": "bus", "sent": ["countdown"]}]}
        gameday = copy.deepcopy(api_server.objects["gamedays", "shop", "redis-failover"])
        old = SlotNotifier(
            cluster, gameday, SLOT, one.store, Settings("gameday-system", "me", "image"), lambda: one.now
        )
        gameday["status"]["announced"] = newer
        api_server.put("gamedays", "shop", gameday)
        await old.record({"bus": {Event.CANCELLED: Delivered(Outcome.SENT)}})
        assert announced(api_server) == newer
