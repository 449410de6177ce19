"""Cuts of the network: how a cut is shaped, made, seen and undone; and what would refuse it."""
