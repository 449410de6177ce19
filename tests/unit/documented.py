"""What pages for developers say of classes: tables of members, held against the classes themselves."""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_HEAD: Final = re.compile(r"^\| (?:member|method) of (?:an? )?`(\w+)` \|")
_CODE: Final = re.compile(r"`(\w+)(?:\(([^)]*)\))?`")


def rows(page: Path) -> Iterator[tuple[str, str, list[str] | None]]:
    """Each member that a table of a page names: its class, its name and, for a method, the names of its arguments."""
    owner = ""
    for line in page.read_text().splitlines():
        if (head := _HEAD.match(line)) is not None:
            owner = head.group(1)
        elif not line.startswith("| "):
            owner = ""
        elif owner and not line.startswith("| ---"):
            for name, given in _CODE.findall(line.split("|")[1]):
                takes = [one.strip() for one in given.split(",") if one.strip()]
                yield owner, name, takes if f"{name}(" in line else None


def members(kind: type) -> dict[str, list[str] | None]:
    """The public members that a class defines itself, and what its methods take."""
    own = {**inspect.get_annotations(kind), **vars(kind)}
    names = [name for name in own if not name.startswith("_") or name == "__call__"]
    return {name: _takes(vars(kind).get(name)) for name in names}


def _takes(member: object) -> list[str] | None:
    if not inspect.isfunction(member):
        return None
    return [name for name in inspect.signature(member).parameters if name != "self"]


def stale(page: Path, *classes: type) -> list[str]:
    """What a page says of members of these classes that is not so, and which members it leaves out."""
    there = {kind.__name__: members(kind) for kind in classes}
    said: dict[str, dict[str, list[str] | None]] = {name: {} for name in there}
    wrong: list[str] = []
    for owner, name, takes in rows(page):
        if owner not in there:
            wrong.append(f"there is no class {owner}")
            continue
        said[owner][name] = takes
        if name not in there[owner]:
            wrong.append(f"{owner} has no {name}")
        elif takes != there[owner][name]:
            wrong.append(f"{owner}.{name} takes {there[owner][name]}, and not {takes}")
    wrong += [f"{owner}.{name} is left out" for owner, own in there.items() for name in own if name not in said[owner]]
    return wrong
