"""Kopf handlers, a few lines each: they hand what changed to ``controller`` and decide nothing."""
