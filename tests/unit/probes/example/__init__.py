"""A kind of probe that is not in the registry: the example of docs/dev/add-a-probe.md."""
