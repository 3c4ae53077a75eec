"""Opens what cuts texts of scripts without spaces into words: an optional package, or a function of one's own.

Nothing of this is needed: without a segmenter, each letter of such a script is a word (MINE-1).
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Iterable
from itertools import accumulate

from hicra.errors import ConfigError, DataError
from hicra.text.words import letter_stretches, pieces_of

Segmenter = Callable[[str], list[str]]
JIEBA = "jieba"
_KNOWN = f"{JIEBA} (`pip install jieba`), or `module:function` of a function from a text to the list of its words"


def open_segmenter(name: str) -> Segmenter:
    """Returns a function from what stands between white space to its words, punctuation kept.

    Args:
        name: "jieba", or `module:function` of a function from a text to its words in order, such as
            `pythainlp.tokenize:word_tokenize`. It gets stretches of letters of scripts without spaces, nothing else.

    Raises:
        ConfigError: the name is unknown, or the package is not installed.
        DataError: (when called) the words put together are not the text.
    """
    cut = _function(name)

    def words_of(word: str) -> list[str]:
        inside: set[int] = set()  # places inside a word of the segmenter
        for start, stop in letter_stretches(word):
            found = [str(one) for one in cut(word[start:stop])]
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


def _function(name: str) -> Callable[[str], Iterable[str]]:
    module, _, function = ("jieba:lcut" if name == JIEBA else name).partition(":")
    if not (module and function):
        raise ConfigError(f"no segmenter {name!r}", f"known: {_KNOWN}")
    try:
        found: Callable[[str], Iterable[str]] = getattr(importlib.import_module(module), function)
    except ImportError as error:
        raise ConfigError(
            f"segmenter {name!r} needs a package that is not installed: {error.name}", _fix(module)
        ) from None
    except AttributeError:
        raise ConfigError(f"segmenter {name!r}: module {module!r} has no {function!r}", f"known: {_KNOWN}") from None
    logging.getLogger(JIEBA).setLevel(logging.WARNING)  # it tells stderr of its dictionary
    return found


def _fix(module: str) -> str:
    return f"pip install {module.partition('.')[0]}, or leave the segmenter out"
