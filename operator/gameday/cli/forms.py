"""The forms in which programs get a result."""

import enum


class Output(enum.StrEnum):
    """As kubectl names them."""

    JSON = "json"
    YAML = "yaml"
    NAME = "name"
