"""Label selectors, as several kinds of actions have them."""

from typing import Annotated, Literal

from pydantic import Field

from gameday.model.plan import Selector
from gameday.schema.base import ATOMIC, MOST, ApiModel, Name


class SelectorRequirement(ApiModel):
    """One requirement on labels."""

    key: Annotated[str, Field(min_length=1, max_length=253)]
    """Label key."""
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    """How key and values relate."""
    values: Annotated[tuple[Name, ...], Field(max_length=MOST, json_schema_extra=ATOMIC)] = ()
    """Values for In and NotIn."""


class LabelSelector(ApiModel):
    """Which pods, by their labels."""

    match_labels: Annotated[dict[str, Annotated[str, Field(max_length=63)]], Field(max_length=MOST)] = {}
    """Labels that a pod must have."""
    match_expressions: Annotated[tuple[SelectorRequirement, ...], Field(max_length=MOST, json_schema_extra=ATOMIC)] = ()
    """Requirements that a pod must meet."""

    def parsed(self) -> Selector:
        """As the plan has it."""
        requirements = tuple((one.key, one.operator, one.values) for one in self.match_expressions)
        return Selector(dict(self.match_labels), requirements)
