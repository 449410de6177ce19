"""What an API server says of the kinds that it serves, all at once: Kubernetes' aggregated discovery."""

from typing import Final

from gameday.cluster.resources import Object, Resource
from gameday.errors import Rejected

EVERY_KIND: Final = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
"""What to accept so that ``/apis`` answers with every kind, which it can from Kubernetes 1.30 on."""


def kinds_ending(listed: Object, ending: str) -> dict[Resource, bool]:
    """The kinds whose plural has this ending, and whether their objects are in namespaces.

    Raises:
        Rejected: when the answer is of another form.

    """
    if "items" not in listed:
        raise Rejected("get /apis: the API server does not list all kinds at once: Kubernetes 1.30 or later does")
    found: dict[Resource, bool] = {}
    for group in listed["items"]:
        for version in group["versions"]:
            for one in version.get("resources", ()):
                plural, kind = one["resource"], (one.get("responseKind") or {}).get("kind", "")
                if plural.endswith(ending):
                    resource = Resource(group["metadata"]["name"], version["version"], plural, kind)
                    found[resource] = one["scope"] == "Namespaced"
    return found
