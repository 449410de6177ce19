"""The page docs/chaos.md: a short table with one line a group, and every row."""

import os
import platform
import time
from collections import Counter
from collections.abc import Iterable
from typing import Final

from chaos.case import Case
from chaos.row import LATEST, Results, Row
from e2e.dialling import ROOT

TITLES: Final = {
    "faults": "operator killed before and after each action of a cut",
    "several": "operator killed before and after each action of a cut, a scale and another cut",
    "rollback": "operator killed before and after each action of a rollback",
    "calls": "operator killed before and after each action of a call to a platform",
    "users": "operator killed before and after each action of a user of a Redis that is switched off",
    "manual": "operator killed before and after each action of a fault that a person makes",
    "restart": "operator killed before and after each action of a rollback that restarts a workload",
    "mitigation": "operator killed before and after each action of a mitigation",
    "frozen": "operator frozen before each action, thawed when another one has ended its drill",
    "take-over": "leader killed, a second replica waiting (10 s are promised)",
    "agents": "our pods killed or deleted",
    "operator's pods": "operator's pods evicted, or their image gone",
    "clock": "operator's clock steps by 30 s or an hour",
    "outages": "API server or etcd stopped, or killed, for 60 s",
    "uninstall": "things taken away in the wrong order",
}
"""What stands for a group in both tables."""

HEAD: Final = """# What happens when it is killed

Made by `make chaos`; do not edit. The newest row is of {when}, on {machine}. {runs} of {there} cases were run, {bad} of
them not as promised.

Each case is a whole drill on a real cluster. The cases

- kill the operator before and after each thing that it does in a drill, with a restart and without;
- freeze it before each thing, and thaw it when another operator has ended the drill;
- kill, delete or evict the pods of the drill and of the operator;
- stop or kill the API server and etcd, and step the operator's clock;
- take away what was installed, in every wrong order.

Nothing may be left behind, nothing may be done twice, and nothing may outlive the deadline of its fuse by more than
{latest:.0f} s, counted from the API server's return where it was away. Each case must see that what it does to the
drill happened; one whose kill, freeze, step, outage, eviction, take-over or removal was not seen is `not injected`,
which is a fault. `CHAOS="-k 'REGEX'" make chaos` runs a part and leaves the other rows.

| column | says |
| --- | --- |
| left behind | what was still there of the drill after its end, such as policies, pods and changed replicas |
| done twice | cuts, scalings and Jobs that were made a second time |
| late | seconds by which the cut or the scaling outlived the deadline of its fuse |
| commit | where the case ran, with `-dirty` where the tree was another; a row stays until its case runs again |

*Without a restart* means that no operator ran until the fuses had done their part; then one was started, to see that
it finds its way and tidies up. A verdict of Inconclusive is right wherever nobody was there to judge. With a restart
the drill of a good system must pass; only CollateralCut and DependencyDown are let through as well, because on a busy
machine DNS or Redis may not answer for a second. The cases of clocks step the clock of the operator; an agent reads
the clock of its node.
{older}
## In short

{short}"""

COLUMNS: Final = """| case | left behind | done twice | late | verdict | commit | remark |
| --- | --- | --- | --- | --- | --- | --- |"""
OLDER: Final = """
`<6493691` are rows of code before that commit; `≤97c15f7` and `≤2840fc1` are rows that were published with that commit
and ran on its code or on older code: nothing better is known of them. These cases did not yet assert that what they do
to a drill happened, except that the operator died or was frozen at the point named.
"""
"""What is said while there are rows of a time in which their commit was not noted."""


def summary(results: Results, cases: Iterable[Case]) -> str:
    """The short table: one line a group."""
    lines = [
        "| what was done | cases | left behind | done twice | late, at most | verdicts | as promised | commit |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    cases = list(cases)
    for (group, restart), rows in _grouped(results, cases).items():
        ran = [row for row in rows if not row.not_run]
        good = sum(not row.faults() for row in ran)
        title = TITLES[group] + (f", {restart} a restart" if restart else "")
        there = sum(case.group == group and case.restart == restart for case in cases)
        cells = [
            title,
            (str(there) if there == len(ran) else f"{len(ran)} of {there}") + _not_run(rows),
            str(sum(len(row.leftovers) for row in ran)),
            str(sum(row.doubles for row in ran)),
            f"{max((row.late for row in ran), default=0.0):.1f}",
            _verdicts(ran),
            f"{good} of {len(ran)}",
            _commits(ran),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def full(results: Results, cases: Iterable[Case]) -> str:
    """The page: what is done, the short table, and every row by group."""
    cases = list(cases)
    rows = [row for case in cases if (row := results.rows.get(case.key)) is not None]
    rows = [row for row in rows if not row.not_run]
    bad = sum(bool(row.faults()) for row in rows)
    when = time.strftime("%Y-%m-%d", time.gmtime(max((row.at for row in rows), default=time.time())))
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.release().split('-')[0]}"
    older = OLDER if any(row.commit.startswith(("<", "≤")) for row in rows) else ""
    about = {"when": when, "machine": machine, "runs": len(rows), "there": len(cases), "bad": bad, "older": older}
    parts = [HEAD.format(latest=LATEST, short=summary(results, cases), **about)]
    for (group, restart), found in _grouped(results, cases).items():
        title = TITLES[group] + (f", {restart} a restart" if restart else "")
        parts.append(f"\n## {title[0].upper()}{title[1:]}\n")
        parts.append(COLUMNS)
        parts += [_line(row) for row in found]
    return "\n".join(parts) + "\n"


def publish(results: Results, cases: Iterable[Case]) -> None:
    """Write the page."""
    cases = list(cases)
    results.keep(case.key for case in cases)
    (ROOT / "docs" / "chaos.md").write_text(full(results, cases))


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


def _not_run(rows: list[Row]) -> str:
    """How many were not run, by why."""
    why = Counter(row.not_run for row in rows if row.not_run)
    return f" ({'; '.join(f'{count} not run: {text}' for text, count in why.items())})" if why else ""


def _commits(rows: list[Row]) -> str:
    """The commits at which rows ran."""
    return ", ".join(dict.fromkeys(row.commit for row in rows if row.commit))


def _line(row: Row) -> str:
    if row.not_run:
        return f"| {row.case} | | | | not run | | {row.not_run} |"
    remark = "; ".join([*([row.note] if row.note else []), *(f"**{fault}**" for fault in row.faults())])
    cells = (row.case, str(len(row.leftovers)), str(row.doubles), f"{row.late:.1f}", row.verdict, row.commit, remark)
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"
