"""The memory of the signal, with numbers worked out by hand."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hicra.errors import ArtifactError
from hicra.signal.memory import SignalMemory

NOISE = {"planning": 1.0, "execution": 2.0}
VALUES = st.none() | st.floats(-1e6, 1e6)
STEPS = st.lists(st.tuples(VALUES, VALUES), max_size=12)


def after(*steps):
    memory = SignalMemory()
    for planning, execution in steps:
        memory.update({"planning": planning, "execution": execution}, NOISE)
    return memory


def changed(state, name, value):
    """The state with another number for the signal on planning tokens."""
    return state | {name: state[name] | {"signal": state[name]["signal"] | {"planning": value}}}


def test_before_anything_is_measured_both_weights_are_0():
    memory = SignalMemory()
    assert memory.weights.tolist() == [0.0, 0.0]
    assert memory.signal == {"planning": None, "execution": None}


def test_the_average_and_the_weights_by_hand():
    # step 1: (0.1 * 3) / 0.1 = 3 and 1. Signal over signal and noise: 3 / (3 + 1) and 1 / (1 + 2)
    memory = after((3, 1))
    assert memory.weights == pytest.approx([3 / 4, 1 / 3])
    # step 2: (0.9 * 0.3 + 0.1 * 0) / (0.9 * 0.1 + 0.1) = 0.27 / 0.19; (0.9 * 0.1 + 0.1 * 2) / 0.19 = 0.29 / 0.19
    memory = after((3, 1), (0, 2))
    assert memory.signal == pytest.approx({"planning": 0.27 / 0.19, "execution": 0.29 / 0.19})
    assert memory.noise == pytest.approx(NOISE)  # an average of equal values, from the first step on
    # 0.27 / (0.27 + 0.19) and 0.29 / (0.29 + 2 * 0.19)
    assert memory.weights == pytest.approx([27 / 46, 29 / 67])
    assert memory.steps == 2


def test_the_noise_is_averaged_in_the_same_way():
    memory = after((3, 1))
    memory.update({"planning": 3, "execution": 1}, {"planning": 0.0, "execution": 11.0})
    # noise: (0.9 * 0.1 * 1 + 0) / 0.19 = 9 / 19 and (0.9 * 0.1 * 2 + 0.1 * 11) / 0.19 = 128 / 19; 3 = 57 / 19, 1 = 19 / 19
    assert memory.weights == pytest.approx([57 / 66, 19 / 147])


def test_an_average_below_zero_counts_as_zero():
    assert after((-1, 2)).weights == pytest.approx([0, 1 / 2])
    memory = after((3, 1), (-100, -100))
    assert memory.weights.tolist() == [0.0, 0.0]
    # (0.9 * 0.3 - 10) / 0.19 is far below 0; what comes after counts against it
    assert memory.signal["planning"] == pytest.approx((0.27 - 10) / 0.19)
    assert after((0, 0)).weights.tolist() == [0.0, 0.0]
    memory = SignalMemory()
    memory.update({"planning": 2, "execution": 0.0}, {"planning": -1.0, "execution": -1.0})
    assert memory.weights.tolist() == [1.0, 0.0]  # a noise below 0 counts as none


def test_a_value_that_could_not_be_measured_leaves_the_average_of_its_kind():
    memory = after((3, 1), (None, 2))
    assert memory.signal == pytest.approx({"planning": 3, "execution": 0.29 / 0.19})
    assert memory.weights == pytest.approx([3 / 4, 29 / 67])
    assert memory.steps == 2
    assert after((None, None)).weights.tolist() == [0.0, 0.0]


@given(STEPS, STEPS)
def test_weights_lie_in_0_to_1_and_a_saved_memory_goes_on_to_the_bit(before, behind):
    memory = after(*before)
    assert ((memory.weights >= 0) & (memory.weights <= 1)).all()
    again = SignalMemory()
    again.load(json.loads(json.dumps(memory.state(), allow_nan=False)))
    assert again.state() == memory.state()
    for planning, execution in behind:
        for one in (memory, again):
            one.update({"planning": planning, "execution": execution}, NOISE)
    assert again.weights.tobytes() == memory.weights.tobytes()
    assert again.state() == memory.state()


def test_what_is_handed_out_is_no_part_of_it():
    memory = after((3, 1))
    memory.state()["sums"]["signal"]["planning"] = 9.0
    assert memory.weights == pytest.approx([3 / 4, 1 / 3])
    assert memory.signal["planning"] == pytest.approx(3)


@pytest.mark.parametrize(
    "damage",
    [
        lambda state: [], lambda state: state | {"kind": "hicra.run"}, lambda state: state | {"schema_version": 2},
        lambda state: state | {"weights": [1.0]}, lambda state: state | {"weights": [np.nan, 1.0]},
        lambda state: {name: value for name, value in state.items() if name != "sums"},
        lambda state: state | {"mass": {"signal": {"planning": 1.0}}}, lambda state: state | {"steps": "many"},
        lambda state: state | {"steps": -3}, lambda state: state | {"steps": True}, lambda state: state | {"steps": 1.5},
        lambda state: state | {"steps": float("inf")}, lambda state: state | {"weights": [5, -2]},
        lambda state: state | {"weights": [0.75, 0.5]}, lambda state: state | {"weights": "ab"},
        lambda state: state | {"weights": {"a": 1}}, lambda state: changed(state, "mass", -0.1),
        lambda state: changed(state, "mass", 1.5), lambda state: changed(state, "mass", 0.0),
        lambda state: changed(state, "sums", float("inf")), lambda state: changed(state, "sums", 10**400),
        lambda state: changed(state, "sums", "0.3"), lambda state: changed(state, "sums", True),
        lambda state: state | {"steps": 0}, lambda state: state | {"sums": [1]}, lambda state: None, lambda state: "state",
    ],
)  # fmt: skip
def test_a_state_that_is_none_is_refused_with_its_place_and_changes_nothing(damage):
    memory = after((3, 1))
    with pytest.raises(ArtifactError, match=r"^here/hicra_signal\.json holds no memory"):
        memory.load(damage(memory.state()), "here/hicra_signal.json")
    assert memory.state() == after((3, 1)).state()
