"""The kinds ``scale`` and ``restore``: a Deployment at another number of replicas, and back."""
