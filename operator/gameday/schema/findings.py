"""What pydantic finds wrong in what a person wrote, as paths and messages."""

from collections.abc import Iterator

from pydantic import ValidationError


def findings_of(error: ValidationError, *root: str) -> Iterator[tuple[str, str]]:
    """Each field that is wrong, as (path, message); the paths begin with ``root``, such as ``spec.schedule``.

    That a list is too short without its items that are wrong is not said.
    """
    found = error.errors()
    for one in found:
        inside = any(o["loc"][: len(one["loc"])] == one["loc"] and o is not one for o in found)
        if not (one["type"] == "too_short" and inside):
            yield path_of((*root, *one["loc"])), one["msg"].removeprefix("Value error, ")


def path_of(location: tuple[int | str, ...]) -> str:
    """A field's path as the API server writes it: ``spec.probes[0].interval``."""
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return path.removeprefix(".")
