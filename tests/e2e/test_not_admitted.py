"""What the dependency's own policy keeps out is named before anything starts: the dependency is not down."""

import pytest
import yaml

from e2e.dialling import until
from e2e.namespaces import TeamNamespace, small
from gameday.cluster.resources import PODS, Object

pytestmark = pytest.mark.e2e

OUTSIDER: Object = yaml.safe_load("""
apiVersion: v1
kind: Pod
metadata: {name: outsider, labels: {app: outsider}}
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 0
  containers:
  - name: waits
    image: localhost/gameday-shop:dev
    imagePullPolicy: IfNotPresent
    command: [python3, -c, "import time; time.sleep(3600)"]
""")
"""A target that the policy of the shop's Redis does not admit."""


async def test_a_kind_of_target_that_redis_does_not_admit_is_named_with_the_policy(ns: TeamNamespace) -> None:
    await ns.shop(parts=("api", "redis"), replicas=1)
    ns.apply(OUTSIDER)

    async def runs() -> bool:
        pod = await ns.admin.get(PODS, ns.namespace, "outsider")
        return str((pod or {}).get("status", {}).get("phase", "")) == "Running"

    await until(runs, "the pod that Redis does not admit runs", 60)
    gameday = small()
    gameday["spec"]["outage"]["faults"][0]["networkPartition"]["podSelector"] = {
        "matchExpressions": [{"key": "app", "operator": "In", "values": ["api", "outsider"]}]
    }
    await ns.operator()
    await ns.start(gameday)
    status = await ns.finishes()
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "PreflightFailed"), status["message"]
    assert "cannot reach Service redis, port 6379, because NetworkPolicy/redis isolates" in status["message"]
    assert "add a policy that admits pods with the targets' labels" in status["message"]
    assert not status.get("undo")
    await ns.nothing_is_left()
