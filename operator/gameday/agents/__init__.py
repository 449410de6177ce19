"""The programs that run in the team's namespace, each as ``python -m gameday.agents.NAME``."""
