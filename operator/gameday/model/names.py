"""Names of the objects that a drill creates: they follow from its name, so that creating twice makes one object.

A name longer than a Kubernetes label value may be is cut and made unique by a digest.
"""

import hashlib
import re
from functools import lru_cache

COUNTER = "counter"
"""The agent that counts the connections of a fault's targets at the dependency, before anything is cut."""
CLOSER = "closer"
"""The agent that ends them, made once the cut is proven."""
SAMPLES = "samples"
"""Role of the ConfigMap that keeps the samples of a drill that has ended."""
LONGEST = 63
"""Characters of a DNS label, the shortest limit among the kinds we create."""


def numbered(agent: str, number: int) -> str:
    """The name of the agent that the first, second, ... cut of a drill has of its own: ``closer``, ``closer-1``, ..."""
    return f"{agent}-{number}" if number else agent


@lru_cache(maxsize=4096)
def object_name(drill: str, suffix: str) -> str:
    """``<drill>-<suffix>``, as a DNS label."""
    name = re.sub(r"[^a-z0-9-]+", "-", f"{drill}-{suffix}".lower()).strip("-")
    if len(name) <= LONGEST:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: LONGEST - 9].rstrip('-')}-{digest}"


def policy(drill: str, fault: str) -> str:
    """The policy that makes a cut."""
    return object_name(drill, fault)


def cut_fuse(drill: str) -> str:
    """The Job that owns all cuts of a drill."""
    return object_name(drill, "fuse")


def fault_fuse(drill: str, fault: str, *, alone: bool) -> str:
    """The Job that guards the change of a fault: ``<drill>-fuse``, with the fault's name where there are several."""
    return cut_fuse(drill) if alone else step_fuse(drill, fault)


def step_fuse(drill: str, step: str) -> str:
    """The Job that guards the change of a step, or of one fault of several.

    Its form must stay: it names live objects of drills that an earlier version has begun.
    """
    return object_name(drill, f"fuse-{step}")


def fuse_agent(step: str) -> str:
    """The agent's name of a fuse that acts."""
    return object_name("fuse", step)


def of_slot(gameday: str, at: float) -> str:
    """The Drill of a slot, by the Unix minute of it."""
    return f"{gameday}-{int(at) // 60}"


def samples_of(drill: str) -> str:
    """The ConfigMap that keeps a drill's samples."""
    return object_name(drill, SAMPLES)


def job(drill: str, step: str) -> str:
    """The Job of a rollback step."""
    return object_name(drill, f"step-{step}")


def call(fault: str) -> str:
    """The agent that makes the call of a fault or step."""
    return object_name("call", fault)


def call_back(fault: str, number: int) -> str:
    """An agent that takes the call of a fault or step back; the first one has the number 0."""
    return object_name(f"callback-{number}", fault)
