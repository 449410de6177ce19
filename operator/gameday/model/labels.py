"""The labels of the operator's own objects, and labels that an agent's pod must never have."""

import re
from collections.abc import Mapping
from typing import Final, Literal, get_args

DRILL: Final = "gameday.dev/drill"
ROLE: Final = "gameday.dev/role"
AGENT: Final = "gameday.dev/agent"
GAME_DAY: Final = "gameday.dev/gameday"
SLOT: Final = "gameday.dev/slot"
"""On a Drill that a schedule made: the Unix second of its slot."""
PLAN: Final = "gameday.dev/plan"
"""On a Drill that ``gameday plan`` made, which deletes it; where it could not, the operator does."""
Role = Literal["witness", "control", "observer", "fuse", "caller", "notifier"]
"""What an agent's pod is for: every value that the label ``gameday.dev/role`` has on pods."""
ROLES: Final[tuple[Role, ...]] = get_args(Role)
WITNESS: Final = "witness"
"""Role of the agents' pods that have the targets' labels and that a cut selects: no other role is ever cut."""
CONTROL: Final = "control"
"""Role of the agents' pods that have the targets' labels and that a cut must spare."""
PAIRED: Final[tuple[Role, ...]] = (WITNESS, CONTROL)
OBSERVER: Final = "observer"
"""Role of the agents' pods that run probes without the targets' labels."""
FUSE: Final = "fuse"
"""Role of fuses: their Jobs, and the pods of those that act."""
CALLER: Final = "caller"
"""Role of the agents' pods that make the calls of actions."""
NOTIFIER: Final = "notifier"
"""Role of the pods that send messages."""
MANAGED_BY: Final = "app.kubernetes.io/managed-by"

RESERVED_LABELS: Final = frozenset(
    {
        "pod-template-hash",
        "pod-template-generation",
        "controller-revision-hash",
        "statefulset.kubernetes.io/pod-name",
        "apps.kubernetes.io/pod-index",
        "job-name",
        "controller-uid",
        "batch.kubernetes.io/job-name",
        "batch.kubernetes.io/controller-uid",
        "argocd.argoproj.io/instance",
        "helm.sh/chart",
        "helm.toolkit.fluxcd.io/name",
        "helm.toolkit.fluxcd.io/namespace",
        "kustomize.toolkit.fluxcd.io/name",
        "kustomize.toolkit.fluxcd.io/namespace",
        MANAGED_BY,
    }
)
"""Labels by which a controller or a deployment tool knows its own pods: it would adopt, count or delete ours."""

_WORD: Final = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
LABEL_KEY: Final = re.compile(rf"([a-z0-9]([-a-z0-9.]{{0,251}}[a-z0-9])?/)?{_WORD}")
LABEL_VALUE: Final = re.compile(rf"({_WORD})?")
"""Labels and taints as Kubernetes has them (apimachinery, validation.IsQualifiedName and IsValidLabelValue)."""

STAND_IN: Final = "gameday-agent"
"""The value that an agent's pod has for a label of the targets if no policy needs the targets' own value.

The cut selects this value as well as the targets' own, and nothing else selects it. So autoscalers, ReplicaSets,
Services and schedulers do not count the agents as targets.
"""
_STAND_IN: Final = re.compile(rf"{STAND_IN}(-[0-9]+)?")
"""Each cut of a drill has one of its own, so that none takes another's witnesses for its targets."""


def is_stand_in(value: str) -> bool:
    """Whether a label's value is one that an agent's pod has in place of a target's."""
    return _STAND_IN.fullmatch(value) is not None


def ownership_labels(drill: str, role: str, agent: str = "") -> dict[str, str]:
    """The labels of an object of a drill."""
    own = {DRILL: drill, ROLE: role, MANAGED_BY: "gameday"}
    return own | ({AGENT: agent} if agent else {})


def is_ours(labels: Mapping[str, str]) -> bool:
    """Whether an object with these labels is a drill's."""
    return DRILL in labels
