"""The tokens of an expression that compiles: its text in pieces, each with its place."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

COMPREHENSIONS: Final = frozenset({"all", "exists", "exists_one", "map", "filter"})
"""Macros that evaluate an expression for each item; one inside another is refused: it has no bound on its cost."""

_TOKEN = re.compile(
    r"""
    (?P<space>\s+|//[^\n]*)
    |(?P<text>[rRbB]{0,2}(?:\"\"\"(?:\\.|[^\\])*?\"\"\"|'''(?:\\.|[^\\])*?'''|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'))
    |(?P<double>\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?)
    |(?P<whole>0[xX][0-9a-fA-F]+[uU]?|\d+[uU]?)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<sign>&&|\|\||==|!=|<=|>=|.)
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the text: ``kind`` is a group of the pattern above, ``at`` its offset."""

    kind: str
    text: str
    at: int


def tokens_of(text: str) -> Iterator[Token]:
    """Cut a text into tokens, without white space and comments."""
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or ""
        if kind != "space":
            yield Token(kind, match.group(), match.start())


def ends_operand(token: Token) -> bool:
    """Whether an operand may end with this token."""
    if token.kind == "sign":
        return token.text in {")", "]"}
    return token.text != "in"
