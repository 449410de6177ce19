"""Quantities, as Kubernetes reads them."""

from fractions import Fraction

import pytest

from gameday.preflight.quantity import quantity, text


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("4", Fraction(4)),
        (4, Fraction(4)),
        ("0.5", Fraction(1, 2)),
        (".5", Fraction(1, 2)),
        ("2.", Fraction(2)),
        ("250m", Fraction(1, 4)),
        ("5u", Fraction(5, 10**6)),
        ("5n", Fraction(5, 10**9)),
        ("2k", Fraction(2000)),
        ("1M", Fraction(10**6)),
        ("1E", Fraction(10**18)),
        ("1e3", Fraction(1000)),
        ("1E3", Fraction(1000)),
        ("5e-1", Fraction(1, 2)),
        ("1Ki", Fraction(1024)),
        ("1.5Gi", Fraction(3 * 2**29)),
        ("-1", Fraction(-1)),
    ],
)
def test_is_read(written: str | int, number: Fraction) -> None:
    assert quantity(written) == number


@pytest.mark.parametrize("written", ["", "x", "1x", "1 Gi", "Gi", "1ki", "."])
def test_is_no_quantity(written: str) -> None:
    with pytest.raises(ValueError, match="is not a quantity"):
        quantity(written)


@pytest.mark.parametrize(
    ("resource", "amount", "written"),
    [
        ("limits.cpu", Fraction(7, 2), "3500m"),
        ("requests.cpu", Fraction(2), "2"),
        ("requests.memory", Fraction(96 * 2**20), "96Mi"),
        ("requests.memory", Fraction(1), "1Mi"),
        ("pods", Fraction(3), "3"),
    ],
)
def test_is_written_as_people_do(resource: str, amount: Fraction, written: str) -> None:
    assert text(resource, amount) == written
