"""``gameday watch``: a drill as it goes. ``watch`` runs it, ``measured`` reads the agents' logs, ``picture`` draws."""
