"""What a GameDay says for the team beside its plan: whom to ask, where to look, what is to be done."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any


@dataclass(frozen=True, slots=True)
class Item:
    """Something to do; ``due`` and ``closed`` are days."""

    text: str
    owner: str = ""
    due: str = ""
    link: str = ""
    closed: str = ""

    def overdue(self, today: date) -> bool:
        """Whether it is open after its day."""
        return not self.closed and bool(self.due) and self.due < today.isoformat()


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom to ask, and how they are reached."""

    name: str
    contact: str


@dataclass(frozen=True, slots=True)
class Link:
    """What is where."""

    name: str
    url: str


def contacts_of(spec: Mapping[str, Any]) -> tuple[Contact, ...]:
    """Whom to ask."""
    return tuple(Contact(str(one["name"]), str(one["contact"])) for one in spec.get("contacts", ()))


def links_of(spec: Mapping[str, Any]) -> tuple[Link, ...]:
    """Where to look."""
    return tuple(Link(str(one["name"]), _web(str(one["url"]))) for one in spec.get("links", ()))


def items_of(spec: Mapping[str, Any]) -> tuple[Item, ...]:
    """What is to be done."""
    return tuple(_items(spec))


def _items(spec: Mapping[str, Any]) -> Iterator[Item]:
    for one in spec.get("actionItems", ()):
        text, owner, due, link, closed = (
            str(one.get(field, "")) for field in ("text", "owner", "due", "link", "closed")
        )
        yield Item(text, owner, due, _web(link), closed)


def _web(link: str) -> str:
    """A link to the web, or "". The CRD admits no other; whoever clicks in a forwarded file relies on it."""
    return link if link.startswith(("https://", "http://")) else ""
