"""Where a message comes from: ``unresolved`` names each that no string of the package stands behind.

A message is what an exception is made with, what is logged, and what is handed to one of ``SINKS``. Names of a function
and of a module are followed, and what the package's functions give back. A parameter or field is taken for granted:
whoever sets it writes the text there, where it is found by itself.
"""

import ast
import builtins
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from programs.texts import WORD, Module, is_log, last_name

Function = ast.FunctionDef | ast.AsyncFunctionDef

ALL: Final = -1
SINKS: Final[Mapping[str, tuple[int, str]]] = {
    "Finding": (ALL, "message"),
    "note": (2, "message"),
    "end_inconclusive": (2, "message"),
    "abort": (2, "message"),
    "finish_early": (1, "why"),
    "doubt": (1, "message"),
    "Doubt": (1, "message"),
    "Judged": (2, "message"),
    "Judgement": (4, "why"),
    "Evaluation": (3, "why"),
    "Slot": (2, "message"),
    "End": (1, "message"),
    "Ending": (0, "how"),
    "unknown": (1, "why"),
}
"""Calls that take a message: its place among the arguments (``ALL``: each but the first) and its keyword. Functions,
whose names others may have as well, count in ``ENGINE`` alone."""
ENGINE: Final = "engine/"
SILENT: Final = frozenset({"Exit", "StopAsyncIteration", "SystemExit"})
"""Exceptions that are made with a number, or with nothing that anybody reads."""
STRINGS: Final = frozenset(
    {"format", "strip", "rstrip", "lstrip", "lower", "removeprefix", "partition", "split", "items"}
)
"""Methods that give back something of the text or of the texts that they belong to."""
FOREIGN: Final = {
    "findings_of": "what pydantic says of a field; the messages of our own validators are found where they are raised",
    "exceptions": "what ended a task group",
    "code": "the word with which Redis begins an error: docs/bounds.md",
}
"""Names whose texts are not written in this package, each with what they are."""
HANDED: Final = frozenset(
    {"str", "repr", "cut", "list", "tuple", "sorted", "next", "iter", "filter", "max", "min", "zip"}
)
"""Functions that give back what they are handed, or something of it."""


@dataclass(slots=True)
class Package:
    """The functions, fields, constants and exceptions of all modules by their names."""

    modules: tuple[Module, ...]
    functions: dict[str, list[tuple[Module, Function]]] = field(default_factory=lambda: defaultdict(list))
    constants: dict[str, list[tuple[Module, ast.expr]]] = field(default_factory=lambda: defaultdict(list))
    fields: set[str] = field(default_factory=set)
    classes: set[str] = field(default_factory=set)
    exceptions: set[str] = field(default_factory=set)
    foreign: set[str] = field(default_factory=set)
    """The names of ``FOREIGN`` that were met."""

    def __post_init__(self) -> None:
        """Index the modules."""
        self.exceptions |= {
            name for name, one in vars(builtins).items() if isinstance(one, type) and issubclass(one, BaseException)
        }
        for module in self.modules:
            for node in ast.walk(module.tree):
                match node:
                    case ast.FunctionDef() | ast.AsyncFunctionDef():
                        self.functions[node.name].append((module, node))
                    case ast.ClassDef():
                        self.classes.add(node.name)
                        self.fields |= set(_fields(node))
                    case _:
                        pass
            for name, value in _bound(module.tree.body):
                self.constants[name].append((module, value))
        self._index_exceptions()

    def _index_exceptions(self) -> None:
        bases = {one.name: {last_name(base) for base in one.bases} for one in self._classes()}
        while more := {name for name, of in bases.items() if of & self.exceptions} - self.exceptions:
            self.exceptions |= more

    def _classes(self) -> Iterator[ast.ClassDef]:
        for module in self.modules:
            yield from (node for node in ast.walk(module.tree) if isinstance(node, ast.ClassDef))

    def unresolved(self) -> Iterator[str]:
        """Each message of which no string is found, with its place and what to do."""
        for module in self.modules:
            for node in ast.walk(module.tree):
                if not isinstance(node, ast.Call):
                    continue
                for message in self._messages(module, node):
                    search = _Search(self)
                    if message is node and search.any(module, node.args):
                        continue
                    if message is node or not search.found(module, message):
                        yield (
                            f"{module.name}:{node.lineno}: no string stands behind `{ast.unparse(message)}`, which "
                            f"{ast.unparse(node.func)} takes as a message, so docs/dev/messages.md cannot list it: "
                            "write the text as a string or an f-string where it is used"
                        )

    def _messages(self, module: Module, call: ast.Call) -> Iterator[ast.expr]:
        """The messages that a call takes."""
        name = last_name(call.func)
        if is_log(call):
            yield call.args[1 if name == "log" else 0]
        elif name in self.exceptions - SILENT and call.args:
            # Of several arguments one is the message; the others are facts, as a position.
            yield call
        elif name in SINKS and (name[0].isupper() or module.name.startswith(ENGINE)):
            if any(isinstance(one, ast.Starred) for one in call.args):
                return
            place, keyword = SINKS[name]
            if place == ALL:
                yield from call.args[1:]
            elif place < len(call.args):
                yield call.args[place]
            yield from (one.value for one in call.keywords if one.arg == keyword)


def _fields(node: ast.ClassDef) -> Iterator[str]:
    """What instances and the class itself have, but for methods."""
    for inner in ast.walk(node):
        match inner:
            case ast.AnnAssign(target=ast.Name(id=name) | ast.Attribute(attr=name)):
                yield name
            case ast.Assign(targets=targets):
                yield from (last_name(target) for target in targets)
            case _:
                pass


def _bound(body: Iterable[ast.stmt]) -> Iterator[tuple[str, ast.expr]]:
    """The names that statements bind, with what they are bound to."""
    for node in body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                yield name, value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                yield name, value
            case _:
                pass


@dataclass(slots=True)
class _Search:
    """One search for the strings behind an expression."""

    package: Package
    seen: dict[ast.AST, bool] = field(default_factory=dict)

    def found(self, module: Module, node: ast.expr) -> bool:
        """Whether a string stands behind an expression, on each way that it may take."""
        if node not in self.seen:
            # What leads back to itself says nothing about where it begins.
            self.seen[node] = True
            self.seen[node] = self._found(module, node)
        return self.seen[node]

    def _found(self, module: Module, node: ast.expr) -> bool:
        if isinstance(node, ast.Name | ast.Attribute | ast.Call) and self._foreign(last_name(node)):
            return True
        match node:
            case ast.Constant(value=value):
                return value is None or isinstance(value, str)
            case ast.JoinedStr(values=values):
                plain = "".join(str(one.value) for one in values if isinstance(one, ast.Constant))
                holes = [one.value for one in values if isinstance(one, ast.FormattedValue)]
                return WORD.search(plain) is not None or self.any(module, holes)
            case ast.Call():
                return self._called(module, node)
            case ast.Name(id=name):
                return self._named(module, node, name)
            case ast.Subscript(value=ast.Name(id=name)) if _parameter_of(module, node, name):
                # A mapping that is handed over may hold anything: only a text that is handed over is looked at there.
                return False
            case ast.Attribute(attr=name):
                return self._known(name) or name in self.package.fields
            case _:
                parts = _parts(node)
                return parts is not None and all(self.found(module, part) for part in parts)

    def any(self, module: Module, nodes: Iterable[ast.expr]) -> bool:
        """Whether a string stands behind one of several."""
        return any(self.found(module, node) for node in nodes)

    def _called(self, module: Module, call: ast.Call) -> bool:
        name = last_name(call.func)
        if isinstance(call.func, ast.Attribute):
            if name in {"join", "fromkeys"}:
                return self.any(module, call.args)
            if name in STRINGS:
                return self.found(module, call.func.value)
        elif name in HANDED:
            return self.any(module, call.args)
        return name in self.package.classes or self._known(name)

    def _foreign(self, name: str) -> bool:
        self.package.foreign |= {name} & FOREIGN.keys()
        return name in FOREIGN

    def _known(self, name: str) -> bool:
        """Whether a function or a constant of the package gives a string."""
        functions = (
            [(module, one) for one in _given(function)] for module, function in self.package.functions.get(name, ())
        )
        ways = [*filter(None, functions), *([one] for one in self.package.constants.get(name, ()))]
        # Of several functions of one name any may be meant.
        return any(all(self.found(*one) for one in way) for way in ways)

    def _named(self, module: Module, node: ast.AST, name: str) -> bool:
        if _parameter_of(module, node, name):
            return True
        for outer in module.above(node):
            if isinstance(outer, ast.ExceptHandler) and outer.name == name:
                return True
            if isinstance(outer, Function | ast.ListComp | ast.GeneratorExp) and (values := list(_set(outer, name))):
                return all(self.found(module, value) for value in values)
        return self._known(name)


def _parameter_of(module: Module, node: ast.AST, name: str) -> bool:
    """Whether a name is a parameter where a node stands."""
    around = (outer for outer in module.above(node) if isinstance(outer, ast.Lambda | Function))
    return any(isinstance(one, ast.arg) and one.arg == name for outer in around for one in ast.walk(outer.args))


def _parts(node: ast.expr) -> list[ast.expr] | None:
    """What an expression gives one of, or is made of; None where that is not followed."""
    match node:
        case ast.IfExp(body=body, orelse=other):
            return [body, other]
        case ast.BoolOp(values=values):
            return values
        case ast.BinOp(left=left, op=ast.Add() | ast.Mod()):
            return [left]
        case ast.Tuple(elts=values) | ast.List(elts=values) | ast.Set(elts=values) | ast.Dict(values=values):
            return values
        case ast.ListComp(elt=value) | ast.GeneratorExp(elt=value) | ast.SetComp(elt=value):
            return [value]
        case ast.DictComp(value=value) | ast.NamedExpr(value=value) | ast.Await(value=value):
            return [value]
        case ast.Starred(value=value) | ast.Subscript(value=value):
            return [value]
        case _:
            return None


def _given(function: Function) -> Iterator[ast.expr]:
    """What a function gives back, or yields."""
    for node in ast.walk(function):
        match node:
            case ast.Return(value=ast.expr() as value) | ast.Yield(value=ast.expr() as value):
                yield value
            case ast.YieldFrom(value=value):
                yield value
            case _:
                pass


def _set(scope: ast.AST, name: str) -> Iterator[ast.expr]:
    """What a name is set to in a function or a comprehension."""
    for node in ast.walk(scope):
        match node:
            case ast.Assign(targets=targets, value=value) if any(_holds(target, name) for target in targets):
                yield value
            case (
                ast.AnnAssign(target=target, value=ast.expr() as value)
                | ast.AugAssign(target=target, value=value)
                | ast.NamedExpr(target=target, value=value)
                | ast.For(target=target, iter=value)
                | ast.AsyncFor(target=target, iter=value)
                | ast.comprehension(target=target, iter=value)
            ) if _holds(target, name):
                yield value
            case ast.MatchAs(name=captured) if captured == name:
                yield ast.Constant(None)
            case _:
                pass


def _holds(target: ast.expr, name: str) -> bool:
    return any(isinstance(one, ast.Name) and one.id == name for one in ast.walk(target))
