"""The way from an operator's process to the API server: calls take time, are refused, come late, lose their answer."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gameday.cluster.client import CALL_SECONDS, WATCH_SECONDS, Cluster
from gameday.cluster.resources import (
    CILIUM_NETWORK_POLICIES,
    DEPLOYMENTS,
    DRILLS,
    EVENTS,
    LEASES,
    PODS,
    Object,
    Resource,
)
from gameday.errors import (
    ClusterUnreachable,
    Conflict,
    Forbidden,
    GameDayError,
    NotFound,
    NotLeading,
    OutcomeUnknown,
    Rejected,
    TooManyRequests,
)
from simulation.scenario import What
from simulation.store import Store, Stream, copied

if TYPE_CHECKING:
    from simulation.process import Process

API_GIVES_UP = 60.0
"""Seconds for which an API server works on a request: kube-apiserver's --request-timeout."""
ETCD_LAGS = 15.0
"""Seconds after which etcd carries out a write that the API server gave up on with a 500."""
WRITES = frozenset({"create", "update", "patch", "delete", "evict"})
ANSWERS: Mapping[str, Callable[[str], GameDayError]] = {
    "403": Forbidden,
    "404": NotFound,
    "409": Conflict,
    "422": Rejected,
    "429": lambda text: TooManyRequests(text, 1.0),
    "500": ClusterUnreachable,
}
LONG = "the admission webhook “policies” says no. " * 80
"""As much as an admission webhook may have to say, in more than ASCII."""
RULES: tuple[Object, ...] = ({"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},)


@dataclass(slots=True)
class Server:
    """The API server as it is at the moment: how it fails, and who may do what."""

    store: Store
    down: bool = False
    hangs: bool = False
    up_since: float = 0.0
    waiting: list[Callable[[], None]] = field(default_factory=list)
    """Requests that it has taken and not yet looked at."""
    refusing: list[str] = field(default_factory=list)
    """Answers to the next calls."""
    failed: int = 0
    """Writes so far that it answered with a 500: of three one is not carried out, one is, and one will be."""
    losing: int = 0
    delays: list[float] = field(default_factory=list)
    scale_takes: float = 0.0
    under_way: int = 0
    """Writes that were sent and have not been carried out or refused."""
    without_rights: set[str] = field(default_factory=set)
    dropping: bool = False
    late: bool = False
    logs: Callable[[str, str], "LogSource"] = field(default=lambda _, __: LogSource())

    @property
    def works(self) -> bool:
        """Whether it answers."""
        return not (self.down or self.hangs)

    def tell(self, stream: Stream, event: Object) -> None:
        """Hand an event to a watch, unless something is wrong with watches."""
        world = self.store.world
        if self.dropping and world.random.random() < 0.5:
            world.tally.took_effect(What.WATCH_DROPS)
            return
        if self.late:
            world.tally.took_effect(What.WATCH_LATE)
            world.after(world.random.uniform(0, 2), stream.deliver, event)
        elif self.hangs:
            self.waiting.append(lambda: stream.deliver(event))
        else:
            stream.deliver(event)

    def break_streams(self) -> None:
        """Break every watch that is open."""
        for stream in self.store.streams:
            stream.end()
        self.store.streams.clear()


KUBELET_TAKES = 0.01
"""Seconds until the first lines of a log come: the API server has to ask the kubelet, so a write is often faster."""


@dataclass(slots=True)
class LogSource:
    """A pod's log, as the kubelet has it."""

    lines: list[bytes] = field(default_factory=list)
    started: bool = False
    ended: bool = False
    gone: bool = True
    ends: int = 0
    """How often the streams of it that were open have ended, as when its kubelet restarts: without an error."""
    wakes: list[Callable[[], None]] = field(default_factory=list)

    def write(self, line: bytes) -> None:
        """Append a line, and tell whoever follows."""
        self.lines.append(line)
        self.tell()

    def end_streams(self) -> bool:
        """End the streams that are open; whether there were any."""
        self.ends += 1
        self.tell()
        return bool(self.wakes)

    def tell(self) -> None:
        """Wake whoever follows."""
        for wake in self.wakes:
            wake()


class StoreCluster(Cluster):
    """The operator's client, whose calls go to a store; whoever extends it says in ``_ask`` how they get there."""

    def __init__(self, store: Store, actor: str) -> None:
        self.store = store
        self.actor = actor

    async def get(
        self, resource: Resource, namespace: str | None, name: str, subresource: str | None = None
    ) -> Object | None:
        where = namespace or ""

        def read() -> Object | None:
            found = self.store.get(resource, where, name)
            if found is not None and subresource == "scale":
                metadata = {field: found["metadata"][field] for field in ("resourceVersion", "uid")}
                return {"metadata": metadata, "spec": {"replicas": found["spec"]["replicas"]}}
            return copied(found) if found is not None and resource is LEASES else found

        try:
            answer: Object | None = await self._ask("get", resource, read)
        except NotFound:
            return None
        return answer

    async def list(
        self, resource: Resource, namespace: str | None, labels: str = "", fields: str = ""
    ) -> tuple[tuple[Object, ...], str]:
        answer: tuple[tuple[Object, ...], str] = await self._ask(
            "list", resource, lambda: self.store.list(resource, namespace, labels, fields)
        )
        return answer

    async def create(
        self, resource: Resource, namespace: str | None, body: Object, *, dry_run: bool = False, strict: bool = False
    ) -> Object:
        where, verb = namespace or "", "get" if dry_run else "create"
        return await self._write(
            verb, resource, lambda: self.store.create(self.actor, resource, where, body, dry_run=dry_run)
        )

    async def replace(self, resource: Resource, namespace: str | None, name: str, body: Object) -> Object:
        where = namespace or ""
        body = copied(body) if resource is LEASES else body
        return await self._write(
            "update", resource, lambda: self.store.replace(self.actor, resource, where, name, body)
        )

    async def replace_status(self, resource: Resource, namespace: str | None, name: str, body: Object) -> Object:
        where = namespace or ""
        return await self._write(
            "update", resource, lambda: self.store.replace_status(self.actor, resource, where, name, body)
        )

    async def patch(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        body: Object,
        subresource: str | None = None,
        *,
        dry_run: bool = False,
    ) -> Object:
        where = namespace or ""
        return await self._write(
            "patch", resource, lambda: self.store.patch(self.actor, resource, where, name, body), body
        )

    async def delete(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        *,
        uid: str | None = None,
        version: str | None = None,
        grace: int | None = None,
    ) -> bool:
        def act() -> None:
            self.store.delete(self.actor, resource, namespace or "", name, uid, version)

        try:
            await self._ask("delete", resource, act)
        except NotFound:
            return False
        return True

    async def evict(self, namespace: str, pod: str, *, uid: str) -> bool:
        try:
            await self._ask("evict", PODS, lambda: self.store.evict(self.actor, namespace, pod, uid))
        except NotFound:
            return False
        return True

    async def _write(
        self, verb: str, resource: Resource, act: Callable[[], Object], body: Object | None = None
    ) -> Object:
        answer: Object = await self._ask(verb, resource, act, body)
        return answer

    async def _ask(self, verb: str, resource: Resource, act: Callable[[], Any], body: Object | None = None) -> Any:
        """Have the store act; ``body`` is what a patch changes."""
        return act()


class SimulatedCluster(StoreCluster):
    """The same on the simulated clock; ``process`` is whose it is, ``account`` the namespace acted in."""

    def __init__(
        self, server: Server, process: "Process", account: str = "", may_write: Callable[[], bool] = lambda: True
    ) -> None:
        super().__init__(server.store, "account" if account else process.name)
        self.server = server
        self._may_write = may_write
        self.process = process
        self.account = account
        self.requests = process.requests

    def as_account(self, namespace: str) -> "SimulatedCluster":
        """The same, acting as a namespace's account."""
        return SimulatedCluster(self.server, self.process, namespace, self._may_write)

    def with_write_fence(self, may_write: Callable[[], bool]) -> "SimulatedCluster":
        """The same, asking before each write."""
        return SimulatedCluster(self.server, self.process, self.account, may_write)

    async def close(self) -> None:
        """Nothing is open."""

    async def served(self, resources: Iterable[Resource]) -> frozenset[Resource]:
        return frozenset()

    async def kinds_ending(self, ending: str) -> dict[Resource, bool]:
        return {}

    async def rules(self, namespace: str) -> tuple[Object, ...]:
        return RULES

    async def watch(
        self, resource: Resource, namespace: str | None, version: str, labels: str = "", fields: str = ""
    ) -> AsyncGenerator[Object, None]:
        stream: Stream = await self._ask(
            "watch", resource, lambda: self.store.watch(resource, namespace, version, labels, fields)
        )
        loop = self.process.loop
        self.store.world.after(WATCH_SECONDS, stream.end_in_time)
        try:
            while True:
                while stream.queue:
                    yield stream.queue.popleft()
                if stream.over:
                    return
                if stream.broken:
                    raise ClusterUnreachable(f"watch {resource.plural}: the connection broke")
                woken = loop.create_future()
                stream.wake = lambda woken=woken: woken.done() or woken.set_result(None)  # type: ignore[misc]
                await woken
        finally:
            stream.broken = True
            if stream in self.store.streams:
                self.store.streams.remove(stream)

    async def log(self, namespace: str, pod: str) -> AsyncGenerator[bytes, None]:
        source: LogSource = self.server.logs(namespace, pod)
        await self._ask("log", DRILLS, lambda: None)
        there = asyncio.Event()
        self.store.world.after(KUBELET_TAKES, there.set)
        await there.wait()
        if source.gone:
            raise NotFound(f'pods "{pod}" not found')
        if not source.started:
            raise Rejected(f"container of pod {pod} is waiting to start")
        told, ends, loop = 0, source.ends, self.process.loop
        woken = loop.create_future()

        def wake() -> None:
            if not woken.done():
                woken.set_result(None)

        source.wakes.append(wake)
        try:
            while True:
                while told < len(source.lines):
                    told += 1
                    yield source.lines[told - 1] + b"\n"
                if source.ended or source.ends > ends:
                    return
                if self.server.down:
                    raise ClusterUnreachable("the stream broke")
                await woken
                woken = loop.create_future()
        finally:
            source.wakes.remove(wake)

    async def _ask(self, verb: str, resource: Resource, act: Callable[[], Any], body: Object | None = None) -> Any:
        """Send a request, and wait for its answer.

        What is sent arrives although the process dies meanwhile, and is done although nobody waits any more.
        """
        if resource is EVENTS:
            return {}
        self.requests[verb, resource.plural] += 1
        process, world = self.process, self.store.world
        if process.dead:
            raise ClusterUnreachable("this process is dead")
        if verb in WRITES and not self._may_write():
            raise NotLeading(f"{verb} {resource.plural}: not sent")
        answer = process.loop.create_future()
        moment = process.next_call(verb, resource)
        if moment == "before":
            process.kill()
            return await answer
        takes = 0.0
        if body is not None and resource is DEPLOYMENTS and body["spec"]["replicas"] == 0:
            takes, self.server.scale_takes = self.server.scale_takes, 0.0
        delay = takes or 0.002
        if not takes and self.server.delays and resource is not LEASES:
            delay = self.server.delays.pop(0)
            world.tally.took_effect(What.DELAY)
        if takes:
            world.tally.took_effect(What.SCALE_LATE)
        if delay <= API_GIVES_UP:
            self.server.under_way += verb in WRITES and resource is not LEASES
            world.after(delay, self._arrive, verb, resource, act, answer, moment)
        if delay > CALL_SECONDS:
            world.after(CALL_SECONDS, _fail, answer, OutcomeUnknown(f"{verb} {resource.plural}: no answer in time"))
        if moment == "sent":
            process.kill()
        return await answer

    def _arrive(self, verb: str, resource: Resource, act: Callable[[], Any], answer: Any, moment: str) -> None:
        server, world = self.server, self.store.world
        if server.hangs:
            world.tally.took_effect(What.API_HANGS)
            text = f"{verb} {resource.plural}: no answer in time"
            world.after(CALL_SECONDS, _fail, answer, OutcomeUnknown(text))
            server.waiting.append(lambda: self._arrive(verb, resource, act, answer, moment))
            return
        server.under_way -= verb in WRITES and resource is not LEASES
        if server.down:
            world.tally.took_effect(What.API_DOWN)
            _fail(answer, ClusterUnreachable(f"{verb} {resource.plural}: connection refused"))
            return
        try:
            self._admit(verb, resource)
            result = act()
        except OutcomeUnknown as error:
            self._leave_to_etcd(act)
            world.after(0.002, self._answer, answer, error, moment)
            return
        except GameDayError as error:
            world.after(0.002, self._answer, answer, error, moment)
            return
        if verb in WRITES and resource is not LEASES and server.losing > 0:
            server.losing -= 1
            world.tally.took_effect(What.LOSE)
            world.after(0.002, _fail, answer, OutcomeUnknown(f"{verb} {resource.plural}: the answer got lost"))
            return
        world.after(0.002, self._answer, answer, result, moment)

    def _leave_to_etcd(self, act: Callable[[], Any]) -> None:
        """Carry a write out now, later, or never: a 500 says none of it."""
        server = self.server
        server.failed += 1
        if server.failed % 3 == 1:
            _try(act)
        elif server.failed % 3 == 2:
            server.under_way += 1
            server.store.world.after(ETCD_LAGS, self._carry_out_late, act)

    def _carry_out_late(self, act: Callable[[], Any]) -> None:
        self.server.under_way -= 1
        _try(act)

    def _admit(self, verb: str, resource: Resource) -> None:
        if self.account in self.server.without_rights and self.account:
            self.store.world.tally.took_effect(What.RIGHTS_GONE)
            raise Forbidden(f"{verb} {resource.plural} is forbidden: {LONG}")
        # A Lease is not refused by itself: losing it is tried by whole outages.
        # What is there is never said not to be: only a write can find that its namespace or kind has gone.
        lies = self.server.refusing[:1] == ["404"] and verb not in WRITES
        if self.server.refusing and resource is not LEASES and verb != "log" and not lies:
            status = self.server.refusing.pop(0)
            self.store.world.tally.took_effect(What.REFUSE)
            means = OutcomeUnknown if status == "500" and verb in WRITES else ANSWERS[status]
            raise means(f"{verb} {resource.plural}: refused with {status}: {LONG}")
        if resource is CILIUM_NETWORK_POLICIES:
            raise NotFound("the server could not find the requested resource")

    def _answer(self, answer: Any, result: Any, moment: str) -> None:
        if moment == "answered":
            self.process.kill()
        if isinstance(result, GameDayError):
            _fail(answer, result)
        elif not answer.done():
            answer.set_result(result)


def _try(act: Callable[[], Any]) -> None:
    """Carry a request out late, if that can still be done; its error reaches nobody."""
    with suppress(GameDayError):
        act()


def _fail(answer: Any, error: GameDayError) -> None:
    if not answer.done():
        answer.set_exception(error)
