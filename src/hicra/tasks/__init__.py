"""Verifiable tasks; to add one, write a module here and a line in `base.TASKS`."""
