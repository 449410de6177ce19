"""A platform whose API a drill calls, and the pods that call it: one call suspends the store, another resumes it."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import yaml

from gameday.cluster.client import CONTAINER
from gameday.cluster.resources import PODS, Object
from gameday.model.agent import CallerConfig, CallFuseConfig, read_config
from gameday.model.labels import CALLER, ROLE
from simulation.scenario import Call

if TYPE_CHECKING:
    from simulation.namespace import Agent, SimulatedNamespace

TAKES: Final = 0.2
"""Seconds that an answer takes."""
AGAIN: Final = 1.0
"""Seconds until a caller tries again."""
SEEN_WITHIN: Final = 30.0
"""Seconds within which the effect of a call must be seen."""
FAULT: Final = "suspend"
BY_CALL = """
name: suspend
http:
  do: {url: "http://platform/store/suspend", method: POST}
  undo: {url: "http://platform/store/resume", method: POST}
  verify: {seen: "!store.body.up", undone: "store.body.up"}
  within: 30s
"""


def by_call(spec: Object, probe: Object, *, sees: bool) -> Object:
    """The same plan, but that a call suspends the dependency."""
    fault = yaml.safe_load(BY_CALL)
    if not sees:
        del fault["http"]["verify"]
    return spec | {"outage": spec["outage"] | {"faults": [fault]}, "probes": [*spec["probes"], probe]}


def is_caller(pod: Object) -> bool:
    """Whether a pod makes a call."""
    return bool(pod["metadata"]["labels"].get(ROLE) == CALLER)


@dataclass(slots=True)
class SimulatedPlatform:
    """The platform of one namespace."""

    ns: "SimulatedNamespace"
    call: Call
    down: bool = False
    """Whether the store is suspended."""
    resuming: bool = False
    """Whether a request to resume it was answered well, and nothing has suspended it since."""
    heard: Callable[[bool], None] = lambda _: None
    """Called with each call that is carried out: whether it suspends."""
    fails: int = field(init=False)

    def __post_init__(self) -> None:
        """Answer the first calls badly, as many as the trial wants."""
        self.fails = self.call.fails

    def runs(self, agent: "Agent") -> None:
        """A caller's container has started."""
        config = read_config(agent.pod["spec"]["containers"][0]["env"][0]["value"], CallerConfig)
        world = self.ns.server.store.world
        over = world.now + config.waits + config.tries_for
        world.after(config.waits + TAKES, self._try, agent, config, over)

    def _try(self, agent: "Agent", config: CallerConfig, over: float) -> None:
        world = self.ns.server.store.world
        if agent.ended:
            return
        if config.until and world.now >= config.until:
            self._end(agent, good=False, text="was not sent: its time was over before it could be sent")
        elif self.answers(config.request.url):
            self._end(agent, good=True, text="was answered with status 202")
        elif world.now + AGAIN < over:
            world.after(AGAIN, self._try, agent, config, over)
        else:
            self._end(agent, good=False, text="was answered with status 503")

    def fires(self, config: CallFuseConfig) -> bool:
        """Whether the fuse's request is answered well."""
        return self.answers(config.request.url)

    def answers(self, url: str) -> bool:
        """Whether a request is answered well; such a call is carried out some time later."""
        if self.fails:
            self.fails -= 1
            return False
        suspends = url.endswith("/suspend")
        self.resuming = not suspends
        self.heard(suspends)
        takes = self.call.takes if suspends else self.call.resumes
        self.ns.server.store.world.after(takes, self._turn, suspends)
        return True

    def _turn(self, suspends: bool) -> None:
        self.down = suspends
        self.ns.turned()

    def _end(self, agent: "Agent", *, good: bool, text: str) -> None:
        self.ns.end(agent)
        self.leaves(agent, good=good, text=text)

    def leaves(self, agent: "Agent", *, good: bool, text: str) -> None:
        """The kubelet says what a container left, once the API server hears it."""
        store = self.ns.server.store
        if not self.ns.server.works:
            store.world.after(1.0, lambda: self.leaves(agent, good=good, text=text))
            return
        metadata = agent.pod["metadata"]
        message = json.dumps({"good": good, "text": text, "acted": True})
        ended: list[Object] = [{"name": CONTAINER, "state": {"terminated": {"message": message}}}]
        phase = "Succeeded" if good else "Failed"
        store.status(PODS, self.ns.namespace, metadata["name"], metadata["uid"], phase=phase, containerStatuses=ended)
