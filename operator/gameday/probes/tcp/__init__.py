"""The tcp probe."""
