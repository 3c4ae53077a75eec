"""The three tables: what every entry has, and settings that are checked by a class made from the signature."""

from typing import Annotated

import numpy as np
import pytest
from pydantic import Field

from hicra import credit
from hicra.credit.method import Method
from hicra.errors import ConfigError

ENTRIES = [*credit.BASELINES.values(), *credit.METHODS.values(), *credit.LOSSES.values()]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: f"{entry.kind}-{entry.name}")
def test_every_entry_says_what_it_is(entry):
    assert entry.source
    assert entry.function.__doc__ or entry.kind == "baseline"
    assert entry.checked({}) == entry.settings  # the defaults pass their own checks
    if entry.kind == "shaper":
        assert "response_mask" in entry.needs
        assert entry.strength is None or entry.strength in entry.settings


def test_baselines_are_the_scales_of_group_advantages():
    rewards, groups = [1, 0, 0, 1, 0.5], [7, 7, 9, 9, 4]
    for name, scale in (("dr_grpo", "none"), ("grpo", "std"), ("rloo", "loo")):
        got = credit.BASELINES[name](rewards, groups)
        assert got.tolist() == credit.group_advantages(rewards, groups, scale).tolist()


def test_settings_come_from_the_signature():
    def shape(advantages, batch, *, beta: Annotated[float, Field(gt=0)] = 1.0, name: str = "x"):
        """A times beta."""
        return advantages * beta

    method = Method("mine", shape, "a test", needs=("response_mask",))
    assert method.settings == {"beta": 1.0, "name": "x"}
    mask = np.ones((1, 2), bool)
    assert method(np.ones((1, 2)), {"response_mask": mask}, beta=np.float32(2)).tolist() == [[2, 2]]
    for wrong in ({"beta": 0}, {"beta": "2"}, {"name": 3}, {"gamma": 1}):
        with pytest.raises(ConfigError, match=r"method\.settings\."):
            method.checked(wrong)


def test_what_a_method_changes_is_what_it_says():
    rng = np.random.default_rng(0)
    live = rng.random((8, 20)) < 0.9
    batch = {
        "old_logprobs": -rng.exponential(0.5, live.shape), "rewards": np.array([1.0, 0, 0, 0, 1, 1, 1, np.nan]),
        "response_ids": rng.integers(0, 9, live.shape), "response_mask": live, "group_ids": np.repeat([0, 1], 4),
        "planning_mask": (rng.random(live.shape) < 0.4) & live, "entropies": rng.exponential(0.5, live.shape),
        "kind_weights": np.array([0.75, 0.25]), "waad": rng.exponential(3.0, live.shape),
        "fai": rng.exponential(0.02, live.shape),
    }  # fmt: skip
    advantages = np.repeat(rng.choice([-0.75, 0.0, 0.25], 8)[:, None], 20, axis=1)
    for method in credit.METHODS.values():
        changed = method(advantages, batch) != advantages
        if method.changes == "nothing":
            assert not changed.any()
        if method.changes == "planning":
            assert (changed == batch["planning_mask"] & (advantages != 0)).all()
        if method.strength:
            assert (method(advantages, batch, **{method.strength: 0.0}) == advantages).all()
