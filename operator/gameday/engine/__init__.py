"""The drill engine: decides what a drill does next, and does none of it.

Come here to learn *why* a drill moved; go to ``faults`` for *how* a cut is made and to ``controller`` for *when* the
engine is asked. Rules of this room: no I/O, no clock (``now`` is passed in), no randomness;
``tests/unit/test_layers.py`` checks. Read in this order: ``drill``, ``before``, ``outage``, ``after``, ``rollback``,
``interrupts``, ``holds``, ``proof``, ``judge``, ``verdict``, ``orders``.
"""
