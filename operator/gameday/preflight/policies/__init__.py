"""Policies that others made: which there are, whom they select, whom they isolate."""
