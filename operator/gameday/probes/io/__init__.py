"""What kinds of probes share when they talk to a system: nothing in here trusts what answers."""
