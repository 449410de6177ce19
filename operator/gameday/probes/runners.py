"""Creates the runners of an agent's probes. Only the kinds that it needs are loaded, so that agents stay small."""

from importlib import import_module

from gameday.model.agent import ProbeTask
from gameday.probes.io.secrets import Secrets
from gameday.probes.registry import PACKAGES, Packages
from gameday.probes.runner import ProbeRunner


def create_runner(task: ProbeTask, secrets: Secrets, packages: Packages = PACKAGES) -> ProbeRunner:
    """The question of a probe; ``secrets`` are those of the whole agent.

    Raises:
        ValueError: when no agent runs the kind, or the configuration is not one of that kind.

    """
    if task.kind not in packages:
        raise ValueError(f"probe {task.name}: there is no kind {task.kind!r}; the kinds are {', '.join(packages)}")
    module = f"{packages[task.kind]}.runner"
    try:
        ask: type[ProbeRunner] = import_module(module).RUNNER
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        raise ValueError(f"probe {task.name}: no agent runs kind {task.kind}") from error
    try:
        return ask(task, secrets)
    except (KeyError, TypeError) as error:
        raise ValueError(f"probe {task.name}: this is not a configuration of kind {task.kind}: {error!r}") from error
