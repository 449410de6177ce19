"""What an expression compares, read from its text: ``health.status == '503'`` compares a path with text.

CEL says ``false`` to a number that is compared with text, and ``true`` where they must differ: a quoted number is the
likeliest typing error of all, and nothing would ever tell. The text compiles, so this is a look around each operator,
not a parser; an operand that is neither a path, a literal nor a known function's result is left out.
"""

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import cel

from gameday.engine.cel.paths import Path, find, path_text
from gameday.engine.cel.tokens import COMPREHENSIONS, Token, ends_operand
from gameday.model.sample import Value

EACH: Final = -1
"""The part of a path that means every item of a list, or every key of a map."""


class Kind(enum.Enum):
    """What a value is, in words for people."""

    NUMBER = "a number"
    TEXT = "text"
    TRUTH = "true or false"
    LIST = "a list"
    MAP = "a map"
    NULL = "null"


OPERATORS: Final = frozenset({"==", "!=", "<", "<=", ">", ">=", "in"})
RESULTS: Final[dict[str, Kind]] = {
    **dict.fromkeys(("size", "double", "increase"), Kind.NUMBER),
    **dict.fromkeys(("has", "startsWith", "endsWith", "contains", "matches"), Kind.TRUTH),
    **dict.fromkeys(("near", "atMost", "all", "exists", "exists_one"), Kind.TRUTH),
    **dict.fromkeys(("map", "filter"), Kind.LIST),
    "string": Kind.TEXT,
}
_ARITHMETIC: Final = frozenset({"-", "*", "/"})
_OPENING, _CLOSING = {"(": ")", "[": "]"}, {")": "(", "]": "["}


@dataclass(frozen=True, slots=True)
class Operand:
    """One side of a comparison: a ``path`` whose kinds the samples tell, or the kinds that its text tells."""

    text: str
    path: Path | None = None
    kinds: frozenset[Kind] = frozenset()


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two values that an expression compares with ``operator``."""

    left: Operand
    operator: str
    right: Operand


def kind_of(value: Value) -> Kind:
    """What a value is."""
    match value:
        case None:
            return Kind.NULL
        case bool():
            return Kind.TRUTH
        case int() | float():
            return Kind.NUMBER
        case str():
            return Kind.TEXT
        case Mapping():
            return Kind.MAP
        case _:
            return Kind.LIST


def kinds_at(path: Path, value: Value) -> Iterable[Kind]:
    """The kinds of what a path below ``value`` leads to; none where it leads nowhere."""
    if not path:
        yield kind_of(value)
        return
    key, rest = path[0], path[1:]
    if key == EACH:
        for item in value if isinstance(value, list | tuple | Mapping) else ():
            yield from kinds_at(rest, item)
    else:
        there, inner = find(value, (key,))
        if there:
            yield from kinds_at(rest, inner)


def comparisons_of(tokens: Sequence[Token]) -> tuple[Comparison, ...]:
    """Every comparison of an expression, in the order of its text."""
    reader = _Reader(tokens)
    reader.bind()
    found = []
    for index, token in enumerate(tokens):
        if token.text in OPERATORS and token.kind != "text":
            left, right = reader.before(index), reader.behind(index)
            if left is not None and right is not None:
                found.append(Comparison(left, token.text, right))
    return tuple(found)


@dataclass(slots=True)
class _Reader:
    tokens: Sequence[Token]
    scopes: list[tuple[int, int, str, Path | None]] = field(default_factory=list)
    """Comprehensions: their first and last token, the variable, and the path of the list that it goes through."""

    def at(self, index: int) -> str:
        return self.tokens[index].text if 0 <= index < len(self.tokens) else ""

    def bind(self) -> None:
        """Find the values of the variables of comprehensions."""
        for index, token in enumerate(self.tokens):
            if token.text in COMPREHENSIONS and self.at(index - 1) == "." and self.at(index + 1) == "(":
                start = self._chain_start(index - 2)
                path = self._path(start, index - 1) if start is not None else None
                self.scopes.append((index, self._closing(index + 1), self.at(index + 2), path))

    def before(self, operator: int) -> Operand | None:
        """What stands left of an operator."""
        end = operator - 1
        start = self._operand_start(end)
        if start is None:
            return None
        sign = self.at(start - 1)
        binary = start >= 2 and ends_operand(self.tokens[start - 2])
        return self._signed(sign if binary or sign in {"!", "-"} else "", start, end + 1)

    def behind(self, operator: int) -> Operand | None:
        """What stands right of an operator."""
        start, sign = operator + 1, ""
        while self.at(start) in {"!", "-"}:
            sign, start = self.at(start), start + 1
        end = self._operand_end(start)
        if end is None:
            return None
        return self._signed(sign or (self.at(end) if self.at(end) in _ARITHMETIC else ""), start, end)

    def _signed(self, sign: str, start: int, end: int) -> Operand | None:
        text = "".join(token.text for token in self.tokens[start:end])
        if sign == "!":
            return Operand(f"!{text}", kinds=frozenset({Kind.TRUTH}))
        if sign in _ARITHMETIC:
            return Operand(text, kinds=frozenset({Kind.NUMBER}))
        return self._operand(start, end, text)

    def _operand(self, start: int, end: int, text: str) -> Operand | None:
        token = self.tokens[start]
        if end - start == 1 and (kind := _literal(token)) is not None:
            return Operand(text, kinds=frozenset({kind}))
        if token.text == "[":
            kinds = self._items(start, end)
            return Operand(text, kinds=kinds) if kinds else None
        if self.at(end - 1) == ")":
            opening = self._opening(end - 1)
            if opening == start:
                return self._operand(start + 1, end - 1, text[1:-1]) if self._simple(start + 1, end - 1) else None
            kind = RESULTS.get(self.at(opening - 1))
            return Operand(text, kinds=frozenset({kind})) if kind is not None else None
        path = self._path(start, end)
        return Operand(path_text_of(path), path) if path is not None else None

    def _simple(self, start: int, end: int) -> bool:
        return start < end and self._operand_end(start) == end

    def _items(self, start: int, end: int) -> frozenset[Kind]:
        """The kinds of the literals in a list that is written out."""
        kinds = {_literal(token) for token in self.tokens[start + 1 : end - 1] if token.text not in {",", "-"}}
        return frozenset(kind for kind in kinds if kind is not None) if None not in kinds else frozenset()

    def _operand_start(self, end: int) -> int | None:
        token = self.tokens[end]
        if _literal(token) is not None and token.kind != "name":
            return end
        if token.text == "]" and not self._is_index(self._opening(end)):
            return self._opening(end)
        return self._chain_start(end)

    def _chain_start(self, end: int) -> int | None:
        """The first token of the chain of keys, indexes and calls that ends here."""
        index = end
        while index >= 0:
            token = self.tokens[index]
            if token.text in _CLOSING:
                index = self._opening(index)
                if token.text == ")" and self.tokens[index - 1].kind != "name":
                    return index
                index -= 1
                if token.text == "]":
                    continue
                token = self.tokens[index]
            if token.kind != "name":
                return None
            if self.at(index - 1) != ".":
                return index
            index -= 2
        return None

    def _operand_end(self, start: int) -> int | None:
        """One behind the last token of the operand that begins here."""
        if start >= len(self.tokens):
            return None
        token = self.tokens[start]
        if token.text in _OPENING:
            index = self._closing(start) + 1
        elif token.kind == "name" and self.at(start + 1) == "(":
            index = self._closing(start + 1) + 1
        elif token.kind in {"name", "text", "double", "whole"}:
            index = start + 1
        else:
            return None
        while self.at(index) in {".", "["}:
            if self.at(index) == "[":
                index = self._closing(index) + 1
            elif self.at(index + 2) == "(":
                index = self._closing(index + 2) + 1
            else:
                index += 2
        return index

    def _path(self, start: int, end: int) -> Path | None:
        """The path that a chain of names and literal indexes writes out; None for anything else."""
        if self.tokens[start].kind != "name":
            return None
        path: list[str | int] = [self.at(start)]
        index = start + 1
        while index < end:
            if self.at(index) == "." and self.tokens[index + 1].kind == "name":
                path.append(self.at(index + 1))
                index += 2
            elif self.at(index) == "[" and self.at(index + 2) == "]":
                key = cel.evaluate(self.at(index + 1)) if self.tokens[index + 1].kind in {"text", "whole"} else None
                if not isinstance(key, str | int):
                    return None
                path.append(key)
                index += 3
            else:
                return None
        return self._bound(start, tuple(path))

    def _bound(self, index: int, path: Path) -> Path | None:
        for first, last, variable, through in self.scopes:
            if first < index <= last and path[0] == variable:
                return (*through, EACH, *path[1:]) if through is not None else None
        return path

    def _is_index(self, opening: int) -> bool:
        return opening > 0 and ends_operand(self.tokens[opening - 1])

    def _closing(self, opening: int) -> int:
        return self._matching(opening, 1)

    def _opening(self, closing: int) -> int:
        return self._matching(closing, -1)

    def _matching(self, index: int, step: int) -> int:
        depth = 0
        while 0 <= index < len(self.tokens):
            token = self.tokens[index]
            if token.kind == "sign":
                depth += step * ((token.text in _OPENING) - (token.text in _CLOSING))
            if depth == 0:
                return index
            index += step
        return len(self.tokens) - 1 if step > 0 else 0


def path_text_of(path: Path) -> str:
    """The path in words: ``alerts.body[each].labels``."""
    return path_text(path).replace(f"[{EACH}]", "[each]")


def _literal(token: Token) -> Kind | None:
    if token.kind == "text":
        return Kind.TEXT
    if token.kind in {"double", "whole"}:
        return Kind.NUMBER
    if token.text in {"true", "false"}:
        return Kind.TRUTH
    return Kind.NULL if token.text == "null" else None
