"""What whoever runs the cluster may say of the agents' pods, and what is refused when the operator starts."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gameday.actions.kind import AgentPod
from gameday.cli import operate as operating
from gameday.cli.main import app
from gameday.controller.agent_settings import RESOURCES, AgentSettings, agent_settings
from gameday.controller.agent_tolerations import MOST, Toleration
from gameday.controller.clock import Clock
from gameday.controller.drill.agent_pods import LEAVES, PodContext, PodTemplate, fuse_job, pod, pod_of
from gameday.controller.settings import Settings
from gameday.model.agent import FuseConfig
from gameday.model.placement import ANYWHERE, Placement

MORE = {"requests": {"cpu": "0.1", "memory": "64Mi"}, "limits": {"memory": "1.5Gi"}}
CONFIG = FuseConfig(workload="worker", namespace="shop", lasts=9.0, ends_after=10.0)


EVERY = {"operator": "Exists"}
DEDICATED = {"key": "example.com/dedicated", "operator": "Equal", "value": "shop", "effect": "NoSchedule"}
OTHER: Toleration = {"key": "batch", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 60}


def made(settings: AgentSettings, *, fuse: bool, placement: Placement = ANYWHERE) -> dict[str, Any]:
    ctx = PodContext("shop", "first", "uid", "gameday:test", "Never", placement, settings)
    if fuse:
        return dict(pod_of(fuse_job(ctx, "first-fuse-stop", "fuse-stop", AgentPod("fuse", "fuse", CONFIG)))["spec"])
    return dict(pod(ctx, "observer", PodTemplate("observer", "observer"), CONFIG)["spec"])


@pytest.mark.parametrize("fuse", [False, True], ids=["an agent", "a fuse"])
def test_every_pod_is_made_as_the_settings_say(fuse: bool) -> None:
    spec = made(agent_settings(json.dumps(MORE), "1000", "drills"), fuse=fuse)
    assert spec["containers"][0]["resources"] == MORE
    assert spec["priorityClassName"] == "drills"
    context = spec["securityContext"]
    assert (context["runAsUser"], context["runAsGroup"], context["fsGroup"]) == (1000, 1000, 1000)


@pytest.mark.parametrize("fuse", [False, True], ids=["an agent", "a fuse"])
def test_tolerations_come_in_addition_to_those_that_are_taken_over(fuse: bool) -> None:
    settings = agent_settings("", "", "", json.dumps([DEDICATED, OTHER]))
    assert made(settings, fuse=fuse)["tolerations"][-2:] == [DEDICATED, OTHER]
    both = made(settings, fuse=fuse, placement=Placement((EVERY, DEDICATED)))["tolerations"]
    assert both[-3:] == [EVERY, DEDICATED, OTHER], "one that is taken over is not written twice"
    assert (LEAVES[0] in both) is fuse, "and a fuse leaves a lost node as ever"


@pytest.mark.parametrize("fuse", [False, True], ids=["an agent", "a fuse"])
def test_without_a_user_the_cluster_chooses_one_and_it_is_not_root(fuse: bool) -> None:
    context = made(agent_settings("", "", ""), fuse=fuse)["securityContext"]
    assert context == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}


def test_limits_may_be_left_to_the_cluster() -> None:
    requests = {"requests": MORE["requests"]}
    assert agent_settings(json.dumps(requests), "", "").resources == requests


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "is not JSON"),
        ("[]", "must have requests and limits, and nothing else"),
        ('{"claims": []}', "must have requests and limits, and nothing else"),
        ('{"requests": 3}', "must have requests and limits, and nothing else"),
        ('{"requests": {"cpu": "10m"}}', "has no requests.memory"),
        ('{"limits": {"cpu": "1", "memory": "1Gi"}}', "has no requests.cpu"),
        ('{"requests": {"cpu": 1, "memory": "32Mi"}}', "requests.cpu is 1: write a quantity as a string"),
        ('{"requests": {"cpu": "10m", "memory": "32MB"}}', 'requests.memory is "32MB": write a quantity'),
        ('{"limits": {"nvidia.com/gpu": "1"}}', "limits.nvidia.com/gpu is not known"),
    ],
)
def test_resources_that_are_not_valid_are_refused_by_their_path(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=r"^GAMEDAY_AGENT_RESOURCES") as error:
        agent_settings(text, "65532", "")
    assert says in str(error.value)


@pytest.mark.parametrize("text", ["0", "-1", "root", "1.5", "²", str(2**31), " "])
def test_a_user_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^GAMEDAY_AGENT_USER"):
        agent_settings("", text, "")


def test_a_priority_class_is_a_name() -> None:
    with pytest.raises(ValueError, match=r"^GAMEDAY_AGENT_PRIORITY_CLASS"):
        agent_settings("", "", "Not A Name")


@pytest.mark.parametrize(
    "one",
    [
        DEDICATED,
        OTHER,
        EVERY,
        {"operator": "Exists", "effect": "NoSchedule"},
        {"key": "dedicated", "value": "shop"},
        {"key": "dedicated", "operator": "", "value": "", "effect": ""},
    ],
)
def test_a_toleration_is_read_as_a_pod_has_it(one: dict[str, Any]) -> None:
    assert agent_settings("", "", "", json.dumps([one])).tolerations == (one,)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("dedicated", " is not JSON"),
        ("{}", " is not a list of tolerations: write [{"),
        ('["dedicated"]', " is not a list of tolerations"),
        (json.dumps([EVERY] * (MOST + 1)), f" has {MOST + 1} tolerations: write at most {MOST}"),
        ('[{"operator": "Exists"}, {"key": "a", "keys": 1}]', "[1].keys is not known: use key, operator, value"),
        ('[{"key": 1}]', "[0].key is 1: write a string"),
        ('[{"key": "a", "value": true}]', "[0].value is true: write a string"),
        ('[{"key": "a", "tolerationSeconds": true}]', "[0].tolerationSeconds is true: write a whole number"),
        ('[{"key": "a", "operator": "exists"}]', '[0].operator is "exists": write Equal or Exists'),
        ('[{"key": "a b"}]', '[0].key is "a b": write the key of a taint'),
        ('[{"value": "shop"}]', "[0].key is missing"),
        ('[{"key": "a", "operator": "Exists", "value": "b"}]', '[0].value is "b": remove it, or write operator Equal'),
        ('[{"key": "a", "value": "b c"}]', '[0].value is "b c": write the value of a taint'),
        ('[{"key": "a", "effect": "NoRun"}]', '[0].effect is "NoRun": write NoSchedule, PreferNoSchedule, NoExecute'),
        ('[{"key": "a", "tolerationSeconds": 5}]', "[0].tolerationSeconds goes with effect NoExecute alone"),
    ],
)
def test_a_toleration_that_no_pod_may_have_is_refused_by_its_path(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=rf"^{re.escape(f'GAMEDAY_AGENT_TOLERATIONS{says}')}"):
        agent_settings("", "", "", text)


def started(monkeypatch: pytest.MonkeyPatch, *arguments: str, **environment: str) -> tuple[int, str, list[Settings]]:
    """What comes of starting the operator: its exit code, what it says, and its settings."""
    seen: list[Settings] = []

    async def operate(settings: Settings, _: Clock) -> int:
        seen.append(settings)
        return 0

    monkeypatch.setattr(operating, "operate", operate)
    monkeypatch.setattr("gameday.cli.logs.set_up", lambda *_: None)
    result = CliRunner().invoke(app, ["operator", "--namespace", "own", "--image", "i", *arguments], env=environment)
    return result.exit_code, result.output, seen


@pytest.mark.parametrize(
    ("environment", "user"),
    [({}, 65532), ({"GAMEDAY_AGENT_USER": ""}, None), ({"GAMEDAY_AGENT_USER": "7"}, 7)],
    ids=["unset", "empty", "given"],
)
def test_an_empty_variable_leaves_the_user_to_the_cluster(
    environment: dict[str, str], user: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GAMEDAY_AGENT_USER", raising=False)
    code, _, (settings,) = started(monkeypatch, **environment)
    assert (code, settings.agents) == (0, AgentSettings(RESOURCES, user))


def test_the_command_line_says_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ("--agent-user", "", "--agent-priority-class", "drills", "--agent-tolerations", json.dumps([OTHER]))
    _, _, (settings,) = started(monkeypatch, *arguments)
    assert settings.agents == AgentSettings(RESOURCES, None, "drills", (OTHER,))


def test_what_is_not_valid_ends_the_operator_at_its_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    code, says, seen = started(monkeypatch, GAMEDAY_AGENT_RESOURCES="{}", GAMEDAY_AGENT_USER="")
    assert (code, seen) == (2, [])
    assert "GAMEDAY_AGENT_RESOURCES has no requests.cpu" in says
    code, says, seen = started(monkeypatch, GAMEDAY_AGENT_TOLERATIONS='[{"key": "a", "effect": "NoRun"}]')
    assert (code, seen) == (2, [])
    assert "gameday: GAMEDAY_AGENT_TOLERATIONS[0].effect is" in says
