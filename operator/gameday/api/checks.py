"""Everything that is wrong with a plan: what holds for every plan, and what each kind says of its own."""

from collections.abc import Iterator

from gameday.engine.validate import plan as every_plan
from gameday.engine.validate.paths import paths_read
from gameday.model.finding import Finding
from gameday.model.plan import Plan
from gameday.probes.kinds import KINDS, Kinds


def check(plan: Plan, kinds: Kinds = KINDS) -> tuple[Finding, ...]:
    """Every finding at once, each with its path and what to do."""
    return (*every_plan.check(plan), *_probes(plan, kinds), *_paths(plan, kinds))


def _probes(plan: Plan, kinds: Kinds) -> Iterator[Finding]:
    for index, probe in enumerate(plan.probes):
        kind = kinds.of(probe.settings)
        for finding in kind.check(probe.settings):
            yield Finding(f"spec.probes[{index}].{kind.name}.{finding.path}", finding.message)


def _paths(plan: Plan, kinds: Kinds) -> Iterator[Finding]:
    """What expressions read of probes and no sample can have."""
    probes = {probe.name: probe.settings for probe in plan.probes}
    for where, path in paths_read(plan):
        settings = probes.get(str(path[0]))
        if settings is not None and (why := kinds.of(settings).check_path(settings, path[1:])):
            yield Finding(where, why)
