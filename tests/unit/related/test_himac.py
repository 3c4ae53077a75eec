"""HiMAC: two groups that never mix, the degenerate hierarchy, no leakage between levels, and an unbiased macro gradient."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from agents_made import CODEC, ERRANDS, Errands, Script, TablePolicy, place
from hicra import credit
from hicra.errors import ConfigError
from hicra.related.agents.flat import GRPO, FlatAgent, GiGPO
from hicra.related.agents.himac import HiMAC
from hicra.related.rollouts import Action, Asked, batch_of
from hicra.related.system import Generated

GOOD, POOR = "key ; door ; gold", "gold ; key"


def does_the_goal(context: str, greedy: bool) -> str:
    """Says the subgoal, and the word of the goal only where one is given; without one it waits."""
    words = context.split()
    return f"{words[len(words) - 1 - words[::-1].index('goal:') + 1]} <sub_done>" if "goal:" in words else "wait"


class Plans:
    """A script that writes these blueprints one after another, and executes them by doing each goal."""

    def __init__(self, *plans: str) -> None:
        self.plans = iter(plans)
        self.script = Script(self.say)

    def say(self, context: str, greedy: bool) -> str:
        return next(self.plans) if context.endswith("plan:") else does_the_goal(context, greedy)


def batch(made: Generated) -> dict[str, Any]:
    return batch_of(made.rows, made.rewards, made.group_ids, CODEC.pad)


def advantages(made: Generated, system: HiMAC | FlatAgent) -> np.ndarray:
    name, settings = system.baseline
    whole = batch(made)
    found = np.asarray(credit.BASELINES[name](whole["rewards"], whole["group_ids"], whole, **settings))
    return found if found.ndim == 2 else np.where(whole["response_mask"], found[:, None], 0.0)


# ---- what the phases are made of
def test_phase_a_scores_blueprints_greedily_and_phase_b_executes_the_best_one() -> None:
    plans = Plans(POOR, GOOD, POOR)
    system = HiMAC(blueprints=3, group_size=2)
    macro, micro = system.generations(place(plans.script), [5], 1)
    assert (macro.rewards, macro.group_ids, macro.correct) == ([0.0, 1.0, 0.0], [0] * 3, [False, True, False])
    assert macro.success == []  # what was played greedily is no part of the step's accuracy
    assert macro.figures["blueprint_success"] == pytest.approx(1 / 3)
    assert [CODEC.decode(row.context) for row in macro.rows] == ["errands plan:"] * 3
    assert [CODEC.decode(row.ids) for row in macro.rows] == [POOR, GOOD, POOR]
    assert all(set(row.fields["level_ids"]) == {1} for row in macro.rows)
    assert micro.group_ids == [1] * 6  # two executions of three segments
    assert micro.rewards == [1.0] * 6
    assert [CODEC.decode(row.context) for row in micro.rows[:3]] == [
        "errands goal: key act:", "errands done: 1 goal: door act:", "errands done: 2 goal: gold act:",
    ]  # fmt: skip
    assert [row.fields["episode_ids"][0] for row in micro.rows] == [5] * 3 + [
        6
    ] * 3  # after 3 blueprints, 2 greedy ones
    greedy = [asked.greedy for context, asked in plans.script.asked if not context.endswith("plan:")]
    # POOR: gold, then key until the episode of six ends; GOOD: three actions; then both executions, three each
    assert greedy.count(True) == 6 + 3
    assert greedy.count(False) == 6
    assert (macro.interactions, macro.generated) == (9, 3 + 9)  # equal blueprints are scored once
    assert (micro.interactions, micro.generated) == (6, 6)
    # mean 1/3, squares 4/9 + 1/9 + 1/9 = 2/3, unbiased deviation sqrt(1/3): 2/3 / 0.57735 = 1.1547
    assert advantages(macro, system)[:, 0] == pytest.approx([-0.57735, 1.1547, -0.57735], abs=1e-5)
    assert (advantages(micro, system) == 0).all()  # both executions went the same way


def test_a_random_blueprint_is_the_first_one_whatever_its_score() -> None:
    _, micro = HiMAC(blueprints=2, group_size=2, blueprint="random").generations(
        place(Plans(POOR, GOOD).script), [5], 1
    )
    assert CODEC.decode(micro.rows[0].context) == "errands goal: gold act:"
    _, best = HiMAC(blueprints=2, group_size=2).generations(place(Plans(POOR, GOOD).script), [5], 1)
    assert CODEC.decode(best.rows[0].context) == "errands goal: key act:"
    _, tied = HiMAC(blueprints=2, group_size=2).generations(place(Plans("door", "gold").script), [5], 1)
    assert CODEC.decode(tied.rows[0].context) == "errands goal: door act:"


class Unscored(Errands):
    """Errands whose episodes have no reward where they begin with gold."""

    def step(self, text: str) -> Any:
        begins = not self.clock
        step = super().step(text)
        return replace(step, reward=float("nan")) if begins and text == "gold" else step


def test_a_blueprint_without_a_score_is_never_the_best_one_and_gets_no_credit() -> None:
    system = HiMAC(blueprints=3, group_size=2)
    macro, micro = system.generations(place(Plans(POOR, "door", GOOD).script, Unscored), [5], 1)
    assert np.isnan(macro.rewards[0])
    np.testing.assert_array_equal(macro.correct, [np.nan, 0, 1])
    assert macro.figures["blueprint_success"] == 0.5  # one of the two that were scored
    assert CODEC.decode(micro.rows[0].context) == "errands goal: key act:"
    assert advantages(macro, system)[:, 0] == pytest.approx([0, -0.70711, 0.70711], abs=1e-5)
    _, micro = system.generations(place(Plans(POOR, "door", "door").script, Unscored), [5], 1)
    assert CODEC.decode(micro.rows[0].context) == "errands goal: door act:"


def test_phase_b_asks_the_policy_after_phase_a_has_been_handed_out() -> None:
    plans = Plans(POOR, GOOD)
    phases = HiMAC(blueprints=2, group_size=2).generations(place(plans.script), [5], 1)
    next(phases)
    asked = len(plans.script.asked)
    assert all(one.greedy for context, one in plans.script.asked if not context.endswith("plan:"))
    next(phases)
    assert all(not one.greedy for _, one in plans.script.asked[asked:])
    assert len(plans.script.asked) > asked


def test_without_alternation_both_groups_are_one_update_and_do_not_mix() -> None:
    apart = HiMAC(blueprints=2, group_size=2)
    macro, micro = apart.generations(place(Plans(POOR, GOOD).script), [5], 1)
    together = HiMAC(blueprints=2, group_size=2, alternate=False)
    (both,) = together.generations(place(Plans(POOR, GOOD).script), [5], 1)
    assert both.rows == macro.rows + micro.rows
    assert both.interactions == macro.interactions + micro.interactions
    assert both.success == micro.success
    assert [record["row"] for record in both.shown] == [0, 1, 2, 5]  # two blueprints, then two executions of three rows
    a, b, ab = advantages(macro, apart), advantages(micro, apart), advantages(both, together)
    assert (ab[:2, : a.shape[1]] == a).all()
    assert (ab[2:, : b.shape[1]] == b).all()


def test_what_is_no_blueprint_is_played_as_the_task_and_counted() -> None:
    plans = Plans("key ; ;", GOOD, "key ...", GOOD)
    macro, micro = HiMAC(blueprints=4, group_size=2).generations(place(plans.script), [5], 1)
    assert macro.figures["blueprint_fallbacks"] == 0.5
    assert macro.figures["blueprints_different"] == 0.5  # the task itself and GOOD, of four
    assert macro.figures["blueprint_subgoals"] == 2.0  # 1, 3, 1, 3
    assert macro.shown[0]["subgoals"][0] == "plan: key ; ; (no blueprint: subgoal 2 of 3 is empty)"
    assert macro.shown[2]["subgoals"][0] == "plan: key (no blueprint: it has no end within 1 tokens)"
    assert "errands act:" in {context for context, _ in plans.script.asked}  # the prompt of a flat agent
    assert micro.figures == {"invalid_actions": 0.0, "sub_done_moves": 2.0, "budget_moves": 0.0}


def test_an_evaluation_writes_one_blueprint_for_each_seed_and_plays_it() -> None:
    made = HiMAC().play(place(Plans(GOOD, POOR).script), [5, 6], greedy=True)
    assert made.success == [True, False]
    assert made.group_ids == [0, 0, 0, 1, 1]
    assert (made.interactions, made.generated) == (3 + 6, 3 + 6 + 2)
    assert [record["subgoals"][0] for record in made.shown] == [f"plan: {GOOD}", f"plan: {POOR}"]


@pytest.mark.parametrize(
    ("setting", "wrong"), [("budget", 0), ("blueprints", 1), ("group_size", 1), ("blueprint", "worst"), ("bugdet", 3)]
)
def test_settings_out_of_range_are_named(setting: str, wrong: object) -> None:
    with pytest.raises(ConfigError, match=setting):
        HiMAC(**{setting: wrong})


# ---- the degenerate hierarchy
TABLE = {"act:": [0.4, 0.1, 0.3, 0.2], "plan:": [0.0, 0.0, 0.0, 0.0]}
SAID = [*ERRANDS, "wait"]


class OneBlueprint(TablePolicy):
    """A table whose blueprints are all empty, so that the only one possible is the task itself."""

    def __call__(self, asked: Sequence[Asked]) -> list[Action]:
        if CODEC.decode(asked[0].context).endswith("plan:"):
            return [Action((CODEC.end,), "", True, (0.0,), (0.0,)) for _ in asked]
        return super().__call__(asked)


@pytest.mark.parametrize("scale", ["std", "none", "loo"])
def test_with_one_blueprint_phase_a_is_exactly_zero_and_phase_b_is_flat_grpo_bit_for_bit(scale: str) -> None:
    flat, system = GRPO(group_size=8), HiMAC(blueprints=3, group_size=8, scale=scale)
    (plain,) = flat.generations(place(OneBlueprint(TABLE, SAID, 4), lambda: Errands(30)), [1, 2], 1)
    macro, micro = system.generations(place(OneBlueprint(TABLE, SAID, 4), lambda: Errands(30)), [1, 2], 1)
    assert (
        macro.interactions == 2 * 30
    )  # one greedy episode a seed; it draws nothing, so that phase B begins as flat GRPO
    assert (advantages(macro, system) == 0).all()
    assert 0 < sum(micro.rewards) < 16
    assert [row.ids for row in micro.rows] == [row.ids for row in plain.rows]
    assert [row.context for row in micro.rows] == [row.context for row in plain.rows]
    assert micro.rewards == plain.rewards
    name = {"std": "grpo", "none": "dr_grpo", "loo": "rloo"}[scale]
    whole = batch(plain)
    expected = np.where(whole["response_mask"], credit.BASELINES[name](plain.rewards, plain.group_ids)[:, None], 0.0)
    assert expected.any()
    assert advantages(micro, system).tobytes() == expected.tobytes()


# ---- no leakage
def gradient(made: Generated, system: HiMAC, policy: TablePolicy) -> np.ndarray:
    """The gradient of sum A log pi over the rows' sampled words, by the logits [K,V] of the table."""
    found, chances, made_of = np.zeros_like(policy.logits), policy.probabilities(), advantages(made, system)
    for row, line in zip(made.rows, made_of, strict=True):
        for token, (one, live) in enumerate(zip(row.ids, row.live, strict=True)):
            if live and one != CODEC.end:
                state = policy.row((*row.context, *row.ids[:token]))
                found[state] += line[token] * (
                    np.eye(len(policy.words))[policy.words.index(CODEC.known[one])] - chances[state]
                )
    return found


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_phase_a_leaves_every_logit_of_actions_alone_and_phase_b_every_logit_of_blueprints(seed: int) -> None:
    policy = TablePolicy({"plan:": [0.5, 0.2, 0.1, 0.0], "act:": [0.4, 0.1, 0.3, 0.2]}, SAID, seed)
    system = HiMAC(blueprints=16, group_size=16, sub_done=False, budget=2)
    macro, micro = system.generations(place(policy, lambda: Errands(9)), [1, 2, 3], 1)
    macro.rewards = [float(number % 3) for number in range(len(macro.rewards))]  # so that scores differ
    of_macro, of_micro = gradient(macro, system, policy), gradient(micro, system, policy)
    assert (of_macro[1] == 0).all()
    assert (of_micro[0] == 0).all()
    assert np.abs(of_macro[0]).max() > 0.01
    assert np.abs(of_micro[1]).max() > 0.01


# ---- the macro gradient
def test_the_macro_gradient_is_that_of_the_expected_score_of_blueprints() -> None:
    # four blueprints of one word, micro policy frozen and deterministic: scores by playing. Groups of M = 2 and 3, enumerated:
    # E over groups of mean_i A_i grad log pi(z_i), with the mean of the others as baseline, against grad sum_z pi(z) R(z)
    logits = np.array([0.7, -0.2, 0.1, 0.4])
    p = np.exp(logits) / np.exp(logits).sum()
    plans = [GOOD, POOR, "key", "key ; door ; gold ; wait"]
    scores = np.array([HiMAC().play(place(Plans(plan).script), [1], greedy=True).rewards[0] for plan in plans])
    assert scores.tolist() == [1, 0, 0, 1]
    exact = p * (scores - p @ scores)  # the softmax: d/dl_k sum_z p_z R_z = p_k (R_k - E R)
    for size in (2, 3):
        system = HiMAC(blueprints=size, group_size=2, scale="loo")
        found = np.zeros(4)
        for drawn in itertools.product(range(4), repeat=size):
            macro = next(system.generations(place(Plans(*(plans[z] for z in drawn)).script), [1], 1))
            a = advantages(macro, system)[:, 0]
            found += p[list(drawn)].prod() * sum(a[i] * (np.eye(4)[z] - p) for i, z in enumerate(drawn)) / size
        assert np.abs(found - exact).max() < 1e-9


# ---- flat agents
def test_gigpo_gets_states_that_episodes_of_a_group_share() -> None:
    policy = TablePolicy({"act:": [0.4, 0.1, 0.3, 0.2]}, SAID, 1)
    system = GiGPO(group_size=6)
    (made,) = system.generations(place(policy, lambda: Errands(12)), [1, 2], 1)
    whole = batch(made)
    assert made.group_ids == [0] * 6 + [1] * 6
    assert set(whole["state_ids"][whole["response_mask"]]) <= {0, 1, 2}
    assert (whole["state_ids"][:, 0] == 0).all()
    assert made.generated == made.interactions == sum(row.actions for row in made.rows)
    assert made.correct == made.success == [reward > 0 for reward in made.rewards]
    assert 0 < sum(made.success) < 12
    assert np.isfinite(advantages(made, system)).all()
    assert advantages(made, system).any()
