"""Errors on which a user can act say what is wrong, where, and what to do next.

Each subclass also inherits the standard exception that it refines, so that callers may catch either. The CLI prints
`error: ...` and `fix: ...` and ends with 1; it never shows a traceback for these.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class HicraError(Exception):
    """The base of all errors that hicra raises on purpose.

    Args:
        message: what is wrong and where (file, line, key or field).
        fix: the nearest right thing or the next command, one sentence; printed after the message.
    """

    def __init__(self, message: str, fix: str = "") -> None:
        self.message, self.fix = message, fix
        super().__init__(f"{message}\n  fix: {fix}" if fix else message)


class ConfigError(HicraError, ValueError):
    """A setting is unknown, missing or out of its range."""


class UnknownName(ConfigError, KeyError):
    """A table has no entry of that name."""

    __str__ = Exception.__str__  # a KeyError would show its message in quotes


class UsageError(ConfigError):
    """A command line lacks something that the command needs."""


class DataError(HicraError, ValueError):
    """Input rows, columns or files are not what they should be."""


class ArtifactError(HicraError, ValueError):
    """A lexicon or run folder is absent, damaged, or of a schema that this version does not know."""


class EngineError(HicraError, RuntimeError):
    """The training engine, or what it handed over, is not as hicra needs it."""


class MissingField(HicraError, ValueError):
    """A method or metric needs a batch field that is not there; the message holds its name."""


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """Returns the choice closest in spelling to `word`, or None where none is near."""
    found = difflib.get_close_matches(word, list(choices), n=1, cutoff=0.5)
    return found[0] if found else None


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """Returns a `fix` sentence: the nearest choice, or all of them where none is near."""
    known = sorted(choices)
    close = nearest(word, known)
    return f"did you mean {close!r}?" if close else f"known: {', '.join(known)}"
