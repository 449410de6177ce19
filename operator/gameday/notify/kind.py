"""What a kind of receiver is: the part of a GameDay that names it, and the request that a message becomes."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar, Generic, TypeVar

from gameday.model.agent import Delivery, secret_file
from gameday.model.finding import Finding
from gameday.model.notice import FOLLOWS, Event
from gameday.model.plan import ConfigMapKey, SecretKey
from gameday.notify.message import Message
from gameday.schema.base import ApiModel
from gameday.schema.references import ValueFrom

Spec = TypeVar("Spec", bound=ApiModel)

EVERYTHING = frozenset(Event) - FOLLOWS.keys()
"""All that a receiver can ask for; what follows another event is sent with that."""


class ReceiverKind(ABC, Generic[Spec]):
    """A way to tell a team."""

    name: ClassVar[str]
    """The key in a GameDay's spec."""
    description: ClassVar[str]
    """What the CRD says of that key, in one line."""
    spec: ClassVar[type[Any]]
    """What stands below the key."""
    events: ClassVar[frozenset[Event]] = EVERYTHING
    """What it is sent unless the spec says otherwise."""
    only_on_failure: ClassVar[bool] = False
    """Whether it gets failures only, unless the spec says otherwise."""

    @abstractmethod
    def delivery(self, spec: Spec, path: str, message: Message) -> Delivery | None:
        """The request of a message, or None where there is nothing to send; ``path`` is where the spec stands."""

    @abstractmethod
    def secrets(self, spec: Spec) -> tuple[SecretKey, ...]:
        """What its pod reads of Secrets."""

    def config_maps(self, spec: Spec) -> tuple[ConfigMapKey, ...]:  # noqa: ARG002  for kinds that read some
        """What its pod reads of ConfigMaps."""
        return ()

    def check(self, spec: Spec) -> Iterator[Finding]:  # noqa: ARG002  for kinds that find something
        """What is wrong with it that no schema can say, with the path below its key."""
        yield from ()


def file_of(value: ValueFrom) -> str:
    """Where the pod finds a value."""
    key = value.parsed()
    return secret_file(key.name, key.key)
