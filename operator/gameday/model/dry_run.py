"""What a dry run finds: what a drill would act on now, and what would refuse it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DryRun:
    """The findings of a dry run: lists of lines for people. Empty lists are those of a dry run that is under way."""

    refusals: tuple[str, ...] = ()
    """Why a drill would not come to its faults now."""
    warnings: tuple[str, ...] = ()
    """What people should know before a drill, although it would begin."""
    targets: tuple[str, ...] = ()
    """The pods of each workload that each fault would act on, by name."""
    limits: tuple[str, ...] = ()
    """What the plan needs of each of the administrator's limits."""
    policies: tuple[str, ...] = ()
    """Policies that have a say in what a fault cuts."""
    rights: tuple[str, ...] = ()
    """What the namespace's account must be allowed to do, and whether it is."""
    probes: tuple[str, ...] = ()
    """The answer of each probe."""
    expectations: tuple[str, ...] = ()
    """What each expectation, and the condition of each mitigation, reads now."""
