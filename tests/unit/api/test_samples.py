"""The ConfigMap of a drill's samples: what is written is read back, it never grows too large, and it is no way in."""

import base64
import gzip
import random
from typing import Any

import pytest

from gameday.api import samples
from gameday.api.samples import FILE, MOST_CHANGES, OBJECT_BYTES, Kept, SamplesUnreadable, config_map, read
from gameday.engine.cel.paths import Path
from gameday.engine.evidence.curves import MOST_POINTS, Strip, Truth, strip
from gameday.model.sample import Value
from gameday.schema.bounds import json_bytes

OWNER = {"apiVersion": "gameday.dev/v1alpha1", "kind": "Drill", "name": "first", "uid": "u"}
BEGAN = 1_764_000_000.25
TRUTH = Truth("Outage", "reported", ((BEGAN, False), (BEGAN + 4.5, True), (BEGAN + 9.125, None)))


def strips(probes: int, paths: int, count: int, *, noisy: bool = False) -> tuple[Strip, ...]:
    """Samples of so many probes, one a second."""
    drawn = random.Random(7)
    at = [BEGAN + n for n in range(count)]

    def column(number: int) -> list[Value]:
        return [drawn.random() if noisy else float((n + number) % 50) for n in range(count)]

    keys: list[Path] = [("body", f"value{number}") for number in range(paths)]
    of_each = ({key: column(number) for number, key in enumerate(keys)} for _ in range(probes))
    return tuple(strip(f"probe{n}", at, found) for n, found in enumerate(of_each))


def written(of: tuple[Strip, ...], *truths: Truth) -> tuple[dict[str, Any], str]:
    return config_map("first-samples", {"gameday.dev/drill": "first"}, OWNER, Kept("first", "small", of, truths))


def test_what_is_written_is_read_back() -> None:
    body, left_out = written(strips(2, 3, 90), TRUTH)
    assert (body["immutable"], body["metadata"]["ownerReferences"]) == (True, [OWNER])
    kept = read(body)
    assert (kept.drill, kept.gameday, kept.left_out, left_out) == ("first", "small", "", "")
    assert kept.truths == (TRUTH,)
    assert [strip.probe for strip in kept.strips] == ["probe0", "probe1"]
    strip = kept.strips[1]
    assert (strip.samples, len(strip.at), strip.at[0], strip.at[-1]) == (90, 90, BEGAN, BEGAN + 89)
    assert strip.curves[2].path == "probe1.body.value2"
    assert strip.curves[2].last[:3] == strip.curves[2].low[:3] == [2.0, 3.0, 4.0]


def test_the_same_samples_make_the_same_bytes() -> None:
    one, two = (written(strips(2, 3, 90), TRUTH)[0] for _ in range(2))
    assert one == two


@pytest.mark.parametrize(("probes", "paths", "count"), [(1, 1, 12_600), (6, 3, 900), (32, 6, 1200), (32, 40, 100)])
def test_it_never_takes_more_than_its_bound(probes: int, paths: int, count: int) -> None:
    """Noise does not compress; the largest drill of all has 32 probes."""
    body, _ = written(strips(probes, paths, count, noisy=True), TRUTH)
    assert json_bytes(body) <= OBJECT_BYTES
    kept = read(body)
    assert kept.truths == (TRUTH,)
    assert all(len(strip.at) <= MOST_POINTS for strip in kept.strips)
    assert kept.strips, "something of it is there"
    assert kept.strips[0].samples == count


def test_what_does_not_fit_is_told() -> None:
    body, left_out = written(strips(32, 400, 10, noisy=True))
    assert json_bytes(body) <= OBJECT_BYTES
    assert "probes do not fit" in left_out
    assert read(body).left_out == left_out


def test_an_expression_that_turns_at_every_sample_does_not_drive_out_all_else() -> None:
    turns = tuple((BEGAN + n, bool(n % 2)) for n in range(2 * MOST_CHANGES))
    body, left_out = written(strips(2, 3, 90), TRUTH, Truth("Outage", "flaps", turns))
    kept = read(body)
    assert kept.truths[0] == TRUTH
    assert kept.truths[1].changes == turns[: MOST_CHANGES // 2]
    assert "flaps" in left_out
    assert kept.strips[0].curves


def packed(text: str) -> dict[str, Any]:
    return {"binaryData": {FILE: base64.b64encode(gzip.compress(text.encode())).decode()}}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "damaged"),
        ({"binaryData": {FILE: "%%%"}}, "damaged"),
        ({"binaryData": {FILE: base64.b64encode(b"plain").decode()}}, "damaged"),
        (packed("[]"), "damaged"),
        (packed('{"version": 9}'), "use a newer one"),
        (packed('{"version": 1, "from": 1, "drill": "d", "gameDay": "g", "probes": [{}]}'), "damaged"),
        (packed("[" * 100_000), "damaged"),
    ],
    ids=["no data", "no base64", "no gzip", "no object", "newer", "no probe", "deep"],
)
def test_what_cannot_be_read_says_so(body: dict[str, Any], said: str) -> None:
    with pytest.raises(SamplesUnreadable, match=said):
        read(body)


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "UNPACKED_BYTES", 1000)
    with pytest.raises(SamplesUnreadable):
        read(packed('{"version": 1, "x": "' + "y" * 100_000 + '"}'))
