"""What counts as an action that was trained on, where a tree trains on parts of actions."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

pytest.importorskip("torch")

from hicra.metrics import describe
from hicra.related.record import _updated
from hicra.related.rollouts import Action, Asked, batch_of
from hicra.related.system import Arena
from hicra.related.trees.spo import SPOTree
from hicra.related.trees.table import WordIds
from one_turn import OneTurn

CODEC = WordIds(("ask", "one", "two"))


class Question(OneTurn):
    words, prompt = CODEC.words, "ask"

    def reward(self, text: str) -> float:
        return 1.0


def one_two(asked: Sequence[Asked]) -> list[Action]:
    """Writes "one two" and the end, three tokens, and goes on where it was stopped."""
    whole, out = (1, 2, CODEC.end), []
    for one in asked:
        ids = whole[len(one.context) - 1 :][: one.most]
        out.append(Action(ids, CODEC.decode(ids), ids[-1] == CODEC.end, (-1.0,) * len(ids), (0.5,) * len(ids)))
    return out


def test_parts_are_counted_each_once_so_there_may_be_more_than_actions() -> None:
    place = Arena(Question, CODEC, one_two, most=8)
    (made,) = SPOTree(branches=(2, 2), length=2).generations(place, [0], 1)
    # 2 parts "one two" at the root, and 2 parts behind each, the end: 2 + 4 parts in 6 rows, of 4 whole answers
    assert [row.ids for row in made.rows] == [[1, 2]] * 2 + [[CODEC.end]] * 4
    assert [row.inside for row in made.rows] == [True] * 2 + [False] * 4  # the first two end where others go on
    assert made.generated == made.interactions == 4
    assert _updated(batch_of(made.rows, made.rewards, made.group_ids, CODEC.pad)) == 6


def test_the_table_of_metrics_says_so() -> None:
    found = describe("hicra/updated_actions")
    assert found is not None
    assert "parts of actions" in found.meaning
    assert "may be larger" in found.meaning
