"""The imperative shell around the engine: one task per drill asks the engine, saves, then executes its commands.

``process`` is one process of the operator, ``schedule`` decides slots, ``gameday`` writes to GameDays, ``drill``
carries out one drill. What stands beside these folders serves all of them and imports none. Read in this order:
``process.supervisor`` (which drills run here), ``engine.drill.loop`` (the loop of one), ``drill.drill`` (feeds it and
does what it says), ``drill.memory`` (what is saved), ``drill.view`` (what is seen), ``drill.feed`` (what is measured),
``drill.hands`` (what is done).
"""
