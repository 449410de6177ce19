"""Evidence: log lines become series of evaluations, and series become judgements and proofs."""
