"""Segmenters of a few lines, for tests: found by `module:function` as anybody's own would be."""

from __future__ import annotations

WORDS = ["让我们", "让我", "再检查", "检查", "一下", "一遍", "这个", "结果", "另一种", "方法"]


def longest(text):
    """The longest known word from the left, else one letter."""
    found = []
    while text:
        word = max((word for word in WORDS if text.startswith(word)), key=len, default=text[0])
        found.append(word)
        text = text[len(word) :]
    return found


def loses(text):
    """A segmenter that does not give the text back."""
    return [text[1:]]
