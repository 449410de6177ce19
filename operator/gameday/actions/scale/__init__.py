"""The kinds ``scale`` and ``restore``: a workload at another number of replicas, and back."""
