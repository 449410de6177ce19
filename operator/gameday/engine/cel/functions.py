"""The functions that expressions may call in addition to CEL's own.

None of them raises: ``cel`` prints a raised exception to stderr. What cannot be computed comes back as one of
``COMPLAINTS``, a text, which is a type error wherever a number or a truth is wanted.
"""

from collections.abc import Callable
from typing import Final

LENGTH_OF: Final = "lengthOf"
"""Replaces CEL's ``size``, whose result is an integer that cannot be added to a double."""

_NEAR_WANTS = "near() takes four numbers"
_AT_MOST_WANTS = "atMost() takes four numbers"
_SIZE_WANTS = "size() takes text, a list or a map"

COMPLAINTS: Final = frozenset({_NEAR_WANTS, _AT_MOST_WANTS, _SIZE_WANTS})
"""What these functions answer when they cannot."""


def near(value: object, reference: object, fraction: object, floor: object) -> bool | str:
    """Whether two numbers differ by at most ``fraction`` of the reference, or by ``floor`` where that is more."""
    if (numbers := _numbers(value, reference, fraction, floor)) is None:
        return _NEAR_WANTS
    number, other, part, least = numbers
    return abs(number - other) <= max(part * abs(other), least)


def at_most(value: object, reference: object, fraction: object, floor: object) -> bool | str:
    """Whether a number exceeds the reference by no more than ``near`` would allow; it may be any less."""
    if (numbers := _numbers(value, reference, fraction, floor)) is None:
        return _AT_MOST_WANTS
    number, other, part, least = numbers
    return number <= other + max(part * abs(other), least)


def length_of(value: object) -> float | str:
    """The length of a text, a list or a map, as a double."""
    return float(len(value)) if isinstance(value, str | list | dict) else _SIZE_WANTS


FUNCTIONS: Final[dict[str, Callable[..., object]]] = {"near": near, "atMost": at_most, LENGTH_OF: length_of}


def _numbers(*values: object) -> tuple[float, ...] | None:
    numbers = tuple(value for value in values if isinstance(value, float))
    return numbers if len(numbers) == len(values) else None
