"""Writes a GameDay's status: whether its plan is ready, and the result of its last drill."""
