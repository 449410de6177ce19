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
