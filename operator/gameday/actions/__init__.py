"""The kinds of actions, one per file or folder: what a fault or step of that kind changes, and how it is reverted.

Only ``registry`` imports the file of a kind. See docs/dev/add-an-action.md.
"""
