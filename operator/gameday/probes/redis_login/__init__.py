"""The kind ``redisLogin``: logs in to a Redis as a user, and holds a connection of that user open."""
