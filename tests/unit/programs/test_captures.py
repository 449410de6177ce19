"""The captures of commands in the docs are what the commands print today."""

from pathlib import Path

import pytest

from programs import captures


def test_the_pages_show_what_the_commands_print() -> None:
    assert captures.main(["--check"]) == 0, "run `make generate` and commit"


def test_a_capture_that_is_not_true_any_more_is_found_and_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "how-to.md"
    page.write_text("Before.\n\n<!-- capture: plan -->\n```\nold\n```\n\nAfter.\n\n```\nanother block\n```\n")
    monkeypatch.setattr(captures, "DOCS", tmp_path)
    monkeypatch.setattr(captures, "CAPTURES", {"plan": ("how-to.md", lambda: "new\n")})
    assert captures.main(["--check"]) == 1
    assert "how-to.md: a capture is not true any more" in capsys.readouterr().err
    assert captures.main([]) == 0
    assert captures.main(["--check"]) == 0
    assert page.read_text() == (
        "Before.\n\n<!-- capture: plan -->\n```\nnew\n```\n\nAfter.\n\n```\nanother block\n```\n"
    )


def test_a_page_without_the_block_is_an_error() -> None:
    with pytest.raises(ValueError, match="no block of the page is marked for capture watch"):
        captures.with_capture("```\ntext\n```\n", "watch", "")
