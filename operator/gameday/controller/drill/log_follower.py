"""Follows the agents' logs and adds their samples to the evidence.

Each log is read from its first line whenever it is opened, and the evidence ignores lines that it has. So a broken
stream or a restarted operator loses no line that the kubelet still has, and no read position must be saved.
"""

import asyncio
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from gameday.cluster.client import Cluster
from gameday.cluster.informer import follow_log
from gameday.cluster.resources import DRILLS
from gameday.controller.logs import logger, named
from gameday.controller.task_set import TaskSet
from gameday.controller.telemetry import Metrics
from gameday.engine.evidence.clocks import offset_of, skew_of
from gameday.engine.evidence.evidence import Evidence
from gameday.errors import GameDayError, NotFound
from gameday.model.names import CLOSER, COUNTER
from gameday.model.observation import ConnectionsClosed, ConnectionsCounted, Opened
from gameday.model.record import Reason
from gameday.model.sample import LineType, Sample
from gameday.model.wire import parse_line

REOPEN_AFTER: Final = 0.5
"""Seconds before a log that could not be followed, or whose stream ended too early, is opened again."""

LOG_LIMIT: Final = 10 * 1024 * 1024
"""Longest log of an agent that is read, in bytes: the kubelet rotates there, so a restart could not read it again."""

MOST_BACK: Final = 1000
"""Most lines of an agent that may come after a later one: for each, what was judged is judged anew."""

LONGEST_ADDRESS: Final = 128
"""Most characters of an address, or of a target's name, in an agent's report."""
LONGEST_WHOSE: Final = 256
"""Most characters of what an agent says of one connection: a target, its address and the server's."""
MOST_SEEN: Final = 256
"""Most addresses that an agent may report."""
MOST_OPENED: Final = 1000
"""Most connections of which is remembered when they were opened, the newest: a counter names one a second."""

TOLD: Final = 3
"""Rejected lines of an agent that are logged one by one; of further ones only the number is logged, at the end."""

PASSED_OVER: Final = "LinePassedOver"
log = logger("gameday.feed")

OFTEN: Final = frozenset({LineType.SAMPLE, LineType.DIAL})
"""Lines of which an agent writes so many that one comes fast. The one line of a fuse may wait for its log to open,
which says nothing of its clock."""


class LogFollower:
    """Follows the logs of a drill's agents and keeps what they report."""

    def __init__(
        self,
        cluster: Cluster,
        namespace: str,
        drill: str,
        metrics: Metrics,
        clock: Callable[[], float],
        *,
        resumes: bool = True,
    ) -> None:
        self.log = log.bind(**named(DRILLS.kind, namespace, drill))
        self.cluster = cluster
        self.namespace = namespace
        self.metrics = metrics
        self.clock = clock
        self.evidence: Evidence | None = None
        self.probe_agents: Mapping[str, str] = {}
        """The agent that runs each probe."""
        self.closed: dict[str, ConnectionsClosed] = {}
        """The result of closing connections, by the agent that reports it."""
        self.counted: dict[str, ConnectionsCounted] = {}
        """What each counter has seen of the targets' connections."""
        self.seen: dict[str, tuple[str, ...]] = {}
        """Addresses of targets of which each has seen a connection."""
        self.fuses_armed: dict[str, float] = {}
        """Fuses whose dry run succeeded, by their agent's name, and the Unix second at which each fires."""
        self.fuse_troubles: dict[str, str] = {}
        """Why the dry run of a fuse failed, by its agent's name."""
        self.unusable = ""
        """Why an agent's log is not read any further, or ""."""
        self._lags: dict[str, float] = {}
        self._wake: Callable[[], None] = lambda: None
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._ended: set[str] = set()
        self._skipped: dict[str, int] = {}
        self._newest: dict[str, float] = {}
        self._back: dict[str, int] = {}
        self._began = clock() if resumes else -math.inf
        """Lines of before are read late, in whatever time."""

    def on_sample(self, wake: Callable[[], None]) -> None:
        """Call ``wake`` after each sample."""
        self._wake = wake

    @property
    def skew(self) -> float:
        """Seconds by which the clocks of the agents differ."""
        return skew_of(self._lags.values())

    @property
    def offset(self) -> float:
        """Seconds by which the clocks of the agents differ from that of this process."""
        return offset_of(self._lags.values())

    def follow(self, tasks: TaskSet, agent: str, pod: str, *, ended: bool) -> None:
        """Follow the log of an agent's pod; ``ended`` is whether its containers have. A fuse may get another pod."""
        if ended:
            self._ended.add(pod)
        if pod not in self._tasks:
            self._tasks[pod] = tasks.start(self._follow(agent, pod))

    def take(self, sample: Sample) -> None:
        """Take a sample that did not come from a log."""
        if self._keep(sample):
            self._wake()

    async def _follow(self, agent: str, pod: str) -> None:
        while True:
            last = pod in self._ended
            try:
                if not await self._read(agent, pod) or last:
                    return
                # The API server ends the stream in the same way where the kubelet restarts under a running container.
                await asyncio.sleep(REOPEN_AFTER)
            except NotFound:
                return
            except GameDayError as error:
                self.log.warning("log of pod %s: %s", pod, error, reason=error.reason)
                await asyncio.sleep(max(REOPEN_AFTER, error.after))
            finally:
                self._log_skipped(agent)

    async def _read(self, agent: str, pod: str) -> bool:
        """Read a log to its end, or up to its limit, so that no agent can exhaust the operator's memory.

        Returns whether the stream ended, so that there may be more to read.
        """
        size = 0
        async for line in follow_log(self.cluster, self.namespace, pod):
            size += len(line) + 1
            if size > LOG_LIMIT:
                self._stop_reading(
                    f"the log of agent {agent} is longer than {LOG_LIMIT >> 20} MiB, and the operator "
                    "stopped reading it"
                )
                return False
            self._take(agent, line)
            if self._back.get(agent, 0) > MOST_BACK:
                self._stop_reading(
                    f"agent {agent} writes lines that go back in time again and again, and the operator "
                    "stopped reading them"
                )
                return False
        return True

    def _stop_reading(self, why: str) -> None:
        self.log.warning(why, reason=Reason.LOG_UNUSABLE.value)
        self.unusable = why
        self._wake()

    def _log_skipped(self, agent: str) -> None:
        if (count := self._skipped.pop(agent, 0)) > TOLD:
            self.log.warning("%d invalid lines of agent %s were skipped", count, agent, reason=PASSED_OVER)

    def _take(self, agent: str, line: bytes) -> None:
        try:
            sample = parse_line(agent, line)
            self._check_author(sample)
        except ValueError as error:
            count = self._skipped[agent] = self._skipped.get(agent, 0) + 1
            if count <= TOLD:
                self.log.warning("invalid line of agent %s skipped: %s", agent, error, reason=PASSED_OVER)
            return
        if not self._keep(sample):
            return
        newest = self._newest.get(agent, sample.received)
        self._back[agent] = self._back.get(agent, 0) + (sample.received < newest)
        self._newest[agent] = max(newest, sample.received)
        if sample.received > self._began:
            lag = self.clock() - sample.received
            if sample.type in OFTEN:
                self._lags[agent] = min(lag, self._lags.get(agent, lag))
            self.metrics.lag.observe(max(0.0, lag))
        self._wake()

    def _check_author(self, sample: Sample) -> None:
        """Accept only the line types of the agent's role, and samples only of probes that the agent runs.

        Raises:
            ValueError: when the line is not the agent's to write.

        """
        if sample.type not in types_of(sample.agent):
            raise ValueError(f"an agent of this role may not write a line of type {sample.type.value}")
        if sample.type is LineType.SAMPLE and self.probe_agents.get(sample.name) != sample.agent:
            raise ValueError("it names a probe that this agent does not run")

    def _keep(self, sample: Sample) -> bool:
        if sample.type is LineType.CONNECTIONS:
            before = self.counted.get(sample.agent, ConnectionsCounted())
            self.counted[sample.agent] = ConnectionsCounted(
                max(before.most, _count(sample, "count") or 0),
                sample.error or "",
                _opened(before.opened, sample),
                direct=sample.values.get("direct", before.direct) is True,
                unseen=(_count(sample, "unseen") or 0) if "unseen" in sample.values else before.unseen,
                example=_text(sample, "example") or before.example,
            )
            seen = {*self.seen.get(sample.agent, ()), *_addresses(sample)}
            self.seen[sample.agent] = tuple(sorted(seen))[:MOST_SEEN]
        elif sample.type is LineType.CONNECTIONS_CLOSED:
            self.closed[sample.agent] = _connections_closed(sample)
        elif sample.type is LineType.ARMED and not sample.ok:
            self.fuse_troubles[sample.agent] = sample.error or "no answer"
        elif sample.type is LineType.ARMED:
            deadline = sample.values.get("deadline")
            if isinstance(deadline, int | float):
                self.fuses_armed[sample.agent] = float(deadline)
        return self.evidence.take(sample) if self.evidence is not None else True


def types_of(agent: str) -> frozenset[LineType]:
    """The types of lines that an agent of this name writes; empty for an unknown name."""
    role = agent.partition("-")[0]
    return frozenset({LineType.STARTED, *_TYPES[role]}) if role in _TYPES else frozenset()


_TYPES: Final = {
    "observer": (LineType.SAMPLE,),
    "client": (LineType.SAMPLE,),
    "witness": (LineType.DIAL, LineType.HELD, LineType.ADDRESSES),
    "control": (LineType.DIAL, LineType.HELD, LineType.ADDRESSES),
    COUNTER: (LineType.CONNECTIONS,),
    CLOSER: (LineType.CONNECTIONS_CLOSED,),
    "fuse": (LineType.ARMED, LineType.FIRED),
}
"""By role, which is the agent's name up to its number or step."""


def _connections_closed(sample: Sample) -> ConnectionsClosed:
    killed, left = (_count(sample, key) for key in ("killed", "left"))
    if killed is None or left is None:
        return ConnectionsClosed(0, 0, "the closer pod's answer cannot be read")
    error, unseen, example = "" if sample.ok else sample.error or "unknown error", *_unseen(sample)
    return ConnectionsClosed(
        killed,
        left,
        error,
        sample.received,
        unseen=unseen,
        example=example,
        opened=_count(sample, "opened") or 0,
        opener=_text(sample, "opener", LONGEST_WHOSE),
    )


def _opened(known: tuple[Opened, ...], sample: Sample) -> tuple[Opened, ...]:
    """The connections that a counter has seen, with the youngest that it sees now."""
    age = _count(sample, "age") if "age" in sample.values else None
    if age is None:
        return known
    one = Opened(_text(sample, "youngest"), sample.sent - age, sample.sent, _text(sample, "whose", LONGEST_WHOSE))
    if known and known[-1].connection == one.connection:
        return (*known[:-1], replace(known[-1], seen_at=one.seen_at))
    return (*known, one)[-MOST_OPENED:]


def _addresses(sample: Sample) -> list[str]:
    value = sample.values.get("seen")
    return [str(one)[:LONGEST_ADDRESS] for one in value] if isinstance(value, list | tuple) else []


def _unseen(sample: Sample) -> tuple[int, str]:
    return _count(sample, "unseen") or 0, _text(sample, "example")


def _text(sample: Sample, key: str, most: int = LONGEST_ADDRESS) -> str:
    return str(sample.values.get(key) or "")[:most]


def _count(sample: Sample, key: str) -> int | None:
    value = sample.values.get(key, 0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        return None
    return int(value)
