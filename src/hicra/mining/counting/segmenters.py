"""Opens what cuts texts of scripts without spaces into words: an optional package, or a function of one's own.

Nothing of this is needed: without a segmenter, each letter of such a script is a word (MINE-1).
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Iterable, Mapping
from itertools import accumulate
from typing import Any

from hicra.errors import ConfigError, DataError
from hicra.text.words import letter_stretches, pieces_of

Segmenter = Callable[[str], list[str]]
JIEBA = "jieba"
_KNOWN = f"{JIEBA} (`pip install jieba`), or `module:function` of a function from a text to the list of its words"
_PROBE = "数学"  # "mathematics"


def open_segmenter(name: str) -> Segmenter:
    """Returns a function from what stands between white space to its words, punctuation kept.

    Args:
        name: "jieba", or `module:function` of a function from a text to its words in order, such as
            `pythainlp.tokenize:word_tokenize`. It gets stretches of letters of scripts without spaces, nothing else.

    Raises:
        ConfigError: the name is unknown, the package is not installed, or the function fails or returns no list of words (also
            when called).
        DataError: (when called) the words put together are not the text.
    """
    cut = _function(name)
    if name != JIEBA:  # what is no segmenter is known at once, also where no text has letters for it
        _words(name, cut, _PROBE)

    def words_of(word: str) -> list[str]:
        inside: set[int] = set()  # places inside a word of the segmenter
        for start, stop in letter_stretches(word):
            found = _words(name, cut, word[start:stop])
            if "".join(found) != word[start:stop]:
                raise DataError(
                    f"segmenter {name!r} turned {word[start:stop]!r} into {found}",
                    "take one whose words put together are the text",
                )
            inside.update(set(range(start, stop)).difference(accumulate(map(len, found), initial=start)))
        words: list[str] = []
        at = 0
        for piece in pieces_of(word):
            if at in inside:
                words[-1] += piece
            else:
                words.append(piece)
            at += len(piece)
        return words

    return words_of


def _words(name: str, cut: Callable[[str], object], text: str) -> list[str]:
    """Returns the words of a text. Raises ConfigError where the function fails, or returns no list of words."""
    try:
        found = cut(text)
        words = _listed(found)
    except Exception as error:  # whatever a function of somebody else raises
        said = f"{type(error).__name__}: {error}"
        raise ConfigError(f"segmenter {name!r} fails on {text!r}: {said}", f"known: {_KNOWN}") from error
    if words is None:
        raise ConfigError(
            f"segmenter {name!r} turns {text!r} into {type(found).__name__}, and not into the list of its words",
            f"known: {_KNOWN}",
        )
    return words


def _listed(found: object) -> list[str] | None:
    if isinstance(found, str | bytes | Mapping) or not isinstance(found, Iterable):
        return None
    return [str(one) for one in found]


def _function(name: str) -> Callable[[str], object]:
    module, _, function = ("jieba:lcut" if name == JIEBA else name).partition(":")
    if not (module and function):
        raise ConfigError(f"no segmenter {name!r}", f"known: {_KNOWN}")
    try:
        found: Any = getattr(importlib.import_module(module), function)
    except ImportError as error:
        raise ConfigError(
            f"segmenter {name!r} needs a package that is not installed: {error.name}", _fix(module)
        ) from None
    except AttributeError:
        raise ConfigError(f"segmenter {name!r}: module {module!r} has no {function!r}", f"known: {_KNOWN}") from None
    if not callable(found):
        raise ConfigError(f"segmenter {name!r}: {function!r} is no function", f"known: {_KNOWN}")
    logging.getLogger(JIEBA).setLevel(logging.WARNING)  # it tells stderr of its dictionary
    cut: Callable[[str], object] = found
    return cut


def _fix(module: str) -> str:
    return f"pip install {module.partition('.')[0]}, or leave the segmenter out"
