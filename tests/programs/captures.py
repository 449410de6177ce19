"""Captures of commands for the docs: what they print of simulated drills, ``python -m programs.captures [--check]``.

The operator, the statuses that it writes and the commands are the real ones; the cluster and its system are simulated
(docs/simulation.md), so that the same captures come of each run and a test sees when one is not true any more.
"""

import contextlib
import io
import json
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from gameday.api.dry_run import read
from gameday.api.record import moment
from gameday.cli import explain, history, plan
from gameday.cli.output import table
from gameday.cli.runs import runs_of
from gameday.cli.watching.picture import picture
from gameday.cluster.resources import Object
from gameday.model.sample import LineType, Sample
from gameday.model.wire import parse_line
from simulation import running
from simulation.scenario import Defect, Scenario, Trial
from simulation.silence import silent

DOCS: Final = Path(__file__).parents[2] / "docs"
WIDTH: Final = 120
BLOCK: Final = r"(?<=<!-- capture: {name} -->\n```\n).*?(?=^```$)"
"""The block of a page that a capture stands in."""
SCHEDULE: Final = {"cron": "0 10 * * 2", "timeZone": "Europe/Berlin"}
WATCHED: Final = 3.0
"""Seconds into the outage at which a drill is watched."""


class Drilled:
    """A simulated drill that has ended, under the names of the docs."""

    def __init__(self, trial: Trial, name: str, image: str = "shop/api:41") -> None:
        self.name = name
        self.image = image
        made = running.Simulation(Scenario(1, (trial,)))
        outcome = made.run()
        if outcome.broken:
            raise RuntimeError(f"the simulated drill broke a promise: {outcome.broken[0]}")
        (self.ns,) = made.namespaces

    def drill(self, look: Callable[[Object], bool] = lambda _: True) -> Object:
        """The Drill with its last status of which ``look`` is true."""
        status = next(one for one in reversed(self.ns.statuses) if look(one))
        shown: Object = json.loads(self._renamed({k: v for k, v in status.items() if k != "state"}))
        if "targets" in shown:
            # Simulated pods run no images.
            shown["targets"] = [f"Deployment api: template {self.image[-2:]}f7c; api={self.image}"]
        metadata = {"name": self.name, "namespace": "shop", "creationTimestamp": status.get("startedAt", "")}
        spec = {"gameDay": "redis-failover", "dryRun": self.ns.trial.dry_run}
        return {"metadata": metadata, "spec": spec, "status": shown | {"state": status["state"]}}

    def samples(self, until: float) -> Mapping[str, list[Sample]]:
        """The samples of each probe up to then."""
        found: dict[str, list[Sample]] = {}
        for agent in ("observer", "client"):
            for line in self.ns.source(f"{self.ns.drill_name}-{agent}").lines:
                sample = parse_line(agent, line.decode())
                if isinstance(sample, Sample) and sample.type is LineType.SAMPLE and sample.received <= until:
                    found.setdefault(sample.name, []).append(sample)
        return found

    def _renamed(self, status: Object) -> str:
        text = json.dumps(status)
        pairs = (("town-0", "shop"), ("drill-0", self.name), ("GameDay plan", "GameDay redis-failover"))
        for old, new in (*pairs, ("Pod api-0", "Deployment api"), ("api-0", "api-6f7c-x2x8p")):
            text = text.replace(old, new)
        return text


def planned() -> str:
    """``gameday plan``."""
    dry_run = Drilled(Trial(dry_run=True, close_connections=True), "redis-failover-plan-3f9c1a")
    drill = dry_run.drill()
    status = drill["status"]
    gameday = {"metadata": {"name": "redis-failover", "namespace": "shop"}, "spec": {"schedule": SCHEDULE}}
    now = moment(status["finishedAt"])
    runs = tuple(runs_of(gameday | {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}, plan.RUNS, now))
    found = plan.Planned("redis-failover", "shop", status["reason"], status["message"], read(status), runs)
    return _printed(lambda: plan.tell(found, now))


def watched() -> str:
    """``gameday watch``, in the outage."""
    drilled = Drilled(Trial(close_connections=True), "redis-failover-x7k2p")
    drill = drilled.drill(lambda status: status["phase"] == "Outage")
    told = explain.frozen(drill)
    if told[1] is None or told[1].outage_started_at is None:
        raise RuntimeError("the simulated drill has no proven outage")
    now = told[1].outage_started_at + WATCHED
    out = Console(file=io.StringIO(), width=WIDTH, highlight=False, markup=False)
    with out.capture() as capture:
        out.print(picture(drill, told, drilled.samples(now), "", now))
    return _trimmed(capture.get())


def explained() -> str:
    """``gameday explain``, of a drill that failed."""
    drill = Drilled(Trial(close_connections=True, defect=Defect.MUTE), "redis-failover-x7k2p").drill()
    return _printed(lambda: explain.tell(explain.explain(drill)))


def recalled() -> str:
    """``gameday history``, at the first failure."""
    good, bad = Trial(close_connections=True), Trial(close_connections=True, defect=Defect.MUTE)
    past = [
        history.Past(_dated(Drilled(trial, name, image).drill(), day))
        for trial, name, image, day in (
            (good, "redis-failover-29930216", "shop/api:41", "2026-11-24"),
            (bad, "redis-failover-29940296", "shop/api:42", "2026-12-01"),
        )
    ]
    pair = history.turned(past)
    if pair is None:
        raise RuntimeError("the second of the simulated drills did not fail")
    turn = history.Turn(*pair, history.plan_difference(*pair), tuple(history.target_differences(*pair)), ())

    def tell() -> None:
        table(history.HEADERS, (one.row() for one in past))
        sys.stdout.write("\n" + "\n".join(turn.lines()) + "\n")

    return _printed(tell)


def _dated(drill: Object, day: str) -> Object:
    times = {key: f"{day}T09:{drill['status'][key][14:]}" for key in ("startedAt", "finishedAt")}
    return drill | {"status": drill["status"] | times}


def _printed(tell: Callable[[], None]) -> str:
    with contextlib.redirect_stdout(io.StringIO()) as out:
        tell()
    return _trimmed(out.getvalue())


def _trimmed(text: str) -> str:
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


CAPTURES: Final[Mapping[str, tuple[str, Callable[[], str]]]] = {
    "plan": ("how-to/plan.md", planned),
    "watch": ("how-to/commands.md", watched),
    "explain": ("how-to/commands.md", explained),
    "history": ("how-to/commands.md", recalled),
}
"""Each capture with its page, and what makes it."""


def with_capture(page: str, name: str, text: str) -> str:
    """A page with a capture made anew."""
    block = re.compile(BLOCK.format(name=name), re.DOTALL | re.MULTILINE)
    if block.search(page) is None:
        raise ValueError(f"no block of the page is marked for capture {name}")
    return block.sub(lambda _: text, page, count=1)


def main(arguments: list[str]) -> int:
    """Write the captures into their pages, or with ``--check`` return 1 where one differs."""
    pages: dict[Path, str] = {}
    for name, (page, made) in CAPTURES.items():
        path = DOCS / page
        with silent():
            text = made()
        pages[path] = with_capture(pages.get(path, path.read_text(encoding="utf-8")), name, text)
    old: list[Any] = [path for path, text in pages.items() if path.read_text(encoding="utf-8") != text]
    if "--check" not in arguments:
        for path in old:
            path.write_text(pages[path], encoding="utf-8")
        return 0
    for path in old:
        print(f"{path}: a capture is not true any more: run `make generate` and commit", file=sys.stderr)
    return 1 if old else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
