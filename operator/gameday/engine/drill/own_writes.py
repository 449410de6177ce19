"""Recognises this process's own writes of a drill's status; any other content was written by somebody else."""

from typing import Generic, TypeVar

Text = TypeVar("Text")
"""The type that identifies what a save writes: its digest, or its number."""


class OwnWrites(Generic[Text]):
    """The status when this process took over, and what the process has sent since the last confirmed save."""

    def __init__(self, found: Text) -> None:
        self.known = frozenset({found})

    def __contains__(self, text: Text) -> bool:
        """Whether this process found or wrote this text."""
        return text in self.known

    def sent(self, text: Text) -> None:
        """Note that a save was sent; if its answer is lost, it may have been executed."""
        self.known |= {text}

    def answered(self, text: Text) -> None:
        """Note that a save was confirmed; no older text can be in the status any more."""
        self.known = frozenset({text})
