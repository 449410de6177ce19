"""Preflight: what is read of a namespace before anything is changed, and findings that refuse a drill of any kind."""
