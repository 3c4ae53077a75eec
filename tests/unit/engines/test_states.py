"""The state of a token is what tools have answered before it."""

import numpy as np

from hicra.engines.states import state_ids


def test_states_by_hand():
    # three rollouts: tool answers 7 8, then 9; the same answers after other words of other length; other answers
    ids = np.array([
        [1, 2, 7, 8, 3, 9, 4, 0],
        [5, 7, 8, 6, 6, 9, 2, 2],
        [1, 2, 8, 7, 3, 3, 0, 0],
    ])  # fmt: skip
    live = np.array([
        [1, 1, 0, 0, 1, 0, 1, 0],
        [1, 0, 0, 1, 1, 0, 1, 1],
        [1, 1, 0, 0, 1, 1, 0, 0],
    ], bool)  # fmt: skip
    states = state_ids(ids, live)
    assert (states[~live] == -1).all()
    assert states[0, :2].tolist() == states[2, :2].tolist() == [0, 0]
    assert states[1, 0] == 0
    assert states[0, 4] == states[1, 3] == states[1, 4] > 0  # after 7 8
    assert states[0, 6] == states[1, 6] == states[1, 7] > 0  # after 7 8, then 9
    assert len({0, states[0, 4], states[0, 6], states[2, 4]}) == 4  # 8 7 is not 7 8
    assert states[2, 4] == states[2, 5]


def test_padding_on_either_side_is_no_answer_of_a_tool():
    live = np.array([[0, 0, 1, 1, 0, 0], [0, 0, 0, 0, 0, 0]], bool)
    states = state_ids(np.full(live.shape, 5), live)
    assert states.tolist() == [[-1, -1, 0, 0, -1, -1], [-1] * 6]
    dirty = np.where(live, 5, np.random.default_rng(0).integers(0, 99, live.shape))
    assert state_ids(dirty, live).tolist() == states.tolist()
