"""What the API server's refusals become: advice on rights only where a right is missing."""

import json

import pytest

from gameday.cluster.http_errors import LONGEST_PATIENCE, PATIENCE, error_of
from gameday.errors import ClusterUnreachable, Forbidden, GameDayError, NotFound, TooManyRequests

RIGHTS = "the rights come with"
HERE = 'in API group "" in the namespace "shop"'
MISSING = {
    "verb": f'pods is forbidden: User "system:serviceaccount:shop:gameday" cannot create resource "pods" {HERE}',
    "subresource": f'deployments.apps "w" is forbidden: User "x" cannot patch resource "deployments/scale" {HERE}',
    "impersonation": f'"gameday" is forbidden: User "x" cannot impersonate resource "serviceaccounts" {HERE}',
    "path": 'forbidden: User "x" cannot get path "/metrics"',
}
OTHER = {
    "quota": 'pods "it" is forbidden: exceeded quota: team, requested: limits.cpu=500m, limited: limits.cpu=4',
    "limit range": 'pods "it" is forbidden: minimum cpu usage per Container is 50m, but request is 10m',
    "webhook": 'admission webhook "v.gatekeeper.sh" denied the request: [no-bare-pods] a pod needs an owner',
    "policy": "pods \"it\" is forbidden: ValidatingAdmissionPolicy 'x' denied request: pods cannot mount tokens",
    "pod security": 'pods "it" is forbidden: violates PodSecurity "restricted:latest": host namespaces',
}


@pytest.mark.parametrize(
    ("given", "seconds"),
    [("3", 3.0), (" 3 ", 3.0), ("86400", LONGEST_PATIENCE), (None, 0.0), ("", 0.0), ("-5", 0.0), ("soon", 0.0),
     ("1.5", 0.0), ("٣", 0.0), ("Wed, 21 Oct 2026 07:28:00 GMT", 0.0)],
)  # fmt: skip
def test_how_long_the_api_server_asks_to_be_left_alone(given: str | None, seconds: float) -> None:
    for status in (500, 503, 504):
        error = error_of(status, b"{}", "create pods", "shop", given)
        assert isinstance(error, ClusterUnreachable)
        assert error.after == seconds
    error = error_of(429, b"{}", "create pods", "shop", given)
    assert isinstance(error, TooManyRequests)
    assert error.after == (seconds or PATIENCE)
    assert error_of(409, b"{}", "update pods", "shop", given).after == 0.0


def refused(message: str, *, status: int = 403, own: bool = False) -> GameDayError:
    body = json.dumps({"kind": "Status", "reason": "Forbidden", "message": message}).encode()
    return error_of(status, body, "create pods", "shop", None, own=own)


@pytest.mark.parametrize("message", MISSING.values(), ids=MISSING.keys())
def test_a_missing_right_is_told_with_the_command_that_grants_it(message: str) -> None:
    error = refused(message)
    assert isinstance(error, Forbidden)
    assert str(error).endswith(f"{RIGHTS} `kubectl apply -n shop -k manifests/namespace`")
    assert f"{RIGHTS} `kubectl apply -k manifests/operator`" in str(refused(message, own=True))
    assert error.answer == f"create pods: {message}"


@pytest.mark.parametrize("message", OTHER.values(), ids=OTHER.keys())
def test_what_is_no_matter_of_rights_is_told_in_the_api_servers_words_alone(message: str) -> None:
    error = refused(message)
    assert isinstance(error, Forbidden)
    assert str(error) == error.answer == f"create pods: {message}"


def test_credentials_that_are_not_accepted_are_no_matter_of_rights() -> None:
    assert RIGHTS not in str(refused("Unauthorized", status=401))


def test_a_namespace_that_ends_takes_nothing_in() -> None:
    message = 'pods "it" is forbidden: unable to create new content in namespace shop because it is being terminated'
    assert isinstance(refused(message), NotFound)
