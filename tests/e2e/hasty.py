"""The operator with short budgets: ``python -m e2e.hasty operator ...``. A drill's last deadline then comes soon.

The rules are the real ones; only how long each part may take is less.
"""

from typing import Final

from gameday.cli.main import app
from gameday.engine.drill import budgets

SHORT: Final = {
    "AGENTS": 30.0, "ARM": 10.0, "PROVE": 15.0, "SEVER": 10.0, "UNDO": 10.0, "ARRIVE": 5.0, "TIDY": 5.0, "GRACE": 5.0,
}  # fmt: skip


def hasten() -> None:
    """Shorten the budgets; raises AttributeError when one of them is not there any more."""
    for name, seconds in SHORT.items():
        if getattr(budgets, name) <= seconds:
            raise ValueError(f"budgets.{name} is no longer than {seconds:g} s anyway")
        setattr(budgets, name, seconds)


if __name__ == "__main__":
    hasten()
    app()
