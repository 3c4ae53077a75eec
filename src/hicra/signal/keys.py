"""Keys for tables that hold kinds of token and credit methods side by side, where a method may bear the name of a kind."""

from __future__ import annotations


def kind_key(name: str) -> str:
    """Returns the key of a kind of token.

    >>> kind_key("label:plan"), method_key("label:plan")
    ('kind label:plan', 'method label:plan')
    """
    return f"kind {name}"


def method_key(name: str) -> str:
    """Returns the key of a method."""
    return f"method {name}"
