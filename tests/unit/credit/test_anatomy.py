"""The parts of HICRA: numbers worked out by hand, what pins each of them, and the errors about rewards."""

import numpy as np
import pytest

from hicra import credit
from hicra.errors import DataError

PARTS = ("hicra_difficulty", "hicra_bonus", "difficulty_all")


def group(rewards, planning, ids=None):
    """(A [B,T], batch) of one group, or of the groups `ids`; every token is a policy token."""
    planning = np.array(planning, bool)
    ids = [7] * len(rewards) if ids is None else ids
    batch = {
        "response_mask": np.ones_like(planning), "planning_mask": planning, "rewards": np.array(rewards, float),
        "group_ids": np.array(ids),
    }  # fmt: skip
    return np.repeat(credit.group_advantages(batch["rewards"], ids)[:, None], planning.shape[1], axis=1), batch


def call(name, case, **settings):
    return credit.METHODS[name](*case, **settings)


# ---- difficulty and bonus
def test_both_parts_of_a_hard_group_by_hand():
    # one of four is right: p = 1/4, A = 3/4 and -1/4. Factor 1 + 0.2 (1 - 1/2) = 1.1; bonus 2 * 0.2 * 1/4 * 3/4 = 0.075
    case = group([1, 0, 0, 0], [[1, 0], [1, 0], [0, 1], [0, 0]])
    difficulty, bonus, everywhere = (call(name, case) for name in PARTS)
    assert difficulty == pytest.approx(np.array([[0.825, 0.75], [-0.275, -0.25], [-0.25, -0.275], [-0.25, -0.25]]))
    assert bonus == pytest.approx(np.array([[0.825, 0.75], [-0.175, -0.25], [-0.25, -0.175], [-0.25, -0.25]]))
    assert everywhere == pytest.approx(np.array([[0.825, 0.825]] + [[-0.275, -0.275]] * 3))
    # HICRA: 0.75 * 1.2 = 0.9 and -0.25 * 0.8 = -0.2, which is 0.825 + 0.825 - 0.75 and -0.275 - 0.175 + 0.25
    assert difficulty + bonus - case[0] == pytest.approx(
        np.array([[0.9, 0.75], [-0.2, -0.25], [-0.25, -0.2], [-0.25, -0.25]])
    )


def test_both_parts_of_an_easy_group_by_hand():
    # three of four are right: p = 3/4, A = 1/4 and -3/4. Factor 1 + 0.8 (1 - 3/2) = 0.6; bonus 2 * 0.8 * 3/4 * 1/4 = 0.3
    case = group([1, 1, 1, 0], [[1, 0]] * 4)
    assert call("hicra_difficulty", case, alpha=0.8)[:, 0] == pytest.approx([0.15, 0.15, 0.15, -0.45])
    assert call("hicra_bonus", case, alpha=0.8)[:, 0] == pytest.approx([0.55, 0.55, 0.55, -0.45])
    assert call("difficulty_all", case, alpha=0.8)[:, 1] == pytest.approx([0.15, 0.15, 0.15, -0.45])


def test_the_bonus_can_turn_a_penalty_into_a_reward_and_the_factor_cannot():
    # one of eight is right: p = 1/8, a wrong rollout has A = -1/8; bonus 2 * 0.9 * 1/8 * 7/8 = 0.196875, factor 1.675
    case = group([1] + [0] * 7, [[1]] * 8)
    assert call("hicra_bonus", case, alpha=0.9)[1, 0] == pytest.approx(0.071875)
    assert call("hicra_difficulty", case, alpha=0.9)[1, 0] == pytest.approx(-0.209375)
    assert not credit.METHODS["hicra_bonus"].keeps_sign


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_at_one_half_difficulty_is_its_input_bit_for_bit_and_hicra_is_the_bonus(dtype):
    advantages, batch = group([1, 0, 0, 1], [[1, 1, 0]] * 4)
    for given in (advantages.astype(dtype), (advantages * [-0.0, 0.37, -1.1]).astype(dtype)):
        for name in ("hicra_difficulty", "difficulty_all"):
            got = call(name, (given, batch), alpha=0.7)
            assert got.dtype == dtype
            assert got.tobytes() == given.tobytes()
    # |A| is 1/2 for all: HICRA adds 0.7 * 1/2 = 0.35 to each planning token, and so does the bonus
    exact = advantages + np.array([0.35, 0.35, 0])
    for name in ("hicra", "hicra_bonus"):
        assert call(name, (advantages.astype(dtype), batch), alpha=0.7) == pytest.approx(exact, rel=1e-3)


def test_a_group_that_is_all_right_or_all_wrong_has_no_bonus():
    # with a baseline that gives it an advantage all the same, here 0.3 and -0.0: the factor is 0.8 at p = 1 and 1.2 at p = 0
    _, batch = group([1, 1, 0, 0], [[1]] * 4, ids=["a", "a", "b", "b"])
    given = np.array([[0.3], [-0.0], [0.3], [-0.0]])
    assert call("hicra_bonus", (given, batch)).tobytes() == given.tobytes()
    assert call("hicra_difficulty", (given, batch))[:, 0] == pytest.approx([0.24, 0, 0.36, 0])


def test_a_rollout_without_a_reward_counts_in_no_share_and_stays():
    # scored are 1, 0, 0, 0, so p is 1/4 as above, and not 1/5; the last row keeps whatever it has
    advantages, batch = group([1, 0, 0, 0, np.nan], [[1]] * 5)
    advantages[4] = 0.6
    assert call("hicra_difficulty", (advantages, batch))[:, 0] == pytest.approx([0.825, -0.275, -0.275, -0.275, 0.6])
    assert call("hicra_bonus", (advantages, batch))[:, 0] == pytest.approx([0.825, -0.175, -0.175, -0.175, 0.6])
    assert call("difficulty_all", (advantages, batch))[4, 0] == 0.6
    nobody = {**batch, "rewards": [None] * 5}
    for name in PARTS:
        assert call(name, (advantages, nobody)).tobytes() == advantages.tobytes()


def test_with_equally_many_planning_tokens_recentred_is_the_difficulty_part():
    # its mean of alpha |A| over the group is then alpha times the mean |A| = 2p(1-p): the bonus
    case = group([1, 0, 0, 0, 1, 1, 1, 0], [[1, 0, 1]] * 8, ids=[1] * 4 + [2] * 4)
    assert call("hicra_recentred", case, alpha=0.4) == pytest.approx(call("hicra_difficulty", case, alpha=0.4))
    uneven = group([1, 0, 0, 0], [[1, 1], [1, 0], [0, 0], [0, 1]])
    assert call("hicra_recentred", uneven) != pytest.approx(call("hicra_difficulty", uneven))


@pytest.mark.parametrize(("scale", "by"), [("std", 1 / 0.5), ("loo", 4 / 3)])
def test_with_scaled_advantages_both_parts_scale_and_the_entry_hicra_bonus_does_not(scale, by):
    # 1, 0, 0, 0: the unbiased deviation is sqrt((9/16 + 3/16) / 3) = 1/2, and leave-one-out multiplies by 4/3
    plain, batch = group([1, 0, 0, 0], [[1], [1], [1], [0]])
    scaled = credit.group_advantages(batch["rewards"], batch["group_ids"], scale)[:, None]
    assert scaled == pytest.approx(plain * by, rel=1e-5)
    bonus = call("hicra_bonus", (plain, batch)) - plain  # 0.075 where planning
    whole = call("hicra", (scaled, batch))
    assert whole == pytest.approx(call("hicra_difficulty", (scaled, batch)) + bonus * by, rel=1e-5)
    assert call("hicra_difficulty", (scaled, batch)) == pytest.approx(
        call("hicra_difficulty", (plain, batch)) * by, rel=1e-5
    )
    # as the entry pays 0.075 on any scale, the two entries fall short of HICRA by 0.075 (by - 1)
    short = whole - (call("hicra_difficulty", (scaled, batch)) + call("hicra_bonus", (scaled, batch)) - scaled)
    assert short[:, 0] == pytest.approx(np.array([0.075, 0.075, 0.075, 0]) * (by - 1), abs=1e-5)


@pytest.mark.parametrize("name", PARTS)
@pytest.mark.parametrize("wrong", [0.7, -1.0, 2.0])
def test_rewards_that_are_neither_0_nor_1_are_named_with_their_row(name, wrong):
    advantages, batch = group([1, 0, 0, 1], [[1]] * 4)
    batch["rewards"] = np.array([1, np.nan, wrong, wrong])
    with pytest.raises(DataError, match=rf"rewards: row 2 has {wrong:g}, .* \(2 of 4 rewards are neither\)") as error:
        call(name, (advantages, batch))
    assert "1 for a right rollout" in error.value.fix
    batch["rewards"] = [True, False, False, True]  # these are 0 and 1
    assert np.isfinite(call(name, (advantages, batch))).all()


# ---- one sign, one kind
def test_one_sign_by_hand():
    # 0.5 becomes 0.5 * 1.2 = 0.6, and -0.5 becomes -0.5 * 0.8 = -0.4
    advantages = np.array([[0.5, 0.5], [-0.5, -0.5], [0.0, -0.0]])
    batch = {"response_mask": np.ones((3, 2)), "planning_mask": np.array([[1, 0]] * 3)}
    assert call("hicra_positive", (advantages, batch)).tolist() == [[0.6, 0.5], [-0.5, -0.5], [0, 0]]
    assert call("hicra_negative", (advantages, batch)).tolist() == [[0.5, 0.5], [-0.4, -0.5], [0, 0]]


def test_one_kind_by_hand():
    advantages = np.array([[0.5, 0.5, 0.5], [-0.25, -0.25, -0.25]])
    batch = {"response_mask": np.array([[1, 1, 1], [1, 1, 0]]), "planning_mask": np.array([[1, 0, 1], [0, 1, 0]])}
    # the last token is no policy token, and keeps what it had
    assert call("planning_only", (advantages, batch)).tolist() == [[0.5, 0, 0.5], [0, -0.25, -0.25]]
    assert call("execution_only", (advantages, batch)).tolist() == [[0, 0.5, 0], [-0.25, 0, -0.25]]
