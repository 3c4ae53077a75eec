"""Answers of real rollouts, beside the hostile suite: pairs of answer and gold, each labelled once by a reader.

verify_rollouts.txt holds `right` or `wrong`, the answer in the last box, and the gold answer, below the source they were drawn
from: all pairs in which the texts differ and a side is no plain number, and a sample of the others. A label says what a reader
of the question says, so a few pairs cannot be judged by the answers alone.
"""

from pathlib import Path

import pytest

from hicra import verify
from paths import SUPPORT
from verify_cases import box

pytest.importorskip("math_verify")
LINES = (Path(SUPPORT) / "verify_rollouts.txt").read_text(encoding="utf-8").splitlines()
PAIRS = [tuple(line.split("\t")) for line in LINES if "\t" in line]
ONLY_WITH_THE_QUESTION = {  # it asks for minutes, or for the hour of an afternoon
    (r"18.8 \text{ hours}", "1128"),
    ("2:00", "2"),
    (r"2:00 \text{ pm}", "2"),
    (r"2:00\ \text{pm}", "2"),
}


def test_verdicts_on_real_answers_are_the_labels():
    assert len(PAIRS) >= 200
    assert {label for label, _, _ in PAIRS} == {"right", "wrong"}
    with verify.Verifier(workers=1) as verifier:
        answers = verifier.check([box(said) for _, said, _ in PAIRS], [gold for _, _, gold in PAIRS])
    assert {answer.verdict for answer in answers} == {"correct", "wrong"}
    found = [(label, said, gold, answer.verdict) for (label, said, gold), answer in zip(PAIRS, answers, strict=True)]
    assert not [row for row in found if row[0] == "wrong" and row[3] == "correct"]
    assert {row[1:3] for row in found if row[0] == "right" and row[3] == "wrong"} == ONLY_WITH_THE_QUESTION
