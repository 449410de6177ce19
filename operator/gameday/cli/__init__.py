"""The ``gameday`` command, also ``kubectl gameday``."""
