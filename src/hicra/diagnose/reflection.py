"""Which responses reflect: they check what they have, or take it back.

Deviations (the paper counts no such rate):
METRIC-5. A response reflects where it holds one of the phrases of this file as whole words, in any letter case. They are few and
    common ones, English and Chinese, that check or take back; "alternatively" and its like, which try something else, are
    planning and not counted. The rate says how often that is said, and not whether anything was checked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from hicra.arrays import Bools

PHRASES = (
    "wait", "hmm", "hold on", "on second thought", "let me check", "let me verify", "double check", "double-check", "check again",
    "re-check", "recheck", "let me reconsider", "reconsider", "re-examine", "re-evaluate", "let me try again", "that's not right",
    "that is not right", "that can't be right", "i made a mistake", "i made an error", "go back and check",
)  # fmt: skip
WITHOUT_SPACES = ("等等", "等一下", "检查一下", "验证一下", "重新检查", "重新考虑")
_WHOLE = {phrase: re.compile(rf"(?<!\w){re.escape(phrase)}(?!\w)") for phrase in PHRASES}


def reflects(text: str) -> bool:
    """Says whether a response holds one of the phrases.

    >>> [reflects(text) for text in ("Wait, 7?", "It awaits us.", "Let\u2019s double-check.", "等一下")]
    [True, False, True, True]
    """
    low = text.lower().replace("\u2019", "'")
    if any(phrase in low for phrase in WITHOUT_SPACES):
        return True
    # looking for the bare phrase first is ten times as fast, as most responses hold few of them
    return any(phrase in low and pattern.search(low) is not None for phrase, pattern in _WHOLE.items())


def marks(texts: Sequence[str]) -> Bools:
    """Returns [B], true where a text reflects."""
    return np.array([reflects(text) for text in texts], np.bool_)
