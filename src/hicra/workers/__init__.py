"""Runs processes that work for this one: a pool for pickled tasks (`pool.py`), a child that answers JSON lines (`child.py`)."""
