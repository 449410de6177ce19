"""What a plan says that no schema can check: each finding with its path and what to do."""
