"""The timeouts of a drill's parts, in seconds; every wait of a drill ends."""

from typing import Final

from gameday.engine.cel.expressions import ExpressionError, compile_expression
from gameday.model.plan import Action, Expectation, Plan, Probe, Rollback, RunsIn, Stage

PREFLIGHT: Final = 60.0
"""Reading the namespace and dry-running every object."""
AGENTS: Final = 90.0
"""Creating the agents until each has measured, image pull included."""
DIALS: Final = 15.0
"""From the first failed dial of a witness or control until a dial must succeed: a new pod's network takes a moment."""
ARM: Final = 20.0
"""From creating a fuse until it is armed."""
PROVE: Final = 30.0
"""From the injection request until the witnesses are cut off; for kinds that need longer, see ``proven_within``."""
CLOSE_CONNECTIONS: Final = 15.0
"""Killing the connections that the targets had."""
LIST: Final = 10.0
"""Listing what a fault is to change, which is unknown until then, also once a process has taken the drill over."""
UNDO: Final = 30.0
"""From the undo request until the witnesses are back."""
LATE_REQUEST: Final = 70.0
"""How long after a request timed out the API server may still execute it: the operator waits 10 s for an answer, and
the API server works on a request for at most a minute (its --request-timeout)."""
CLEAN_UP: Final = 20.0
"""Deleting the agents and releasing the namespace, before the drill reports what prevents it."""
LOST_NODE: Final = 30.0
"""From the end of a pod's grace period until its node counts as lost: a kubelet needs a moment to confirm that the pod
has ended, and the API server's clock is another one than the operator's."""
READ_AGAIN: Final = 10.0
"""Reading the agents' logs once more after a restart, before the samples of an ended drill are kept as they are."""
KEEP: Final = 20.0
"""Keeping the samples of an ended drill; its agents wait for it, because their logs are all that has them."""
GRACE: Final = 10.0
"""How long samples of usual probes may trail a deadline before they count as missing; see ``grace``."""
USUAL: Final = 6.0
"""What ``GRACE`` has room for: until probes that ask every second, with a timeout of 2 s, have given a sample that was
sent after a moment, and until a second agent that runs some of them has spoken again."""
RETRY: Final = 24 * 3600.0
"""How long a fuse that acts goes on trying once it is due. What keeps it from that is a server that is away, or a right
that was taken away. A person may need a night and a day for either, and a workload left at 0 is worse than a small pod
that waits."""


def grace(plan: Plan, stage: Stage) -> float:
    """How long samples of a stage's expectations may trail a deadline before they count as missing, in seconds.

    A deadline is known to be over by a sample that was sent after it: the slowest probe of one expectation says when
    that is there.
    """
    slowest = max((_takes(_read_by(one, plan)) for one in plan.expectations(stage)), default=USUAL)
    return GRACE + max(0.0, slowest - USUAL)


def slowest_probe(plan: Plan, stage: Stage) -> Probe | None:
    """The probe for which a stage waits longest; None where none of its expectations reads any."""
    read = [probe for one in plan.expectations(stage) for probe in _read_by(one, plan)]
    return max(read, key=lambda probe: probe.interval + probe.timeout, default=None)


def _read_by(expectation: Expectation, plan: Plan) -> tuple[Probe, ...]:
    try:
        names = compile_expression(expectation.expression).probes
    except ExpressionError:
        # A plan that was frozen under other rules is not judged, but what it changed is still put back in time.
        return plan.probes
    return tuple(probe for probe in plan.probes if probe.name in names)


def _takes(probes: tuple[Probe, ...]) -> float:
    """Longest from a moment until each probe gave a sample that was sent after it, and all can be evaluated.

    A line of one agent is evaluated once the others have spoken again.
    """
    answered = max((probe.interval + probe.timeout for probe in probes), default=0.0)
    # The lines of each probe that the operator runs stand in a log of their own.
    several = len({(at := probe.settings.runs_in, probe.name if at is RunsIn.OPERATOR else "") for probe in probes}) > 1
    return answered + (max(probe.interval for probe in probes) if several else 0.0)


def proven_within(action: Action) -> float:
    """Seconds from the request of a fault until it must be proven."""
    return action.proven_within or PROVE


def of_dry_run() -> float:
    """Seconds from the creation of a dry run's agents to its last deadline."""
    return AGENTS + UNDO + LATE_REQUEST + CLEAN_UP


def fuse_of_faults(plan: Plan) -> float:
    """Seconds from arming until the fuse of a fault reverts it; a healthy drill is always faster.

    All are armed before the first fault is applied, and faults are undone in reverse, so each lasts through the
    budgets of all others.
    """
    faults = max(1, len(plan.outage.faults))
    waits = sum(proven_within(fault.action) - PROVE for fault in plan.outage.faults)
    return ARM + faults * (PROVE + CLOSE_CONNECTIONS) + waits + _outage(plan) + faults * UNDO


def fuse_of_rollback(plan: Plan, rollback: Rollback) -> float:
    """Seconds from arming until the fuse of what a rollback's step changed takes it back.

    The change stays while the recovery is judged again, which begins when the last step is done.
    """
    return ARM + rollback.within + longest_wait(plan, 0.0) + UNDO


def fuse_of_mitigation(plan: Plan) -> float:
    """Seconds from arming until the fuse of what a mitigation changed takes it back.

    A mitigation may begin right when the last fault is proven, and what it changed stays until the drill ends.
    """
    faults = len(plan.outage.faults)
    by_hand = sum(fault.action.patience or 0.0 for fault in plan.outage.faults if fault.action.BY_HAND)
    lasts = _outage(plan) + faults * UNDO + by_hand + recovery_of(plan)
    if plan.rollback is not None:
        lasts += plan.rollback.within + longest_wait(plan, 0.0)
    return ARM + lasts + UNDO


def recovery_of(plan: Plan) -> float:
    """Longest that the recovery lasts once the faults are undone, in seconds: it waits for a mitigation under way."""
    lasts = longest_wait(plan, plan.recovery.within)
    return lasts + max((one.within for one in plan.mitigations), default=0.0)


def fuse_of(plan: Plan, name: str) -> float:
    """Seconds from arming until the fuse of a fault or step undoes its change.

    Raises:
        ValueError: when the plan has no fault or mitigation of that name, and no rollback.

    """
    if any(fault.name == name for fault in plan.outage.faults):
        return fuse_of_faults(plan)
    if plan.mitigation_of(name) is not None:
        return fuse_of_mitigation(plan)
    if plan.rollback is None:
        raise ValueError(f"the plan has no fault {name} and no rollback")
    return fuse_of_rollback(plan, plan.rollback)


def longest_wait(plan: Plan, length: float) -> float:
    """Seconds from the start of the recovery, or of its second judging, after which nothing of it can still be open."""
    latest = max(((e.within or length) + e.holds for e in plan.recovery.expect), default=length)
    return max(length, latest) + grace(plan, Stage.RECOVERY)


def _outage(plan: Plan) -> float:
    """Longest from the proof of the last fault until the undo is asked for, in seconds, where nobody ends it."""
    return plan.outage.duration + grace(plan, Stage.OUTAGE)


def longest(plan: Plan) -> float:
    """Seconds from the creation of a drill's agents to its last deadline: no healthy drill needs them any more.

    It is the sum of all waits, each at its longest: the agents, the steady state, everything under the faults' fuses,
    the recovery with its mitigations, the rollback and its second judging, and the tidying at the end. Where only
    probes show that a change is taken back, they look for that for as long as a fuse would go on trying.
    """
    length = AGENTS + plan.steady_state.duration + grace(plan, Stage.STEADY_STATE) + fuse_of_faults(plan)
    length += recovery_of(plan)
    if plan.rollback is not None:
        length += plan.rollback.within + longest_wait(plan, 0.0)
    if any(action.BY_HAND or action.OUTSIDE for _, action in plan.actions()):
        length += RETRY
    return length + UNDO + LATE_REQUEST + CLEAN_UP + GRACE


def longest_of_fuse(lasts: float) -> float:
    """Seconds after which a fuse that acts ends although it could not act; ``lasts`` are those until it is due."""
    return lasts + RETRY
