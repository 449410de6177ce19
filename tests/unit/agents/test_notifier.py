"""The notifier against a real receiver that refuses, hangs, limits, breaks and answers late; no Secret is let out."""

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from gameday.agents import delivery as deliveries
from gameday.agents import notifier
from gameday.agents import post as posts
from gameday.agents.delivery import retry_after
from gameday.agents.log import SampleLog
from gameday.agents.notifier import notify
from gameday.model.agent import VARIABLE, Delivery, HttpAccess, NotifierConfig, read_config
from gameday.model.notice import Delivered, Outcome
from unit.ports import free_port
from unit.receiver import DROP, HANG, Answer, HttpReceiver

WHERE = "spec.notifications[team].webhook"


@pytest.fixture
async def receiver() -> AsyncIterator[HttpReceiver]:
    async with HttpReceiver.serve() as one:
        yield one


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits of a tenth of a second; an answer that comes is waited for."""
    monkeypatch.setattr(notifier, "FIRST", 0.1)
    monkeypatch.setattr(notifier, "LONGEST", 0.2)
    monkeypatch.setattr(deliveries, "TIMEOUT", 10.0)


def sent_to(receiver: HttpReceiver, name: str = "verdict", **fields: Any) -> Delivery:
    wanted: dict[str, Any] = {"url": receiver.url, "body": json.dumps({"id": name}), "where": WHERE, **fields}
    return Delivery(name, **wanted)


async def outcome(tmp_path: Path, *wanted: Delivery, tries_for: float = 20.0) -> dict[str, tuple[Outcome, str]]:
    """What the termination message says became of each message."""
    out = tmp_path / "termination-log"
    async with asyncio.timeout(tries_for + 30):
        await notify(NotifierConfig(deliveries=wanted, tries_for=tries_for), SampleLog(), asyncio.Event(), out)
    return {name: (Outcome(word), why) for name, (word, why) in json.loads(out.read_text()).items()}


async def test_messages_are_sent_in_order_and_each_once(receiver: HttpReceiver, tmp_path: Path) -> None:
    found = await outcome(tmp_path, sent_to(receiver, "started"), sent_to(receiver, "verdict"))
    assert found == {"started": (Outcome.SENT, ""), "verdict": (Outcome.SENT, "")}
    assert [body["id"] for body in receiver.bodies] == ["started", "verdict"]
    assert receiver.headers[0]["Content-Type"] == "application/json"


@pytest.mark.parametrize("status", [500, 502, 503, 429])
async def test_what_is_busy_is_asked_again(receiver: HttpReceiver, tmp_path: Path, status: int) -> None:
    receiver.answers = [Answer(status), Answer(status)]
    assert (await outcome(tmp_path, sent_to(receiver)))["verdict"] == (Outcome.SENT, "")
    assert len(receiver.bodies) == 3


async def test_a_retry_after_is_respected(receiver: HttpReceiver, tmp_path: Path) -> None:
    receiver.answers = [Answer(429, headers={"Retry-After": "1"})]
    assert (await outcome(tmp_path, sent_to(receiver)))["verdict"][0] is Outcome.SENT
    assert receiver.at[1] - receiver.at[0] >= 1.0


async def test_one_that_asks_for_too_long_a_wait_is_given_up_at_once(receiver: HttpReceiver, tmp_path: Path) -> None:
    receiver.answers = [Answer(429, headers={"Retry-After": "3600"})]
    began = time.monotonic()
    found = await outcome(tmp_path, sent_to(receiver), tries_for=60.0)
    assert found["verdict"][0] is Outcome.FAILED
    assert "the receiver answered 429 (ok); it asks to wait for 3600 s, which is too long" in found["verdict"][1]
    assert time.monotonic() - began < 20


async def test_one_that_stays_away_is_given_up_in_time_and_the_next_message_is_tried(
    receiver: HttpReceiver, tmp_path: Path
) -> None:
    receiver.answers = [Answer(503)] * 200
    began = time.monotonic()
    found = await outcome(tmp_path, sent_to(receiver, "started"), sent_to(receiver, "verdict"), tries_for=1.0)
    assert time.monotonic() - began < 15
    assert {one for one, _ in found.values()} == {Outcome.FAILED}
    assert "503" in found["started"][1]
    assert "tried" in found["started"][1]
    assert {body["id"] for body in receiver.bodies} == {"started", "verdict"}


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 302])
async def test_a_refusal_is_final_and_says_what_the_receiver_said(
    receiver: HttpReceiver, tmp_path: Path, status: int
) -> None:
    receiver.answers = [Answer(status, "no_service\x1b[31m")]
    word, why = (await outcome(tmp_path, sent_to(receiver)))["verdict"]
    assert (word, len(receiver.bodies)) == (Outcome.FAILED, 1)
    assert f"the receiver answered {status} (no_service [31m)" in why


@pytest.mark.parametrize("silence", [HANG, DROP])
async def test_without_an_answer_only_what_is_recognized_is_sent_again(
    receiver: HttpReceiver, tmp_path: Path, silence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "TIMEOUT", 2.0)
    receiver.answers = [silence]
    assert (await outcome(tmp_path, sent_to(receiver, repeatable=True)))["verdict"][0] is Outcome.SENT
    assert [body["id"] for body in receiver.bodies] == ["verdict", "verdict"]
    receiver.answers, receiver.bodies = [silence], []
    word, why = (await outcome(tmp_path, sent_to(receiver)))["verdict"]
    assert (word, len(receiver.bodies)) == (Outcome.UNKNOWN, 1)
    assert why.endswith("it may have arrived, so it is not sent again")


async def test_an_answer_that_is_late_but_in_time_counts(receiver: HttpReceiver, tmp_path: Path) -> None:
    receiver.answers = [Answer(after=0.3)]
    assert (await outcome(tmp_path, sent_to(receiver)))["verdict"] == (Outcome.SENT, "")
    assert len(receiver.bodies) == 1


async def test_one_that_may_have_arrived_is_not_called_failed_because_a_later_try_was_refused_a_connection(
    tmp_path: Path,
) -> None:
    async with HttpReceiver.serve() as receiver:
        receiver.answers = [DROP] * 20
        trying = asyncio.create_task(outcome(tmp_path, sent_to(receiver, repeatable=True), tries_for=1.5))
        async with asyncio.timeout(20):
            while not receiver.bodies:  # noqa: ASYNC110  what is looked at has no event
                await asyncio.sleep(0.01)
    assert (await trying)["verdict"][0] is Outcome.UNKNOWN


async def test_a_receiver_that_is_not_there_is_tried_and_the_reason_is_plain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nowhere(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    nobody = Delivery("verdict", url=f"http://127.0.0.1:{free_port()}/", body="{}", where=WHERE)
    word, why = (await outcome(tmp_path, nobody, tries_for=1.0))["verdict"]
    assert word is Outcome.FAILED
    assert "the receiver cannot be reached (refused): is it up, and does a NetworkPolicy stop the pod?" in why
    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    unknown = Delivery("verdict", url="http://nobody.invalid/", body="{}", where=WHERE)
    found = await outcome(tmp_path, unknown, tries_for=1.0)
    assert "nobody.invalid could not be looked up" in found["verdict"][1]


async def test_a_secret_that_is_missing_is_named_with_the_field_that_asks_for_it(
    receiver: HttpReceiver, tmp_path: Path
) -> None:
    missing = str(tmp_path / "slack" / "url")
    for fields in ({"url_file": missing}, {"body_file": missing}, {"access": HttpAccess(bearer_file=missing)}):
        began = time.monotonic()
        found = await outcome(tmp_path, sent_to(receiver, **fields), tries_for=60.0)
        assert found["verdict"] == (Outcome.FAILED, f"Secret slack has no key url: create it, as {WHERE} asks")
        assert time.monotonic() - began < 20
    assert receiver.bodies == []


async def test_secrets_are_sent_and_never_told(
    receiver: HttpReceiver, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "url").write_text(f"{receiver.url}/T0/B0/very-secret\n")
    (tmp_path / "key").write_text("routing-secret")
    wanted = sent_to(
        receiver, url="", url_file=str(tmp_path / "url"), body_field="routing_key", body_file=str(tmp_path / "key")
    )
    receiver.answers = [Answer(404, "no hook at /hook/T0/B0/very-secret"), Answer(400, "bad key routing-secret")]
    first = (await outcome(tmp_path, wanted))["verdict"][1]
    second = (await outcome(tmp_path, wanted))["verdict"][1]
    assert receiver.paths[0] == "/hook/T0/B0/very-secret"
    assert receiver.bodies[0] == {"id": "verdict", "routing_key": "routing-secret"}
    for said in (first, second, capsys.readouterr().out):
        assert "very-secret" not in said
        assert "routing-secret" not in said
    assert "404" in first


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        ("?token=very-secret", "no such token: very-secret"),
        ("?a=1&token=very%20secret", "no such token: very secret"),
        ("/T0/B0/very-secret", "no such hook: very-secret"),
    ],
)
async def test_a_part_of_a_secret_url_that_is_repeated_is_never_told(
    receiver: HttpReceiver, tmp_path: Path, secret: str, said: str
) -> None:
    (tmp_path / "url").write_text(f"{receiver.url}{secret}")
    receiver.answers = [Answer(403, said)]
    word, why = (await outcome(tmp_path, sent_to(receiver, url="", url_file=str(tmp_path / "url"))))["verdict"]
    assert (word, why) == (Outcome.FAILED, "the receiver answered 403 ([secret])")


@pytest.mark.parametrize("url", ["http://[::1/hook", "http://user:very-secret\uff0f@host/", "hook"])
async def test_a_secret_that_is_no_url_fails_and_is_not_told(
    tmp_path: Path, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "url").write_text(url)
    wanted = Delivery("verdict", url_file=str(tmp_path / "url"), body="{}", where=WHERE)
    word, why = (await outcome(tmp_path, wanted))["verdict"]
    assert word is Outcome.FAILED
    assert f"check {WHERE}, and its Secrets" in why
    assert "very-secret" not in why + capsys.readouterr().out


@pytest.mark.parametrize("repeatable", [True, False])
async def test_a_connection_that_never_comes_about_has_sent_nothing(
    tmp_path: Path, repeatable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a NetworkPolicy drops the packets: nobody answers, and nobody refuses."""
    monkeypatch.setattr(posts, "CONNECT", 0.3)
    with socket.socket() as full, contextlib.ExitStack() as others:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(3):
            waiting = others.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        url = f"http://127.0.0.1:{full.getsockname()[1]}/"
        wanted = Delivery("verdict", url=url, body="{}", where=WHERE, repeatable=repeatable)
        word, why = (await outcome(tmp_path, wanted, tries_for=3.0))["verdict"]
    assert word is Outcome.FAILED
    assert "the receiver cannot be reached (timeout): is it up, and does a NetworkPolicy stop the pod?" in why
    assert re.search(r"tried \d+ times", why), "it is tried again"


async def test_a_name_that_nobody_answers_for_has_sent_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hangs(*_: object, **__: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(posts, "CONNECT", 0.3)
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", hangs)
    wanted = Delivery("verdict", url="http://slack.example/", body="{}", where=WHERE)
    word, why = (await outcome(tmp_path, wanted, tries_for=1.0))["verdict"]
    assert word is Outcome.FAILED
    assert "slack.example could not be looked up" in why


async def test_a_process_that_is_killed_says_what_it_had_sent_and_what_it_had_not_begun(
    receiver: HttpReceiver, tmp_path: Path
) -> None:
    receiver.answers = [Answer(), HANG]
    out = tmp_path / "termination-log"
    config = NotifierConfig(deliveries=tuple(sent_to(receiver, name) for name in ("a", "b", "c")), ends_after=30.0)
    code = f"""
import asyncio
from pathlib import Path
from gameday.agents.log import SampleLog
from gameday.agents.notifier import notify
from gameday.model.agent import NotifierConfig, read_config
import os
config = read_config(os.environ["{VARIABLE}"], NotifierConfig)
asyncio.run(notify(config, SampleLog(), asyncio.Event(), Path({str(out)!r})))
"""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, env={**os.environ, VARIABLE: config.to_json()}
    )
    async with asyncio.timeout(20):
        while len(receiver.bodies) < 2:  # noqa: ASYNC110  what is looked at has no event
            await asyncio.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    await process.wait()
    said = json.loads(out.read_text())
    assert {name: word for name, (word, _) in said.items()} == {"a": "Sent", "c": "Unsent"}


async def test_sigterm_ends_the_waiting_and_leaves_the_rest_to_another_pod(
    receiver: HttpReceiver, tmp_path: Path
) -> None:
    receiver.answers = [Answer(503, headers={"Retry-After": "40"})]
    out, ending = tmp_path / "termination-log", asyncio.Event()
    config = NotifierConfig(deliveries=(sent_to(receiver, "a"), sent_to(receiver, "b")), tries_for=60.0)
    working = asyncio.create_task(notify(config, SampleLog(), ending, out))
    async with asyncio.timeout(20):
        while not receiver.bodies:  # noqa: ASYNC110  what is looked at has no event
            await asyncio.sleep(0.01)
    ending.set()
    await asyncio.wait_for(working, 20)
    assert {word for word, _ in json.loads(out.read_text()).values()} == {"Unsent"}
    assert len(receiver.bodies) == 1


def test_the_report_fits_into_a_termination_message() -> None:
    known = {f"event{n}": Delivered(Outcome.FAILED, "ü" * 1000) for n in range(8)}
    text = notifier.report(known)
    assert len(text.encode()) <= notifier.MESSAGE_BYTES
    assert set(json.loads(text)) == set(known)


def test_its_configuration_is_read_as_it_was_written() -> None:
    config = NotifierConfig(
        deliveries=(Delivery("verdict", url="http://x/", access=HttpAccess(bearer_file="/f"), repeatable=True),),
        ends_after=5.0,
    )
    assert read_config(config.to_json(), NotifierConfig) == config


def test_a_retry_after_is_seconds_or_a_date() -> None:
    now = 1_800_000_000.0
    assert retry_after("120", now) == 120.0
    assert retry_after(formatdate(now + 90, usegmt=True), now) == 90.0
    assert retry_after(formatdate(now - 90, usegmt=True), now) == 0.0
    for odd in (None, "", "soon", "-5", "1e400", "9" * 400):
        assert retry_after(odd, now) in {None, 0.0}
