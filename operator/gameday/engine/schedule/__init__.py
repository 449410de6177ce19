"""Schedules: the slots of a cron expression, which of them run, and which finished drills are kept."""
