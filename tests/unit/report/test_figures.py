"""Figures as people read them."""

import pytest

from gameday.report.figures import figure


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (1000, "1,000 bytes"),
        (1024, "1 KiB"),
        (51_200, "50 KiB"),
        (-51_200, "-50 KiB"),
        (104_858, "0.1 MiB"),
        (26 * 1024 * 1024, "26 MiB"),
    ],
)
def test_no_number_of_bytes_but_none_is_shown_as_0(value: float, text: str) -> None:
    assert figure(value, "bytes").replace("\u2212", "-") == text
