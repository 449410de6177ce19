"""Simulated operators log nothing meanwhile: thousands of them have a lot to say."""

import contextlib
import logging
from collections.abc import Iterator


@contextlib.contextmanager
def silent(level: int = logging.CRITICAL) -> Iterator[None]:
    """Switch logging off up to a level, and on again whatever happens."""
    logging.disable(level)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
