"""Each e2e test has a stage of its own."""

import re
from collections.abc import AsyncIterator, Generator

import pytest

from e2e.namespaces import TeamNamespace, team_namespace, tell

FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note whether the test failed, for its stage."""
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report


@pytest.fixture
async def ns(request: pytest.FixtureRequest) -> AsyncIterator[TeamNamespace]:
    """A namespace that opted in, with nothing in it yet."""
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower())
    async with team_namespace(name) as one:
        one.opt_in()
        yield one
        if request.node.stash.get(FAILED, False):
            await tell(one)
