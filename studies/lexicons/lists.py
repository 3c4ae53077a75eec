"""Naive lists to compare with."""

from __future__ import annotations

HANDFUL = ("wait", "alternatively", "hmm", "but wait", "let me", "maybe")

# 18 phrases as hand-made detectors use them: checking, going back, trying another way, laying out steps. Written for this
# comparison; no project's own list.
HAND_18 = (
    "let me check", "let me verify", "let me think", "let me try", "let me reconsider", "let's try", "let's check",
    "double check", "on second thought", "that's not right", "that doesn't work", "going back", "another approach",
    "a different approach", "alternatively, we", "the key is", "first, we need", "the plan is",
)  # fmt: skip
