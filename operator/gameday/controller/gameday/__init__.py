"""What is written to a GameDay: whether its plan is ready, and what its last drill found."""
