"""Decides what only algebra can decide, in a worker process that can be killed."""
