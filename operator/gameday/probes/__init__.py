"""Probes, one kind a file: one request, one sample."""
