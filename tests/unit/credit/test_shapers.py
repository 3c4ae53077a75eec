"""Credit methods: numbers worked out by hand, and the algebra that pins each method."""

import numpy as np
import pytest

from hicra import credit
from hicra.credit.shapers import placebo
from hicra.credit.shapers.placebo import placebo_mask
from hicra.errors import ConfigError, DataError, MissingField


def call(name, advantages, batch, **settings):
    return credit.METHODS[name](np.asarray(advantages, float), batch, **settings)


def whole(rows):
    return {"response_mask": np.ones(np.shape(rows), bool)}


# ---- baselines
def test_group_advantages_by_hand():
    rewards, groups = [1, 0, 0, 1, 0.5], [7, 7, 9, 9, 4]
    assert credit.group_advantages(rewards, groups).tolist() == [0.5, -0.5, -0.5, 0.5, 0]
    assert credit.group_advantages(rewards, groups, "loo").tolist() == [1, -1, -1, 1, 0]
    # unbiased deviation of 0 and 1 is sqrt(1/2): 0.5 / 0.7071 = 0.7071
    assert credit.group_advantages(rewards, groups, "std") == pytest.approx(
        [0.70711, -0.70711, -0.70711, 0.70711, 0], abs=1e-4
    )


def test_group_of_three():
    # mean 1/3; deviations 2/3, -1/3, -1/3; unbiased variance (4/9 + 1/9 + 1/9) / 2 = 1/3
    got = credit.group_advantages([1, 0, 0], [1, 1, 1], "std")
    assert got == pytest.approx([2 / 3 * 3**0.5, -(3**0.5) / 3, -(3**0.5) / 3], abs=1e-5)
    assert credit.group_advantages([1, 0, 0], [1, 1, 1], "loo") == pytest.approx([1, -0.5, -0.5])


@pytest.mark.parametrize("scale", ["none", "std", "loo"])
def test_equal_rewards_are_exactly_zero(scale):
    assert credit.group_advantages([0.1] * 3, [5] * 3, scale).tolist() == [0, 0, 0]
    assert credit.group_advantages([3.0], [5], scale).tolist() == [0]
    assert credit.group_advantages([], [], scale).tolist() == []


def test_unknown_scale_and_shapes():
    with pytest.raises(ConfigError, match="did you mean 'std'"):
        credit.group_advantages([1], [1], "sdt")
    with pytest.raises(DataError, match="one shape"):
        credit.group_advantages([1, 2], [1])


# ---- HICRA
def test_hicra_by_hand():
    got = credit.hicra(np.array([0.5, -0.5]), np.array([[True, False], [True, True]]), alpha=0.2)
    assert got == pytest.approx(np.array([[0.6, 0.5], [-0.4, -0.4]]))


@pytest.mark.parametrize("alpha", [-0.1, 1.0, 1.5, float("nan")])
def test_alpha_outside_its_range(alpha):
    with pytest.raises(ValueError, match="alpha"):
        credit.hicra(np.ones((1, 1)), np.ones((1, 1), bool), alpha)


def test_hicra_keeps_signs_dtype_and_input():
    torch = pytest.importorskip("torch")
    a = np.array([[0.3, -0.7, -0.0]], np.float32)
    mask = np.ones((1, 3), bool)
    before = a.tobytes()
    assert credit.hicra(a, mask).dtype == np.float32
    assert credit.hicra(a, mask, 0.0).tobytes() == before  # also the sign of the zero
    assert a.tobytes() == before
    tensor = torch.tensor(a)
    assert (credit.hicra(tensor, torch.tensor(mask)).numpy() == credit.hicra(a, mask)).all()
    assert credit.hicra(tensor, torch.tensor(mask), 0.0).numpy().tobytes() == before


def test_mean_shift_is_alpha_times_the_masked_mean():
    # success rate 1/4 in a group of 4: mean |A| = 2 p (1 - p) = 0.375, so planning tokens gain 0.2 * 0.375 = 0.075
    advantages = credit.group_advantages([1, 0, 0, 0], [1] * 4)
    got = credit.hicra(advantages, np.ones((4, 1), bool))
    assert got.mean() - advantages.mean() == pytest.approx(0.075)


# ---- the controls
def test_recentred_equals_grpo_at_one_half_and_not_elsewhere():
    mask = np.array([[True, False], [True, True], [False, True], [True, False]])
    for rewards, same in (([1, 0, 1, 0], True), ([1, 0, 0, 0], False)):
        advantages = np.repeat(credit.group_advantages(rewards, [1] * 4)[:, None], 2, axis=1)
        batch = {**whole(mask), "planning_mask": mask, "group_ids": np.ones(4)}
        got = call("hicra_recentred", advantages, batch)
        assert bool(np.array_equal(got, advantages)) is same
        shift = (got - advantages)[mask]
        assert shift.sum() == pytest.approx(0, abs=1e-12)
        # at 1/2, HICRA is nothing but a constant push
        push = (call("hicra", advantages, batch) - advantages)[mask]
        assert bool(np.ptp(push) < 1e-12) is same


def test_recentred_by_hand():
    # rewards 1, 0, 0, 0: A = 0.75, -0.25 x 3; bonus 0.15, 0.05, 0.05; their mean 0.25/3
    mask = np.array([[True], [True], [True], [False]])
    advantages = np.array([[0.75], [-0.25], [-0.25], [-0.25]])
    got = call("hicra_recentred", advantages, {**whole(mask), "planning_mask": mask, "group_ids": np.ones(4)})
    mean = 0.25 / 3
    assert got[:, 0] == pytest.approx([0.75 + 0.15 - mean, -0.25 + 0.05 - mean, -0.25 + 0.05 - mean, -0.25])


def test_released_by_hand():
    # two rows of 4 and 2 tokens, mean length 3: the first is right and longer; its threshold is entry int(0.7 * 4) = 2 of
    # the ascending entropies .1 .2 .3 .9, so only .9 is high; planning tokens are amplified in both rows
    live = np.array([[1, 1, 1, 1], [1, 1, 0, 0]], bool)
    batch = {
        "response_mask": live,
        "planning_mask": np.array([[1, 0, 0, 0], [0, 1, 0, 0]], bool),
        "entropies": np.array([[0.3, 0.9, 0.1, 0.2], [5.0, 5.0, 99.0, 99.0]]),
        "group_ids": np.array([3, 3]),
    }
    advantages = np.array([[0.5] * 4, [-0.5] * 4])
    got = call("hicra_released", advantages, batch)
    assert got == pytest.approx(np.array([[0.6, 0.6, 0.5, 0.5], [-0.5, -0.4, -0.5, -0.5]]))


@pytest.mark.parametrize(
    ("lengths", "entropies"),
    [
        ([4, 4], [0.1, 0.2, 0.3, 0.9]),  # as long as the mean is not longer than the mean
        ([4, 2], [0.1, 0.2, 0.9, 0.9]),  # entry int(0.7 * 4) = 2 in ascending order is 0.9: no token lies above it
    ],
    ids=["length", "entropy"],
)
def test_released_takes_neither_a_tie_in_length_nor_one_in_entropy(lengths, entropies):
    live = np.arange(4) < np.array(lengths)[:, None]
    batch = {
        "response_mask": live, "planning_mask": np.zeros_like(live), "group_ids": np.array([3, 3]),
        "entropies": np.array([entropies, [5.0] * 4]),
    }  # fmt: skip
    advantages = np.array([[0.5] * 4, [-0.5] * 4])
    assert call("hicra_released", advantages, batch).tolist() == advantages.tolist()


def test_entropy_advantage_by_hand():
    batch = {**whole([[0, 0, 0]]), "entropies": np.array([[0.5, 4.0, 0.0]])}
    assert call("entropy_advantage", [[-1.0, -1.0, -1.0]], batch) == pytest.approx(np.array([[-0.8, -0.5, -1.0]]))
    for settings, word in (({"kappa": 1.0}, "kappa"), ({"alpha": -0.1}, "alpha")):
        with pytest.raises(ConfigError, match=word):
            call("entropy_advantage", [[1.0, 1.0, 1.0]], batch, **settings)


def test_forking_tokens_keeps_the_top_fifth():
    entropies = np.arange(10.0).reshape(2, 5)
    got = call("forking_tokens", np.ones((2, 5)), {**whole(entropies), "entropies": entropies})
    assert got.tolist() == [[0] * 5, [0, 0, 0, 1, 1]]


@pytest.fixture(params=["drawn", "searched"])
def either_way(request, monkeypatch):
    """A place is drawn again until it fits, or, where that takes long, chosen among all places: by the same chances."""
    if request.param == "searched":
        monkeypatch.setattr(placebo, "in_rounds", lambda stretches, keys: np.full(len(stretches.start), -1))


@pytest.mark.usefixtures("either_way")
def test_placebo_matches_share_and_run_lengths():
    rng = np.random.default_rng(0)
    planning = np.zeros((40, 200), bool)
    for row in planning:
        for start in rng.choice(49, 6, replace=False) * 4:
            row[start : start + 3] = True
    live, ids = np.ones_like(planning), rng.integers(0, 999, planning.shape)
    mask = placebo_mask(planning, live, ids, seed=1)
    assert (mask.sum(axis=1) == planning.sum(axis=1)).all()
    assert _runs(mask) == _runs(planning)
    # 18 of 200 tokens are planning, so chance puts 18 * 18 / 200 = 1.62 of 18 tokens on one: rounded up, 2
    assert (planning.sum(axis=1) == 18).all()
    assert (mask & planning).sum(axis=1).max() == 2
    assert (placebo_mask(planning, live, ids, seed=2) != mask).any()
    # the batch's distribution of positions is kept up to the blur of 15 %
    assert abs(np.nonzero(mask)[1].mean() - np.nonzero(planning)[1].mean()) < 10


def test_placebo_in_a_row_that_is_nearly_all_planning():
    planning = np.ones((1, 10), bool)
    planning[0, 3] = False
    mask = placebo_mask(planning, np.ones_like(planning), np.arange(10)[None], seed=0)
    assert mask.sum() == 9


@pytest.mark.usefixtures("either_way")
def test_placebo_never_leaves_what_the_policy_produced():
    planning = np.tile([True, True, False, False, False, True, False, False, False, False], (20, 3))
    live = np.tile([True] * 4 + [False] + [True] * 5, (20, 3))
    ids = np.random.default_rng(0).integers(0, 99, live.shape)
    mask = placebo_mask(planning & live, live, ids, seed=3)
    assert not mask[~live].any()
    assert (mask.sum(axis=1) == (planning & live).sum(axis=1)).all()


@pytest.mark.usefixtures("either_way")
def test_a_stretch_moves_by_the_blur_and_no_further():
    # one planning token in the middle of 200: it lands where a Gaussian of 15 % = 30 tokens puts it
    rows = 600
    planning = np.zeros((rows, 200), bool)
    planning[:, 100] = True
    ids = np.random.default_rng(0).integers(0, 999, planning.shape)
    moved = np.nonzero(placebo_mask(planning, np.ones_like(planning), ids, seed=5))[1] - 100
    assert len(moved) == rows
    assert abs(moved.mean()) < 5  # 4 standard errors
    assert 26 < moved.std() < 34
    # 68 % within one deviation, 95 % within two, 16 % beyond one to each side
    assert np.mean(np.abs(moved) <= 30) == pytest.approx(0.68, abs=0.08)
    assert np.mean(np.abs(moved) <= 60) == pytest.approx(0.955, abs=0.04)
    assert np.mean(moved > 30) == pytest.approx(0.155, abs=0.06)


@pytest.mark.usefixtures("either_way")
def test_a_stretch_never_straddles_a_tool_gap():
    # five tokens, one of a tool, five tokens; the stretch of four fits on either side whole, and across the gap in halves
    live = np.tile([True] * 5 + [False] + [True] * 5, (200, 1))
    planning = np.tile([True] * 4 + [False] * 7, (200, 1))
    ids = np.random.default_rng(1).integers(0, 999, live.shape)
    mask = placebo_mask(planning, live, ids, seed=2)
    assert not mask[:, 5].any()
    assert _runs(mask) == [4] * 200
    assert mask[:, 6:].any(axis=1).any()  # some did move to the other side


def test_the_number_of_tokens_is_kept_where_no_gap_is_long_enough():
    # six pieces of ten tokens; the run of fourteen fits in none, so it becomes single tokens, and the runs of five come after it
    live = np.tile(np.arange(66) % 11 < 10, (300, 1))
    planning = np.zeros_like(live)
    planning[:, :15] = planning[:, 24:29] = planning[:, 40:45] = planning[:, 50:55] = True
    planning &= live
    ids = np.random.default_rng(2).integers(0, 999, live.shape)
    mask = placebo_mask(planning, live, ids, seed=0)
    assert not mask[~live].any()
    assert (mask.sum(axis=1) == planning.sum(axis=1)).all()


def _runs(mask):
    edges = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(int), axis=1)
    starts, stops = np.nonzero(edges == 1)[1], np.nonzero(edges == -1)[1]
    return sorted((stops - starts).tolist())


# ---- the table
@pytest.mark.parametrize("name", credit.METHODS)
def test_missing_fields_are_named(name):
    method = credit.METHODS[name]
    full = {
        "old_logprobs": -np.ones((2, 3)), "rewards": np.array([1.0, 0.0]),
        "response_mask": np.ones((2, 3), bool), "planning_mask": np.ones((2, 3), bool), "group_ids": np.zeros(2),
        "entropies": np.ones((2, 3)), "response_ids": np.ones((2, 3), int), "kind_weights": np.array([0.75, 0.25]),
        "waad": np.ones((2, 3)), "fai": np.ones((2, 3)),
    }  # fmt: skip
    for field in method.needs:
        with pytest.raises(MissingField, match=field):
            method(np.ones((2, 3)), {key: value for key, value in full.items() if key != field})
    assert method(np.ones(2), full).shape == (2, 3)  # [B] is taken as well


def test_unknown_methods_and_settings_name_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'hicra'"):
        credit.get_method("hikra")
    with pytest.raises(ConfigError, match="did you mean 'alpha'"):
        credit.get_method("hicra", {"alfa": 0.1})
    with pytest.raises(ConfigError, match="alpha is 1.2"):
        credit.get_method("hicra", {"alpha": 1.2})
    with pytest.raises(ConfigError, match="method.settings"):
        credit.get_method("hicra", {"alpha": "much"})
