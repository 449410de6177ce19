"""The kinds ``http`` and ``httpOnce``: pods of the namespace call an HTTP API, such as that of a platform."""
