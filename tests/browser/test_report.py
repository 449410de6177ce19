"""The page of a report in a real Chromium: whole by itself, wherever it is read, and by keyboard. See ``make browser``.

With ``GAMEDAY_PICTURES`` naming a folder, a picture of each look is kept there.
"""

import os
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import pytest

from browser.chromium import Page, page
from gameday.report.facts import Report, report
from gameday.report.page import html
from unit.report.drills import an_ended_drill, gameday
from unit.report.test_report import FAILED, GOOD, ITEMS, NO_SAMPLES, OLDER, TODAY, kept

LOOKS = ((1280, "light", "screen"), (1280, "dark", "screen"), (390, "light", "screen"), (390, "dark", "screen"))
PAPER = 794
"""Width of A4 in CSS pixels."""
LUMINANCE = """
(() => {
  const parse = c => c.match(/[0-9.]+/g).map(Number);
  const lum = ([r, g, b]) => [r, g, b].map(v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; };
  const low = [];
  for (const e of document.querySelectorAll("body *")) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()) || !e.getClientRects().length) continue;
    const [a, b] = [lum(parse(getComputedStyle(e).color)), lum(behind(e))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) low.push(`${e.tagName} ${e.className} ${ratio.toFixed(1)}: ${e.textContent.trim().slice(0, 30)}`);
  }
  return low;
})()
"""
"""Texts whose contrast is lower than WCAG AA asks for."""


@pytest.fixture
async def chromium() -> AsyncIterator[Page]:
    async with page() as one:
        yield one


def written(folder: Path, found: Report) -> Path:
    file = folder / "report.html"
    file.write_text(html(found, TODAY))
    return file


async def shown(name: str, chromium: Page, width: int, scheme: str, media: str) -> None:
    """Have it look so, and keep a picture where that is asked for."""
    await chromium.look_like(width, scheme=scheme, media=media)
    if folder := os.environ.get("GAMEDAY_PICTURES"):
        keep(Path(folder) / f"{name}-{width}-{scheme}-{media}.png", await chromium.picture())


def keep(file: Path, picture: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(picture)


@pytest.mark.parametrize("name", ["passed", "failed", "without samples"])
async def test_it_is_whole_by_itself_and_fits_where_it_is_read(name: str, chromium: Page, tmp_path: Path) -> None:
    course = FAILED if name == "failed" else GOOD
    samples = None if name == "without samples" else kept(course)
    found = report(an_ended_drill(course), gameday(*ITEMS), samples, "" if samples else NO_SAMPLES, OLDER)
    file = written(tmp_path, found)
    await chromium.open(file)
    for look in (*LOOKS, (PAPER, "light", "print"), (PAPER, "dark", "print")):
        await shown(name, chromium, *look)
        wide, room = await chromium.run("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert wide <= room, f"{look}: {wide} pixels in {room}"
        assert await chromium.run(LUMINANCE) == [], look
    assert chromium.requests == [file.as_uri()], "it needs nothing else"
    assert chromium.errors == []


async def test_it_is_dark_where_a_person_wants_that_and_light_on_paper(chromium: Page, tmp_path: Path) -> None:
    await chromium.open(written(tmp_path, report(an_ended_drill(GOOD), gameday(), None, NO_SAMPLES, ())))
    background = "getComputedStyle(document.body).backgroundColor"
    await chromium.look_like(1280)
    assert await chromium.run(background) == "rgb(255, 255, 255)"
    await chromium.look_like(1280, scheme="dark")
    assert await chromium.run(background) != "rgb(255, 255, 255)"
    await chromium.look_like(PAPER, scheme="dark", media="print")
    assert await chromium.run(background) == "rgb(255, 255, 255)"
    assert await chromium.run("getComputedStyle(document.querySelector('nav')).display") == "none"
    assert (await chromium.pdf()).startswith(b"%PDF")


async def test_all_of_it_is_reached_by_keyboard(chromium: Page, tmp_path: Path) -> None:
    await chromium.open(written(tmp_path, report(an_ended_drill(GOOD), gameday(*ITEMS), kept(GOOD), "", OLDER)))
    await chromium.look_like(390)
    wanted = await chromium.run("document.querySelectorAll('a[href], [tabindex]').length")
    reached = []
    for _ in range(wanted):
        await chromium.press("Tab")
        reached.append(await chromium.run("document.activeElement.outerHTML.slice(0, 100)"))
        outline = await chromium.run("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid", f"nobody sees where {reached[-1]} has the focus"
    assert len(set(reached)) == wanted
    assert "Skip to the result" in reached[0]
    assert sum('role="region"' in one for one in reached) >= 3, (
        "tables that are wider than a phone are scrolled by keys"
    )
    await chromium.run("document.activeElement.blur()")
    await chromium.run("document.querySelector('.skip').focus()")
    await chromium.press("Enter")
    assert await chromium.run("location.hash") == "#main"


async def test_who_does_not_see_it_hears_what_each_curve_shows(chromium: Page, tmp_path: Path) -> None:
    await chromium.open(written(tmp_path, report(an_ended_drill(GOOD), gameday(), kept(GOOD), "", OLDER)))
    tree = (await chromium.call("Accessibility.getFullAXTree"))["nodes"]
    names = [node.get("name", {}).get("value", "") for node in tree if node.get("role", {}).get("value") == "image"]
    assert len(names) == await chromium.run("document.querySelectorAll('svg').length") > 20
    assert all(names)
    assert any("health.body.redis. steady state: ok; outage: ok, down; recovery: down, ok" in name for name in names), (
        names
    )
    headings = [node for node in tree if node.get("role", {}).get("value") == "heading"]
    levels = [int(p["value"]["value"]) for n in headings for p in n["properties"] if p["name"] == "level"]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels)), levels
