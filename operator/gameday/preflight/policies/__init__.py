"""Existing policies of other owners: which exist, which pods they select, and which they isolate."""
