"""Faults, one kind a file: how a cut is shaped, fused, made, seen and undone; and what would refuse it."""
