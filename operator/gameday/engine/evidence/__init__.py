"""What samples and dials say: lines of logs become tracks, tracks become judgements and proofs."""
