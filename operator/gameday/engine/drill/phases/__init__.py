"""The phases of a drill."""
