"""What the API server's refusals become: advice on rights only where a right is missing."""

import json

import pytest

from gameday.cluster.http_errors import LONGEST_PATIENCE, PATIENCE, error_of
from gameday.errors import (
    ClusterUnreachable,
    Conflict,
    Forbidden,
    GameDayError,
    NotFound,
    OutcomeUnknown,
    TooManyRequests,
)

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


def status_of(reason: str, message: str) -> bytes:
    return json.dumps({"kind": "Status", "status": "Failure", "reason": reason, "message": message}).encode()


ETCD = status_of("", "etcdserver: request timed out")
LEADER = status_of("InternalError", "Internal error occurred: etcdserver: leader changed")
STORAGE = status_of("ServerTimeout", "The create operation against pods could not be completed at this time")
LATE = status_of("Timeout", "Timeout: request did not complete within requested timeout")
STARTS = status_of("ServiceUnavailable", "apiserver is shutting down")
ENVOY = b"upstream connect error or disconnect/reset before headers. reset reason: connection termination"
AGGREGATOR = b"error trying to reach service: EOF"
HTML = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
OTHER_JSON = b'{"type": "error", "code": "ClusterUnavailable", "message": "cluster is unavailable"}'


@pytest.mark.parametrize(
    ("status", "body"),
    [(500, ETCD), (500, LEADER), (500, STORAGE), (504, LATE), (502, HTML), (504, HTML), (500, b""), (503, ENVOY),
     (503, AGGREGATOR), (503, HTML), (503, OTHER_JSON), (503, b""), (520, HTML), (503, status_of("", "busy"))],
)  # fmt: skip
def test_a_write_that_the_server_or_a_load_balancer_failed_at_may_have_been_done(status: int, body: bytes) -> None:
    written = error_of(status, body, "create pods", "shop", "3", writes=True)
    assert isinstance(written, OutcomeUnknown)
    assert (written.retry, written.after) == (True, 3.0)
    read = error_of(status, body, "get pods", "shop", "3")
    assert isinstance(read, ClusterUnreachable)
    assert not isinstance(read, OutcomeUnknown)


@pytest.mark.parametrize(
    ("status", "body", "means"),
    [
        (503, STARTS, ClusterUnreachable),
        (429, status_of("TooManyRequests", "please try again later"), TooManyRequests),
        (409, status_of("Conflict", "the object has been modified"), Conflict),
    ],
)
def test_a_write_that_the_api_server_did_not_begin_was_not_done(
    status: int, body: bytes, means: type[GameDayError]
) -> None:
    error = error_of(status, body, "create pods", "shop", None, writes=True)
    assert isinstance(error, means)
    assert not isinstance(error, OutcomeUnknown)
