"""The demo shop: a webhook service with a job queue in Redis. It is what drills are tried on."""
