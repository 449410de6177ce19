"""The page of the benchmark: its table is written between marks, and the text around it stays."""

import pytest

from programs.bench import HEAD, MARKS, PAGE, published


def test_the_table_is_written_between_the_marks() -> None:
    page = f"# Title\n\n{MARKS[0]}\nold\n{MARKS[1]}\n\nwords\n"
    made = published(page, ["| a | b | c | d | e |"])
    assert made == f"# Title\n\n{MARKS[0]}\n{HEAD}\n| a | b | c | d | e |\n{MARKS[1]}\n\nwords\n"
    assert published(made, ["| a | b | c | d | e |"]) == made


def test_a_page_without_marks_is_left_alone() -> None:
    with pytest.raises(AssertionError, match="no <!-- bench --> and <!-- /bench -->"):
        published("# Title\n", [])


def test_the_page_has_a_table_between_the_marks() -> None:
    text = PAGE.read_text()
    rows = text.partition(f"{MARKS[0]}\n{HEAD}\n")[2].partition(f"\n{MARKS[1]}")[0].splitlines()
    assert rows
    assert published(text, rows) == text
