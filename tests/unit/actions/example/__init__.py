"""A kind of action that is not in the registry: the example of docs/dev/add-an-action.md."""
