"""Schedules: which slots are due, the Drills made for them, and which of those may begin."""
