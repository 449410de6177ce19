"""The texts of a package that a person may meet, read from its syntax trees; ``programs.messages`` lists them.

Every string of at least two words is one, unless it stands where no message stands (``exempted``). So a new message is
found wherever it is written; ``programs.sources`` finds the messages that no string of the package stands behind.
"""

import ast
import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

SENT: Final = frozenset(
    {
        "Bearer {token}",
        "Basic {pair}",
        "bystander:nameserver {one}",
        "Session is closed",
        "could not find the requested resource",
        "page not found",
        '<?xml version="1.0" encoding="utf-8"?>\n',
        "bold red",
        "autogke-node-affinity|Auto GKE|GKE Warden",
        "security context constraint",
        "is being terminated",
    }
)
"""What is sent to or compared with another program, and shown to nobody."""
HOLE: Final = "\0"
"""Stands for what is filled in."""
WORD: Final = re.compile(r"[^\W\d_]{2}")
TEXT: Final = re.compile(rf"([^\W\d_]{{2}}|{HOLE}).*\s.*([^\W\d_]{{2}}|{HOLE})", re.DOTALL)
"""Two words, or a word and something filled in; single words are names, keys and reasons."""
CEL: Final = re.compile(r"\b(has|size|duration)\(self|\bself\.|\boldSelf\.")
"""A rule of the CRDs: its message stands beside it."""
PATTERN: Final = re.compile(r"\(\?P<|\\[sSwdb]|\[\^?[A-Za-z0-9]-")
"""A regular expression."""
LEVELS: Final = frozenset({"debug", "info", "warning", "error", "exception", "critical"})

MODULES: Final = {
    "api/charts.py": "writes files of the Helm charts",
    "api/reference.py": "writes docs/fields.md",
    "api/roles.py": "writes manifests",
    "api/status.py": "describes the fields of a status: `kubectl explain drill.status`",
    "api/crds.py": "writes the CRDs; the messages of their rules are read from there",
    "cli/reference.py": "writes docs/conditions.md, docs/metrics.md and docs/cli.md",
}
"""Modules whose strings are no messages, each with the reason."""
CALLS: Final = {
    "Counter": "docs/metrics.md",
    "Gauge": "docs/metrics.md",
    "Histogram": "docs/metrics.md",
    "Option": "docs/cli.md",
    "Right": "a comment in manifests",
}
"""Calls whose strings stand on another page or in a file."""
NAMES: Final = {
    "description": "docs/fields.md",
    "help": "docs/cli.md",
    "gives": "docs/expressions.md",
    "_RESERVED": "words that CEL keeps for itself",
    "OF_A_DRILL": "docs/conditions.md",
    "OF_A_GAMEDAY": "docs/conditions.md",
}
"""Keywords and assigned names whose strings stand on another page or in a file."""


@dataclass(frozen=True, slots=True)
class Text:
    """A string of a module; what is filled in stands in braces."""

    module: str
    line: int
    text: str
    logged: bool = False
    """Whether it is written to the log and nowhere else."""


@dataclass(slots=True)
class Module:
    """A module of the package and its tree."""

    name: str
    tree: ast.Module
    parents: dict[ast.AST, ast.AST] = field(default_factory=dict)

    def above(self, node: ast.AST) -> Iterator[ast.AST]:
        """What holds a node, from the inside out."""
        while (parent := self.parents.get(node)) is not None:
            yield parent
            node = parent


@functools.cache
def modules(package: Path) -> tuple[Module, ...]:
    """All modules of a package."""
    return tuple(parsed(str(path.relative_to(package)), path.read_text()) for path in sorted(package.rglob("*.py")))


def parsed(name: str, source: str) -> Module:
    """A module of its source."""
    module = Module(name, ast.parse(source))
    for node in ast.walk(module.tree):
        module.parents.update(dict.fromkeys(ast.iter_child_nodes(node), node))
    return module


def template(node: ast.expr) -> str | None:
    """A string as it is written, with what is filled in in braces; None for anything else."""
    match node:
        case ast.Constant(str() as text):
            return text
        case ast.JoinedStr(values):
            return "".join(
                str(value.value) if isinstance(value, ast.Constant) else f"{{{_filled(value)}}}" for value in values
            )
        case ast.BinOp(left, ast.Add(), right) if (first := template(left)) is not None:
            second = template(right)
            return first + second if second is not None else None
        case _:
            return None


def is_text(node: ast.expr) -> bool:
    """Whether a string reads as a text: neither a word, nor a rule, nor a pattern."""
    values = node.values if isinstance(node, ast.JoinedStr) else [node]
    plain = "".join(str(value.value) if isinstance(value, ast.Constant) else HOLE for value in values)
    if CEL.search(plain) or PATTERN.search(plain):
        return False
    return WORD.search(plain) is not None and TEXT.search(plain) is not None


def _filled(value: ast.expr) -> str:
    return ast.unparse(value.value) if isinstance(value, ast.FormattedValue) else ast.unparse(value)


def texts(module: Module) -> Iterator[Text]:
    """The texts of a module, in the order of their lines."""
    if module.name in MODULES:
        return
    found: dict[tuple[int, str], Text] = {}
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Constant | ast.JoinedStr) or isinstance(module.parents.get(node), ast.JoinedStr):
            continue
        text = template(node)
        if text is None or text in SENT or not is_text(node) or exempted(module, node):
            continue
        found[node.lineno, text] = Text(module.name, node.lineno, text, _logged(module, node))
    yield from (found[key] for key in sorted(found))


def exempted(module: Module, node: ast.AST) -> str:
    """Why a string is no message: an entry of the tables above, or another word; "" where it is one."""
    inner: ast.AST = node
    for outer in module.above(node):
        match outer:
            case ast.Expr(value=value) if value is node:
                return "docstring"
            case ast.AnnAssign(annotation=annotation) | ast.arg(annotation=annotation) if annotation is inner:
                return "annotation"
            case ast.FunctionDef(returns=returns) | ast.AsyncFunctionDef(returns=returns) if returns is inner:
                return "annotation"
            case (
                ast.keyword(arg=str(name))
                | ast.Assign(targets=[ast.Name(id=name)])
                | ast.AnnAssign(target=ast.Name(id=name))
            ) if name in NAMES:
                return name
            case ast.Call(func=func) if last_name(func) in CALLS:
                return last_name(func)
            case ast.stmt():
                return ""
            case _:
                pass
        inner = outer
    return ""


def last_name(node: ast.expr) -> str:
    """The last word of a dotted name, or of what is called."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Call(func=func):
            return last_name(func)
        case _:
            return ""


def _logged(module: Module, node: ast.AST) -> bool:
    call = next((one for one in module.above(node) if isinstance(one, ast.Call)), None)
    return call is not None and is_log(call)


def is_log(call: ast.Call) -> bool:
    """Whether a call writes a line of the log."""
    match call.func:
        case ast.Attribute(value=value, attr=level) if level in LEVELS or level == "log":
            return ast.unparse(value).lower().endswith("log")
        case _:
            return False
