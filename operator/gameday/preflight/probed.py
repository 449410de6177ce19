"""Probes of a Service, as far as the namespace tells: one that can never succeed blames the system for it."""

from collections.abc import Iterator

from gameday.cluster.kinds import SERVICES
from gameday.model.plan import Plan
from gameday.preflight.far_end import named_port, numbers_of
from gameday.preflight.findings import Finding, Severity
from gameday.preflight.snapshot import Sight


def check(sight: Sight, plan: Plan) -> Iterator[Finding]:
    """Warnings, since a probe of something that is not there may be meant."""
    there = {service["metadata"]["name"]: service for service in sight.of(SERVICES)}
    for probe in plan.probes:
        to = probe.settings.destination
        if to is None or to.service is None:
            continue
        path = f"spec.probes[{probe.name}].{to.field}"
        namespace, name = to.service.within(sight.namespace)
        if to.tls:
            text = "it verifies a Service's certificate with public CAs, and those sign no Service's name"
            remedy = "a CA cannot be given yet, so it fails with `tls` unless the operator's image trusts yours"
            yield Finding("PrivateCa", f"{path}.tls", text, remedy, Severity.WARN)
        if namespace != sight.namespace or SERVICES.plural in sight.missing:
            continue
        if name not in there:
            text = f"there is no Service {namespace}/{name}, so it fails with `dns`"
            yield Finding("NoService", f"{path}.service", text, "correct the name", Severity.WARN)
        elif not list(named_port(there[name], to.port)):
            text = f"{name} has no port {to.port}, so it fails with `refused` or `timeout`"
            remedy = f"its ports are: {numbers_of(there[name])}"
            yield Finding("NoPort", f"{path}.service.port", text, remedy, Severity.WARN)
