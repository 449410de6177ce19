"""The http probe."""
