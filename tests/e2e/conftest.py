"""Each e2e test has a stage of its own."""

import re
from collections.abc import AsyncIterator

import pytest

from e2e.stage import Stage, stage


@pytest.fixture
async def town(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    """A namespace that opted in, with nothing in it yet."""
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower())
    async with stage(name) as one:
        one.opt_in()
        yield one
