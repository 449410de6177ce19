"""What all API models share: camelCase names, docstrings as descriptions, and rules that the API server checks."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, model_validator
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from gameday.schema import renamed


class ApiModel(BaseModel):
    """A part of a spec: unknown keys are refused, so that a typing error is not silently a different drill."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
    )
    RENAMED: ClassVar[renamed.Names] = {}
    """New names of its fields, by old ones."""
    MOVED: ClassVar[Mapping[str, str]] = {}
    """Types of its fields that stand in a dependency now, by their names."""

    @model_validator(mode="before")
    @classmethod
    def _refuse_old_names(cls, data: Any) -> Any:
        old = sorted(set(cls.RENAMED) & set(data)) if isinstance(data, dict) else []
        if old:
            raise ValueError("; ".join(renamed.message(name, cls.RENAMED[name]) for name in old))
        gone = [name for name in cls.MOVED if isinstance(data, dict) and name in data]
        if gone:
            raise ValueError(renamed.moved(*gone))
        return data

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Have the schema refuse the old names as well."""
        schema = handler(core_schema)
        if cls.RENAMED:
            renamed.refuse(handler.resolve_ref_schema(schema), cls.RENAMED)
        if cls.MOVED:
            renamed.refuse_moved(handler.resolve_ref_schema(schema), cls.MOVED, "dependency")
        return schema


def cel(*rules: tuple[str, str]) -> dict[str, Any]:
    """Rules as (CEL, message): the API server refuses what breaks one at ``kubectl apply``, before any drill."""
    return {"x-kubernetes-validations": [{"rule": rule, "message": message} for rule, message in rules]}


def keyed(key: str = "name") -> dict[str, Any]:
    """A list whose items are told apart by one field."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [key]}


ATOMIC = {"x-kubernetes-list-type": "atomic"}
MOST = 32
"""Most items in any list: the cost of CEL rules is bounded by it."""

Name = Annotated[str, Field(min_length=1, max_length=63)]
"""A name for people: any characters."""
ObjectName = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", max_length=63)]
"""The name of a Kubernetes object."""
Identifier = Annotated[str, Field(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$", max_length=63)]
"""A name that stands in CEL expressions."""
Duration = Annotated[str, Field(pattern=r"^([0-9]+(h|m|s))+$", max_length=12)]
"""A length of time such as 30s, 5m or 1h30m."""
Cel = Annotated[str, Field(min_length=1, max_length=1024)]
"""A CEL expression over samples that must give true or false."""
Port = Annotated[int, Field(ge=1, le=65535)]
