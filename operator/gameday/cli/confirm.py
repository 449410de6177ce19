"""``gameday confirm``: a person says that they have done, or undone, what a fault of a Drill asks a person for."""

from gameday.actions.registry import KINDS
from gameday.api.drill import CONFIRM
from gameday.api.undo_entries import FUSES
from gameday.cli.asking import NotDone
from gameday.cli.explain import frozen
from gameday.cli.following import ended
from gameday.cli.forms import Word
from gameday.cluster.client import Cluster
from gameday.cluster.resources import DRILLS, Object
from gameday.errors import NotFound


async def confirm(cluster: Cluster, namespace: str, name: str, fault: str, word: Word) -> tuple[Object, str]:
    """Confirm a fault of a drill that asks a person; the Drill, and what follows in a sentence.

    Raises:
        NotDone: when there is no such drill or fault, or the drill does not ask for it now.
        GameDayError: when the request fails.

    """
    drill = await cluster.get(DRILLS, namespace, name)
    if drill is None:
        raise NotDone(
            f"there is no Drill {name} in namespace {namespace}: `kubectl -n {namespace} get drills` lists them"
        )
    follows = _checked(drill, fault, word)
    body = {"metadata": {"annotations": {f"{CONFIRM}{fault}": word.value}}}
    try:
        return await cluster.patch(DRILLS, namespace, name, body), follows
    except NotFound as error:
        raise NotDone(f"Drill {name} was deleted a moment ago: undo by hand what you did for it") from error


def _checked(drill: Object, fault: str, word: Word) -> str:
    """What follows from the word, which is refused where the operator would not read it or would read it wrongly."""
    name = drill["metadata"]["name"]
    if ended(drill):
        raise NotDone(f"Drill {name} has ended, so nothing reads what is confirmed now")
    asked = {one["name"]: ", requested " in str(one.get("times", "")) for one in _by_hand(drill)}
    if not asked:
        raise NotDone(f"Drill {name} has asked for nothing so far: it asks once its steady state is met")
    if fault not in asked:
        raise NotDone(f"Drill {name} asks nobody for fault {fault}; those that it asks for: {', '.join(asked)}")
    if not asked[fault]:
        raise NotDone(f"Drill {name} has not asked for fault {fault} yet: wait for ActByHand in `gameday watch {name}`")
    if word is Word.UNDONE:
        return (
            f"noted: fault {fault} is undone. Drill {name} goes on once a probe sees it, or by your word "
            "if no probe can tell"
        )
    if any(one["name"] == fault and _makes_itself(one) for one in _by_hand(drill)):
        raise NotDone(f"Drill {name} makes fault {fault} itself, by a call: confirm only that it is undone")
    plan, _ = frozen(drill)
    faults = plan.outage.faults if plan is not None else ()
    begins = f"noted: fault {fault} is done. The outage of Drill {name} begins"
    if any(one.name == fault and "seen" in one.action.signs for one in faults):
        return f"{begins} once a probe sees it"
    return f"{begins}; by your word alone the verdict is Inconclusive (NotProven) at best"


def _by_hand(drill: Object) -> list[Object]:
    """The entries of the undo log for which a person is asked: they have no fuse."""
    return [one for one in drill.get("status", {}).get("undo", ()) if not one.keys() & FUSES]


def _makes_itself(entry: Object) -> bool:
    """Whether the drill makes the change of an entry, and a person only ends it."""
    kind = KINDS.changes.get(entry.get("kind", ""))
    return kind is not None and kind.planned.OUTSIDE
