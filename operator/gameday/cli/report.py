"""``gameday report``: reads a Drill, its samples, its GameDay and earlier drills, with the caller's rights."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from gameday.api import samples
from gameday.api.conditions import SAMPLES_KEPT
from gameday.api.drill import is_dry_run
from gameday.api.samples import Kept, SamplesUnreadable
from gameday.cli.asking import NotDone
from gameday.cli.forms import Report as Form
from gameday.cluster.client import Cluster
from gameday.cluster.resources import CONFIG_MAPS, DRILLS, GAMEDAYS, Object
from gameday.errors import Forbidden, NotFound
from gameday.model.names import samples_of

OLDER: Final = "this drill ran with a version that kept no samples"
DELETED: Final = "its samples were deleted: spec.history.samples of the GameDay says for how many drills they are kept"


@dataclass(frozen=True, slots=True)
class Sources:
    """What a report is made of."""

    drill: Object
    gameday: Object | None
    kept: Kept | None
    no_samples: str
    drills: tuple[Object, ...]


async def read(cluster: Cluster, namespace: str, name: str) -> Sources:
    """Read all that a report needs; what may not be read is left out, and a report says so.

    Raises:
        NotDone: when there is no such Drill.
        GameDayError: when it cannot be read.

    """
    drill = await cluster.get(DRILLS, namespace, name)
    if drill is None:
        raise NotDone(
            f"there is no Drill {name} in namespace {namespace}: `kubectl -n {namespace} get drills` lists them"
        )
    if is_dry_run(drill):
        raise NotDone(f"Drill {name} is a dry run, of which there is no report: `gameday explain {name}` shows it")
    try:
        gameday = await cluster.get(GAMEDAYS, namespace, drill["spec"]["gameDay"])
    except Forbidden:
        gameday = None
    try:
        found, _ = await cluster.list(DRILLS, namespace)
        drills = tuple(one for one in found if not is_dry_run(one))
    except (Forbidden, NotFound):
        drills = ()
    kept, why = await kept_samples(cluster, namespace, drill)
    return Sources(drill, gameday, kept, why, drills)


async def kept_samples(cluster: Cluster, namespace: str, drill: Object) -> tuple[Kept | None, str]:
    """The samples of a drill, or why there are none."""
    status = drill.get("status", {})
    said = next((one for one in status.get("conditions", ()) if one["type"] == SAMPLES_KEPT), None)
    if "verdict" not in status:
        return None, "the drill has not ended, and its samples are kept when it does"
    if said is None and "samples" not in status:
        measured = any(line.startswith(("Outage", "SteadyState")) and ": Met" in line for line in _lines(status))
        return None, OLDER if measured else "the drill ended before anything was measured"
    if said is not None and said["status"] != "True":
        return None, f"they were not kept: {said['message']}"
    try:
        there = await cluster.get(CONFIG_MAPS, namespace, samples_of(drill["metadata"]["name"]))
        return (samples.read(there), "") if there is not None else (None, DELETED)
    except SamplesUnreadable as error:
        return None, str(error)
    except Forbidden as error:
        grant = f"kubectl -n {namespace} create role gameday-samples --verb=get --resource=configmaps"
        return None, f"you may not read them ({error.answer}); `{grant}` and a RoleBinding grant that"


def _lines(status: Object) -> list[str]:
    return [line for line in status.get("expectations", ()) if isinstance(line, str)]


def written(sources: Sources, form: Form, today: date) -> str:
    """The report as text; ``today`` decides which action items are overdue."""
    if form is Form.JUNIT:
        from gameday.cli.junit import junit

        return junit(sources.drill)
    from gameday.report.facts import report

    found = report(sources.drill, sources.gameday, sources.kept, sources.no_samples, sources.drills)
    match form:
        case Form.HTML:
            from gameday.report.page import html

            return html(found, today)
        case Form.MARKDOWN:
            from gameday.report.text import markdown

            return markdown(found, today)
        case Form.JSON:
            from gameday.report.data import as_json

            return as_json(found, today)
