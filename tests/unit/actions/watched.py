"""What the watches of a drill have seen, without a cluster: the one stand-in for the cache that kinds ask."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from gameday.cluster.resources import Object


@dataclass
class Watched:
    """An ``ObjectCache``. A watch that has not listed shows nothing, as in the operator."""

    known: dict[str, dict[str, Object]] = field(default_factory=dict)
    """The objects of each watch by name."""
    synced: bool = True
    """Whether the watches have listed, but for those that are ``unlisted``."""
    unlisted: Collection[str] = ()
    addresses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What agents have found for the name that a fault cuts off, by the name of the fault."""

    @classmethod
    def of(cls, things: Mapping[str, Iterable[Object]], *, synced: bool = True, unlisted: str = "") -> "Watched":
        """What watches have seen, by their names."""
        known = {watch: {one["metadata"]["name"]: one for one in listed} for watch, listed in things.items()}
        return cls(known, synced, {unlisted})

    def listed(self, watch: str) -> bool:
        """Whether this watch has listed."""
        return self.synced and watch not in self.unlisted

    def objects(self, watch: str) -> Mapping[str, Object]:
        """The objects of a watch, by name."""
        return self.known.get(watch, {}) if self.listed(watch) else {}

    def resolved(self, fault: str) -> tuple[str, ...]:
        """The addresses that agents found."""
        return self.addresses.get(fault, ())

    def upsert(self, watch: str, thing: Object) -> None:
        """Store an object that a call returned."""
        self.known.setdefault(watch, {})[thing["metadata"]["name"]] = thing

    def evict(self, watch: str, deleted: str) -> None:
        """Remove an object that a call deleted."""
        self.known.get(watch, {}).pop(deleted, None)
