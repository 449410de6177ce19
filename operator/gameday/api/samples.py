r"""The samples of a drill that has ended, in the ConfigMap ``DRILL-samples``: for reports, never to go on from.

Its ``binaryData`` has one key, ``samples.json.gz``. To look into it::

    kubectl get configmap DRILL-samples -o jsonpath='{.binaryData.samples\.json\.gz}' | base64 -d | gunzip | jq

Times are milliseconds since the one before, the first since ``from``, which is a Unix second. A curve has, for each
time of its probe, a number, or 0 or 1, or an index of its ``texts``; ``low`` and ``high`` are left out where they are
``last``.
"""

import base64
import gzip
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any, Final

from gameday.cluster.resources import CONFIG_MAPS, Object
from gameday.engine.evidence.curves import MOST_POINTS, Curve, Strip, Truth, coarser
from gameday.errors import GameDayError
from gameday.model.words import counted
from gameday.schema.bounds import cut, json_bytes

FILE: Final = "samples.json.gz"
VERSION: Final = 1
OBJECT_BYTES: Final = 64 * 1024
"""Largest ConfigMap."""
UNPACKED_BYTES: Final = 8 * 1024 * 1024
"""Most bytes that are unpacked: who may write ConfigMaps could write a bomb."""
MOST_NUMBERS: Final = 48_000
"""Numbers of all curves together: with many probes, each curve has fewer points."""
FEWEST_POINTS: Final = 10
MOST_CHANGES: Final = 8_000
"""Changes of truth of all expectations together."""
MILLI: Final = 1000


class SamplesUnreadable(GameDayError):
    """Samples that are damaged, were edited, or are of a newer operator."""

    reason = "SamplesUnreadable"
    retry = False


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of a drill's samples. Times are Unix seconds; ``left_out`` says what did not fit, or ""."""

    drill: str
    gameday: str
    strips: tuple[Strip, ...] = ()
    truths: tuple[Truth, ...] = ()
    left_out: str = ""


def packed(kept: Kept, room: int) -> tuple[bytes, str]:
    """The samples in at most ``room`` bytes, with as many points of each curve as fit; and what was left out."""
    truths, lost = _bounded(kept.truths)
    fine, probes = kept.strips, len(kept.strips)
    curves = sum(len(strip.curves) for strip in fine)
    most = max(FEWEST_POINTS, min(MOST_POINTS, MOST_NUMBERS // (3 * curves + len(fine) + 1)))
    while True:
        strips = tuple(coarser(strip, most) for strip in fine[:probes])
        left_out = "; ".join(filter(None, (lost, _without(len(fine) - probes))))
        body = _packed(replace(kept, strips=strips, truths=truths, left_out=left_out))
        if len(body) <= room or not probes:
            return body, left_out
        # A little less than what would do: small things do not compress as well.
        share = 0.9 * room / len(body)
        if most > FEWEST_POINTS:
            most = max(FEWEST_POINTS, int(most * share))
        else:
            probes = min(probes - 1, int(probes * share))


def config_map(name: str, labels: Mapping[str, str], owner: Object, kept: Kept) -> tuple[Object, str]:
    """The ConfigMap of a drill's samples, within its bound; and what was left out of it."""
    body: Object = {
        "apiVersion": CONFIG_MAPS.api_version,
        "kind": CONFIG_MAPS.kind,
        "metadata": {"name": name, "labels": dict(labels), "ownerReferences": [owner]},
        "immutable": True,
        "binaryData": {FILE: ""},
    }
    # Base64 makes four characters of three bytes.
    packed_bytes, left_out = packed(kept, (OBJECT_BYTES - json_bytes(body)) // 4 * 3 - 3)
    return body | {"binaryData": {FILE: base64.b64encode(packed_bytes).decode()}}, left_out


def read(config_map: Mapping[str, Any]) -> Kept:
    """The samples that a ConfigMap holds.

    Raises:
        SamplesUnreadable: when they are damaged, or of a newer operator.

    """
    try:
        inflater = zlib.decompressobj(31)
        packed_bytes = base64.b64decode(config_map["binaryData"][FILE], validate=True)
        data = json.loads(inflater.decompress(packed_bytes, UNPACKED_BYTES))
        if data["version"] > VERSION:
            text = f"they are of version {data['version']}, and this program reads up to version {VERSION}"
            raise SamplesUnreadable(f"{text}: use a newer one")
        begin = float(data["from"])
        return Kept(
            str(data["drill"]),
            str(data["gameDay"]),
            tuple(_strip(one, begin) for one in data["probes"]),
            tuple(_truth(one, begin) for one in data["expectations"]),
            str(data.get("leftOut", "")),
        )
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, OverflowError, zlib.error) as error:
        raise SamplesUnreadable(f"the samples are damaged: {cut(str(error), 128)}") from error


def _without(probes: int) -> str:
    return f"the samples of {counted(probes, 'probe')} do not fit" if probes else ""


def _bounded(truths: tuple[Truth, ...]) -> tuple[tuple[Truth, ...], str]:
    """The changes that fit: of expectations with more than their share, the first ones."""
    if sum(len(one.changes) for one in truths) <= MOST_CHANGES:
        return truths, ""
    share = MOST_CHANGES // len(truths)
    short = tuple(replace(one, changes=one.changes[:share]) for one in truths)
    names = ", ".join(one.name for one in truths if len(one.changes) > share)
    return short, f"later changes of {cut(names, 256)} do not fit: they are more than {share} each"


def _packed(kept: Kept) -> bytes:
    moments = [strip.at[0] for strip in kept.strips if strip.at]
    moments += [truth.changes[0][0] for truth in kept.truths if truth.changes]
    begin = round(min(moments, default=0.0), 3)
    data = {
        "version": VERSION,
        "drill": kept.drill,
        "gameDay": kept.gameday,
        "from": begin,
        "probes": [
            {
                "probe": strip.probe,
                "samples": strip.samples,
                "at": _steps(strip.at, begin),
                "curves": [_curve(curve) for curve in strip.curves],
            }
            for strip in kept.strips
        ],
        "expectations": [
            {
                "stage": truth.stage,
                "name": truth.name,
                "at": _steps([at for at, _ in truth.changes], begin),
                "is": [None if value is None else int(value) for _, value in truth.changes],
            }
            for truth in kept.truths
        ],
    } | ({"leftOut": kept.left_out} if kept.left_out else {})
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return gzip.compress(text.encode(), compresslevel=6, mtime=0)


def _steps(moments: Sequence[float], begin: float) -> list[int]:
    whole = [round((moment - begin) * MILLI) for moment in moments]
    return [now - before for before, now in zip([0, *whole], whole, strict=False)]


def _moments(steps: Iterable[int], begin: float) -> Iterator[float]:
    return (begin + whole / MILLI for whole in accumulate(steps))


def _curve(curve: Curve) -> dict[str, Any]:
    made: dict[str, Any] = {"path": curve.path, "of": curve.of, "last": _short(curve.last)}
    if curve.texts:
        made["texts"] = curve.texts
    if curve.low != curve.last or curve.high != curve.last:
        made |= {"low": _short(curve.low), "high": _short(curve.high)}
    return made


def _short(values: Sequence[float | None]) -> list[float | None]:
    """Numbers of six digits: more are no measurement, and take room."""
    return [float(f"{value:.6g}") if isinstance(value, float) else value for value in values]


def _strip(data: Mapping[str, Any], begin: float) -> Strip:
    at = list(_moments(data["at"], begin))
    return Strip(str(data["probe"]), int(data["samples"]), at, [_read_curve(one, len(at)) for one in data["curves"]])


def _read_curve(data: Mapping[str, Any], length: int) -> Curve:
    last = _numbers(data["last"], length)
    low, high = (_numbers(data[key], length) if key in data else last for key in ("low", "high"))
    return Curve(str(data["path"]), str(data["of"]), [str(one) for one in data.get("texts", ())], low, high, last)


def _numbers(values: Sequence[Any], length: int) -> list[float | None]:
    if len(values) != length:
        raise ValueError(f"a curve has {len(values)} values for {length} times")
    return [None if value is None else float(value) for value in values]


def _truth(data: Mapping[str, Any], begin: float) -> Truth:
    changes = zip(_moments(data["at"], begin), data["is"], strict=True)
    return Truth(
        str(data["stage"]), str(data["name"]), tuple((at, None if one is None else bool(one)) for at, one in changes)
    )
