"""Fuses: what undoes a change when nothing of ours is alive any more."""
