"""What runs in the team's namespace, each as ``python -m gameday.agents.NAME``: asyncio and a probe's library only."""
