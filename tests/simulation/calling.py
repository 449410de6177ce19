"""A platform whose API drills call, and the pods that call it: one call suspends a service, another resumes it.

It hosts the store, which a drill takes away by a call, or the workers, which rollbacks and mitigations suspend.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import yaml

from gameday.cluster.client import CONTAINER
from gameday.cluster.resources import PODS, Object
from gameday.model.agent import CallerConfig, CallFuseConfig
from gameday.model.labels import CALLER, ROLE
from simulation.scenario import Call
from simulation.switching import REFUSED, of_pod

if TYPE_CHECKING:
    from simulation.namespace import Agent, SimulatedNamespace

SUSPEND, RESUME, RESTART, FUSE = "suspend", "resume", "restart", "fuse"
"""The verbs of its API that have an effect, and who else may use them."""
GOOD: Final = "was answered with status 202"
TAKES: Final = 0.2
"""Seconds that an answer takes."""
AGAIN: Final = 1.0
"""Seconds until a caller tries again."""
SEEN_WITHIN: Final = 30.0
"""Seconds within which the effect of a call must be seen."""
STORE: Final = "store"
WORKERS: Final = "workers"
"""What a platform hosts, as its URLs name it."""
HOST_PROBE: Final = {"name": "host", "interval": "1s", "timeout": "1s", "http": {"url": "http://host/"}}
BY_CALL = """
name: suspend
http:
  do: {url: "http://platform/store/suspend", method: POST}
  undo: {url: "http://platform/store/resume", method: POST}
  verify: {seen: "!store.body.up", undone: "store.body.up"}
  within: 30s
"""


def by_call(spec: Object, probe: Object, call: Call) -> Object:
    """The same plan, but that a call suspends the dependency, or restarts it."""
    fault = yaml.safe_load(BY_CALL)
    if not call.sees:
        del fault["http"]["verify"]
    if call.ends is not None:
        del fault["http"]["undo"]
        fault["http"] |= {"do": {"url": f"http://platform/{STORE}/{RESTART}", "method": "POST"}, "withoutFuse": True}
    return spec | {"outage": spec["outage"] | {"faults": [fault]}, "probes": [*spec["probes"], probe]}


def by_platform(steps: Sequence[Object], *, sees: bool) -> list[Object]:
    """The same steps of a platform that hosts the workers: scaled away is suspended; what runs once is called once."""
    return [step if "restart" in step else _hosted(number, step, sees=sees) for number, step in enumerate(steps)]


def _hosted(number: int, step: Object, *, sees: bool) -> Object:
    def request(verb: str) -> Object:
        return {"url": f"http://platform/{WORKERS}/{verb}", "method": "POST"}

    if "scale" in step:
        call: Object = {"do": request("suspend"), "undo": request("resume"), "within": "20s"}
        if sees:
            call["verify"] = {"seen": "!host.body.up", "undone": "host.body.up"}
        return {"name": step["name"], "http": call}
    verb = "resume" if "restore" in step else f"clear-{number}"
    return {"name": step["name"], "httpOnce": request(verb), "irreversible": True}


def is_caller(pod: Object) -> bool:
    """Whether a pod makes a call."""
    return bool(pod["metadata"]["labels"].get(ROLE) == CALLER)


@dataclass(slots=True)
class SimulatedPlatform:
    """The platform that hosts one service of one namespace."""

    ns: "SimulatedNamespace"
    call: Call
    service: str = STORE
    turned: Callable[[bool], None] = lambda _: None
    """Called when the service is suspended (True) and when it is resumed."""
    down: bool = False
    """Whether the service is suspended."""
    resuming: bool = False
    """Whether a request to resume it was answered well, and nothing has suspended it since."""
    heard: Callable[[str, str], None] = lambda *_: None
    """Called with each call that is carried out: the agent that made it, and its verb."""
    fails: int = field(init=False)
    silent: int = field(init=False)

    def __post_init__(self) -> None:
        """Answer the first calls badly or not at all, as many as the trial wants."""
        self.fails, self.silent = self.call.fails, self.call.silent

    def hosts(self, url: str) -> bool:
        """Whether a URL is one of its service's."""
        return f"/{self.service}/" in url

    def runs(self, agent: "Agent") -> None:
        """A caller's container has started."""
        config = of_pod(agent.pod)
        world = self.ns.server.store.world
        over = world.now + config.waits + config.tries_for
        world.after(config.waits + TAKES, self._try, agent, config, over)

    def _try(self, agent: "Agent", config: CallerConfig, over: float) -> None:
        world = self.ns.server.store.world
        if agent.ended:
            return
        if config.until and world.now >= config.until:
            self._end(agent, good=False, text="was not sent: its time was over before it could be sent", acted=False)
        elif self.call.refuses and config.request.url.endswith(SUSPEND):
            self._end(agent, good=False, text=REFUSED, acted=False)
        elif (text := self.answers(agent.name, config.request.url)) == GOOD:
            self._end(agent, good=True, text=text)
        elif world.now + AGAIN < over:
            world.after(AGAIN, self._try, agent, config, over)
        else:
            self._end(agent, good=False, text=text)

    def fires(self, config: CallFuseConfig) -> bool:
        """Whether the fuse's request is answered well."""
        return self.answers(FUSE, config.request.url) == GOOD

    def answers(self, agent: str, url: str) -> str:
        """How a request is answered, as its caller says it; one that is not answered badly is carried out later."""
        if self.fails:
            self.fails -= 1
            return "was answered with status 503"
        verb = url.rpartition("/")[2]
        self.heard(agent, verb)
        if verb in {SUSPEND, RESUME}:
            suspends = verb == SUSPEND
            self.resuming = not suspends
            takes = self.call.takes if suspends else self.call.resumes
            self.ns.server.store.world.after(takes, self._turn, suspends)
        if verb == RESTART and self.call.ends is not None:
            self.ns.server.store.world.after(self.call.takes, self._turn, True)
            self.ns.server.store.world.after(self.call.takes + self.call.ends, self._turn, False)
        if self.silent:
            self.silent -= 1
            return "got no answer (timeout)"
        return GOOD

    def _turn(self, suspends: bool) -> None:
        self.down = suspends
        self.turned(suspends)

    def _end(self, agent: "Agent", *, good: bool, text: str, acted: bool = True) -> None:
        self.ns.end(agent)
        self.leaves(agent, good=good, text=text, acted=acted)

    def leaves(self, agent: "Agent", *, good: bool, text: str, acted: bool = True) -> None:
        """The kubelet says what a container left, once the API server hears it."""
        store = self.ns.server.store
        if not self.ns.server.works:
            store.world.after(1.0, lambda: self.leaves(agent, good=good, text=text, acted=acted))
            return
        metadata = agent.pod["metadata"]
        message = json.dumps({"good": good, "text": text, "acted": acted})
        ended: list[Object] = [{"name": CONTAINER, "state": {"terminated": {"message": message}}}]
        phase = "Succeeded" if good else "Failed"
        store.status(PODS, self.ns.namespace, metadata["name"], metadata["uid"], phase=phase, containerStatuses=ended)
