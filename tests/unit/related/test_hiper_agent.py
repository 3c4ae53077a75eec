"""HiPER's episodes: which tokens decide what, and values that come from the other episodes of the group."""

from __future__ import annotations

import numpy as np
import pytest

from agents_made import CODEC, ERRANDS, Errands, Script, TablePolicy, place
from hicra import credit
from hicra.errors import ConfigError
from hicra.related.agents.hiper import HiPER, KeptOrChanged, group_values
from hicra.related.rollouts import Action, Row, batch_of

NEXT = {"errands": "key", "0": "key", "1": "door", "2": "gold"}


def diligent(context: str, greedy: bool) -> str:
    """Keeps the subgoal `key` for two steps, and then changes to `gold`."""
    last = next(NEXT[word] for word in reversed(context.split()) if word in NEXT)
    if context.endswith("switch:"):
        return "change" if last == "gold" else "keep"
    if context.endswith("subgoal:"):
        return "gold" if last == "gold" else "key"
    return last


def test_each_decision_has_its_mask_and_its_level() -> None:
    made = HiPER().play(place(Script(diligent)), [4])
    (row,) = made.rows
    words = [CODEC.known[i].upper() if live else CODEC.known[i] for i, live in zip(row.ids, row.live, strict=True)]
    assert CODEC.decode(row.context) == "errands subgoal:"
    assert " ".join(words) == (
        "KEY <END> act: KEY <END> done: 1 switch: KEEP <END> goal: key act: DOOR <END> "
        "done: 2 switch: CHANGE <END> subgoal: GOLD <END> act: GOLD <END>"
    )
    whole = batch_of(made.rows, made.rewards, made.group_ids, CODEC.pad)
    live = whole["response_mask"][0]
    decisions = [words[i] for i in np.flatnonzero(live) if words[i] != "<END>"]
    assert decisions == ["KEY", "KEY", "KEEP", "DOOR", "CHANGE", "GOLD", "GOLD"]
    first = [i for i in np.flatnonzero(live) if words[i] != "<END>"]
    assert whole["subgoal_mask"][0, first].tolist() == [True, False, False, False, False, True, False]
    assert whole["switch_mask"][0, first].tolist() == [False, False, True, False, True, False, False]
    assert whole["turn_ids"][0, first].tolist() == [0, 0, 1, 1, 2, 2, 2]
    assert whole["level_ids"][0, first].tolist() == [1, 0, 1, 0, 1, 1, 0]
    assert not whole["subgoal_mask"][0, ~live].any()
    assert made.shown[0]["subgoals"] == [
        "goal: key\n> key\ndone: 1\n> door\ndone: 2\n(change)",
        "goal: gold\n> gold\n(end)",
    ]
    assert made.figures["subgoals"] == 2.0
    assert made.success == [True]


def test_an_episode_of_one_step_has_all_that_its_baseline_needs() -> None:
    # nobody is asked whether to keep or change; the world ends after one action, both rewards are 0 and so are the values
    (made,) = HiPER(group_size=2).generations(place(Script(diligent), lambda: Errands(1)), [4], 1)
    whole = batch_of(made.rows, made.rewards, made.group_ids, CODEC.pad)
    assert whole["switch_mask"].tolist() == [[False] * 5] * 2
    assert whole["subgoal_mask"].tolist() == [[True, True, False, False, False]] * 2  # KEY <END> act: KEY <END>
    found = credit.BASELINES["hiper"](whole["rewards"], whole["group_ids"], whole, scale="none")
    assert found.tolist() == [[0.0] * 5] * 2


def test_what_is_neither_keep_nor_change_keeps_and_is_counted() -> None:
    def unclear(context: str, greedy: bool) -> str:
        return "wait" if context.endswith("switch:") else diligent(context, greedy)

    made = HiPER().play(place(Script(unclear)), [4])
    assert made.figures["unclear_switches"] == 2.0
    assert made.figures["subgoals"] == 1.0
    assert made.success == [True]


def test_a_subgoal_of_unknown_words_is_read_again_as_it_was_written() -> None:
    known = [*CODEC.known]
    CODEC.known.append("<unk>")
    try:
        odd = Script(lambda context, greedy: "<unk>" if context.endswith("subgoal:") else diligent(context, greedy))
        (row,) = HiPER().play(place(odd), [4]).rows
        assert "goal: <unk> act:" in CODEC.decode(row.ids)
    finally:
        CODEC.known[:] = known


def chosen(reward: float, *decisions: tuple[object, ...]) -> KeptOrChanged:
    """An episode of one decision a step."""
    row = Row((1,))
    for _ in decisions:
        row.wrote(Action((5, 0), "x", True, (0.0, 0.0), (0.0, 0.0)))
        row.read([6])
    return KeptOrChanged([row], reward, decisions=list(decisions), turns=list(range(len(decisions))))


def test_values_are_the_mean_reward_of_the_other_episodes_that_were_there() -> None:
    a, b, c, d = ("act", 0, "key"), ("act", 1, "key"), ("act", 1, "door"), ("act", 2, "door")
    group = [chosen(1.0, a, b), chosen(0.0, a, c), chosen(0.5, a, b, b), chosen(0.25, d)]
    group_values(group)
    found = [[value for value in one.rows[0].fields["values"] if value == value] for one in group]
    # a of the first: (0 + 0.5) / 2 = 0.25; b: 0.5. Second: a (1 + 0.5) / 2, c nobody else: (1 + 0.5 + 0.25) / 3 = 0.58333
    # third: a (1 + 0) / 2, b 1 (twice); fourth: d nobody else: (1 + 0 + 0.5) / 3 = 0.5. Each value stands at both tokens
    expected = [[0.25, 0.5], [0.75, 1.75 / 3], [0.5, 1.0, 1.0], [0.5]]
    assert found == [pytest.approx([value for value in one for _ in range(2)]) for one in expected]
    assert all(np.isnan(group[0].rows[0].fields["values"][2::3]))  # what was read has none
    unscored = [chosen(1.0, a), chosen(float("nan"), a), chosen(0.0, a)]
    group_values(unscored)
    assert [one.rows[0].fields["values"][0] for one in unscored] == [0.0, 0.5, 1.0]
    alone = [chosen(1.0, a)]
    group_values(alone)
    assert alone[0].rows[0].fields["values"][:2] == [0.0, 0.0]


def test_values_are_discounted_as_the_advantage_is() -> None:
    a, b, c = ("act", 0), ("act", 1), ("act", 2)
    group = [chosen(1.0, a, b), chosen(0.5, a, c, b), chosen(1.0, a)]
    group_values(group, gamma=0.5)
    found = [one.rows[0].fields["values"][::3] for one in group]
    # from a the three episodes get 1/2 (one step later), 0.5/4 = 1/8 and 1; from b 1 and 1/2
    # first: a (1/8 + 1) / 2 = 0.5625, b 1/2. Second: a (1/2 + 1) / 2 = 0.75; c nobody else, and from step 1 the others get 1,
    # which is the end of the first, and 1, as the third has ended before; b 1. Third: a (1/2 + 1/8) / 2 = 0.3125
    assert found == [[0.5625, 0.5], [0.75, 1.0, 1.0], [0.3125]]
    back = [
        chosen(1.0, a),
        chosen(1.0, a, a),
    ]  # the second comes back to a: it counts by the first time, a step before its end
    group_values(back, gamma=0.5)
    assert [one.rows[0].fields["values"][::3] for one in back] == [[0.5], [1.0, 1.0]]


def test_equal_episodes_have_no_advantage_whatever_the_discount() -> None:
    # all get 1 after three steps, so every value is what follows: 1/4 at step 0, 1/2 at step 1, 1 at step 2
    system = HiPER(group_size=3, gamma=0.5, scale="none")
    (made,) = system.generations(place(Script(diligent)), [4], 1)
    whole = batch_of(made.rows, made.rewards, made.group_ids, CODEC.pad)
    values, live = whole["values"][0], whole["response_mask"][0]
    assert [float(values[whole["turn_ids"][0] == turn][0]) for turn in range(3)] == [0.25, 0.5, 1.0]
    name, settings = system.baseline
    found = credit.BASELINES[name](whole["rewards"], whole["group_ids"], whole, **settings)
    assert (found[:, live] == 0).all()


def test_a_generation_has_all_that_its_baseline_needs() -> None:
    table = TablePolicy(
        {"act:": [0.4, 0.1, 0.3, 0.2, 0, 0], "subgoal:": [0.1] * 6, "switch:": [0, 0, 0, 0, 1.0, 0.5]},
        [*ERRANDS, "wait", "keep", "change"], 3,
    )  # fmt: skip
    system = HiPER(group_size=6, gamma=0.9, lam_turn=0.8, lam_seg=0.7, scale="none")
    (made,) = system.generations(place(table, lambda: Errands(25)), [1, 2], 1)
    whole = batch_of(made.rows, made.rewards, made.group_ids, CODEC.pad)
    name, settings = system.baseline
    assert settings == {"gamma": 0.9, "lam_turn": 0.8, "lam_seg": 0.7, "scale": "none"}
    found = credit.BASELINES[name](whole["rewards"], whole["group_ids"], whole, **settings)
    assert found.shape == whole["response_mask"].shape
    assert np.isfinite(found).all()
    assert found.any()
    assert made.group_ids == [0] * 6 + [1] * 6
    assert 0 < sum(made.success) < 12
    # the values of the first subgoal are those of the group's other episodes: all were in the first state. An episode of n steps
    # gets 0.9^(n-1) of its reward there
    rewards = np.array(made.rewards[:6]) * 0.9 ** whole["turn_ids"][:6].max(axis=1)
    assert whole["values"][:6, 0] == pytest.approx((rewards.sum() - rewards) / 5)


@pytest.mark.parametrize(("setting", "wrong"), [("gamma", 0.0), ("lam_seg", 1.5), ("group_size", 1), ("lamseg", 1)])
def test_settings_out_of_range_are_named(setting: str, wrong: object) -> None:
    with pytest.raises(ConfigError, match=setting):
        HiPER(**{setting: wrong})
