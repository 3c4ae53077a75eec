"""Comparing two answers that were read: by structure, then leaf by leaf, exactly where that is possible."""
