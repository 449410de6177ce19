"""The tables: the short one of the README, and every row in docs/chaos.md."""

import os
import platform
import re
import time
from collections.abc import Iterable
from typing import Final

from chaos.house import Case
from chaos.row import LATEST, Results, Row
from e2e.dialling import ROOT

MARKS: Final = ("<!-- chaos -->", "<!-- /chaos -->")
TITLES: Final = {
    "faults": "operator killed before and after each deed of a cut",
    "rollback": "operator killed before and after each deed of a rollback",
    "frozen": "operator frozen before each deed, thawed when another one has ended its drill",
    "take-over": "leader killed, a second replica waiting (10 s are promised)",
    "agents": "our pods killed or deleted",
    "operator's pods": "operator's pods evicted, or their image gone",
    "clock": "operator's clock steps by 30 s or an hour",
    "outages": "API server or etcd stopped, or killed, for 60 s",
    "uninstall": "things taken away in the wrong order",
}
"""What stands for a group in the README."""

HEAD: Final = """# What happens when it is killed

Made by `make chaos`; do not edit. {when}, on {machine}: {runs} of {there} cases, {bad} of them not as
promised.

Each case is a whole drill on a real cluster. *Left* is what was still there of the drill after its end: policies, Jobs,
pods, the lock, finalizers, replicas that are not as before. *Twice* counts cuts, scalings and Jobs that were made a
second time. *Late* is how many seconds the cut or the scaling outlived the deadline of its fuse (counted from the API
server's return where it was away); at most {latest:.0f} are allowed. *Without restart* means that no operator ran until
the fuses had done their part; then one was started, to see that it finds its way and tidies up. A frozen one was thawed
when another had ended its drill: what it was about to do may not come then.

A verdict of Inconclusive is right wherever nobody was there to judge: it is never the system's fault that we died.
With a restart a good system's drill must pass; only CollateralCut and DependencyDown are let through as well, since on
a busy machine DNS or Redis may not answer for a second.
"""


def summary(results: Results, cases: Iterable[Case]) -> str:
    """The short table: one line a group."""
    lines = [
        "| what was done | cases | left behind | done twice | latest, seconds | verdicts | as promised |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    cases = list(cases)
    for (group, restart), rows in _grouped(results, cases).items():
        good = sum(not row.faults() for row in rows)
        title = TITLES[group] + (f", {restart} a restart" if restart else "")
        there = sum(case.group == group and case.restart == restart for case in cases)
        cells = [
            title,
            str(there) if there == len(rows) else f"{len(rows)} of {there}",
            str(sum(len(row.leftovers) for row in rows)),
            str(sum(row.doubles for row in rows)),
            f"{max(row.late for row in rows):.1f}",
            _verdicts(rows),
            f"{good} of {len(rows)}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def full(results: Results, cases: Iterable[Case]) -> str:
    """Every row, by group."""
    cases = list(cases)
    rows = [row for case in cases if (row := results.rows.get(case.key)) is not None]
    bad = sum(bool(row.faults()) for row in rows)
    when = time.strftime("%Y-%m-%d", time.gmtime(max((row.at for row in rows), default=time.time())))
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.release().split('-')[0]}"
    parts = [HEAD.format(when=when, machine=machine, runs=len(rows), there=len(cases), bad=bad, latest=LATEST)]
    for (group, restart), found in _grouped(results, cases).items():
        title = TITLES[group] + (f", {restart} a restart" if restart else "")
        parts.append(f"\n## {title[0].upper()}{title[1:]}\n")
        parts.append("| case | left | twice | late | verdict | remark |\n| --- | --- | --- | --- | --- | --- |")
        parts += [_line(row) for row in found]
    return "\n".join(parts) + "\n"


def publish(results: Results, cases: Iterable[Case]) -> None:
    """Write both tables where people read them."""
    cases = list(cases)
    (ROOT / "docs" / "chaos.md").write_text(full(results, cases))
    readme = ROOT / "README.md"
    text = readme.read_text()
    if MARKS[0] in text:
        table = f"{MARKS[0]}\n{summary(results, cases)}\n{MARKS[1]}"
        readme.write_text(re.sub(rf"{MARKS[0]}.*?{MARKS[1]}", lambda _: table, text, flags=re.DOTALL))


def _grouped(results: Results, cases: Iterable[Case]) -> dict[tuple[str, str], list[Row]]:
    found: dict[tuple[str, str], list[Row]] = {}
    order = list(TITLES)
    for case in sorted(cases, key=lambda case: (order.index(case.group), case.restart == "without")):
        row = results.rows.get(case.key)
        if row is not None:
            found.setdefault((case.group, case.restart), []).append(row)
    return found


def _verdicts(rows: list[Row]) -> str:
    words = [row.verdict.partition(" ")[0] for row in rows if row.verdict]
    return ", ".join(f"{words.count(word)} {word}" for word in sorted(set(words)))


def _line(row: Row) -> str:
    remark = "; ".join([*([row.note] if row.note else []), *(f"**{fault}**" for fault in row.faults())])
    cells = (row.case, str(len(row.leftovers)), str(row.doubles), f"{row.late:.1f}", row.verdict, remark)
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"
