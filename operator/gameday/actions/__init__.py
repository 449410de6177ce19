"""Actions, one kind a file or folder: what a fault or a step of that kind changes, and how it is put back.

Nobody but ``registry`` imports the file of a kind. See docs/dev/add-an-action.md.
"""
