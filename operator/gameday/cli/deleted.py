"""What is known of a Drill that was deleted while a command followed it: only what its last state says.

An operator takes the finalizer off once everything is undone. A person can take it off as well, and then nobody has
looked: the fuses of the changes are still to fire. The Drill is gone, so the message has what is needed to undo.
"""

from collections.abc import Iterator
from typing import Any

from gameday.api.undo_entries import read
from gameday.cli.asking import condition
from gameday.cluster.resources import Object
from gameday.model.change import ChangeState
from gameday.model.labels import DRILL


def deleted(last: Object) -> str:
    """The message about a deleted drill, by the state in which it was last seen."""
    namespace, name = last["metadata"]["namespace"], last["metadata"]["name"]
    status = last.get("status", {})
    if not status.get("phase"):
        return f"drill {name} was deleted; when it was last seen, no operator had started it"
    if condition(last, "FaultsCleared").get("status") == "True":
        return f"drill {name} was deleted; when it was last seen, nothing of it was left in the cluster"
    entries = list(_open(status)) or ["no entry of status.undo was open"]
    return "\n".join(
        (
            f"drill {name} was deleted, and it is not known whether all that it changed was undone. When it was last "
            f"seen, in phase {status['phase']}, its undo log said:",
            *(f"  {entry}" for entry in entries),
            "An operator that runs the drill undoes this, else a fuse does at its deadline. Look at each object above, "
            "and put back by hand what its fuse has not, as docs/reasons.md says under Leftovers. "
            f"`kubectl -n {namespace} get networkpolicies,ciliumnetworkpolicies,jobs,pods -l {DRILL}={name}` "
            "lists what is left of the drill's own objects",
        )
    )


def _open(status: Object) -> Iterator[str]:
    """Each entry of the undo log that may still be changed, with what undoes it."""
    for entry in status.get("undo", ()):
        if entry.get("state") == ChangeState.UNDONE.value:
            continue
        try:
            yield _entry(read(entry))
        except (ValueError, TypeError, AttributeError, KeyError):
            named = f"{entry.get('name', '?')} ({entry.get('state', '?')}): {entry.get('changes', '?')}"
            yield f"{named}; the rest of its entry cannot be read"


def _entry(entry: Object) -> str:
    changed, fuse = entry["object"], entry.get("fuse")
    before = f", before: {entry['before']}" if "before" in entry else ""
    return f"{entry['name']} ({entry['state']}): {changed['kind']} {changed['name']}{before}; {_undoing(fuse)}"


def _undoing(fuse: dict[str, Any] | None) -> str:
    if fuse is None:
        return "no fuse undoes it, so undo it by hand"
    deadline = f", at {fuse['deadline']} at the latest" if "deadline" in fuse else ""
    return f"{fuse['kind']} {fuse['name']} undoes it{deadline}"
