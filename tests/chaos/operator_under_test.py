"""An operator that is to be killed, frozen, or to have its clock stepped, and how that is seen to have happened."""

import asyncio
import contextlib
import re
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from chaos.points import Point
from e2e.dialling import until
from e2e.namespaces import OperatorProcess, TeamNamespace


class NotInjected(Exception):
    """What a case was to do to the drill did not happen."""


class NotReached(Exception):
    """A drill took another way than over the point at which its operator was to die; another one may reach it."""


@dataclass
class OperatorUnderTest:
    """An operator that is to die at a point, or to stand still there, if one is given."""

    process: OperatorProcess
    mark: Path
    point: Point | None = None

    @property
    def pid(self) -> int:
        """Its process' number."""
        return self.process.process.pid

    @property
    def passed(self) -> Path:
        """The file that is there once it has gone on behind its point."""
        return self.mark.with_suffix(".passed")

    def reached(self) -> str:
        """The point at which the process says that it is, by its number.

        Raises:
            NotInjected: when it does not, or tells of another process or point.

        """
        if self.point is None or not self.mark.exists():
            raise NotInjected(f"process {self.pid} wrote nothing of its point")
        _, pid, name = self.mark.read_text().strip().split(" ", 2)
        if (int(pid), name) != (self.pid, self.point.name):
            raise NotInjected(f"process {pid} reached {name!r}, not {self.pid} {self.point.name!r}")
        return name

    def stopped(self) -> bool:
        """Whether the system says that the process is stopped."""
        # After the command's name, which may hold anything, comes the state.
        try:
            text = Path(f"/proc/{self.pid}/stat").read_text()
        except FileNotFoundError:
            return False
        return text.rpartition(")")[2].split()[0] == "T"

    async def off_by(self) -> float:
        """Seconds by which its heartbeat is ahead of our clock; it is up to some seconds old."""
        url = f"http://127.0.0.1:{self.process.port}/metrics"
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            text = await answer.text()
        (beat,) = re.findall(r"^gameday_heartbeat_timestamp_seconds (\S+)$", text, re.MULTILINE)
        return float(beat) - time.time()

    async def dies(self, ns: TeamNamespace, patience: float = 120) -> str:
        """Wait for its death at the point; how it died.

        Raises:
            NotReached: when its drill went another way, or did not come so far.
            NotInjected: when it ended otherwise.

        """

        async def over() -> str:
            if self.process.process.returncode is not None:
                return "dead"
            status = await ns.status()
            if status.get("phase") != "Finished" or await ns.left_behind():
                return ""
            return f"{status['verdict']} ({status['reason']}): {status['message']}"

        try:
            how = await until(over, "the point is reached", patience)
        except AssertionError as late:
            raise NotReached(str(late)) from None
        # The last points are so late that the drill seems to be over already.
        if how != "dead" and not await self._died_within(2.0):
            raise NotReached(f"the drill ended without reaching the point: {how}")
        return f"{self.ended()} {self.reached()}"

    def ended(self) -> str:
        """That it ended by SIGKILL.

        Raises:
            NotInjected: when it lives, or ended otherwise.

        """
        code = self.process.process.returncode
        if code != -signal.SIGKILL:
            raise NotInjected(f"process {self.pid} did not end by SIGKILL, but with {code}")
        return f"process {self.pid} ended by SIGKILL"

    async def _died_within(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.process.process.wait()
        return self.process.process.returncode is not None
