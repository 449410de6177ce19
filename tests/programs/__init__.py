"""Programs for people and for `make`: the demo, benchmarks, what runs by itself, the diagrams of the docs."""
