"""Checks the Services that probes use: a probe that can never succeed would blame the system."""

from collections.abc import Iterator

from gameday.cluster.resources import SERVICES
from gameday.model.plan import Dependency, Destination, Plan
from gameday.preflight.cut_destination import named_port, numbers_of
from gameday.preflight.findings import Finding, Severity
from gameday.preflight.snapshot import NamespaceSnapshot


def check(snapshot: NamespaceSnapshot, plan: Plan) -> Iterator[Finding]:
    """Warnings, since a probe of something that is not there may be meant; each once, however many probes ask it."""
    cuts = [fault.action for fault in plan.outage.faults if fault.action.closes_connections]
    closing = [cut.takes_away for cut in cuts if cut.takes_away is not None]
    asked = [(_path(plan, probe.name, to), to) for probe in plan.probes if (to := probe.settings.destination)]
    for path, to in dict.fromkeys((*asked, *((_of(one), one.redis) for one in closing if one.redis is not None))):
        if to.service is not None and to.tls and to.trust.ca is None:
            text = "the certificate is verified with public CAs, and these do not sign names of Services"
            remedy = "give its CA in tls.caFrom; otherwise the probe fails with `tls`"
            yield Finding("PrivateCa", f"{path}.tls", text, remedy, Severity.WARN)
    for path, to in dict.fromkeys(asked):
        yield from _there(snapshot, path, to)


def _there(snapshot: NamespaceSnapshot, path: str, to: Destination) -> Iterator[Finding]:
    there = {service["metadata"]["name"]: service for service in snapshot.of(SERVICES)}
    if to.service is None or SERVICES.plural in snapshot.missing:
        return
    namespace, name = to.service.within(snapshot.namespace)
    if namespace != snapshot.namespace:
        return
    if name not in there:
        text = f"Service {namespace}/{name} does not exist, so the probe fails with `dns`"
        yield Finding("NoService", f"{path}.service", text, "correct the name, or create the Service", Severity.WARN)
    elif not list(named_port(there[name], to.port)):
        text = f"Service {name} has no port {to.port}, so the probe fails with `refused` or `timeout`"
        where = f"{path}.port" if to.service.port is None else f"{path}.service.port"
        yield Finding("NoPort", where, text, f"its ports are: {numbers_of(there[name])}", Severity.WARN)


def _path(plan: Plan, probe: str, to: Destination) -> str:
    """Where the plan says how it is reached: in a dependency, or in the probe itself."""
    named = next((one for one in plan.dependencies if one.redis == to), None)
    return _of(named) if named is not None else f"spec.probes[{probe}].{to.field}"


def _of(dependency: Dependency) -> str:
    return f"spec.dependencies[{dependency.name}].{dependency.kind}"
