"""Every field of a GameDay's spec, as a page: ``python -m gameday.api.reference [--check] [FILE]``.

It is made from the CRD, and so from the models and from the registries of actions and probes. The pages of conditions,
metrics and commands are made by ``gameday.cli.reference``, which may read all of the package.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from gameday.api.gameday import GameDaySpec
from gameday.schema.structural import Schema, structural

HEADER: Final = """\
<!-- Made by `make generate` from operator/gameday; do not edit. -->
# Fields of a GameDay

All fields of `spec`, as the CRD has them; `kubectl explain gameday.spec --recursive` shows their names. A field in bold
must be given. Below the fields of an object stands what the API server says at `kubectl apply` where they do not go
together.
"""
TABLE: Final = "| field | type | what it says |\n| --- | --- | --- |\n"
REFUSED: Final = "refused."
"""How the description of a field ends that is there only to be refused: the earlier name of another."""


def page(spec: Schema | None = None) -> str:
    """The page of a spec's schema; of the product's where none is given."""
    return HEADER + "".join(_section("spec", spec if spec is not None else structural(GameDaySpec), {}))


def _section(path: str, schema: Schema, known: dict[str, str]) -> Iterator[str]:
    """The fields of one object, and then the objects below it; ``known`` are those that the page has already."""
    yield f"\n## `{path}`\n\n"
    form = json.dumps(schema["properties"], sort_keys=True)
    if form in known:
        yield f"{schema['description']} The fields are those of `{known[form]}`.\n"
        return
    known[form] = path
    fields = {name: one for name, one in schema["properties"].items() if not _refused(one)}
    required = _required(schema)
    yield f"{schema['description']}\n\n{TABLE}"
    for name, field in fields.items():
        shown = f"**`{name}`**" if name in required else f"`{name}`"
        yield f"| {shown} | {_type(field)} | {_said(field)} |\n"
    said = [message for message in _messages(schema) if message not in required.values()]
    yield from (["\n", *(f"- {message}\n" for message in said)] if said else [])
    for name, field in fields.items():
        inner = field.get("items", field)
        if inner.get("properties"):
            yield from _section(f"{path}.{name}" + ("[]" if "items" in field else ""), inner, known)


def _refused(field: Schema) -> bool:
    return str(field.get("description", "")).endswith(REFUSED)


def _required(schema: Schema) -> dict[str, str]:
    """The fields that must be given, each with the message of the rule that asks for it, or ""."""
    asked = {message.partition(" is missing: ")[0]: message for message in _messages(schema)}
    named = {name: asked[name] for name in schema["properties"] if name in asked}
    return dict.fromkeys(schema.get("required", ()), "") | named


def _messages(schema: Schema) -> Iterator[str]:
    """What the rules of an object say, but for those that refuse an earlier name."""
    gone = [f"!has(self.{name})" for name, one in schema["properties"].items() if _refused(one)]
    for rule in schema.get("x-kubernetes-validations", ()):
        if rule["rule"] not in gone:
            yield rule["message"]


def _type(field: Schema) -> str:
    if "items" in field:
        return f"list of {_type(field['items'])}s"
    if isinstance(field.get("additionalProperties"), dict):
        return f"map to {_type(field['additionalProperties'])}s"
    return str(field["type"])


def _said(field: Schema) -> str:
    parts = [field.get("description", "")]
    if "enum" in field:
        parts.append(f"One of {', '.join(f'`{value}`' for value in field['enum'])}.")
    if "minimum" in field and "maximum" in field:
        parts.append(f"From {field['minimum']} to {field['maximum']}.")
    default = field.get("default")
    if isinstance(default, str | int) and default != "":
        parts.append(f"Default: `{_value(default)}`.")
    return " ".join(filter(None, parts)).replace("|", "\\|")


def _value(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def write(pages: Mapping[Path, str], arguments: list[str]) -> int:
    """Write pages, or with ``--check`` among the arguments return 1 where one is not up to date."""
    if "--check" not in arguments:
        for path, text in pages.items():
            path.write_text(text)
        return 0
    stale = [path for path, text in pages.items() if not path.exists() or path.read_text() != text]
    for path in stale:
        print(f"not up to date: {path}; run `make generate` and commit", file=sys.stderr)  # noqa: T201
    return 1 if stale else 0


def main(arguments: list[str]) -> int:
    """Write the page of fields, or check it; see ``write``."""
    places = [argument for argument in arguments if not argument.startswith("-")]
    return write({Path(places[0] if places else "docs/fields.md"): page()}, arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
