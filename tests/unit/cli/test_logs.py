"""The log: a line an entry, as text or JSON, that names its drill and GameDay, whoever logged it, and no secret."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from gameday.cli.logs import FIELDS, LogFormat, formatter, set_up
from gameday.cluster.client import Cluster
from gameday.cluster.resources import CONFIG_MAPS, PODS
from gameday.controller.logs import logger, named, of_drill
from gameday.errors import GameDayError
from unit.api_server import ApiServer

DRILL = {"kind": "Drill", "metadata": {"namespace": "shop", "name": "first"}, "spec": {"gameDay": "redis"}}


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield
    root.handlers[:] = before
    root.setLevel(level)


def lines(caplog: pytest.LogCaptureFixture, style: LogFormat) -> list[str]:
    made = formatter(style, lambda: 1_800_000_000.25)
    return [made.format(record) for record in caplog.records]


def test_what_is_bound_stands_on_each_line_in_its_order(caplog: pytest.LogCaptureFixture) -> None:
    log = logger("gameday.it").bind(reason="Leak", **of_drill(DRILL))
    log.warning("a witness got through: %s", "10.0.0.3")
    stamp = "time=2027-01-15T08:00:00.250Z level=warning logger=gameday.it"
    said = 'drill=shop/first gameday=shop/redis reason=Leak msg="a witness got through: 10.0.0.3"'
    assert lines(caplog, LogFormat.TEXT) == [f"{stamp} {said}"]
    (line,) = lines(caplog, LogFormat.JSON)
    assert list(json.loads(line).items()) == [
        ("time", "2027-01-15T08:00:00.250Z"),
        ("level", "warning"),
        ("logger", "gameday.it"),
        ("drill", "shop/first"),
        ("gameday", "shop/redis"),
        ("reason", "Leak"),
        ("msg", "a witness got through: 10.0.0.3"),
    ]


def test_the_standard_librarys_and_kopfs_loggers_look_alike(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("aiohttp.server").warning("odd %s", "request", extra={"reason": "Odd"})
    reference = {"kind": "GameDay", "namespace": "shop", "name": "redis"}
    logging.getLogger("kopf.objects").warning("handler failed", extra={"k8s_ref": reference})
    first, second = lines(caplog, LogFormat.TEXT)
    assert first.endswith('logger=aiohttp.server reason=Odd msg="odd request"')
    assert second.endswith('logger=kopf.objects gameday=shop/redis msg="handler failed"')


@pytest.mark.parametrize("style", LogFormat)
def test_an_entry_is_one_line_whatever_it_says(caplog: pytest.LogCaptureFixture, style: LogFormat) -> None:
    logger("gameday.it").error("bad\r\n\x1b[2J\u2028\x85\x9b=\"'%s", reason="a b\n", exc_info=ValueError("one\ntwo"))
    (line,) = lines(caplog, style)
    assert len(line.splitlines()) == 1
    assert line.isprintable()
    assert "ValueError: one\\ntwo" in line
    assert 'reason="a b\\n"' in line or '"reason": "a b\\n"' in line


def test_a_percent_sign_is_no_place_for_an_argument(caplog: pytest.LogCaptureFixture) -> None:
    logger("gameday.it").warning("100% of %d pods")
    assert lines(caplog, LogFormat.TEXT)[0].endswith('msg="100% of %d pods"')


def test_only_our_objects_are_named() -> None:
    assert named("ConfigMap", "shop", "gameday-halt") == {}
    assert of_drill({"metadata": {"namespace": "shop", "name": "first"}}) == {"drill": "shop/first"}
    assert FIELDS == ("drill", "gameday", "reason")


async def test_no_credential_is_logged_at_any_level(
    api_server: ApiServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = yaml.safe_load(api_server.kubeconfig(tmp_path).read_text())
    config["users"][0]["user"] = {"token": "hunter2"}
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(config))
    set_up("debug", LogFormat.TEXT, lambda: 1_800_000_000.25)
    cluster = await Cluster.connect(tmp_path / "kubeconfig")
    api_server.put("pods", "shop", {"metadata": {"name": "one"}, "data": "hunter2"})
    assert await cluster.get(PODS, "shop", "one") is not None
    api_server.forbidden = {"list"}
    with pytest.raises(GameDayError) as refused:
        await cluster.list(CONFIG_MAPS, "shop")
    logger("gameday.it").warning("refused: %s", refused.value)
    await cluster.close()
    shown = capsys.readouterr().err
    assert "cannot list" in shown
    assert "hunter2" not in shown
