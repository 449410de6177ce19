"""Whom to ask, and where to look: shown in every message and report of a drill. They are no part of the plan."""

from typing import Annotated

from pydantic import Field

from gameday.api.action_items import LINK
from gameday.schema.base import ApiModel, Name


class Contact(ApiModel):
    """Whom to ask."""

    name: Name
    """A team, a role or a person."""
    contact: Annotated[str, Field(min_length=1, max_length=128)]
    """How they are reached, such as a channel, a telephone number or an address."""


class Link(ApiModel):
    """Where to look."""

    name: Name
    """What is there, such as a runbook or a dashboard."""
    url: Annotated[str, Field(pattern=LINK, max_length=512)]
    """Its address."""
