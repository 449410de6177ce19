"""Rollback steps, one kind a file: do, undo, verify."""
