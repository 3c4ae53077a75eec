"""`hicra_adaptive` with numbers worked out by hand: the difficulty factor, as strong as the measured share says."""

import numpy as np
import pytest

from hicra import credit
from hicra.errors import ConfigError, DataError

ADAPTIVE, DIFFICULTY = credit.METHODS["hicra_adaptive"], credit.METHODS["hicra_difficulty"]
PLANNING = np.array([[1, 0], [1, 0], [0, 1], [0, 0]], bool)


def group(rewards, weights):
    """(A [4,2], batch) of one group; every token is a policy token."""
    rewards = np.array(rewards, float)
    batch = {
        "response_mask": np.ones((4, 2), bool), "planning_mask": PLANNING, "rewards": rewards, "group_ids": np.zeros(4, int),
        "kind_weights": np.array(weights),
    }  # fmt: skip
    return np.repeat(credit.group_advantages(rewards, batch["group_ids"])[:, None], 2, axis=1), batch


def test_a_hard_and_an_easy_group_by_hand():
    # one of four is right: p = 1/4, A = 3/4 and -1/4. With w = 1/2 the factor is 1 + 0.6 * 1/2 * (1 - 1/2) = 1.15
    case = group([1, 0, 0, 0], [0.5, 0.5])
    assert ADAPTIVE(*case) == pytest.approx(
        np.array([[0.8625, 0.75], [-0.2875, -0.25], [-0.25, -0.2875], [-0.25, -0.25]])
    )
    # three of four are right: p = 3/4, A = 1/4 and -3/4. With w = 3/4, alpha = 0.8: 1 + 0.6 * (1 - 3/2) = 0.7
    case = group([1, 1, 1, 0], [0.75, 0.25])
    assert ADAPTIVE(*case, alpha=0.8)[:, 0] == pytest.approx([0.175, 0.175, 0.25, -0.75])
    assert ADAPTIVE(*case, alpha=0.8)[2, 1] == pytest.approx(0.175)


def test_all_signal_on_planning_is_the_difficulty_part_bit_for_bit():
    case = group([1, 0, 0, 0], [1.0, 0.0])
    assert ADAPTIVE(*case, alpha=0.4).tobytes() == DIFFICULTY(*case, alpha=0.4).tobytes()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize(("weights", "alpha"), [([0.0, 1.0], 0.9), ([1.0, 0.0], 0.0)])
def test_without_signal_on_planning_or_with_alpha_0_it_is_its_input_bit_for_bit(dtype, weights, alpha):
    advantages, batch = group([1, 0, 0, 1], weights)
    batch["group_ids"] = np.array([0, 0, 0, 1])  # p is 1/3 and 1
    given = (advantages * [-0.0, 0.37]).astype(dtype)
    assert ADAPTIVE(given, batch, alpha=alpha).tobytes() == given.tobytes()


def test_weights_are_taken_as_they_are_for_any_number_of_rollouts():
    # two weights beside four rollouts, and beside two, where [2] might be taken for one value a rollout
    advantages, batch = group([1, 0, 0, 0], [0.5, 0.5])
    two = {name: value if name == "kind_weights" else value[:2] for name, value in batch.items()}
    # one of two is right: p = 1/2, so nothing changes; with the rewards 1 and NaN, p = 1: 1 - 0.6 * 1/2 = 0.7
    assert ADAPTIVE(advantages[:2], two).tobytes() == advantages[:2].tobytes()
    assert ADAPTIVE(advantages[:2], two | {"rewards": np.array([1, np.nan])})[0, 0] == pytest.approx(0.525)


@pytest.mark.parametrize(
    ("weights", "says"),
    [
        ([1.0], "two numbers"), ([[0.5, 0.5]], "two numbers"), ([0.2, 0.3, 0.5], "two numbers"), (["a", "b"], "two numbers"),
        ([0.5, 0.6], "sum to 1"), ([1.5, -0.5], "sum to 1"), ([np.nan, 1.0], "sum to 1"),
    ],
)  # fmt: skip
def test_weights_that_are_no_shares_are_refused_by_name(weights, says):
    advantages, batch = group([1, 0, 0, 0], weights)
    with pytest.raises(DataError, match="kind_weights") as error:
        ADAPTIVE(advantages, batch)
    assert says in f"{error.value.message} {error.value.fix}"


def test_rewards_of_other_values_and_alpha_of_1_are_refused():
    advantages, batch = group([1, 0, 0.5, 0], [0.5, 0.5])
    with pytest.raises(DataError, match=r"row 2 has 0\.5"):
        ADAPTIVE(advantages, batch)
    with pytest.raises(ConfigError, match="alpha"):
        ADAPTIVE(*group([1, 0, 0, 0], [0.5, 0.5]), alpha=1.0)


def test_a_method_of_ones_own_may_read_the_weights(tmp_path, monkeypatch):
    (tmp_path / "weighs_by_signal.py").write_text(
        "from hicra.credit import Method\n\n"
        "def shape(advantages, batch):\n    return advantages * batch['kind_weights'][0]\n\n"
        "MINE = Method('mine', shape, 'no source', needs=('response_mask', 'kind_weights'))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    picked = credit.assign({"name": "weighs_by_signal:MINE"})
    assert "kind_weights" in picked.needs
    advantages, batch = group([1, 0, 0, 0], [0.25, 0.75])
    assert picked.shaped(advantages, batch) == pytest.approx(0.25 * advantages)
