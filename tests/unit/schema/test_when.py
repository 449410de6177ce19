"""Hours of the week as people write them: one text, taken or refused with what is wrong in it and what to write."""

import contextlib
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gameday.api.crds import definitions
from gameday.model.hours import DAYS, Hours
from gameday.schema.when import EXAMPLE, hours_of

TIMES = st.tuples(st.integers(0, 23), st.integers(0, 59)).map(lambda time: f"{time[0]:02}:{time[1]:02}")
RANGES = st.tuples(st.sampled_from(DAYS), st.sampled_from([None, *DAYS]))
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/Argentina/ComodRivadavia", "Etc/GMT+1"])
WEEK = "write Mon, Tue, Wed, Thu, Fri, Sat, Sun, a range such as Mon-Thu or a list such as Mon,Wed"
CLOCK = "write hours from 00:00 to 24:00"


def rule() -> str:
    """The expression by which the API server knows the form."""
    root = definitions()["gamedays.yaml"]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    schedule = root["properties"]["spec"]["properties"]["schedule"]["properties"]
    (found,) = schedule["blackouts"]["items"]["properties"]["when"]["x-kubernetes-validations"]
    (pattern,) = re.findall(r"^self\.matches\('(.*)'\)$", found["rule"])
    return str(pattern)


RULE = re.compile(rule())


@pytest.mark.parametrize(
    ("days", "numbers"),
    [
        ("Mon", {0}),
        ("Mon-Fri", {0, 1, 2, 3, 4}),
        ("Sat,Sun", {5, 6}),
        ("Fri-Mon", {4, 5, 6, 0}),
        ("Mon,Wed-Fri", {0, 2, 3, 4}),
        ("Tue-Tue", {1}),
        ("Mon-Sun", set(range(7))),
    ],
)
def test_days(days: str, numbers: set[int]) -> None:
    text = f"{days} 09:00-17:00 UTC"
    assert hours_of(text) == Hours(text, frozenset(numbers), 540, 1020, "UTC")


@pytest.mark.parametrize(
    ("hours", "begins", "ends"), [("00:00-24:00", 0, 1440), ("22:30-06:00", 1350, 360), ("22:00-00:00", 1320, 0)]
)
def test_whole_days_and_hours_over_midnight(hours: str, begins: int, ends: int) -> None:
    found = hours_of(f"Sat {hours} Europe/Berlin")
    assert (found.begins, found.ends) == (begins, ends)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Mon-Fri 09:00-17:00", f"the time zone is missing: write it after the hours, such as {EXAMPLE}"),
        ("Mon-Fri UTC", f"the hours are missing: write 00:00-24:00 for whole days, such as {EXAMPLE}"),
        (
            "09:00-17:00 UTC",
            f"the days are missing: write them before the hours, Mon-Sun for every day, such as {EXAMPLE}",
        ),
        ("", f"write days, hours and a time zone, such as {EXAMPLE}, with one space between them"),
        ("0 16 * * 4", f"write days, hours and a time zone, such as {EXAMPLE}, with one space between them"),
        ("Mon  09:00-17:00 UTC", f"write days, hours and a time zone, such as {EXAMPLE}, with one space between them"),
        ("Mo-Fr 09:00-17:00 UTC", f"'Mo-Fr' is not a day of the week: {WEEK}"),
        ("Mon,wed 09:00-17:00 UTC", f"'wed' is not a day of the week: {WEEK}"),
        ("Mon- 09:00-17:00 UTC", f"'Mon-' is not a day of the week: {WEEK}"),
        ("Mon,, 09:00-17:00 UTC", f"'' is not a day of the week: {WEEK}"),
        ("Mon 9-17 UTC", f"'9-17' are not hours of a day: {CLOCK}"),
        ("Mon 09:60-17:00 UTC", f"'09:60-17:00' are not hours of a day: {CLOCK}"),
        ("Mon 24:00-17:00 UTC", f"'24:00-17:00' are not hours of a day: {CLOCK}"),
        ("Mon 09:00-24:01 UTC", f"'09:00-24:01' are not hours of a day: {CLOCK}"),
        ("Mon 09:00-09:00 UTC", "'09:00-09:00' ends when it begins: write 00:00-24:00 for a whole day"),
        ("Mon 09:00-17:00 Berlin", "'Berlin' is not an IANA time zone: write one such as Europe/Berlin or Etc/UTC"),
        ("Mon 09:00-17:00 ../../etc/passwd", "'../../etc/passwd' is not an IANA time zone"),
        ("Mon 09:00-17:00 Europe", "'Europe' is not an IANA time zone"),
        ("Mon 09:00-17:00 localtime", "'localtime' is not an IANA time zone"),
    ],
)
def test_what_is_wrong_is_quoted_with_what_to_write(text: str, says: str) -> None:
    with pytest.raises(ValueError, match="^" + re.escape(f"{text!r}: {says}")):
        hours_of(text)


@given(st.lists(RANGES, min_size=1, max_size=5), TIMES, st.one_of(TIMES, st.just("24:00")), ZONES)
def test_what_is_written_well_is_read_as_it_says(
    ranges: list[tuple[str, str | None]], begins: str, ends: str, zone: str
) -> None:
    days = ",".join(first if last is None else f"{first}-{last}" for first, last in ranges)
    text = f"{days} {begins}-{ends} {zone}"
    assert RULE.match(text)
    if begins == ends:
        with pytest.raises(ValueError, match="ends when it begins"):
            hours_of(text)
        return
    found = hours_of(text)
    assert (found.text, found.zone) == (text, zone)
    assert all(60 * int(time[:2]) + int(time[3:]) == at for time, at in ((begins, found.begins), (ends, found.ends)))
    week = [day for day, _ in zip(DAYS * 2, range(14), strict=True)]
    wanted: set[str] = set()
    for first, last in ranges:
        start = week.index(first)
        wanted |= {first} if last is None else set(week[start : week.index(last, start) + 1])
    assert {DAYS[day] for day in found.days} == wanted


@settings(max_examples=300)
@given(st.one_of(st.text(max_size=120), st.text(alphabet="MonTueWdhFri,-:0123456789 /UTC\x00", max_size=40)))
def test_whatever_is_written_it_is_read_or_refused_in_words_and_what_is_read_the_api_server_admits(text: str) -> None:
    with contextlib.suppress(ValueError):
        hours_of(text)
        assert RULE.match(text)


def test_a_text_without_end_is_quoted_in_part() -> None:
    with pytest.raises(ValueError, match="…") as refused:
        hours_of("x" * 100_000)
    assert len(str(refused.value)) < 300
