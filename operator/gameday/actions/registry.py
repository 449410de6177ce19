"""The kinds of actions that there are: one line each, in the order in which the CRD has them."""

from typing import Final

from gameday.actions.http.change import HttpKind
from gameday.actions.http.once import HttpOnceKind
from gameday.actions.job import RunJobKind
from gameday.actions.kinds import Kinds
from gameday.actions.manual import ManualKind
from gameday.actions.network_partition.partition import Partition
from gameday.actions.pod_delete import PodDeleteKind
from gameday.actions.redis_acl.kind import RedisAclKind
from gameday.actions.restart import RestartKind
from gameday.actions.scale.kind import ScaleKind
from gameday.actions.scale.restore import RestoreKind

KINDS: Final = Kinds(
    (
        Partition(),
        ScaleKind(),
        RestoreKind(),
        RunJobKind(),
        PodDeleteKind(),
        RestartKind(),
        ManualKind(),
        HttpKind(),
        HttpOnceKind(),
        RedisAclKind(),
    )
)
