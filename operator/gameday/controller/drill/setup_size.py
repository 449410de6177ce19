"""Whether what a drill must remember of its targets and of what it cuts off fits into its status."""

from gameday.api.state import setup_bytes
from gameday.model.plan import Plan
from gameday.model.setup import Setup
from gameday.schema.bounds import SETUP_AT_FIRST


def too_large(setup: Setup, plan: Plan) -> tuple[str, ...]:
    """The preflight's finding, or nothing; some room is kept for addresses that come during the drill."""
    size = setup_bytes(setup)
    if size <= SETUP_AT_FIRST:
        return ()
    # The largest one says it for all.
    cut = max(setup.cuts, key=lambda cut: setup_bytes(Setup(cuts=(cut,))))
    end = cut.destination
    labels = sum(len(pair.labels) + len(pair.mesh.labels) + len(pair.mesh.annotations) for pair in cut.pairs)
    far = len(end.addresses) + len(end.services) + len(end.cidrs)
    kind = next(fault.action.KIND for fault in plan.outage.faults if fault.name == cut.fault)
    path = f"spec.outage.faults[{cut.fault}].{kind}"
    return (
        f"{path}: TooManyAddresses: {len(cut.targets)} addresses of targets, {far} of the dependency "
        f"and {labels} labels and annotations of witnesses need {size} bytes of the drill's status, and "
        f"at most {SETUP_AT_FIRST} fit: select fewer pods, or cut fewer addresses",
    )
