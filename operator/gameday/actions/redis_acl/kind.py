"""The kind ``redisAcl``: a user of a Redis is switched off on every server, and on again.

A pod of the namespace does so with the administrator's credentials, first checks who else is connected as the user, and
leaves in its termination message on which servers. The fuse has the same credentials, and shows before the change that
they are good. A probe of the kind ``redisLogin`` proves the change and its end: it logs in as the user.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import ConfigDict, Field

from gameday.actions.kind import ActionContext, AgentPod, Asks, DryRunContext, PreflightContext, Use, Watch
from gameday.actions.made_by_pods import ACTS_FOR, LASTS, PODS_SEEN, UNDOES_FOR, MadeByPods, Words, pod_of, said_by
from gameday.actions.redis_acl.noted import Administered
from gameday.cluster.pod_status import has_ended
from gameday.cluster.resources import PODS, Object, Resource
from gameday.engine.drill.timeouts import ARM
from gameday.errors import Rejected
from gameday.model import names
from gameday.model.change import Change, Observed, Presence, State
from gameday.model.finding import Finding as PlanFinding
from gameday.model.labels import CALLER, FUSE, is_ours
from gameday.model.plan import Action, Selector
from gameday.model.redis_user import UserFuseConfig, UserSwitchConfig
from gameday.preflight import agent_egress
from gameday.preflight.findings import Finding, Severity
from gameday.preflight.impact import running
from gameday.preflight.policies.selectors import as_json, selects
from gameday.preflight.snapshot import NamespaceSnapshot, labels_of
from gameday.schema.base import ApiModel, Duration, Identifier, ObjectName, cel
from gameday.schema.durations import seconds
from gameday.schema.named import Dependencies
from gameday.schema.references import ValueFrom
from gameday.schema.selectors import LabelSelector

MODULE: Final = "user_switch"
TARGETS: Final = "redisAcl/pods"
"""The watch of the namespace's pods, which says what the targets' addresses are."""
MOST_TARGETS: Final = 500
"""Most addresses of targets."""
FORGETS_AFTER: Final = 300.0
"""Seconds from the undo's request after which a silent server that no other one names may be gone for good."""
DEFAULT: Final = "default"
"""The user of connections that give no name: replicas and Sentinels among them."""

NOT_SWITCHED: Final = "the user could not be switched off or on"
NOT_SWITCHED_ON: Final = "the user would stay off if no operator were left"
"""What follows where policies keep our pods from the Redis."""

UserName = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\s]+$")]


class AdministratorSpec(ApiModel):
    """The credentials of a user that may use ACL GETUSER, ACL SETUSER, CLIENT LIST and CLIENT KILL."""

    model_config: ClassVar[ConfigDict] = {
        "json_schema_extra": cel(
            ("has(self.username) != has(self.usernameFrom)", "give exactly one of username and usernameFrom")
        )
    }
    username: UserName | None = None
    """The administrator's name."""
    username_from: ValueFrom | None = None
    """Where it comes from, in place of username."""
    password_from: ValueFrom
    """Where the password comes from."""


class ClientSelector(LabelSelector):
    """Which pods are clients of the Redis as the user."""

    model_config: ClassVar[ConfigDict] = {
        "json_schema_extra": cel(
            (
                "size(self.matchLabels) + size(self.matchExpressions) > 0",
                "podSelector is empty and would select all pods: select those that use the Redis as this user",
            )
        )
    }


class RedisAclSpec(ApiModel):
    """Switches a user of a Redis off on every server, and closes its connections, for all clients of that user."""

    model_config: ClassVar[ConfigDict] = {
        "json_schema_extra": cel(("duration(self.within) <= duration('1h')", "within must be at most 1h"))
    }

    dependency: ObjectName
    """Name of the dependency, which is a redis: its address, TLS, Cluster or Sentinels stand there."""
    user: UserName
    """The user that is switched off. It must be on before; its password and rules are never changed."""
    administrator: AdministratorSpec
    """Who switches it off and on: another user."""
    proven_by: Identifier
    """Name of a redisLogin probe of this user at this dependency. It shows the fault, and its end."""
    pod_selector: ClientSelector | None = None
    """Which pods of the namespace may be connected as the user: the targets."""
    others_affected: bool = False
    """Says that clients besides the targets may lose the Redis as well. Without it, one that is connected as the user
    ends the drill before anything is changed."""
    open_connections: Literal["Close", "Keep"] = "Close"
    """What becomes of open connections: Close ends them by CLIENT KILL USER. A server without it needs Keep: there,
    connections that are logged in may go on."""
    within: Duration = "30s"
    """How long the effect may take to be seen, from the request on. Faults stand meanwhile, so the administrator's
    maxOutage counts it."""


@dataclass(frozen=True, slots=True)
class RedisAcl(Action):
    """A user that is switched off; ``within`` is in seconds."""

    KIND: ClassVar[str] = "redisAcl"
    OUTSIDE: ClassVar[bool] = True

    dependency: str
    administered: Administered
    proven_by: str
    targets: Selector | None = None
    others_affected: bool = False
    within: float = 30.0

    @property
    def subject(self) -> tuple[str, str]:
        """The user."""
        return "RedisUser", f"{self.dependency}/{self.administered.user}"

    @property
    def signs(self) -> dict[str, str]:
        """What the probe says of a user that is off, and of one that is on."""
        closed = f" && !{self.proven_by}.held" if self.administered.closes else ""
        return {"seen": f"{self.proven_by}.refused{closed}", "undone": f"{self.proven_by}.ok"}

    @property
    def reaches(self) -> tuple[str, ...]:
        """The address of the Redis, of a Service as a namespace without a name would have it."""
        return self.reaches_from("")

    def reaches_from(self, namespace: str) -> tuple[str, ...]:
        """The address of the Redis, as any namespace writes it."""
        return (self.administered.address(namespace),)

    @property
    def patience(self) -> float | None:
        """How long the effect may take."""
        return self.within


class RedisAclKind(MadeByPods[RedisAclSpec, RedisAcl]):
    """A user that is switched off."""

    name = RedisAcl.KIND
    beyond = True
    description = "Switch a user of a Redis off by its ACL."
    spec = RedisAclSpec
    planned = RedisAcl
    uses = frozenset({Use.FAULT})
    fuse_does = "switch the user on again"
    words = Words(
        change="the user", not_yet="was not switched off yet", waits="is being switched", lost="may be off",
        by_fuse="its fuse switched the user on again",
    )  # fmt: skip
    before: ClassVar[State] = {"on": True}
    plan_rules = (
        (
            "self.outage.faults.all(f, !has(f.redisAcl) || self.probes.exists(p, p.name == f.redisAcl.provenBy"
            " && has(p.redisLogin) && p.redisLogin.user == f.redisAcl.user"
            " && p.redisLogin.dependency == f.redisAcl.dependency))",
            "redisAcl.provenBy names no redisLogin probe of the same user and dependency: add one, or correct the name",
        ),
    )

    def parse(self, spec: RedisAclSpec, named: Dependencies) -> RedisAcl:
        """See the base class."""
        who = spec.administrator
        redis = replace(
            named.redis("dependency", spec.dependency),
            username=who.username,
            username_from=who.username_from.parsed() if who.username_from is not None else None,
            password=who.password_from.parsed(),
            database=0,
        )
        return RedisAcl(
            spec.dependency,
            Administered(spec.user, redis, spec.open_connections == "Close"),
            spec.proven_by,
            spec.pod_selector.parsed() if spec.pod_selector is not None else None,
            spec.others_affected,
            seconds(spec.within),
        )

    def check(self, action: RedisAcl, earlier: Sequence[Action]) -> Iterator[PlanFinding]:
        """A user that everybody needs, or that two faults switch; clients of whom nothing is said."""
        user = action.administered.user
        if user == DEFAULT:
            text = f"{DEFAULT} is also the user of replicas, Sentinels and all clients that give no name"
            yield PlanFinding("user", f"{text}: give the application a user of its own, and name that")
        if user == action.administered.redis.username:
            yield PlanFinding("administrator.username", "the administrator would be switched off: give another user")
        if action.targets is None and not action.others_affected:
            text = "without podSelector every client of the user is one that the drill does not name"
            yield PlanFinding("podSelector", f"{text}: select your pods, or write othersAffected: true")
        if any(one.subject == action.subject for one in earlier):
            yield PlanFinding("user", "an earlier fault switches the same user off: remove one of them")

    def preflight(self, action: RedisAcl, ctx: PreflightContext) -> Iterator[Finding]:
        """What proves it, what else needs the user, and what its fuse cannot reach."""
        yield from _probes(action, ctx)
        for fault in ctx.plan.outage.faults:
            away = fault.action.takes_away
            if away is not None and away.name == action.dependency:
                text = f"fault {fault.name} cuts the same dependency off, so neither could be proven"
                yield Finding("SharedDependency", f"{ctx.path}.dependency", text, "remove one of the two faults")
        if action.targets is not None and not _targets(ctx.snapshot, action.targets):
            text = "podSelector selects no running pod of this namespace"
            yield Finding("NoTargets", f"{ctx.path}.podSelector", text, "correct its labels, or start the pods")
        if action.others_affected:
            text = f"every client of user {action.administered.user} loses the Redis, also those that no plan names"
            remedy = "the timeline lists those that are connected, right before the change"
            yield Finding("OthersAffected", f"{ctx.path}.othersAffected", text, remedy, Severity.WARN)
        yield from agent_egress.of_api_server(ctx.snapshot, ctx.path, "the user could not be switched off")

    def asks(self, action: RedisAcl) -> Iterator[Asks]:
        """The Redis, whose servers may name others that must be reached as well."""
        yield Asks(CALLER, action.administered.redis, "dependency", NOT_SWITCHED)
        yield Asks(FUSE, action.administered.redis, "dependency", NOT_SWITCHED_ON)

    def hits(self, action: RedisAcl, snapshot: NamespaceSnapshot) -> tuple[str, tuple[Object, ...]]:
        """The targets."""
        return ("podSelector", _targets(snapshot, action.targets)) if action.targets is not None else ("", ())

    def notes(self, action: RedisAcl) -> State:
        """All that it takes to switch the user on again."""
        return {"on": False, "redis": action.administered.noted()}

    def registers(self, action: RedisAcl, snapshot: NamespaceSnapshot) -> Observed:
        """See the base class."""
        return Observed(Presence.ABSENT, "Pod", "call", before=self.before, wanted=self.notes(action))

    def creates(self, action: RedisAcl, ctx: DryRunContext) -> Iterator[tuple[Resource, Object]]:
        """The pods that switch the user; they are owned by the Drill as long as there is no fuse."""
        for agent, on in ((names.call(ctx.name), False), (names.call_back(ctx.name, 0), True)):
            config = UserSwitchConfig(user=action.administered.of(ctx.snapshot.namespace), on=on, ends_after=LASTS)
            yield PODS, ctx.agent_pod(agent, _pod(action.administered, config))

    def fuse_pod(self, change: Change, namespace: str, lasts: float, ends_after: float) -> AgentPod:
        """The fuse switches the user on that stands in the undo log."""
        administered = _administered(change)
        config = UserFuseConfig(
            namespace=namespace, lasts=lasts, user=administered.of(namespace), arms_within=ARM,
            forgets_after=FORGETS_AFTER, ends_after=ends_after,
        )  # fmt: skip
        return replace(_pod(administered, config), module="user_fuse", role="fuse")

    def watches(self, ctx: ActionContext, name: str, action: Action | None, change: Change | None) -> Iterator[Watch]:
        """The pods of the namespace, where some of them are targets."""
        if isinstance(action, RedisAcl) and action.targets is not None:
            yield Watch(TARGETS, PODS, blocks=False)

    def observe(self, ctx: ActionContext, name: str, action: Action | None, change: Change | None) -> Observed:
        """What the pods say of their work; a change that was refused will never be made."""
        needs = change is None or (change.seen_at is None and change.undo_requested_at is None)
        if needs and any(not ctx.cache.listed(watch.name) for watch in self.watches(ctx, name, action, change)):
            return Observed()
        seen = super().observe(ctx, name, action, change)
        if change is None or not change.touched:
            return seen
        pod = pod_of(ctx, change.object_name, change.fuse_uid or "")
        said = said_by(pod, self.words.lost) if pod is not None else None
        return replace(seen, refused=seen.shown) if said is not None and said.ended and not said.acted else seen

    def makes(self, ctx: ActionContext, action: RedisAcl, change: Change, until: float) -> AgentPod:
        """The pod that switches the user off."""
        addresses = tuple(_addresses(ctx, action.targets)) if action.targets is not None else ()
        if len(addresses) > MOST_TARGETS:
            text = f"podSelector selects pods with {len(addresses)} addresses, and at most {MOST_TARGETS} may be"
            raise Rejected(f"{text}: select fewer, or write othersAffected: true without podSelector")
        config = UserSwitchConfig(
            user=action.administered.of(ctx.namespace), on=False, targets=(*addresses, *_of_drill(ctx)),
            others_affected=action.others_affected, until=until, tries_for=ACTS_FOR, ends_after=LASTS,
        )  # fmt: skip
        return _pod(action.administered, config)

    def takes_back(self, ctx: ActionContext, change: Change, waits: float) -> AgentPod:
        """The pod that switches the user on, also on servers that the first pod has named."""
        administered = _administered(change)
        config = UserSwitchConfig(
            user=administered.of(ctx.namespace), on=True, servers=_servers(ctx, change),
            forgets_at=(change.undo_requested_at or change.requested_at or 0.0) + FORGETS_AFTER, waits=waits,
            tries_for=UNDOES_FOR, ends_after=LASTS,
        )  # fmt: skip
        return _pod(administered, config)

    def shown(self, action: RedisAcl) -> str:
        """The user."""
        return f"user {action.administered.user} of {action.dependency}"

    def shown_back(self, change: Change) -> str:
        """The user."""
        try:
            return f"user {_administered(change).user}"
        except Rejected:
            return "the user"


def _probes(action: RedisAcl, ctx: PreflightContext) -> Iterator[Finding]:
    """Findings where no probe can show the fault, or a probe needs the user for something else."""
    user, redis = action.administered.user, action.administered.redis
    where = redis.service, redis.host, redis.port
    proves = False
    for probe in ctx.plan.probes:
        there = probe.settings.destination
        if there is None or (there.service, there.host, there.port) != where or there.username != user:
            continue
        if probe.name == action.proven_by:
            proves = True
        else:
            text = f"probe {probe.name} logs in as user {user}, and could see nothing while that is off"
            yield Finding("ProbeNeedsUser", f"{ctx.path}.user", text, "give the dependency another user in auth")
    if not proves:
        text = f"probe {action.proven_by} does not log in as user {user} at {action.dependency}"
        yield Finding("NotProvable", f"{ctx.path}.provenBy", text, "name a redisLogin probe of this user")


def _pod(administered: Administered, config: UserSwitchConfig | UserFuseConfig) -> AgentPod:
    return AgentPod(MODULE, CALLER, config, administered.redis.secrets, administered.redis.config_maps)


def _targets(snapshot: NamespaceSnapshot, selector: Selector) -> tuple[Object, ...]:
    wanted = as_json(selector)
    return tuple(pod for pod in running(snapshot) if selects(wanted, labels_of(pod)))


def _addresses(ctx: ActionContext, selector: Selector) -> Iterator[str]:
    """The targets' addresses, but for those that share the node's.

    A pod that is ending still has connections. One that has ended has none, and another may have its address by now.
    """
    wanted = as_json(selector)
    for pod in ctx.cache.objects(TARGETS).values():
        if is_ours(labels_of(pod)) or not selects(wanted, labels_of(pod)) or pod["spec"].get("hostNetwork"):
            continue
        yield from _ips(pod)


def _of_drill(ctx: ActionContext) -> Iterator[str]:
    """The addresses of the drill's own pods: a user may be forbidden to name its connections, and so is its probe."""
    for name in ctx.cache.objects(PODS_SEEN):
        if (pod := pod_of(ctx, name, ctx.uid)) is not None:
            yield from _ips(pod)


def _ips(pod: Object) -> Iterator[str]:
    if not has_ended(pod):
        yield from (entry["ip"] for entry in pod.get("status", {}).get("podIPs") or () if "ip" in entry)


def _servers(ctx: ActionContext, change: Change) -> tuple[tuple[str, int], ...]:
    """Where the first pod has switched the user off, as it says; none where it says nothing that can be read."""
    pod = pod_of(ctx, change.object_name, change.fuse_uid or "")
    message: Any = (said_by(pod, "").message if pod is not None else None) or {}
    named = message.get("servers")
    pairs = named if isinstance(named, list) else []
    return tuple(
        (pair[0], pair[1])
        for pair in pairs
        if isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str) and isinstance(pair[1], int)
    )


def _administered(change: Change) -> Administered:
    """What the undo log has.

    Raises:
        Rejected: when somebody has edited or damaged it; its fuse has it as well.

    """
    try:
        return Administered.read((change.wanted or {})["redis"])
    except (TypeError, KeyError, ValueError, AttributeError, IndexError) as error:
        text = f"the undo log does not say which user {change.name} has switched off ({type(error).__name__})"
        raise Rejected(f"{text}: its fuse switches it on at its deadline, or run ACL SETUSER USER on") from error
