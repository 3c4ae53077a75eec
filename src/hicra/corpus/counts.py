"""Counts what rows say: correct, wrong and unknown ones, steps and questions."""

from __future__ import annotations

import hashlib

from hicra.corpus.schema import Batch


class Counts:
    """Counts batch by batch; of steps and questions it remembers each once (of a question 16 bytes)."""

    def __init__(self) -> None:
        self.correct = self.wrong = self.unknown = 0
        self.steps: set[int] = set()
        self._questions: set[bytes] = set()

    def add(self, batch: Batch) -> None:
        """Counts one more batch."""
        verdicts = batch.canonical.column("correct")
        correct, wrong = verdicts.count(True), verdicts.count(False)
        self.correct, self.wrong = self.correct + correct, self.wrong + wrong
        self.unknown += batch.height - correct - wrong
        self.steps.update(step for step in batch.canonical.column("step") if step is not None)
        texts = {text for text in batch.canonical.column("question") if text is not None}
        self._questions.update(
            hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest() for text in texts
        )

    @property
    def questions(self) -> int:
        """The number of distinct questions."""
        return len(self._questions)
