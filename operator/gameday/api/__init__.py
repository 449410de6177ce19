"""The resources as pydantic models, and the door through which YAML becomes ``model``."""
