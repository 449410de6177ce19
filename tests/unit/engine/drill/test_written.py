"""Whose record a status holds: what was found there, what was sent and may have arrived, or somebody else's."""

from gameday.engine.drill.own_writes import OwnWrites


def test_what_was_found_is_gone_on_from_and_anything_else_is_somebody_elses() -> None:
    written = OwnWrites("found")
    assert "found" in written
    assert "other" not in written


def test_every_save_without_an_answer_may_be_what_the_status_holds() -> None:
    written = OwnWrites("found")
    for text in ("first", "second"):
        written.sent(text)
    assert all(text in written for text in ("found", "first", "second"))


def test_once_a_save_was_done_nothing_older_comes_from_this_process() -> None:
    written = OwnWrites("found")
    for text in ("first", "second"):
        written.sent(text)
    written.answered("second")
    assert "second" in written
    assert not any(text in written for text in ("found", "first"))
