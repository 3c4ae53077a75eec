"""Verifiable tasks. To add one: a module here and a line in `base.TASKS`."""
