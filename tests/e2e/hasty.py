"""The operator with short budgets: ``python -m e2e.hasty operator ...``. A drill's last deadline then comes soon.

The rules are the real ones; only how long each part may take is less.
"""

from typing import Final

from gameday.cli.main import app
from gameday.engine.drill import timeouts

SHORT: Final = {
    "AGENTS": 30.0,
    "ARM": 10.0,
    "PROVE": 15.0,
    "CLOSE_CONNECTIONS": 10.0,
    "UNDO": 10.0,
    "LATE_REQUEST": 5.0,
    "CLEAN_UP": 5.0,
    "GRACE": 5.0,
}


def hasten() -> None:
    """Shorten the budgets; raises AttributeError when one of them is not there any more."""
    for name, seconds in SHORT.items():
        if getattr(timeouts, name) <= seconds:
            raise ValueError(f"budgets.{name} is no longer than {seconds:g} s anyway")
        setattr(timeouts, name, seconds)


if __name__ == "__main__":
    hasten()
    app()
