"""Probes as YAML has them: what all kinds share, and a field for each kind of the registry."""

from typing import TYPE_CHECKING, Any

from pydantic import Field, create_model

from gameday.probes.kinds import KINDS, AnyKind, Kinds
from gameday.schema import renamed
from gameday.schema.base import ApiModel, Duration, Identifier, cel
from gameday.schema.one_of import exactly_one


def between(field: str, shortest: str, longest: str) -> tuple[str, str]:
    """A rule that bounds a duration on both sides."""
    rule = f"duration(self.{field}) >= duration('{shortest}') && duration(self.{field}) <= duration('{longest}')"
    return rule, f"{field} must be from {shortest} to {longest}"


class ProbeBase(ApiModel):
    """A repeated measurement. Its samples stand in expressions under its name."""

    RENAMED = renamed.PROBE

    name: Identifier
    """Name in expressions: letters, digits and _."""
    interval: Duration = "1s"
    """Time between two requests; a slow answer delays only its own probe. At most 5m where an expectation reads the
    probe: a stage waits for a sample that was sent after its end."""
    timeout: Duration = "2s"
    """Time after which a request counts as failed, which is a sample too."""

    def given(self, kinds: Kinds) -> tuple[tuple[AnyKind, Any], ...]:
        """The kinds that are given, each with its spec: one, where the API server checked the rules."""
        specs = ((kind, getattr(self, kind.name)) for kind in kinds)
        return tuple((kind, spec) for kind, spec in specs if spec is not None)


def probe_model(kinds: Kinds) -> type[ProbeBase]:
    """The model of a probe that is of one of these kinds."""

    class Ruled(ProbeBase):
        __doc__ = ProbeBase.__doc__
        model_config = {
            "json_schema_extra": cel(
                exactly_one(kinds.names),
                between("interval", "1s", "1h"),
                between("timeout", "1s", "5m"),
                (
                    "self.name != 'baseline'",
                    "the name baseline is reserved in expressions: choose another name for the probe",
                ),
            )
        }

    fields: dict[str, Any] = {
        kind.name: (kind.spec | None, Field(default=None, alias=kind.name, description=kind.description))
        for kind in kinds
    }
    return create_model("Probe", __base__=Ruled, __doc__=ProbeBase.__doc__, **fields)


if TYPE_CHECKING:
    Probe = ProbeBase
else:
    Probe = probe_model(KINDS)
