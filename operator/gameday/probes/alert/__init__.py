"""The alert probe."""
