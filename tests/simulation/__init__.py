"""Whole drills of the real operator in a simulated world: a clock that is ours, and a cluster that fails on purpose.

Nothing of the operator is replaced: its engine, its undo log and its runner run as they are, on an event loop whose
time is the world's. What is simulated keeps to what was measured on a real cluster. Read in this order: ``scenario``
(what goes wrong), ``world`` (the clock), ``store`` and ``controllers`` (the cluster), ``client`` (the way there),
``process`` (an operator that can be killed and frozen), ``namespace`` (the system under test and our agents),
``invariants`` (what must hold), ``running`` (one world from its beginning to its end), ``shrinking``.
"""
