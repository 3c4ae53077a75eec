"""Planning tokens of agents: by level, by lexicon, by critical step."""

from __future__ import annotations

import numpy as np
import pytest

from agents_made import CODEC, Knowing, Script, place
from hicra import credit
from hicra.errors import ConfigError, MissingField
from hicra.related.agents.flat import GRPO
from hicra.related.agents.himac import HiMAC
from hicra.related.agents.planning import PlanningSettings, planning_mask
from hicra.related.rollouts import batch_of

# blueprint, thought (two tokens), action, read text, and a thought and an action of a critical step
BATCH = {
    "response_mask": np.array([[1, 1, 1, 1, 0, 1, 1]]), "level_ids": np.array([[1, 2, 2, 0, -1, 2, 0]]),
    "critical_mask": np.array([[0, 0, 0, 0, 1, 1, 1]]),
}  # fmt: skip
TAGGED = np.array([[0, 1, 0, 1, 1, 1, 0]])


def found(tagged: object = TAGGED, **settings: object) -> list[int]:
    return planning_mask(BATCH, tagged, PlanningSettings(**settings))[0].astype(int).tolist()


def test_blueprints_plan_thoughts_as_the_lexicon_says_and_actions_do_not() -> None:
    assert found() == [1, 1, 0, 0, 0, 1, 0]
    assert found(None) == [1, 0, 0, 0, 0, 0, 0]


def test_each_level_can_be_none_tagged_or_all() -> None:
    assert found(planning_blueprint="tagged") == [0, 1, 0, 0, 0, 1, 0]
    assert found(planning_blueprint="none", planning_thought="all") == [0, 1, 1, 0, 0, 1, 0]
    assert found(planning_thought="none", planning_action="tagged") == [1, 0, 0, 1, 0, 0, 0]
    assert found(planning_action="all") == [1, 1, 0, 1, 0, 1, 1]


def test_of_thoughts_and_actions_only_those_of_critical_steps_may_plan() -> None:
    assert found(planning_critical=True) == [1, 0, 0, 0, 0, 1, 0]
    assert found(planning_critical=True, planning_action="all", planning_thought="all") == [1, 0, 0, 0, 0, 1, 1]


def test_an_environment_that_knows_no_critical_steps_is_named() -> None:
    without = {name: value for name, value in BATCH.items() if name != "critical_mask"}
    with pytest.raises(MissingField, match=r"'critical_mask'.*\n.*planning_critical"):
        planning_mask(without, TAGGED, PlanningSettings(planning_critical=True))
    with pytest.raises(MissingField, match="'level_ids'"):
        planning_mask({"response_mask": BATCH["response_mask"]}, TAGGED)
    with pytest.raises(ConfigError, match="planning_thought"):
        PlanningSettings(planning_thought="some")


def test_blueprints_belong_to_no_step_so_that_both_phases_of_himac_have_a_mask() -> None:
    # phase A: two blueprints `key` with their end tokens, in rows that know nothing of critical steps, plan whole. Phase B: one
    # segment an execution, "key" until the clock ends it after six actions, none of them critical, since no errand follows key
    system = HiMAC(blueprints=2, group_size=2, planning_critical=True, planning_action="all")
    macro, micro = system.generations(place(Script(lambda context, greedy: "key"), Knowing), [1], 1)
    of_macro, of_micro = (batch_of(made.rows, made.rewards, made.group_ids, CODEC.pad) for made in (macro, micro))
    assert "critical_mask" not in of_macro
    assert system.planning_mask(of_macro).tolist() == [[True, True]] * 2
    assert not system.planning_mask(of_micro).any()
    with pytest.raises(MissingField, match=r"'critical_mask'.*\n.*system\.settings\.planning_critical"):
        system.planning_mask({name: values for name, values in of_micro.items() if name != "critical_mask"})


def test_hicra_amplifies_what_an_agent_plans() -> None:
    steps = {"1": "door", "2": "gold"}

    def say(context: str, greedy: bool) -> str:
        words = context.split()
        return "wait" if words[-1] == "think:" else steps.get(words[-3], "key")  # done: 1 think: wait

    script = Script(say)
    system = GRPO(group_size=2, thought_tokens=3, planning_thought="all", planning_critical=True)
    made = next(system.generations(place(script, Knowing), [1], 1))
    batch = batch_of(made.rows, [1.0, 0.0], made.group_ids, CODEC.pad)
    mask = system.planning_mask(batch)
    # the third step is critical; its thought is the word and its end token, in both rows
    assert mask.sum(axis=1).tolist() == [2, 2]
    assert (batch["turn_ids"][mask] == 2).all()
    assert (batch["level_ids"][mask] == 2).all()
    advantages = credit.BASELINES["dr_grpo"](batch["rewards"], batch["group_ids"])
    shaped = credit.hicra(np.repeat(advantages[:, None], mask.shape[1], axis=1), mask, alpha=0.2)
    assert shaped[0][mask[0]] == pytest.approx([0.6, 0.6])  # 0.5 + 0.2 * 0.5
    assert shaped[1][mask[1]] == pytest.approx([-0.4, -0.4])
    assert (shaped[0][~mask[0]] == 0.5).all()
