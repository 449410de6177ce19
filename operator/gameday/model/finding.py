"""What a check finds: a field, and what to do about it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that keeps a plan from running; ``path`` is the field's."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"
