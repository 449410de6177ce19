"""The kind ``redisAcl``: a user of a Redis is switched off by its ACL, and on again."""
