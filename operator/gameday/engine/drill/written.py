"""What a drill's status may hold that this process wrote: anything else there was written by somebody else."""

from typing import Generic, TypeVar

Text = TypeVar("Text")
"""Stands for what a save writes: its digest, or its number."""


class Written(Generic[Text]):
    """What the status held when this process took over, and what it has sent since a save was last answered."""

    def __init__(self, found: Text) -> None:
        self.known = frozenset({found})

    def __contains__(self, text: Text) -> bool:
        """Whether this process goes on from it: it was found there, or is its own."""
        return text in self.known

    def sent(self, text: Text) -> None:
        """Take in that a save is sent: even if its answer gets lost, it may have been done."""
        self.known |= {text}

    def answered(self, text: Text) -> None:
        """Take in that a save was done: nothing older can be in the status any more."""
        self.known = frozenset({text})
