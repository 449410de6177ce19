"""Quantities as Kubernetes writes them: ``100m``, ``1.5``, ``128Mi``, ``1e3``."""

import math
import re
from fractions import Fraction
from typing import Final

_WRITTEN: Final = re.compile(r"([+-]?[0-9]*\.?[0-9]+|[+-]?[0-9]+\.)([eE][+-]?[0-9]{1,3}|[KMGTPE]i|[numkMGTPE])?")
_TENS: Final = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY: Final = "KMGTPE"


def quantity(written: str | float) -> Fraction:
    """The number that is written.

    Raises:
        ValueError: when it is not a quantity.

    """
    found = _WRITTEN.fullmatch(str(written).strip())
    if found is None:
        raise ValueError(f"{written!r} is not a quantity")
    number, suffix = Fraction(found[1]), found[2] or ""
    if suffix.endswith("i"):
        return number * Fraction(1024) ** (_BINARY.index(suffix[0]) + 1)
    if suffix[:1] in {"e", "E"} and suffix[1:]:
        return number * Fraction(10) ** int(suffix[1:])
    return number * Fraction(10) ** _TENS.get(suffix, 0)


def text(resource: str, amount: Fraction) -> str:
    """An amount of a resource as people write it, rounded up."""
    if resource.endswith(("memory", "storage")):
        return f"{math.ceil(amount / 1024**2)}Mi"
    return str(amount) if amount.denominator == 1 else f"{math.ceil(amount * 1000)}m"
