"""Probes against servers that are hostile or broken: one sample each, with a word that says what, in bounds."""

import asyncio
import io
import itertools
import json
import resource
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gameday.agents.dialing import dial
from gameday.agents.log import SampleLog
from gameday.agents.observer import observe
from gameday.model.agent import Dial, ObserverConfig, ProbeTask, RedisAddress, RequestHeader
from gameday.model.sample import LINE_BYTES
from gameday.model.wire import parse_line
from gameday.probes.io.access import CANNOT_SEND
from gameday.probes.io.secrets import Secrets
from gameday.probes.redis.runner import RedisRunner
from gameday.probes.runner import ProbeResult
from gameday.probes.runners import create_runner
from unit import hostile
from unit.probes.tasks import http_task, redis_task

MARKER = "marker-4711-tresor"
TIMEOUT = 0.7
"""Seconds of a probe that is to run out of them."""
PATIENCE = 10.0
"""Seconds of one that is not, however busy the machine is."""
N: tuple[tuple[str | int, ...], ...] = (("n",), ("status",), ("body", "n"), ("body", "m"), ("body", "o"), ("text",))

HTTP_WORDS = {
    "fine": None,
    "endless": None,
    "100-mb": None,
    "gzip-bomb": None,
    "deflate-bomb": None,
    "endless-bomb": None,
    "brotli": None,
    "not-gzip": "the body does not match its Content-Encoding",
    "dripping": "timeout",
    "dripping-headers": "timeout",
    "silent": "timeout",
    "informational": "timeout",
    "endless-headers": "headers too long",
    "tiny-chunks": None,
    "invalid-utf8": None,
    "nested": None,
    "nested-a-little": None,
    "many-values": None,
    "huge-float": None,
    "huge-int": None,
    "large-int": None,
    "duplicate-keys": None,
    "long-strings": None,
    "long-list": None,
    "redirect": "redirect 302",
    "bad-chunks": "protocol",
    "http-0.9": "protocol",
    "bad-status": "protocol",
    "both-lengths": None,
    "short-body": "protocol",
    "nothing": "protocol",
    "reset": "protocol",
}
UNKNOWN: dict[str, tuple[tuple[str | int, ...], str]] = {
    "endless": (("body",), "the body is longer than 1 MiB"),
    "100-mb": (("body",), "the body is longer than 1 MiB"),
    "gzip-bomb": (("body",), "the body is longer than 1 MiB"),
    "deflate-bomb": (("body",), "the body is longer than 1 MiB"),
    "endless-bomb": (("body",), "the body is longer than 1 MiB"),
    "brotli": (("body",), "the body has an unsupported Content-Encoding (gzip and deflate are supported)"),
    "tiny-chunks": (("body",), "the body came in more than 4096 pieces"),
    "nested": (("body",), "the body has more than 50000 values"),
    "many-values": (("body",), "the body has more than 50000 values"),
    "long-list": (("body",), "the body has more than 50000 values"),
    "nested-a-little": (("body", "n", *[0] * 8), "nested deeper than 8 levels"),
    "long-strings": (("body", "n"), "expressions use more than 256 values of one answer"),
    "huge-int": (("body", "n"), "a number that a double cannot hold exactly"),
    "large-int": (("body", "n"), "a number that a double cannot hold exactly"),
    "huge-float": (("body", "n"), "a number that a double cannot hold exactly"),
    "endless-headers": ((), "the headers of the answer are longer than 100 KiB"),
    "redis-huge-bulk": ((), "Redis answered with more than the probe reads"),
    "redis-huge-array": ((), "Redis answered with more than the probe reads"),
    "redis-long-line": ((), "Redis answered with more than the probe reads"),
    "redis-endless": ((), "Redis answered with more than the probe reads"),
}
"""What is unknown at the first path, and why: nothing where the answer is the system's own doing."""
REDIS_WORDS = {
    "redis-garbage": "protocol",
    "redis-huge-bulk": "the answer is too long",
    "redis-negative": "protocol",
    "redis-huge-array": "the answer is too long",
    "redis-nested": "protocol",
    "redis-bad-number": "protocol",
    "redis-long-line": "the answer is too long",
    "redis-endless": "the answer is too long",
    "redis-odd-role": "protocol",
    "redis-empty-role": "protocol",
    "redis-moved": "protocol",
    "redis-not-utf8": None,
    "redis-http": "protocol",
    "redis-silent": "timeout",
    "redis-echo": "redis error",
    "redis-late-echo": "redis error",
}


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async for ports in hostile.serving(0, {}):
        yield f"http://127.0.0.1:{ports[0]}"


async def asked(probe: ProbeTask) -> ProbeResult:
    runner = create_runner(probe, Secrets())
    try:
        async with asyncio.timeout(probe.timeout):
            return await runner()
    except TimeoutError:
        return ProbeResult(ok=False, error="timeout")
    finally:
        await runner.close()


def written(result: ProbeResult) -> str:
    """The line that it becomes; the operator must be able to read it."""
    out = io.StringIO()
    SampleLog(out).write(
        "probe", 1.0, 2.0, ok=result.ok, error=result.error, values=result.values, unknown=result.unknown
    )
    line = out.getvalue()
    assert len(line) <= LINE_BYTES + 1
    parse_line("observer", line)
    return line


@pytest.mark.parametrize("name", HTTP_WORDS)
async def test_a_hostile_http_server_is_one_sample_with_a_word(url: str, name: str) -> None:
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    timeout = TIMEOUT if HTTP_WORDS[name] == "timeout" else PATIENCE
    result = await asked(http_task("probe", 1.0, timeout, N, url=f"{url}/{name}"))
    assert (result.ok, result.error) == (HTTP_WORDS[name] is None, HTTP_WORDS[name])
    assert result.unknown[:1] == ((UNKNOWN[name],) if name in UNKNOWN else ())
    if result.ok:
        assert result.values is not None
        assert result.values["status"] == 200, "what was got stays a fact"
    assert time.monotonic() - began < PATIENCE
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 32 * 1024, f"it took {grown / 1024:.0f} MiB"
    written(result)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("series", "the body has more than 20000 series of the names in use"),
        ("a-million-series", "the body is longer than 1 MiB"),
    ],
)
async def test_of_an_exposition_without_end_the_series_are_unknown(url: str, name: str, why: str) -> None:
    paths: tuple[tuple[str | int, ...], ...] = (("n",), ("status",))
    result = await asked(http_task("probe", 1.0, 20.0, paths, url=f"{url}/{name}", parse="prometheus"))
    assert (result.ok, result.values, result.unknown) == (True, {"status": 200}, ((("n",), why),))


async def test_series_that_nobody_wants_cost_nothing_and_broken_ones_are_unknown(url: str) -> None:
    result = await asked(http_task("probe", 1.0, PATIENCE, (("m",),), url=f"{url}/series", parse="prometheus"))
    assert (result.ok, result.values, result.unknown) == (True, {}, ())
    result = await asked(http_task("probe", 1.0, PATIENCE, (("n",),), url=f"{url}/bad-series", parse="prometheus"))
    assert (result.ok, result.values) == (True, {})
    assert result.unknown == ((("n",), "a series of this name cannot be read"),)


@pytest.mark.parametrize(("name", "keys"), [("huge-float", "nmo"), ("large-int", "n"), ("huge-int", "n")])
async def test_numbers_that_no_double_holds_are_unknown(url: str, name: str, keys: str) -> None:
    result = await asked(http_task("probe", 1.0, PATIENCE, N, url=f"{url}/{name}"))
    sample = parse_line("observer", written(result))
    assert sample.values == {"status": 200, "body": {}}
    assert [path for path, _ in sample.unknown] == [("body", key) for key in keys]


@pytest.mark.parametrize("name", REDIS_WORDS)
async def test_a_hostile_redis_is_one_sample_with_a_word(name: str, tmp_path: Path) -> None:
    secret = tmp_path / "SECRET" / "password"
    secret.parent.mkdir()
    secret.write_text(MARKER)
    async for ports in hostile.serving(0, {name: 0}):
        server = RedisAddress("127.0.0.1", ports[1], password_file=str(secret) if "echo" in name else "")
        began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        timeout = TIMEOUT if REDIS_WORDS[name] == "timeout" else PATIENCE
        result = await asked(redis_task("redis", 1.0, timeout, server, (("role",),)))
        assert result.error == REDIS_WORDS[name]
        assert result.unknown[:1] == ((UNKNOWN[name],) if name in UNKNOWN else ())
        assert MARKER not in written(result)
        assert time.monotonic() - began < PATIENCE
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 * 1024


async def written_down(out: io.StringIO, **enough: int) -> None:
    """Wait until so many samples of each probe are there; ``_`` stands for the ``-`` of a name."""
    async with asyncio.timeout(30):
        while True:
            names = Counter(json.loads(line)["name"].replace("-", "_") for line in out.getvalue().splitlines())
            if all(names[name] >= count for name, count in enough.items()):
                return
            await asyncio.sleep(0.02)


async def test_other_probes_stay_on_time_beside_all_of_them(url: str) -> None:
    mean = ["endless", "tiny-chunks", "endless-bomb", "gzip-bomb", "many-values", "nested", "informational", "series"]
    probes = [http_task("good", 0.1, 20.0, N, url=f"{url}/fine")]
    probes += [
        http_task(name, 0.2, 3.0, N, url=f"{url}/{name}", parse="prometheus" if name == "series" else "json")
        for name in mean
    ]
    out, ending = io.StringIO(), asyncio.Event()
    task = asyncio.create_task(observe(ObserverConfig(probes=tuple(probes)), SampleLog(out), ending))
    await written_down(out, good=10, **{name.replace("-", "_"): 1 for name in mean})
    ending.set()
    await task
    samples = [parse_line("observer", line) for line in out.getvalue().splitlines()]
    good = [sample for sample in samples if sample.name == "good"]
    assert all(sample.ok for sample in good)
    gaps = [b.sent - a.sent for a, b in itertools.pairwise(good)]
    # The server is in this process too, and takes its part of it.
    assert sorted(gaps)[len(gaps) // 2] < 5.0, gaps
    for waited in (sample for sample in samples if sample.error == "timeout"):
        assert any(waited.sent < sample.sent < waited.received for sample in good), "none waits for another"
    assert "timeout" in {sample.error for sample in samples}
    assert {sample.name for sample in samples} == {probe.name for probe in probes}
    assert not any("body" in sample.values for sample in samples if sample.name != "good")


@pytest.mark.parametrize("value", ["new\nline", "carriage\rreturn", "nul\0byte", "snowman ☃", "é"])
async def test_a_secret_that_no_header_may_hold_is_told_without_it(url: str, tmp_path: Path, value: str) -> None:
    secret = f"{MARKER}{value}{MARKER}"
    (tmp_path / "key").write_text(secret, newline="")
    headers = (RequestHeader("X-API-Key", file=str(tmp_path / "key")),)
    result = await asked(http_task("probe", 1.0, PATIENCE, N, url=f"{url}/echo", headers=headers))
    assert result.error == CANNOT_SEND
    assert [path for path, _ in result.unknown] == [()]
    assert MARKER not in written(result)


async def test_a_secret_that_is_no_text_is_told_without_it(url: str, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"\xff\xfe" + MARKER.encode())
    headers = (RequestHeader("X-API-Key", file=str(tmp_path / "key")),)
    result = await asked(http_task("probe", 1.0, PATIENCE, N, url=f"{url}/echo", headers=headers))
    assert result.error == CANNOT_SEND
    assert [path for path, _ in result.unknown] == [()]


@pytest.mark.parametrize(
    ("parse", "path"), [("json", ("body", "all")), ("json", ("body", "headers")), ("text", ("text",))]
)
@pytest.mark.parametrize("secret", [MARKER, f"Bearer {MARKER}", "x" * 250 + MARKER + "y" * 250])
async def test_a_secret_that_is_echoed_does_not_leave_the_agent(
    url: str, tmp_path: Path, parse: str, path: tuple[str, ...], secret: str
) -> None:
    (tmp_path / "key").write_text(secret + "\n")
    headers = (RequestHeader("X-API-Key", file=str(tmp_path / "key")),)
    probe = http_task("probe", 1.0, PATIENCE, (path,), url=f"{url}/echo", headers=headers, parse=parse)
    result = await asked(probe)
    assert (result.ok, result.error) == (False, "http 500")
    line = written(result)
    assert "[secret]" in line
    assert MARKER not in line
    assert "x" * 30 not in line


async def test_a_number_that_is_a_secret_does_not_leave_the_agent(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("47114711")
    headers = (RequestHeader("X-API-Key", file=str(tmp_path / "key")),)
    hostile.ANSWERS["number"] = hostile.whole(b'{"n": 47114711, "m": 12}')
    hostile.ANSWERS["gauge"] = hostile.whole(b"n 47114711\n")
    async for ports in hostile.serving(0, {}):
        for name, parse in (("number", "json"), ("gauge", "prometheus")):
            address = f"http://127.0.0.1:{ports[0]}/{name}"
            result = await asked(http_task("probe", 1.0, PATIENCE, N, url=address, headers=headers, parse=parse))
            assert "4711" not in written(result).replace("[secret]", "")
            assert "[secret]" in written(result)
            path = ("body", "n") if parse == "json" else ("n",)
            assert result.unknown == ((path, "it contains a Secret of the probe"),)


async def test_a_probe_that_breaks_by_an_error_of_ours_ends_no_other(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def broken(self: Any) -> ProbeResult:
        raise RuntimeError(MARKER)

    monkeypatch.setattr(RedisRunner, "__call__", broken)
    redis = redis_task("redis", 0.1, PATIENCE, RedisAddress("127.0.0.1", 1))
    good = http_task("good", 0.1, PATIENCE, N, url=f"{url}/fine")
    out, ending = io.StringIO(), asyncio.Event()
    task = asyncio.create_task(observe(ObserverConfig(probes=(redis, good)), SampleLog(out), ending))
    await written_down(out, good=3, redis=1)
    ending.set()
    await task
    samples = [parse_line("observer", line) for line in out.getvalue().splitlines()]
    sample = next(sample for sample in samples if sample.name == "redis")
    assert sample.unknown == (((), "internal error of the probe (RuntimeError): please report it"),)
    said = capsys.readouterr().err
    assert "probe redis: RuntimeError" in said
    assert MARKER not in said


@pytest.mark.parametrize("host", ["a..b", "x" * 64 + ".example", "\udcff", "127.0.0.1\0"])
async def test_a_name_that_cannot_be_looked_up_is_a_sample(host: str) -> None:
    error = await dial(Dial("bystander:x", host, 80, "tcp"))
    assert error == "dns"


DIALLED = ["redis-garbage", "redis-huge-bulk", "redis-long-line", "redis-endless", "redis-silent"]
DIAL_WORDS: dict[str, set[str | None]] = {
    # A line that begins as Redis' do is an answer, however long: more a dial does not read.
    "redis": {"protocol", "timeout", None},
    "tls": {"tls", "reset", "timeout"},
    "tcp": {None},
}


@pytest.mark.parametrize("protocol", DIAL_WORDS)
@pytest.mark.parametrize("name", DIALLED)
async def test_a_witness_that_dials_a_hostile_server_comes_to_an_end(name: str, protocol: str) -> None:
    async for ports in hostile.serving(0, {name: 0}):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        error: str | None
        answers = protocol == "tcp" or (protocol, name) == ("redis", "redis-long-line")
        try:
            async with asyncio.timeout(PATIENCE if answers else TIMEOUT):
                error = await dial(Dial("target-0", "127.0.0.1", ports[1], protocol))
        except TimeoutError:
            error = "timeout"
        assert error in DIAL_WORDS[protocol]
        assert (error is None) is answers
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 16 * 1024
