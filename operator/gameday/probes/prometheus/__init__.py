"""The prometheus probe."""
