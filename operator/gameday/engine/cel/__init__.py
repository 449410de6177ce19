"""Expressions: read, bounded, compiled and evaluated."""
