"""``make chaos``: everything killed at each step, on the real cluster; docs/chaos.md is made of what it finds.

``python -m chaos -k REGEX`` runs the cases whose names match. Rows are kept in tests/chaos/rows.json, each with the
commit at which it ran: a row stays until its case is run again, so that a run in pieces makes one table. Exits 1 when
any case that was to run did not, or is not as promised.
"""

import argparse
import asyncio
import contextlib
import os
import re
import sys
import time

from chaos import agents, calls, clocks, freezes, kills, outages, people, pods, restarts, takeover, uninstall, users
from chaos.case import Case, ChaosNamespace, attempt, chaos_namespace
from chaos.row import Results, Row
from chaos.table import publish, summary
from e2e import dialling
from e2e.dialling import ROOT
from e2e.namespaces import cluster_output, kubectl
from gameday.errors import GameDayError

ROWS = ROOT / "tests" / "chaos" / "rows.json"
LOGS = ROOT / "build" / "chaos-logs"
NAMESPACES_TRIED = 4
"""How often a namespace that could not be set up is tried again."""
PACE = 0.25
"""Seconds between two looks at the same thing: many drills run at once, and looking is work as well."""


def all_cases() -> list[Case]:
    """Every case of the table."""
    parts = (kills, calls, users, people, restarts, freezes, clocks, takeover, agents, pods, uninstall, outages)
    return [case for part in parts for case in part.cases()]


def say(row: Row, done: int, of: int) -> None:
    """Tell the person who waits."""
    state = "bad " if row.faults() else "good"
    print(
        f"{time.strftime('%H:%M:%S')}  {done:3}/{of}  {state}  {row.took:5.0f} s  {row.key}: {row.verdict or '-'}, "
        f"late {row.late:.1f} s",
        flush=True,
    )
    for fault in row.faults():
        print(f"          {fault}", flush=True)


class Runner:
    """Runs cases in some namespaces at once."""

    def __init__(self, cases: list[Case], results: Results, end: float) -> None:
        self.waiting = list(cases)
        self.results = results
        self.end = end
        self.of = len(cases)
        self.done = 0

    async def run(self, namespaces: int) -> None:
        """All that wait, in so many namespaces."""
        async with asyncio.TaskGroup() as group:
            for number in range(min(namespaces, len(self.waiting))):
                group.create_task(self._live(number))

    async def _live(self, number: int) -> None:
        """Take one case after another; after a bad one in a new namespace."""
        left = NAMESPACES_TRIED
        while self._more():
            try:
                async with chaos_namespace(f"chaos-{number}") as here:
                    await self._fill(here)
            except (AssertionError, GameDayError) as error:
                left -= 1
                print(f"          no namespace: {error}", flush=True)
                if not left:
                    raise

    async def _fill(self, here: ChaosNamespace) -> None:
        """Run one case after another in a namespace, until one leaves it unfit."""
        while self._more():
            case = self.waiting.pop(0)
            row = await attempt(case, here, LOGS)
            self.done += 1
            self.results.add(row)
            say(row, self.done, self.of)
            if row.faults() or case.spoils or not await _cleared(here):
                return

    def _more(self) -> bool:
        return bool(self.waiting) and time.monotonic() < self.end


async def _cleared(here: ChaosNamespace) -> bool:
    with contextlib.suppress(AssertionError, GameDayError):
        await here.clear()
        return True
    return False


async def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("-k", metavar="REGEX", default="", help="only the cases whose names match")
    parser.add_argument("-n", type=int, default=4, help="namespaces at once")
    parser.add_argument("-t", type=float, default=float("inf"), metavar="SECONDS", help="begin no case after these")
    parser.add_argument("--missing", action="store_true", help="only the cases that have no good row yet")
    parser.add_argument("--list", action="store_true", help="only name the cases")
    parser.add_argument("--table", action="store_true", help="only write docs/chaos.md anew")
    given = parser.parse_args()
    everything = all_cases()
    chosen = [case for case in everything if re.search(given.k, case.key)]
    if given.list:
        print("\n".join(case.key for case in chosen))
        return 0
    results = Results.read(ROWS)
    if given.missing:
        chosen = [case for case in chosen if results.bad([case.key])]
    left: list[Case] = []
    if not given.table:
        if not chosen:
            print(f"no case matches {given.k!r}", file=sys.stderr)
            return 1
        os.environ["PATH"] = f"{cluster_output('path')}:{os.environ['PATH']}"
        # The demo's operator sees every namespace: it would carry the cases' drills out as well.
        kubectl("delete", "namespace", "gameday-system", "--ignore-not-found")
        kubectl("apply", "-k", str(ROOT / "crds"))
        dialling.pace = PACE
        began = time.monotonic()
        end = began + given.t
        for what in dict.fromkeys(case.alone for case in sorted(chosen, key=lambda case: case.alone != "")):
            together = [case for case in chosen if case.alone == what]
            runner = Runner(together, results, end)
            await runner.run(len(together) if what else given.n)
            left += runner.waiting
        print(f"{len(chosen)} cases in {time.monotonic() - began:.0f} s")
    bad = results.bad(case.key for case in (chosen if given.k else everything))
    bad += [f"{case.key}: was not run in this run: no time was left" for case in left]
    publish(results, everything)
    print(summary(results, everything))
    for line in bad:
        print(f"bad: {line}", file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
