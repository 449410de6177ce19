"""The kubernetes probe."""
