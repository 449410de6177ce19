"""Calico's selectors, read strictly: what is not understood is answered with None, and never guessed.

The language (Calico, libcalico-go/lib/selector): ``all()``, ``global()``, ``has(key)``, ``key == 'v'``, ``!=``,
``key in {'v', ...}``, ``not in``, ``key contains 'v'``, ``starts with``, ``ends with``, ``!``, ``&&``, ``||`` and
brackets; ``&&`` binds closer than ``||``. ``!=`` and ``not in`` also hold where the label is absent. An empty selector
is ``all()``.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final

_TOKEN: Final = re.compile(r"""\s*(?:(&&|\|\||==|!=|[!(){},])|'([^']*)'|"([^"]*)"|([A-Za-z0-9_./-]+))""")
_DEEPEST: Final = 50
"""Most brackets and negations within each other."""

Look = Callable[[str], tuple[bool, str] | None]
"""Whether there is a label of this key, and its value; None where that is not known."""
Node = Callable[[Look], bool | None]
Token = tuple[str, str]
"""What it is (``sign``, ``text``, ``word``), and its characters."""


def matches(selector: str, labels: Mapping[str, str], unknown: tuple[str, ...] = ()) -> bool | None:
    """Whether a selector selects these labels; None if that is unknown.

    ``unknown`` are the beginnings of keys of labels that are not known.
    """
    node = _parsed(selector)
    if node is None:
        return None

    def look(key: str) -> tuple[bool, str] | None:
        return None if key.startswith(unknown) else (key in labels, labels.get(key, ""))

    return node(look)


@lru_cache(maxsize=1024)
def _parsed(selector: str) -> Node | None:
    try:
        return _Parser(_tokens(selector)).whole()
    except _NotUnderstood:
        return None


class _NotUnderstood(Exception):
    """The text is not of the language as it is known here."""


def _tokens(text: str) -> list[Token]:
    found: list[Token] = []
    at, text = 0, text.rstrip()
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise _NotUnderstood
        sign, single, double, word = token.groups()
        if sign is not None:
            found.append(("sign", sign))
        elif word is not None:
            found.append(("word", word))
        else:
            found.append(("text", single if single is not None else double))
        at = token.end()
    return found


class _Parser:
    """Reads tokens from left to right."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.at = 0
        self.depth = 0

    def whole(self) -> Node:
        if not self.tokens:
            return lambda _: True
        node = self._either()
        if self.at < len(self.tokens):
            raise _NotUnderstood
        return node

    def _next(self) -> Token:
        if self.at >= len(self.tokens):
            raise _NotUnderstood
        self.at += 1
        return self.tokens[self.at - 1]

    def _took(self, *wanted: Token) -> bool:
        """Whether these tokens come next; they are then read."""
        if tuple(self.tokens[self.at : self.at + len(wanted)]) != wanted:
            return False
        self.at += len(wanted)
        return True

    def _need(self, kind: str, text: str | None = None) -> str:
        found = self._next()
        if found[0] != kind or (text is not None and found[1] != text):
            raise _NotUnderstood
        return found[1]

    def _either(self) -> Node:
        nodes = [self._both()]
        while self._took(("sign", "||")):
            nodes.append(self._both())
        return lambda look: _any(look, nodes)

    def _both(self) -> Node:
        nodes = [self._one()]
        while self._took(("sign", "&&")):
            nodes.append(self._one())
        return lambda look: _not(_any(look, [_negated(node) for node in nodes]))

    def _one(self) -> Node:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise _NotUnderstood
        node = self._one_of_its_kind()
        self.depth -= 1
        return node

    def _one_of_its_kind(self) -> Node:
        if self._took(("sign", "!")):
            return _negated(self._one())
        if self._took(("sign", "(")):
            node = self._either()
            self._need("sign", ")")
            return node
        key = self._need("word")
        if self._took(("sign", "(")):
            return self._call(key)
        return self._comparison(key)

    def _call(self, name: str) -> Node:
        if name in {"all", "global"}:
            self._need("sign", ")")
            # A pod is always in a namespace.
            return lambda _: name == "all"
        if name != "has":
            raise _NotUnderstood
        key = self._need("word")
        self._need("sign", ")")
        return _test(key, lambda there, _: there)

    def _comparison(self, key: str) -> Node:
        if self._took(("sign", "==")):
            wanted = self._need("text")
            return _test(key, lambda there, value: there and value == wanted)
        if self._took(("sign", "!=")):
            wanted = self._need("text")
            return _test(key, lambda there, value: not there or value != wanted)
        if self._took(("word", "in")):
            values = self._values()
            return _test(key, lambda there, value: there and value in values)
        if self._took(("word", "not"), ("word", "in")):
            values = self._values()
            return _test(key, lambda there, value: not there or value not in values)
        if self._took(("word", "contains")):
            wanted = self._need("text")
            return _test(key, lambda there, value: there and wanted in value)
        if self._took(("word", "starts"), ("word", "with")):
            wanted = self._need("text")
            return _test(key, lambda there, value: there and value.startswith(wanted))
        if self._took(("word", "ends"), ("word", "with")):
            wanted = self._need("text")
            return _test(key, lambda there, value: there and value.endswith(wanted))
        raise _NotUnderstood

    def _values(self) -> frozenset[str]:
        self._need("sign", "{")
        if self._took(("sign", "}")):
            return frozenset()
        values = {self._need("text")}
        while not self._took(("sign", "}")):
            self._need("sign", ",")
            values.add(self._need("text"))
        return frozenset(values)


def _test(key: str, holds: Callable[[bool, str], bool]) -> Node:
    def node(look: Look) -> bool | None:
        found = look(key)
        return None if found is None else holds(*found)

    return node


def _any(look: Look, nodes: list[Node]) -> bool | None:
    found = [node(look) for node in nodes]
    if True in found:
        return True
    return None if None in found else False


def _not(known: bool | None) -> bool | None:
    return None if known is None else not known


def _negated(node: Node) -> Node:
    return lambda look: _not(node(look))
