"""What is going to happen in one world: drills, and what goes wrong around them. All of it follows from a seed.

A scenario is data: it is printed when something was found, replayed from its seed, and made smaller by leaving parts
of it away.
"""

import enum
from dataclasses import dataclass, field, replace
from random import Random

from gameday.model.observation import ConnectionsCounted


class Defect(enum.Enum):
    """What is wrong with the system under test."""

    NONE = "none"
    BLIND = "blind"
    """It never reports that its dependency is gone: an outage expectation is missed."""
    STUCK = "stuck"
    """It does not recover until its workers are restarted: the rollback repairs it."""
    LOST = "lost"
    """It never recovers."""
    FRAGILE = "fragile"
    """The cut takes it down, so the guardrail trips."""
    MUTE = "mute"
    """It never tells its team of the dependency; of other things it did, before the drill."""
    SLOW = "slow"
    """It notices that its dependency is gone after the deadline, and before the end of the outage."""
    SILENT = "silent"
    """It answers one request in five, from the beginning: it is not steady."""
    NOISY = "noisy"
    """It sends other alerts all the time, so one more says nothing."""
    EARLY = "early"
    """It says that its dependency is gone before anything is cut, and again under the cut."""

    @property
    def misses(self) -> bool:
        """Whether a drill must find it."""
        return self in {Defect.BLIND, Defect.STUCK, Defect.LOST, Defect.FRAGILE, Defect.MUTE, Defect.SLOW}

    @property
    def undecidable(self) -> bool:
        """Whether a drill must say that it can tell nothing, before it touches anything."""
        return self in {Defect.SILENT, Defect.NOISY}

    @property
    def in_the_outage(self) -> bool:
        """Whether it shows under the cut, so that a miss counts only where connections are known to be gone."""
        return self in {Defect.BLIND, Defect.MUTE, Defect.SLOW}


class Connections(enum.Enum):
    """What becomes of connections that are open when the cut comes, the targets' and the pairs', and who sees them."""

    SEEN = "seen"
    """They live on; the dependency sees the targets' own, and can end them."""
    PARTLY = "partly"
    """They live on; the dependency sees those of some targets, and a proxy's address in place of the others'."""
    ENDED = "ended"
    """The network ends them; the dependency sees a proxy's address."""
    HIDDEN = "hidden"
    """They live on, and the dependency sees a proxy's address."""
    MESHED = "meshed"
    """As hidden, and the system notices nothing: a mesh carries all that it says."""
    CLOSED = "closed"
    """As hidden; the dependency closes those of the witnesses, as it closes what is idle."""
    BOTH = "both"
    """As hidden; those of the pairs end, cut off or not."""
    ONCE = "once"
    """As hidden; those of the pairs answer once before the cut, and those of the witnesses end under it."""
    LOCAL = "local"
    """As hidden; those of the pairs end at a proxy beside them."""
    ELSEWHERE = "elsewhere"
    """The network ends those of the witnesses; the targets' go by a proxy at another port, and the system notices
    nothing. The dependency shows the drill's own addresses, and none of the targets'."""
    SPLIT = "split"
    """As elsewhere for some targets, which carry all that the system says. The dependency shows the others."""

    @property
    def proxied(self) -> bool:
        """Whether targets go by a proxy at another port, while the network ends what the witnesses hold open."""
        return self in {Connections.ELSEWHERE, Connections.SPLIT}

    @property
    def unnoticed(self) -> bool:
        """Whether the system notices nothing of a cut."""
        return self is Connections.MESHED or self.proxied

    @property
    def counted(self) -> ConnectionsCounted:
        """What a counter sees at the dependency."""
        seen = {Connections.SEEN: 2, Connections.PARTLY: 1, Connections.SPLIT: 1}.get(self, 0)
        unseen = 2 - seen
        return ConnectionsCounted(
            seen, direct=bool(seen) or self.proxied, unseen=unseen, example="pod b" if unseen else ""
        )

    @property
    def ends_the_witness(self) -> bool:
        """Whether a witness' connection ends under the cut."""
        return self not in {Connections.SEEN, Connections.PARTLY, Connections.HIDDEN, Connections.MESHED}


class Pairs(enum.Enum):
    """What the network makes of our pairs."""

    SPARED = "spared"
    """The cut spares controls and the client."""
    NOT_SPARED = "not spared"
    """It does not know the label by which they are spared."""
    NOT_ADMITTED = "not admitted"
    """The dependency's own policy admits no pod of the targets' kind, and the client."""


class Faults(enum.Enum):
    """What a drill breaks."""

    CUT = "a cut"
    CUT_AND_SCALE = "a cut, then a scale"
    SCALE_AND_CUT = "a scale, then a cut"
    TWO_CUTS = "two cuts"
    """The second one's targets and dependency are others, and their connections are kept."""

    @property
    def scales(self) -> bool:
        """Whether the workers are scaled away."""
        return self in {Faults.CUT_AND_SCALE, Faults.SCALE_AND_CUT}


class Mitigates(enum.Enum):
    """What the team does under the fault when its system reports that the dependency is gone."""

    NOTHING = "nothing"
    EARLY = "early"
    """It restarts the workers two seconds after it is reported: scaled away, two Jobs, put back."""
    LATE = "late"
    """The same after eight seconds, which are over only in the recovery of a system that does not recover."""
    HOLDS = "holds"
    """It scales the workers away and leaves them so."""
    JOBS = "jobs"
    """It runs a Job, which changes nothing."""
    EVICTS = "evicts"
    """It restarts the workers' pods one after another; a bare world does as EARLY."""

    @property
    def restarts(self) -> bool:
        """Whether the workers start anew by it before the drill ends."""
        return self in {Mitigates.EARLY, Mitigates.LATE, Mitigates.EVICTS}

    @property
    def scales(self) -> bool:
        """Whether it scales the workers, so that nothing else of the plan may."""
        return self not in {Mitigates.NOTHING, Mitigates.JOBS, Mitigates.EVICTS}


class What(enum.Enum):
    """One thing that goes wrong; ``seconds``, ``count`` and ``detail`` of the trouble say how."""

    CRASH = "crash"
    """The acting process is killed, and comes back after ``seconds``."""
    CRASH_AT_CALL = "crash at call"
    """It is killed at its ``count``-th writing call from then on: before, sent or answered, as ``detail`` says."""
    FREEZE = "freeze"
    """The acting process stands still for ``seconds``, then goes on with all that it knew."""
    FREEZE_AT_CALL = "freeze at call"
    """It stands still from right after its ``count``-th writing call is sent, for ``seconds``."""
    API_DOWN = "api down"
    """The API server refuses every connection for ``seconds``; its controllers stand still too."""
    API_HANGS = "api hangs"
    """It takes requests and answers none for ``seconds``, then does them."""
    REFUSE = "refuse"
    """``count`` calls of the operator are refused with the status that ``detail`` says."""
    LOSE = "lose"
    """``count`` writing calls are carried out, and their answers get lost."""
    DELAY = "delay"
    """``count`` calls take ``seconds`` to arrive."""
    SCALE_LATE = "scale late"
    """The next request to scale a Deployment away takes ``seconds`` to arrive."""
    WATCH_DROPS = "watch drops"
    """Watches leave events out for ``seconds``, then break."""
    WATCH_LATE = "watch late"
    """Watches tell events out of order, and late, for ``seconds``."""
    WATCH_BREAKS = "watch breaks"
    CLOCK_STEP = "clock step"
    """The acting process' clock jumps by ``seconds``."""
    HALT = "halt"
    """The administrator halts all drills for ``seconds``."""
    REDIS_DOWN = "redis down"
    LIE = "lie"
    """The observer's samples say the opposite for ``seconds``."""
    LAG = "lag"
    """Lines of all agents come ``seconds`` late."""
    CURTAIL = "curtail"
    """The observer cannot read the body of an answer, for ``seconds``: it says so."""
    STOP = "stop"
    """The observer sends nothing for ``seconds``."""
    FLAP = "flap"
    """Every other sample of the observer says the opposite, for ``seconds``."""
    REPEAT = "repeat"
    """The streams of the logs end without an error; opened anew, they tell all again from the beginning."""
    SKIP = "skip"
    """``count`` lines of the observer are lost."""
    DEAF = "deaf"
    """The network does not enforce policies from then on."""
    NO_CLOSING = "no closing"
    """Open connections cannot be ended."""
    SLOW_PODS = "slow pods"
    """Pods take ``seconds`` longer to run."""
    AGENT_DIES = "agent dies"
    POLICY_DELETED = "policy deleted"
    POLICY_CHANGED = "policy changed"
    FUSE_DELETED = "fuse deleted"
    FUSE_SUSPENDED = "fuse suspended"
    ABORT = "abort"
    DRILL_DELETED = "drill deleted"
    DRILL_FORCED = "drill forced away"
    """Somebody takes the finalizers off and deletes the Drill."""
    GAMEDAY_DELETED = "gameday deleted"
    OPT_OUT = "opt out"
    """The namespace's account goes, and comes back after ``seconds``."""
    RIGHTS_GONE = "rights gone"
    """The account may do nothing for ``seconds``."""
    JOB_FAILS = "job fails"
    SCALED_BY_OTHERS = "scaled by others"
    OWNED = "owned by others"
    """From then on somebody owns the workers' number: each time it becomes 0, it is ``count`` after ``seconds``."""
    FUSE_NODE_LOST = "node of a fuse lost"
    """``seconds`` after the workers are scaled away, the pod of their fuse is gone with its node."""
    FINALIZER_TAKEN = "finalizer taken"
    """Somebody takes our finalizer off a running Drill."""
    STATUS_WRITTEN = "status written"
    """Somebody writes a Drill's status: nothing, what it was before, or all but the changes, as ``detail`` says."""


EVERYWHERE = frozenset(
    {
        What.CRASH, What.CRASH_AT_CALL, What.FREEZE, What.FREEZE_AT_CALL, What.API_DOWN, What.API_HANGS, What.REFUSE,
        What.LOSE, What.DELAY, What.SCALE_LATE, What.WATCH_DROPS, What.WATCH_LATE, What.WATCH_BREAKS, What.CLOCK_STEP,
        What.HALT,
    }
)  # fmt: skip
"""What concerns every drill of the world."""

CHANGING = frozenset(
    {
        What.HALT, What.AGENT_DIES, What.POLICY_DELETED, What.POLICY_CHANGED, What.FUSE_DELETED, What.FUSE_SUSPENDED,
        What.ABORT, What.DRILL_DELETED, What.DRILL_FORCED, What.GAMEDAY_DELETED, What.OPT_OUT, What.SCALED_BY_OTHERS,
        What.FINALIZER_TAKEN, What.STATUS_WRITTEN,
    }
)  # fmt: skip
"""What changes an object of the cluster by itself: such a trouble has bitten when an object is another than before."""

DRAWN = tuple(what for what in What if what is not What.STATUS_WRITTEN)
"""What is drawn by lot; the rest has tests of its own, and needs a whole operator."""

FREEZING = frozenset({What.FREEZE, What.FREEZE_AT_CALL})
"""After these another process takes over."""

STATUSES = ("403", "404", "409", "422", "429", "500")


@dataclass(frozen=True, slots=True)
class Failure:
    """One thing that goes wrong, ``at`` seconds after the world began, to the drill of that number."""

    what: What
    at: float
    drill: int = 0
    seconds: float = 0.0
    count: int = 0
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Hand:
    """What a person does whom the drill asks. Seconds count from when the drill asks; None is: never."""

    acts_after: float | None = 2.0
    undoes_after: float | None = 4.0
    sees: bool = True
    """Whether the plan has an expression that sees it."""
    confirms: bool = True
    """Whether the person says so on the Drill."""


@dataclass(frozen=True, slots=True)
class Call:
    """A platform whose API the drill calls."""

    takes: float = 0.5
    """Seconds from a good answer until the store is suspended."""
    resumes: float = 0.5
    """Seconds from a good answer until it is resumed."""
    fails: int = 0
    """How many of the first calls have a bad answer, and no effect."""
    silent: int = 0
    """How many of the first calls are carried out, and have no answer."""
    sees: bool = True
    """Whether the plan has expressions that see it."""
    ends: float | None = None
    """Where nothing takes the call back: seconds after which what it started ends by itself, or a person ends it."""
    acl: bool = False
    """Whether it is a Redis, of which a user is switched off."""
    unready: str = ""
    """What a fuse finds in its dry run, which keeps it from being armed."""
    refuses: bool = False
    """Whether that user has other clients, so that nothing is changed."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One drill: when it is created, how it is planned, and what is wrong with the system that it tries."""

    starts: float = 0.0
    close_connections: bool = False
    rollback: bool = False
    defect: Defect = Defect.NONE
    slip: bool = False
    """Whether the plan compares a number with text: nothing may be touched."""
    phase: int = 0
    """Which of its requests a silent system answers."""
    connections: Connections = Connections.SEEN
    pairs: Pairs = Pairs.SPARED
    unprobed: bool = False
    """Whether what is cut is not said to be a Redis, so that nobody can end the targets' connections."""
    faults: Faults = Faults.CUT
    hand: "Hand | None" = None
    """Who breaks the dependency by hand, in the place of all faults of the plan."""
    dry_run: bool = False
    """Whether it is a dry run."""
    mitigates: Mitigates = Mitigates.NOTHING
    unaided: bool = False
    """Whether the system is to recover without its team's mitigation."""
    call: "Call | None" = None
    """The platform whose API suspends the dependency, in the place of all faults of the plan; not in a bare world."""
    hosted: "Call | None" = None
    """The platform that hosts the workers: rollback and mitigation call it where they would scale and run Jobs; not in
    a bare world."""
    restarts: bool = False
    """Whether the rollback restarts the workers' pods one after another; a bare world scales them all the same."""

    @property
    def kind(self) -> tuple[bool, bool, bool, bool, Faults]:
        """Which plan it has."""
        return self.close_connections, self.rollback, self.slip, self.closes, self.faults

    @property
    def evicts(self) -> bool:
        """Whether the workers' pods are restarted one after another."""
        return self.restarts or self.mitigates is Mitigates.EVICTS

    @property
    def has_workers(self) -> bool:
        """Whether anything acts on the workers' pods."""
        return self.evicts or self.rollback or self.faults.scales or self.mitigates.scales

    @property
    def closes(self) -> bool:
        """Whether somebody is to end the targets' connections at the dependency."""
        return self.close_connections and not self.unprobed

    @property
    def shown(self) -> bool:
        """Whether the targets are shown to be cut off, as far as the plan asks for that and nothing goes wrong."""
        seen = self.closes and self.connections is Connections.SEEN
        return not self.close_connections or seen or self.connections is Connections.ENDED

    @property
    def undecidable(self) -> bool:
        """Whether the drill must end before it touches anything."""
        return self.slip or self.defect.undecidable


@dataclass(frozen=True, slots=True)
class Scenario:
    """A world."""

    seed: int
    trials: tuple[Trial, ...]
    failures: tuple[Failure, ...] = ()
    replicas: int = 1
    """Processes of the operator: with two, one takes over."""
    operators: int = 1
    """Installations of the operator that see the same Drills, each with so many processes."""

    def concerning(self, drill: int) -> frozenset[What]:
        """What goes wrong for one drill."""
        return frozenset(t.what for t in self.failures if t.what in EVERYWHERE or t.drill == drill)


WAYS = (*(Connections.SEEN,) * 10, *(way for way in Connections if way is not Connections.SEEN))
"""What is drawn of networks: in most drills the dependency sees the targets' own connections."""
PAIRS = (*(Pairs.SPARED,) * 30, *(pairs for pairs in Pairs if pairs is not Pairs.SPARED))
"""What is drawn of networks: few do not spare controls, or admit nobody."""
RESTARTS = 0.4
"""How many of the rollbacks restart the workers' pods."""
MITIGATIONS = (*(Mitigates.NOTHING,) * 9, *(one for one in Mitigates if one is not Mitigates.NOTHING))
"""What is drawn of plans: a third has a mitigation."""
UNAIDED = 0.3
"""How many of the plans with a mitigation want the recovery without it."""
FAULTS = (*(Faults.CUT,) * 6, *(faults for faults in Faults if faults is not Faults.CUT))
"""What is drawn of plans: in two of three drills the one fault is a cut."""
CALLS = 0.15
"""How many of the drills with one cut call a platform instead."""
ENDING = 0.3
"""How many of the drills that call a platform make a call that nothing takes back."""
ACL = 0.4
"""How many of these switch a user of a Redis off instead."""
HOSTED = 0.25
"""How many of the rollbacks and mitigations call a platform that hosts the workers."""
DEFECTS = (*(Defect.NONE,) * 6, *(defect for defect in Defect if defect is not Defect.NONE))
"""What is drawn of systems: a good one in about every third drill."""


@dataclass(slots=True)
class Dice:
    """Draws a scenario."""

    random: Random
    kinds: tuple[What, ...] = DRAWN
    defects: tuple[Defect, ...] = DEFECTS
    ways: tuple[Connections, ...] = WAYS
    pairs: tuple[Pairs, ...] = PAIRS
    more: Random = field(default_factory=Random)
    """Draws what was not drawn from the beginning: the rest of a seed stays what it was."""
    faults: Random = field(default_factory=Random)
    """Draws what drills break."""
    repairs: Random = field(default_factory=Random)
    """Draws how rollbacks repair."""
    runbooks: Random = field(default_factory=Random)
    """Draws what teams do under a fault."""
    calls: Random = field(default_factory=Random)
    """Draws which drills call a platform."""
    endings: Random = field(default_factory=Random)
    """Draws which calls nothing takes back."""
    hosts: Random = field(default_factory=Random)
    """Draws whose workers a platform hosts."""
    users: Random = field(default_factory=Random)
    """Draws where the platform is a Redis of which a user is switched off."""

    def trial(self, number: int) -> Trial:
        """A drill."""
        dice = self.random
        defect = dice.choice(self.defects)
        starts, close_connections = round(dice.uniform(0, 8), 2) * number, dice.random() < 0.5
        way = self.more.choice(self.ways)
        unprobed = self.more.random() < (0.1 if way is Connections.SEEN else 0.5) and close_connections
        if way.proxied:
            # Nobody could know of it where nobody is asked.
            unprobed = False
        if way.proxied and defect is Defect.EARLY:
            # What a system says by chance as the cut comes looks like a reaction to it.
            way = Connections.HIDDEN
        pairs = self.more.choice(self.pairs)
        if pairs is Pairs.NOT_ADMITTED and (unprobed or not close_connections):
            pairs = Pairs.SPARED
        faults = self.faults.choice(FAULTS)
        rollback = defect in {Defect.STUCK, Defect.LOST} and dice.random() < 0.6
        if faults.scales and defect in {Defect.STUCK, Defect.LOST}:
            # Such a system recovers when its workers start anew, which the fault does as well.
            faults = Faults.CUT
        if defect is Defect.SLOW and faults is not Faults.SCALE_AND_CUT:
            # How late it is counts from the last fault, and it goes by the cut.
            faults = Faults.CUT
        mitigates, unaided = self.runbooks.choice(MITIGATIONS), self.runbooks.random() < UNAIDED
        if mitigates is not Mitigates.NOTHING and (faults.scales or rollback):
            # One workload is scaled in one place of a plan only.
            mitigates = Mitigates.JOBS
        call = self.call() if faults is Faults.CUT and pairs is Pairs.SPARED else None
        if call is not None:
            close_connections, unprobed, way = False, False, Connections.SEEN
        hosted = self.hosted() if rollback or mitigates not in {Mitigates.NOTHING, Mitigates.EVICTS} else None
        return Trial(
            call=call,
            hosted=hosted,
            mitigates=mitigates,
            unaided=unaided and mitigates is not Mitigates.NOTHING,
            restarts=self.repairs.random() < RESTARTS and rollback,
            faults=faults,
            starts=starts,
            close_connections=close_connections,
            connections=way if close_connections else Connections.SEEN,
            unprobed=unprobed,
            pairs=pairs,
            rollback=rollback,
            defect=defect,
            slip=dice.random() < 0.04,
            phase=dice.randrange(5),
        )

    def call(self) -> Call | None:
        """A platform that a drill calls, or None."""
        dice = self.calls
        chosen, sees, fails = dice.random() < CALLS, dice.random() < 0.8, dice.choice((0, 0, 0, 1, 3))
        made = Call(dice.choice((0.1, 0.5, 3.0)), dice.choice((0.1, 0.5, 3.0)), fails, sees)
        ending, ends = self.endings.random() < ENDING, self.endings.choice((4.0, 14.0, 50.0))
        if ending:
            made = replace(made, fails=0, sees=True, ends=ends)
        elif self.users.random() < ACL:
            made = replace(made, acl=True, sees=True)
        return made if chosen else None

    def hosted(self) -> Call | None:
        """A platform that hosts the workers of a drill, or None."""
        dice = self.hosts
        chosen, sees = dice.random() < HOSTED, dice.random() < 0.8
        # What is called once fails with its first bad answer, and that ends the drill: tests of their own do that.
        made = Call(dice.choice((0.1, 0.5)), dice.choice((0.1, 0.5)), sees=sees)
        return made if chosen else None

    def failure(self, drills: int) -> Failure:
        """Something that goes wrong, most of it while drills are under way."""
        dice = self.random
        what = dice.choice(self.kinds)
        at, seconds, count, detail = round(dice.triangular(0, 40, 12), 2), 0.0, 0, ""
        match what:
            case What.CRASH:
                seconds = dice.choice((0.5, 1.0, 3.0, 3.0, 15.0, 130.0))
            case What.CRASH_AT_CALL:
                at, count = round(dice.uniform(0, 20), 2), dice.randint(1, 25)
                seconds, detail = dice.choice((0.5, 1.0, 3.0, 130.0)), dice.choice(("before", "sent", "answered"))
            case What.FREEZE_AT_CALL:
                at, count = round(dice.uniform(0, 20), 2), dice.randint(1, 25)
                seconds = dice.choice((9.0, 20.0, 130.0))
            case What.SCALE_LATE:
                at, seconds = 0.0, dice.choice((3.0, 9.0, 30.0, 59.0))
            case What.FREEZE:
                seconds = dice.choice((1.0, 5.0, 9.0, 20.0, 60.0))
            case What.API_DOWN | What.API_HANGS:
                seconds = dice.choice((0.5, 4.0, 12.0, 60.0))
            case What.REFUSE:
                count, detail = dice.choice((1, 2, 5, 30)), dice.choice(STATUSES)
            case What.LOSE:
                count = dice.choice((1, 1, 3))
            case What.DELAY:
                count, seconds = dice.choice((1, 1, 4)), dice.choice((0.5, 3.0, 9.0, 30.0, 150.0))
            case What.CLOCK_STEP:
                # A drill's clock never jumps, so that half of the clocks are wrong from the beginning.
                at = dice.choice((0.0, at))
                seconds = dice.choice((-3600.0, -30.0, -2.0, 2.0, 30.0, 3600.0))
            case What.SKIP:
                count = dice.choice((1, 1, 3))
            case What.LAG:
                seconds = dice.choice((0.5, 2.0, 8.0, 30.0))
            case What.NO_CLOSING:
                # It is asked for once, some seconds after the beginning.
                at = round(dice.uniform(0, 6), 2)
            case What.SLOW_PODS:
                # Agents are created in a drill's first second: later nobody would meet it.
                at, seconds = 0.0, dice.choice((0.5, 2.0, 8.0, 30.0))
            case What.SCALED_BY_OTHERS:
                count = dice.choice((1, 5))
            case What.FUSE_NODE_LOST:
                at, seconds = 0.0, dice.choice((0.0, 0.4, 1.0, 2.0))
            case What.OWNED:
                # An owner is there from the beginning: Argo CD is at once, KEDA and an HPA take their time.
                at, count = 0.0, dice.choice((3, 5))
                seconds = dice.choice((0.0, 0.02, 0.3, 1.0, 1.3, 2.0))
            case _:
                seconds = dice.choice((1.0, 4.0, 8.0, 20.0))
        drill = 0 if what in EVERYWHERE else dice.randrange(drills)
        return Failure(what, at, drill, seconds, count, detail)


def draw(
    seed: int,
    drills: int = 2,
    kinds: tuple[What, ...] = DRAWN,
    defects: tuple[Defect, ...] = DEFECTS,
    ways: tuple[Connections, ...] = WAYS,
    pairs: tuple[Pairs, ...] = PAIRS,
) -> Scenario:
    """The scenario of a seed: one in eight is without trouble, the others have up to four of these kinds."""
    drawn = ("connections", "faults", "repairs", "runbooks", "calls", "endings", "hosts", "users")
    own = [Random(f"{what} {seed}") for what in drawn]
    dice = Dice(Random(seed), kinds, defects, ways, pairs, *own)
    trials = tuple(dice.trial(number) for number in range(drills))
    count = dice.random.choice((0, 1, 1, 1, 2, 2, 3, 4))
    failures = tuple(sorted((dice.failure(drills) for _ in range(count)), key=lambda failure: failure.at))
    replicas = 2 if any(t.what in FREEZING for t in failures) or dice.random.random() < 0.1 else 1
    fails = {failure.drill for failure in failures if failure.what is What.JOB_FAILS}
    return Scenario(seed, tuple(_with_job(t) if n in fails else t for n, t in enumerate(trials)), failures, replicas)


def _with_job(trial: Trial) -> Trial:
    """The drill with a rollback that runs a Job, if its system needs one: the Job of another cannot fail."""
    rollback = trial.defect in {Defect.STUCK, Defect.LOST}
    mitigates = Mitigates.JOBS if rollback and trial.mitigates is not Mitigates.NOTHING else trial.mitigates
    return replace(trial, rollback=rollback, restarts=False, mitigates=mitigates, hosted=None)
