"""The driver gives each generator its own actions, and rows become arrays with every value in its place."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from hicra.errors import DataError
from hicra.related.rollouts import Action, Asked, Rollout, Row, batch_of, drive


def said(*ids: int) -> Action:
    return Action(ids, " ".join(map(str, ids)), True, tuple(-float(i) for i in ids), tuple(float(i) / 10 for i in ids))


class Echo:
    """Writes the last id of the context plus one, and remembers how many wishes came at a time."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def __call__(self, asked: Sequence[Asked]) -> list[Action]:
        self.sizes.append(len(asked))
        return [said(one.context[-1] + 1) for one in asked]


def counting(start: int, rounds: int) -> Rollout[list[int]]:
    context = (start,)
    for _ in range(rounds):
        (made,) = yield [Asked(context, most=1)]
        context += made.ids
    return list(context)


def forked(start: int) -> Rollout[int]:
    """Asks for three at once, then for none, then is done."""
    made = yield [Asked((start * i,), most=1) for i in (1, 2, 3)]
    assert (yield []) == []
    return sum(one.ids[0] for one in made)


def test_each_generator_gets_its_own_actions_and_one_call_serves_all() -> None:
    policy = Echo()
    # forked(10): 11 + 21 + 31 = 63
    assert drive([counting(0, 3), forked(10), counting(5, 1)], policy) == [[0, 1, 2, 3], 63, [5, 6]]
    assert policy.sizes == [1 + 3 + 1, 1, 1]


def test_a_generator_that_wants_nothing_is_done_at_once() -> None:
    policy = Echo()
    assert drive([counting(7, 0)], policy) == [[7]]
    assert drive([], policy) == []
    assert policy.sizes == []


def test_a_batch_holds_each_value_in_its_place() -> None:
    first = Row(context=(1, 2))
    first.read([9])
    first.wrote(said(3, 4), level_ids=1, leaf_reward=0.5)
    second = Row(context=())
    second.wrote(said(5))
    second.read([9, 9])
    second.wrote(said(6), node_id=4, switch_mask=True)
    assert first.seen == (1, 2, 9, 3, 4)
    batch = batch_of([first, second], rewards=[1.0, 0.0], group_ids=[7, 7], pad=0)
    np.testing.assert_array_equal(batch["response_ids"], [[9, 3, 4, 0], [5, 9, 9, 6]])
    np.testing.assert_array_equal(batch["response_mask"], [[False, True, True, False], [True, False, False, True]])
    np.testing.assert_array_equal(batch["action_ids"], [[-1, 0, 0, -1], [0, -1, -1, 1]])
    np.testing.assert_array_equal(batch["level_ids"], [[-1, 1, 1, -1], [-1, -1, -1, -1]])
    np.testing.assert_array_equal(batch["node_id"], [[-1, -1, -1, -1], [-1, -1, -1, 4]])
    np.testing.assert_array_equal(batch["switch_mask"], [[False] * 4, [False, False, False, True]])
    assert batch["switch_mask"].dtype == np.bool_
    np.testing.assert_array_equal(batch["leaf_reward"], [[np.nan, 0.5, 0.5, np.nan], [np.nan] * 4])
    np.testing.assert_array_equal(batch["old_logprobs"], [[0, -3, -4, 0], [-5, 0, 0, -6]])
    np.testing.assert_array_equal(batch["entropies"], [[0, 0.3, 0.4, 0], [0.5, 0, 0, 0.6]])
    np.testing.assert_array_equal(batch["rewards"], [1.0, 0.0])
    np.testing.assert_array_equal(batch["group_ids"], [7, 7])


def test_an_action_that_stays_out_of_the_loss_is_written_and_not_live() -> None:
    row = Row(context=(1,))
    row.wrote(said(3), live=False)
    row.wrote(said(4), n_children=2)
    batch = batch_of([row], rewards=[1.0], group_ids=[0], pad=0)
    np.testing.assert_array_equal(batch["response_mask"], [[False, True]])
    np.testing.assert_array_equal(batch["old_logprobs"], [[-3, -4]])
    np.testing.assert_array_equal(batch["n_children"], [[-1, 2]])
    assert (row.actions, row.seen) == (2, (1, 3, 4))


def test_a_field_that_no_batch_has_is_named() -> None:
    with pytest.raises(DataError, match="no field 'nodeid'"):
        Row(context=()).wrote(said(1), nodeid=1)
