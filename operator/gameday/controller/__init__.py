"""The imperative shell around the engine: one task per drill asks the engine, saves, then executes its commands.

``process`` is one process of the operator, ``schedule`` decides slots, ``gameday`` writes to GameDays, ``drill`` runs
one drill. The modules outside these folders serve all of them and import none. Read in this order:
``store`` (what there is, and who hears of it), ``process.supervisor`` (which drills run here), ``engine.drill.loop``
(the loop of one drill), ``drill.drill`` (runs the loop), ``drill.persisted_drill`` (saves), ``drill.informers``
(observes), ``drill.log_follower`` (reads measurements), ``drill.command_executor`` (acts).
"""
