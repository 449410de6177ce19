"""The redis probe."""
