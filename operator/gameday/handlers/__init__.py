"""Kopf handlers, a few lines each: they hand what changed to ``runner`` and decide nothing."""
