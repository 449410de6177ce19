"""References to other objects, as several parts of a spec have them."""

from typing import Annotated

from pydantic import Field

from gameday.model.plan import ConfigMapKey, SecretKey, ServiceRef
from gameday.schema.base import ApiModel, ObjectName, Port, cel


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


class ConfigMapKeyRef(ApiModel):
    """One key of a ConfigMap in the GameDay's namespace. Only the kubelet reads it, into the probe's pod."""

    name: ObjectName
    """Name of the ConfigMap."""
    key: Annotated[str, Field(min_length=1, max_length=253)]
    """Key in the ConfigMap."""


class CertificateFrom(ApiModel):
    """Where certificates come from."""

    model_config = {
        "json_schema_extra": cel(
            ("has(self.configMapKeyRef) != has(self.secretKeyRef)", "give exactly one of configMapKeyRef, secretKeyRef")
        )
    }
    config_map_key_ref: ConfigMapKeyRef | None = None
    """A key of a ConfigMap."""
    secret_key_ref: SecretKeyRef | None = None
    """A key of a Secret."""

    def parsed(self) -> ConfigMapKey | SecretKey | None:
        """As the plan has it; None where neither is given, which the schema refuses."""
        if self.config_map_key_ref is not None:
            return ConfigMapKey(self.config_map_key_ref.name, self.config_map_key_ref.key)
        return SecretKey(self.secret_key_ref.name, self.secret_key_ref.key) if self.secret_key_ref is not None else None


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
