"""References to other objects, as several parts of a spec have them."""

from typing import Annotated

from pydantic import Field

from gameday.model.plan import SecretKey, ServiceRef
from gameday.schema.base import ApiModel, ObjectName, Port


class SecretKeyRef(ApiModel):
    """One key of a Secret in the GameDay's namespace. Only the kubelet reads it, into the probe's pod."""

    name: ObjectName
    """Name of the Secret."""
    key: Annotated[str, Field(min_length=1, max_length=253)]
    """Key in the Secret."""


class ValueFrom(ApiModel):
    """Where a value comes from."""

    secret_key_ref: SecretKeyRef
    """A key of a Secret."""

    def parsed(self) -> SecretKey:
        """As the plan has it."""
        return SecretKey(self.secret_key_ref.name, self.secret_key_ref.key)


class ServiceReference(ApiModel):
    """A Service."""

    name: ObjectName
    """Name of the Service."""
    namespace: ObjectName | None = None
    """Its namespace; default: the GameDay's."""
    port: Port | None = None
    """Its port; default, for a dependency: a cut takes every port of the Service."""

    def parsed(self) -> ServiceRef:
        """As the plan has it."""
        return ServiceRef(self.name, self.namespace, self.port)
