"""The audit's word: silence of the service is no all-clear."""

import json
from typing import Any

import pytest

from image.audit import read

SOUND = {"name": "redis", "version": "8.1.0", "vulns": []}
SICK = {"name": "h11", "version": "0.15.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["0.16.0"]}]}
HOPELESS = {"name": "h11", "version": "0.15.0", "vulns": [{"id": "PYSEC-2", "fix_versions": []}]}
SKIPPED = {"name": "kopf", "skip_reason": "Dependency not found on PyPI and could not be audited: kopf (1.45.2)"}


def report(*packages: dict[str, Any]) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


@pytest.mark.parametrize(
    ("packages", "code", "says"),
    [
        pytest.param([SOUND], 0, "1 packages asked about, 0 known", id="all asked about, nothing known"),
        pytest.param([SOUND, SICK], 1, "h11 0.15.0: PYSEC-1, mended in 0.16.0", id="a vulnerability and its remedy"),
        pytest.param([HOPELESS], 1, "no version mends it yet", id="a vulnerability without one"),
        pytest.param([SKIPPED], 2, "could not ask pypi about 1 of 1", id="the service knows none of them"),
        pytest.param([SOUND, SKIPPED], 2, "could not ask pypi about 1 of 2", id="the service knows some of them"),
        pytest.param(
            [SICK, SKIPPED], 1, "could not ask pypi about 1 of 2", id="a vulnerability, and a doubt beside it"
        ),
        pytest.param([], 2, "there is none", id="nothing to ask about"),
    ],
)
def test_what_is_told_of_packages(packages: list[dict[str, Any]], code: int, says: str) -> None:
    findings = read(report(*packages))
    assert findings.code == code
    assert says in "\n".join(findings.lines("pypi"))


@pytest.mark.parametrize("said", ["", "Traceback (most recent call last):"])
def test_a_report_that_is_none_is_not_understood(said: str) -> None:
    with pytest.raises(ValueError):
        read(said)
