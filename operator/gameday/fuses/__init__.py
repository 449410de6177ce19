"""Fuses: they revert a change if no operator is alive any more."""
