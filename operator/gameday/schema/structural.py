"""From pydantic models to the structural schemas that a CustomResourceDefinition wants.

Kubernetes allows no ``$ref``, no ``anyOf`` with null and no ``additionalProperties: false``; an absent field stands
for None, and unknown fields are refused by server-side validation. A ``const`` becomes an enum of one value.
"""

from typing import Any

from pydantic import BaseModel

Schema = dict[str, Any]
_DROPPED = {"title", "$defs", "const"}


def structural(model: type[BaseModel]) -> Schema:
    """The structural schema of a model, in the names of the wire."""
    whole = model.model_json_schema(by_alias=True, mode="validation")
    return _convert(whole, whole.get("$defs", {}))


def _convert(node: Schema, definitions: Schema) -> Schema:
    if "$ref" in node:
        target = definitions[node["$ref"].rsplit("/", 1)[-1]]
        beside = {key: value for key, value in node.items() if key != "$ref"}
        return _convert({**target, **beside}, definitions)
    if "anyOf" in node:
        real = [choice for choice in node["anyOf"] if choice.get("type") != "null"]
        beside = {key: value for key, value in node.items() if key not in {"anyOf", "default"}}
        return _convert({**real[0], **beside}, definitions)
    schema = {key: value for key, value in node.items() if key not in _DROPPED}
    if "const" in node:
        schema["enum"] = [node["const"]]
    if schema.get("default", ...) is None:
        del schema["default"]
    if "properties" in schema:
        schema["properties"] = {k: _convert(v, definitions) for k, v in schema["properties"].items()}
        schema.pop("additionalProperties", None)
    if isinstance(schema.get("additionalProperties"), dict):
        schema["additionalProperties"] = _convert(schema["additionalProperties"], definitions)
        if "maxItems" in schema:
            schema["maxProperties"] = schema.pop("maxItems")
    elif "additionalProperties" in schema:
        schema.pop("additionalProperties")
    if "items" in schema:
        schema["items"] = _convert(schema["items"], definitions)
    return _described(schema)


def _described(schema: Schema) -> Schema:
    if "description" in schema:
        schema["description"] = " ".join(schema["description"].split())
    default = schema.get("default")
    if isinstance(default, BaseModel):
        schema["default"] = default.model_dump(by_alias=True, exclude_defaults=True)
    return schema
