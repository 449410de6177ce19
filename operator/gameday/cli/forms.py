"""The forms in which programs get a result."""

import enum


class Output(enum.StrEnum):
    """As kubectl names them."""

    JSON = "json"
    YAML = "yaml"
    NAME = "name"


class Report(enum.StrEnum):
    """As what a report is written."""

    HTML = "html"
    MARKDOWN = "md"
    JSON = "json"
    JUNIT = "junit"


class Word(enum.StrEnum):
    """What a person confirms of a fault that a drill asks them for."""

    DONE = "done"
    UNDONE = "undone"
