"""The report of a drill that has ended, from its Drill, its samples and the drills before it: pure, without any I/O.

Read on in ``facts`` (all that a report has), ``frozen`` (what the drill's own state says), ``lessons`` (sentences),
``chart`` (curves); ``page``, ``text`` and ``data`` write it as HTML, Markdown and JSON.
"""
