"""The imperative shell around the engine: one task a drill, which asks the engine, saves, then does what it says.

Read in this order: ``supervisor`` (which drills run here), ``drill`` (the loop of one), ``memory`` (what is saved),
``view`` (what is seen), ``feed`` (what is measured), ``hands`` (what is done).
"""
