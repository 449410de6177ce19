"""Messages to a team: what happened in a drill, what a message says, and the request that each kind of receiver gets.

Nothing here does I/O. ``controller/drill/notifying.py`` asks ``decide`` what is to be sent, has a pod in the team's
namespace send it (``agents/notifier.py``), and records what became of it. A kind of receiver is one file and one line
in ``kinds.py``.

Read in this order: ``happened``, ``message``, ``kind``, ``decide``.
"""
