"""Game days for Kubernetes: failure drills as resources, proven, put back, judged.

``handlers`` hears of Drills, ``controller`` carries each out, ``engine`` decides, ``actions`` change the cluster
through ``cluster``, ``agents`` measure in the team's namespace. ``api`` is the door to YAML and ``model`` holds the
nouns all of them share. See docs/dev/architecture.md.
"""
