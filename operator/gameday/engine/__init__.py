"""The drill engine: decides what a drill does next, and does none of it.

Come here to learn *why* a drill moved; go to ``actions`` for *how* a change is made and to ``controller`` for *when*
the engine is asked. Rules of this package: no I/O, no clock (``now`` is passed in), no randomness; import-linter
(pyproject.toml) checks the imports. Read ``drill`` first, from ``decide`` on, then ``evidence``.
"""
