"""One drill: its observations, its decisions, the commands that it carries out, and what it saves."""
