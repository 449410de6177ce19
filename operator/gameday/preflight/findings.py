"""What the preflight finds: each with the field it concerns and what to do about it."""

import enum
from dataclasses import dataclass


class Severity(enum.Enum):
    """Whether a finding keeps the drill from running."""

    REFUSE = "Refuse"
    WARN = "Warn"


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. ``code`` is a CamelCase word for tools, ``path`` a field of the GameDay or empty."""

    code: str
    path: str
    message: str
    remedy: str
    severity: Severity = Severity.REFUSE

    def __str__(self) -> str:
        where = f"{self.path}: " if self.path else ""
        return f"{where}{self.message}: {self.remedy}"
