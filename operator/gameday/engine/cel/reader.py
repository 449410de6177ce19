"""Reading the text of an expression: which paths it uses, and the same text with every number a double.

``cel`` compiles an expression but returns only the names that it uses. Expressions are compiled before they are read
here, so they are well formed: this is a walk over tokens, not a second parser.
"""

import json
from dataclasses import dataclass, field
from typing import Final

import cel

from gameday.engine.cel.cost import Cost, pattern_flaw
from gameday.engine.cel.functions import LENGTH_OF
from gameday.engine.cel.paths import Path, path_text
from gameday.engine.cel.tokens import COMPREHENSIONS, Token, ends_operand, tokens_of

FUNCTIONS: Final = frozenset(
    {"has", "size", "startsWith", "endsWith", "contains", "matches", "double", "string", "near", "atMost", "increase"}
)
"""Functions that an expression may call."""

INCREASES: Final = "increase".ljust(64, "_")
"""The variable that holds how much each path of an ``increase`` grew: longer than any probe's name may be."""

_ARGUMENTS: Final = {"near": 4, "atMost": 4}
_WORDS: Final = frozenset({"true", "false", "null", "in"})
_OPENING, _CLOSING = frozenset("(["), frozenset(")]")


class ExpressionError(ValueError):
    """An expression that cannot be used: what is wrong with it, where, and what to do."""

    def __init__(self, message: str, text: str = "", position: int | None = None) -> None:
        """Compose the message; ``position`` is the offset in ``text`` that a caret will point at."""
        if position is not None:
            start = text.rfind("\n", 0, position) + 1
            line = text[start:].split("\n", 1)[0]
            message = f"{message}\n  {line}\n  {' ' * (position - start)}^"
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Reading:
    """What the text says: its paths in the order of their first use, and the text to compile."""

    paths: tuple[Path, ...]
    promoted: str
    micros: float
    """What an evaluation may cost, in microseconds."""
    increases: tuple[Path, ...] = ()
    """Paths that ``increase`` uses."""


@dataclass(slots=True)
class _Scope:
    """An open parenthesis; ``binds`` is a comprehension's variable, ``commas`` counts its own arguments."""

    function: Token | None
    binds: str | None = None
    commas: int = 0


@dataclass(slots=True)
class _Walk:
    """The state of one walk over the tokens."""

    source: str
    tokens: tuple[Token, ...]
    paths: dict[Path, None] = field(default_factory=dict)
    increases: dict[Path, None] = field(default_factory=dict)
    pieces: list[str] = field(default_factory=list)
    open: list[_Scope] = field(default_factory=list)
    cost: Cost = field(default_factory=Cost)

    @property
    def repeated(self) -> bool:
        """Whether this is evaluated for each item of a list."""
        return any(scope.binds for scope in self.open)

    def at(self, index: int) -> str:
        """The text of a token, "" beyond either end."""
        return self.tokens[index].text if 0 <= index < len(self.tokens) else ""

    def error(self, message: str, index: int) -> ExpressionError:
        """An error that points at a token."""
        return ExpressionError(message, self.source, self.tokens[index].at)


def read(text: str) -> Reading:
    """Read an expression that compiles.

    Raises:
        ExpressionError: for what CEL allows and a game day does not.

    """
    tokens = tuple(tokens_of(text))
    walk = _Walk(text, tokens)
    index = 0
    while index < len(tokens):
        index = _step(walk, index)
    return Reading(tuple(walk.paths), " ".join(walk.pieces), walk.cost.micros, tuple(walk.increases))


def _step(walk: _Walk, index: int) -> int:
    """Take in the token at ``index``; the index of the next one is returned."""
    token = walk.tokens[index]
    walk.cost.token(repeated=walk.repeated)
    if token.kind == "name" and token.text not in _WORDS:
        return _name(walk, index)
    if token.text == "[" and _is_index(walk, index):
        _key(walk, index)
        walk.pieces.extend(walk.at(i) for i in (index, index + 1, index + 2))
        return index + 3
    if token.text == "{":
        raise walk.error("maps and messages are not supported; compare the values themselves", index)
    if token.text == "%":
        raise walk.error(
            "% works on whole numbers, but every number here is a double; compare with < and > instead", index
        )
    if token.text in _OPENING:
        walk.open.append(_Scope(None))
    elif token.text in _CLOSING:
        _close(walk)
    elif token.text == "," and walk.open:
        walk.open[-1].commas += 1
    walk.pieces.append(_double(token.text) if token.kind == "whole" else token.text)
    return index + 1


def _name(walk: _Walk, index: int) -> int:
    token = walk.tokens[index]
    if walk.at(index + 1) == "(":
        return _call(walk, index)
    if walk.at(index - 1) == ".":
        if index == 1 or not ends_operand(walk.tokens[index - 2]):
            raise walk.error(f"write {token.text} without the dot before it", index - 1)
        walk.pieces.append(token.text)
        return index + 1
    return _chain(walk, index, bound=any(scope.binds == token.text for scope in walk.open))


def _chain(walk: _Walk, start: int, *, bound: bool) -> int:
    """Take in a path; one that begins with a comprehension's variable does not lead into a sample."""
    path, index = _path(walk, start)
    if not bound:
        if len(path) == 1:
            raise walk.error(f"name a value of {path[0]}, as {path[0]}.ok; strings stand in quotes", start)
        walk.paths[path] = None
        walk.cost.named(repeated=walk.repeated)
    walk.pieces.append("".join(walk.at(i) for i in range(start, index)))
    return index


def _path(walk: _Walk, start: int) -> tuple[Path, int]:
    """Follow keys and indexes as far as they are written out; a method call ends the path before it."""
    path: list[str | int] = [walk.at(start)]
    index = start + 1
    while True:
        if walk.at(index) == "." and walk.at(index + 2) != "(":
            path.append(walk.at(index + 1))
            index += 2
        elif walk.at(index) == "[":
            path.append(_key(walk, index))
            index += 3
        else:
            return tuple(path), index


def _call(walk: _Walk, index: int) -> int:
    token = walk.tokens[index]
    scope = _Scope(token)
    walk.cost.call(token.text, repeated=walk.repeated)
    if token.text in COMPREHENSIONS and walk.at(index - 1) == ".":
        if walk.repeated:
            raise walk.error("a comprehension inside another may take seconds; split the expectation in two", index)
        scope.binds = walk.at(index + 2)
        walk.pieces.extend((token.text, "(", scope.binds))
        walk.open.append(scope)
        return index + 3
    if token.text not in FUNCTIONS:
        raise walk.error(f"{token.text}() is not known; the functions are {', '.join(sorted(FUNCTIONS))}", index)
    if token.text == "matches":
        _pattern(walk, index)
    if token.text == "increase":
        return _increase(walk, index)
    walk.open.append(scope)
    walk.pieces.extend((LENGTH_OF if token.text == "size" else token.text, "("))
    return index + 2


def _increase(walk: _Walk, index: int) -> int:
    """``increase(path)`` becomes a look-up of a value that is computed outside CEL."""
    start = index + 2
    path, end = _path(walk, start) if walk.tokens[start].kind == "name" else ((), start)
    bound = any(scope.binds == walk.at(start) for scope in walk.open)
    if len(path) < 2 or path[0] == "baseline" or bound or walk.at(end) != ")" or walk.at(index - 1) == ".":
        raise walk.error("write increase(PATH) with one path that begins with a probe's name, as alerts.body.n", index)
    walk.paths[path] = walk.increases[path] = None
    walk.cost.named(repeated=walk.repeated)
    walk.pieces.append(f"{INCREASES}[{json.dumps(path_text(path))}]")
    return end + 1


def _pattern(walk: _Walk, index: int) -> None:
    """The pattern of a ``matches``: written out, so that its cost is known."""
    last = index + 2 if walk.at(index - 1) == "." else index + 1
    while walk.at(last + 1) not in {")", ""}:
        last += 1
    token = walk.tokens[min(last, len(walk.tokens) - 1)]
    pattern = cel.evaluate(token.text) if token.kind == "text" else None
    if not isinstance(pattern, str) or walk.at(last - 1) not in {"(", ","}:
        raise walk.error("write the pattern of matches as text: body.name.matches('^a.*z$')", index)
    if flaw := pattern_flaw(pattern):
        raise walk.error(flaw, last)
    walk.cost.pattern(pattern, repeated=walk.repeated)


def _close(walk: _Walk) -> None:
    scope = walk.open.pop()
    if scope.function is None or scope.function.text not in _ARGUMENTS:
        return
    wanted = _ARGUMENTS[scope.function.text]
    if scope.commas + 1 != wanted:
        name = scope.function.text
        message = f"write {name}(value, reference, fraction, floor) with {wanted} arguments, not {scope.commas + 1}"
        raise ExpressionError(message, walk.source, scope.function.at)


def _key(walk: _Walk, index: int) -> str | int:
    """The literal in the brackets that open at ``index``."""
    literal = index + 1
    if walk.at(literal + 1) == "]":
        token = walk.tokens[literal]
        if token.kind == "whole" and token.text.isdecimal():
            return int(token.text)
        if token.kind == "text" and isinstance(key := cel.evaluate(token.text), str):
            return key
    raise walk.error('an index must be a literal: items[0] or body["a key"]', literal)


def _is_index(walk: _Walk, index: int) -> bool:
    return index > 0 and ends_operand(walk.tokens[index - 1])


def _double(whole: str) -> str:
    digits = whole.rstrip("uU")
    return repr(float(int(digits, 16 if digits[:2] in {"0x", "0X"} else 10)))
