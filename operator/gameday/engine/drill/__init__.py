"""A drill: what it decides next, phase by phase, and which commands follow."""
