"""Turns HTTP errors of the API server into this package's exceptions; no caller sees an HTTP status."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from gameday.errors import (
    AlreadyExists,
    ClusterUnreachable,
    Conflict,
    Forbidden,
    GameDayError,
    NotFound,
    OutcomeUnknown,
    Rejected,
    ResourceExpired,
    TooManyRequests,
    Unauthenticated,
)

OPT_IN_COMMAND = "kubectl apply -n {namespace} -k manifests/namespace"
"""What grants the account its rights."""


def parsed(body: bytes) -> dict[str, Any]:
    """The JSON object of an answer; anything else becomes a Status with its text."""
    try:
        value = json.loads(body)
    except ValueError:
        return {"message": body[:200].decode(errors="replace")}
    return value if isinstance(value, dict) else {"message": str(value)[:200]}


_NO_RIGHT: Final = re.compile(r"\bcannot \S+ (resource|path) \"")
"""How the API server says that an authorizer refused: quota, LimitRange and admission answer 403 in other words."""

OPERATOR_COMMAND = "kubectl apply -k manifests/operator"
"""What grants the operator its own rights."""


RENEWAL: Final = "log in again, or check the kubeconfig's user or the ServiceAccount's token"
"""What to do about credentials that are refused although they were read anew."""

PATIENCE: Final = 1.0
"""Seconds to wait after a 429 that does not say how long."""
LONGEST_PATIENCE: Final = 10.0
"""Longest wait, in seconds, that the API server may ask for: what undoes a change must not wait for longer."""


def error_of(
    status: int,
    body: bytes,
    what: str,
    namespace: str | None,
    retry_after: str | None,
    *,
    own: bool = False,
    problem: str = "",
    writes: bool = False,
) -> GameDayError:
    """The error that an HTTP status means; ``what`` names the call, as ``create pods``.

    ``own`` says that the call was made as ourselves and not as a namespace's account. ``problem`` is why our
    credentials could not be renewed, if that was tried. ``writes`` says that the call was to change something.
    """
    answer = parsed(body)
    message = f"{what}: {answer.get('message') or status}"
    reason = answer.get("reason", "")
    match status:
        case 401:
            return Unauthenticated(f"{what}: the API server rejects the credentials; {problem or RENEWAL}")
        case 403:
            if reason == "Forbidden" and "is being terminated" in message:
                return NotFound(message)
            if not _NO_RIGHT.search(message):
                return Forbidden(message)
            remedy = OPERATOR_COMMAND if own else OPT_IN_COMMAND.format(namespace=namespace or "NAMESPACE")
            return Forbidden(f"{message}; the rights come with `{remedy}`", message)
        case 404:
            return NotFound(message)
        case 409:
            return AlreadyExists(message) if reason == "AlreadyExists" else Conflict(message)
        case 410:
            return ResourceExpired(message)
        case 429:
            return TooManyRequests(message, _seconds(retry_after) or PATIENCE)
        case _ if status >= 500:
            unknown = writes and not _not_begun(status, answer)
            return (OutcomeUnknown if unknown else ClusterUnreachable)(message, _seconds(retry_after))
        case _:
            return Rejected(message)


def _not_begun(status: int, answer: Mapping[str, Any]) -> bool:
    """Whether an error of the server says for certain that it did not begin to carry the request out.

    Only a 503 in the API server's own form does: it sends that before it looks at the request, as while it starts or
    shuts down. A 500 may come from etcd ("request timed out", "leader changed") and a 504 from its own time limit, and
    the request may be carried out all the same. The same holds for a 502, 503 or 504 of a load balancer, which
    sends these also where the connection broke after it had forwarded the request.
    """
    return status == 503 and answer.get("kind") == "Status" and answer.get("reason") == "ServiceUnavailable"


def _seconds(retry_after: str | None) -> float:
    """A Retry-After header in seconds, which is what API servers send; 0 where it is missing or anything else."""
    given = (retry_after or "").strip()
    return min(float(given), LONGEST_PATIENCE) if given.isascii() and given.isdigit() else 0.0
