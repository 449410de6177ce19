"""The objects in a file, read as kubectl reads YAML, each value with the line where it stands.

kubectl's YAML is that of Go, which PyYAML differs from: a time of day or a date is a text there, ``1e3`` a number.
"""

import re
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from gameday.errors import GameDayError

MOST: Final = 100_000
"""Most values in one object, with all its aliases written out."""
_OPEN: Final = -1
_PART: Final = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
_INTEGER: Final = re.compile(r"[-+]?(0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|0|[1-9][0-9_]*)\Z")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_NO_NUMBER: Final = re.compile(r"[-+]?\.(inf|Inf|INF)\Z|\.(nan|NaN|NAN)\Z")
"""What YAML has and JSON has not."""
_TRUE: Final = frozenset(["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"])
_FALSE: Final = frozenset(["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"])
_BOOLEAN: Final = re.compile(f"({'|'.join(sorted(_TRUE | _FALSE))})\\Z")


class NotYaml(GameDayError):
    """A file that kubectl would not read either."""

    reason = "NotYaml"
    retry = False


class _Loader(yaml.SafeLoader):
    """As Go reads plain words; a key that stands twice is refused, since one of both would be lost."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  as upstream has it

    def construct_mapping(self, node: MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        if odd := next((key for key, _ in node.value if not isinstance(key, ScalarNode)), None):
            raise NotYaml(f"line {odd.start_mark.line + 1}: a key is not a plain word")
        own = [
            key.value for key, _ in node.value if isinstance(key, ScalarNode) and key.tag != "tag:yaml.org,2002:merge"
        ]
        if twice := next((key for key in own if own.count(key) > 1), None):
            raise NotYaml(f"line {node.start_mark.line + 1}: key {twice!r} is given twice")
        self.flatten_mapping(node)
        # JSON has texts as keys: what looks like a number or a boolean becomes the text of its value.
        return {_key(self.construct_object(key)): self.construct_object(one, deep=deep) for key, one in node.value}


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in known if tag.rpartition(":")[2] in {"null", "merge"}]
    for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", _BOOLEAN, list("yYnNtTfFoO"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", _INTEGER, list("-+0123456789"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+.0123456789"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", _NO_NUMBER, list("-+."))
_Loader.add_constructor("tag:yaml.org,2002:merge", lambda _, node: node.value)
_Loader.add_constructor("tag:yaml.org,2002:bool", lambda _, node: node.value in _TRUE)
_Loader.add_constructor("tag:yaml.org,2002:int", lambda _, node: _integer(node.value))
_Loader.add_constructor("tag:yaml.org,2002:float", lambda _, node: _float(node.value))


def _integer(text: str) -> int:
    plain = text.replace("_", "")
    octal = re.fullmatch(r"([-+]?)0([0-7]+)", plain)
    return int(f"{octal[1]}0o{octal[2]}" if octal else plain, 0)


def _float(text: str) -> float:
    """A number as JSON would have it: without a fraction it is an integer."""
    if _NO_NUMBER.match(text):
        raise NotYaml(f"{text} is not a number in JSON")
    value = float(text)
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def _key(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@dataclass(frozen=True, slots=True)
class Document:
    """One object of a file; ``line`` is where it begins."""

    body: Any
    node: Node

    @property
    def line(self) -> int:
        """Where it begins, counted from 1."""
        return self.node.start_mark.line + 1

    def line_of(self, path: str) -> int:
        """The position of a field, or of the nearest parent that exists."""
        node, line = self.node, self.line
        for name, index in _PART.findall(path):
            if isinstance(node, MappingNode):
                found = next(((key, one) for key, one in node.value if key.value == name), None)
                if found is None:
                    break
                line, node = found[0].start_mark.line + 1, found[1]
            elif isinstance(node, SequenceNode) and index and int(index) < len(node.value):
                node = node.value[int(index)]
                line = node.start_mark.line + 1
            else:
                break
        return line


def documents(text: str) -> Iterator[Document]:
    """The objects of a file; those of a List each for itself, and nothing for an empty document.

    Raises:
        NotYaml: when it cannot be read.

    """
    loader = None
    try:
        loader = _Loader(text)
        while loader.check_node():
            node = loader.get_node()
            _expanded(node, {})
            body = loader.construct_document(node)
            if body is None or node is None:
                continue
            items = next((one for key, one in node.value if key.value == "items"), None) if _is_list(body) else None
            if isinstance(items, SequenceNode):
                yield from (Document(one, below) for one, below in zip(body["items"], items.value, strict=True))
            else:
                yield Document(body, node)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise NotYaml(" ".join(str(error).split())) from error
    finally:
        if loader is not None:
            loader.dispose()


def _expanded(node: Node | None, known: dict[int, int]) -> int:
    """How many values a node has once all its aliases are expanded.

    Raises:
        NotYaml: when it contains itself, or too many values.

    """
    if node is None or isinstance(node, ScalarNode):
        return 1
    size = known.get(id(node))
    if size == _OPEN:
        raise NotYaml(f"line {node.start_mark.line + 1}: an alias refers to a value that contains it")
    if size is None:
        known[id(node)] = _OPEN
        below = [one for pair in node.value for one in pair] if isinstance(node, MappingNode) else node.value
        size = known[id(node)] = 1 + sum(_expanded(one, known) for one in below)
    if size > MOST:
        raise NotYaml(f"its aliases stand for more than {MOST} values")
    return size


def _is_list(body: Any) -> bool:
    return isinstance(body, dict) and body.get("kind") == "List" and isinstance(body.get("items"), list)
