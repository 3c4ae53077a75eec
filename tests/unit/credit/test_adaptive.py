"""`hicra_adaptive` with numbers worked out by hand: the entropy bonus, whole on the kind of larger weight."""

import numpy as np
import pytest

from hicra import credit
from hicra.errors import ConfigError, DataError, MissingField

ADAPTIVE, ENTROPY = credit.METHODS["hicra_adaptive"], credit.METHODS["entropy_advantage"]
# two rollouts of three tokens; token 0 is planning, tokens 1 and 2 are execution
ADVANTAGES = np.array([[0.75, 0.75, 0.75], [-0.25, -0.25, -0.25]])
ENTROPIES = np.array([[0.5, 0.2, 2.0], [0.1, 0.25, 3.0]])
# min(0.4 H, |A| / 2), row 0: min(0.2, 0.375), min(0.08, 0.375), min(0.8, 0.375); row 1: min(0.04, 0.125), min(0.1, 0.125),
# min(1.2, 0.125)
BONUS = np.array([[0.2, 0.08, 0.375], [0.04, 0.1, 0.125]])


def case(weights, advantages=ADVANTAGES):
    batch = {
        "response_mask": np.ones((2, 3), bool), "planning_mask": np.array([[True, False, False]] * 2),
        "entropies": ENTROPIES, "kind_weights": np.array(weights),
    }  # fmt: skip
    return advantages, batch


@pytest.mark.parametrize(
    ("weights", "planning", "execution"),
    [
        ([0.3, 0.06], 1, 0.4),  # 2 * 0.06 / 0.3
        ([0.02, 0.16], 0.25, 1),  # 2 * 0.02 / 0.16
        ([0.3, 0.15], 1, 1), ([0.3, 0.2], 1, 1), ([1.0, 1.0], 1, 1),  # at least half of the larger one
        ([0.01, 0.0], 1, 0), ([0.0, 1.0], 0, 1),
    ],
)  # fmt: skip
def test_how_much_of_the_bonus_each_kind_gets_by_hand(weights, planning, execution):
    assert ADAPTIVE(*case(weights)) == pytest.approx(ADVANTAGES + BONUS * [planning, execution, execution])


def test_alpha_and_kappa_by_hand():
    # alpha 0.1, kappa 5, weights 0.3 and 0.06. Planning: 0.75 + min(0.05, 0.15) = 0.8; -0.25 + min(0.01, 0.05) = -0.24.
    # Execution with 0.4 of the bonus: 0.75 + 0.4 min(0.02, 0.15) = 0.758; 0.75 + 0.4 min(0.2, 0.15) = 0.81;
    # -0.25 + 0.4 min(0.025, 0.05) = -0.24; -0.25 + 0.4 min(0.3, 0.05) = -0.23
    assert ADAPTIVE(*case([0.3, 0.06]), alpha=0.1, kappa=5.0) == pytest.approx(
        np.array([[0.8, 0.758, 0.81], [-0.24, -0.24, -0.23]])
    )


def test_where_both_kinds_have_a_signal_it_is_the_entropy_advantage_bit_for_bit():
    advantages, batch = case([0.2, 0.3])
    assert ADAPTIVE(advantages, batch).tobytes() == ENTROPY(advantages, batch).tobytes()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize(("weights", "alpha"), [([0.0, 0.0], 0.4), ([0.3, 0.2], 0.0)])
def test_before_anything_is_measured_and_with_alpha_0_it_is_its_input_bit_for_bit(dtype, weights, alpha):
    advantages, batch = case(weights, (ADVANTAGES * [-0.0, 0.37, 1]).astype(dtype))
    assert ADAPTIVE(advantages, batch, alpha=alpha).tobytes() == advantages.tobytes()


def test_a_kind_without_signal_stays_bit_for_bit():
    advantages, batch = case([0.5, 0.0], ADVANTAGES * -0.0)
    assert ADAPTIVE(advantages, batch).tobytes() == advantages.tobytes()
    advantages, batch = case([0.5, 0.0], ADVANTAGES / 3)
    assert ADAPTIVE(advantages, batch)[:, 1:].tobytes() == advantages[:, 1:].tobytes()


def test_weights_are_two_for_any_number_of_rollouts():
    # beside two rollouts, and beside one, where [2] might be taken for one value a rollout
    advantages, batch = case([0.3, 0.06])
    one = {name: value if name == "kind_weights" else value[:1] for name, value in batch.items()}
    assert ADAPTIVE(advantages[:1], one) == pytest.approx(np.array([[0.95, 0.782, 0.9]]))


@pytest.mark.parametrize(
    ("weights", "says"),
    [
        ([1.0], "two numbers"), ([[0.5, 0.5]], "two numbers"), ([0.2, 0.3, 0.5], "two numbers"), (["a", "b"], "two numbers"),
        ([1.5, 0.5], r"in [0, 1]"), ([0.5, -0.5], "in [0, 1]"), ([np.nan, 1.0], "in [0, 1]"), ([0.5, np.inf], "in [0, 1]"),
    ],
)  # fmt: skip
def test_weights_that_are_none_are_refused_by_name(weights, says):
    with pytest.raises(DataError, match="kind_weights") as error:
        ADAPTIVE(*case(weights))
    assert says in f"{error.value.message} {error.value.fix}"


def test_missing_weights_and_settings_out_of_range_are_refused():
    advantages, batch = case([0.3, 0.06])
    with pytest.raises(MissingField, match="kind_weights"):
        ADAPTIVE(advantages, {name: value for name, value in batch.items() if name != "kind_weights"})
    with pytest.raises(ConfigError, match="alpha"):
        ADAPTIVE(advantages, batch, alpha=-0.1)
    with pytest.raises(ConfigError, match="kappa"):
        ADAPTIVE(advantages, batch, kappa=1.0)


def test_a_method_of_ones_own_may_read_the_weights(tmp_path, monkeypatch):
    (tmp_path / "weighs_by_signal.py").write_text(
        "from hicra.credit import Method\n\n"
        "def shape(advantages, batch):\n    return advantages * batch['kind_weights'][0]\n\n"
        "MINE = Method('mine', shape, 'no source', needs=('response_mask', 'kind_weights'))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    picked = credit.assign({"name": "weighs_by_signal:MINE"})
    assert "kind_weights" in picked.needs
    advantages, batch = case([0.25, 0.5])
    assert picked.shaped(advantages, batch) == pytest.approx(0.25 * advantages)
