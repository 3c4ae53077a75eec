"""Which responses reflect: they check what they have, or take it back.

Deviations (the paper counts no such rate):
METRIC-5. A response reflects where it holds one of the phrases of this file as whole words, in any letter case. They are few and
    common ones, English and Chinese, that check or take back; "alternatively" and its like, which try something else, are
    planning and not counted. The rate says how often that is said, and not whether anything was checked.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hicra.arrays import Bools
from hicra.lexicon import Lexicon
from hicra.tagging.tagger import Tagger

PHRASES = (
    "wait", "hmm", "hold on", "on second thought", "let me check", "let me verify", "let me double check", "double-check",
    "check again", "re-check", "recheck", "let me reconsider", "reconsider", "re-examine", "re-evaluate", "let me try again",
    "that's not right", "that is not right", "that can't be right", "i made a mistake", "i made an error", "go back and check",
    "等等", "等一下", "检查一下", "验证一下", "重新检查", "重新考虑",
)  # fmt: skip


class Reflection:
    """Finds the phrases; it is made once and used for many batches."""

    def __init__(self) -> None:
        self._tagger = Tagger(Lexicon.from_phrases(PHRASES, name="reflection"))

    def marks(self, texts: Sequence[str]) -> Bools:
        """Returns [B], true where a text holds a phrase."""
        return np.array([bool(found) for found in self._tagger.spans_batch(texts)], np.bool_)
