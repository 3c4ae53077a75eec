"""The grouping hook for rLLM, on stand-ins of its episodes, trajectories, steps and groups."""

import sys
import types
from dataclasses import dataclass, field

import pytest

from hicra import Lexicon
from hicra.engines.rllm import grouping_hook
from hicra.errors import ConfigError, DataError
from tokenizers_made import byte_level

pytestmark = pytest.mark.filterwarnings("ignore:lexicon .* of tokens are planning tokens")  # these texts are short
TOKENIZER = byte_level()
SO = len(TOKENIZER.encode("so").ids)  # tokens of the one word that is a gram
LEXICON = Lexicon.from_phrases(["let me check", "so"])


@dataclass
class Step:
    response_ids: list[int]
    advantage: list[float] | float | None = None


@dataclass
class Trajectory:
    steps: list[Step]
    reward: float | None = None
    name: str = "solver"


@dataclass
class Episode:
    id: str
    trajectories: list[Trajectory] = field(default_factory=list)


@dataclass
class TrajectoryGroup:
    trajectories: list[Trajectory]
    group_id: str


def by_task_and_name(episodes, transform_config, compact_filtering_config=None):
    """rLLM's own grouping, in short: the trajectories of one task and one name are compared."""
    found = {}
    for episode in episodes:
        for trajectory in episode.trajectories:
            found.setdefault(f"{episode.id.split(':')[0]}:{trajectory.name}", []).append(trajectory)
    return [TrajectoryGroup(trajectories, key) for key, trajectories in found.items()]


def trajectory(reward, *texts, name="solver"):
    return Trajectory([Step(TOKENIZER.encode(text).ids) for text in texts], reward, name)


def hooked(episodes, **more):
    return grouping_hook(TOKENIZER, LEXICON, group=by_task_and_name, **more)(episodes, object(), None)


def test_by_hand():
    """Rewards 1 and 0 of one task: A = +1/2 and -1/2; alpha 0.2 adds 0.1 on planning tokens. The task with one rollout: A = 0."""
    episodes = [
        Episode("a:0", [trajectory(1.0, "so it is two")]),
        Episode("a:1", [trajectory(0.0, "it is", "let me check")]),
        Episode("b:0", [trajectory(1.0, "so")]),
    ]
    groups = hooked(episodes)
    assert [group.group_id for group in groups] == ["a:solver", "b:solver"]
    assert groups[0].trajectories[0] is episodes[0].trajectories[0]  # rLLM asks for the same objects
    first, second, third = (one.trajectories[0].steps for one in episodes)
    assert first[0].advantage == [0.6] * SO + [0.5] * (len(first[0].response_ids) - SO)
    assert second[0].advantage == [-0.5] * len(second[0].response_ids)
    assert second[1].advantage == [-0.4] * len(second[1].response_ids)
    assert third[0].advantage == [0.0] * SO


def test_the_steps_of_a_trajectory_are_one_rollout_whose_text_ends_with_each():
    """Three steps count once in the baseline: rewards 1, 0, 0 give A = 2/3 and -1/3 twice. No match crosses a step."""
    cut = trajectory(1.0, "let me", " check", "so")
    hooked(
        [Episode("a:0", [cut]), Episode("a:1", [trajectory(0.0, "it is")]), Episode("a:2", [trajectory(0.0, "two")])]
    )
    given = [value for step in cut.steps for value in step.advantage]
    lengths = [len(step.response_ids) for step in cut.steps]
    assert [len(step.advantage) for step in cut.steps] == lengths
    plain = sum(lengths[:2])
    assert given[:plain] == pytest.approx([2 / 3] * plain)
    assert given[plain:] == pytest.approx([0.8] * lengths[2])  # "so" alone: 2/3 + 0.2 * 2/3


def test_a_baseline_and_settings_by_name():
    """rloo: each against the mean of the others, so +1 and -1; alpha 0.5 adds 1/2 on planning tokens."""
    episodes = [Episode("a:0", [trajectory(1.0, "so it is")]), Episode("a:1", [trajectory(0.0, "so")])]
    hooked(episodes, baseline="rloo", method_settings={"alpha": 0.5})
    assert episodes[0].trajectories[0].steps[0].advantage[: SO + 1] == [1.5] * SO + [1.0]
    assert episodes[1].trajectories[0].steps[0].advantage == [-0.5] * SO


def test_a_distilled_group_keeps_its_advantages():
    judge = trajectory(None, "so", name="judge")
    judge.steps[0].advantage = [0.25] * SO
    hooked([Episode("a:0", [trajectory(1.0, "so"), judge]), Episode("a:1", [trajectory(0.0, "it is")])])
    assert judge.steps[0].advantage == [0.25] * SO


def test_a_trajectory_that_cannot_be_scored_gets_0_and_is_not_compared():
    """Of rewards 1, 0 and none: A = +1/2, -1/2, and 0."""
    episodes = [
        Episode(f"a:{number}", [trajectory(reward, "it is so")]) for number, reward in enumerate([1.0, 0.0, None])
    ]
    hooked(episodes)
    assert [one.trajectories[0].steps[0].advantage[0] for one in episodes] == [0.5, -0.5, 0.0]
    assert episodes[2].trajectories[0].steps[0].advantage == [0.0] * len(TOKENIZER.encode("it is so").ids)


def test_a_step_without_tokens_keeps_its_place():
    empty = trajectory(1.0, "so", "", "it")
    hooked([Episode("a:0", [empty]), Episode("a:1", [trajectory(0.0, "it is")])])
    assert [step.advantage for step in empty.steps] == [[0.6] * SO, [], [0.5] * len(TOKENIZER.encode("it").ids)]


def test_no_episode():
    assert hooked([]) == []


def test_without_a_grouping_of_ones_own_rllms_is_called(monkeypatch):
    for name in ("rllm", "rllm.trainer", "rllm.trainer.algorithms"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    module, given = types.ModuleType("rllm.trainer.algorithms.transform"), []
    module._default_traj_grouping_hook = lambda *asked: given.append(asked) or by_task_and_name(*asked)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    episodes = [Episode("a:0", [trajectory(1.0, "so it")]), Episode("a:1", [trajectory(0.0, "so")])]
    groups = grouping_hook(TOKENIZER, LEXICON)(episodes, "transform", "filtering")
    assert given == [(episodes, "transform", "filtering")]
    assert groups[0].trajectories[1].steps[0].advantage == [-0.4] * SO


def test_a_wrong_name_is_refused_before_a_batch_is_sampled():
    with pytest.raises(ConfigError, match="did you mean 'hicra'"):
        grouping_hook(TOKENIZER, LEXICON, "hikra")
    with pytest.raises(TypeError, match="alpha"):
        grouping_hook(TOKENIZER, LEXICON, alpha=0.1)


def test_a_method_that_needs_more_than_tokens_is_refused_before_a_batch_is_sampled():
    for method in ("entropy_advantage", "hicra_adaptive"):
        says = f"{method!r} needs the batch field 'entropies', which rLLM does not hand over"
        with pytest.raises(ConfigError, match=says) as refused:
            grouping_hook(TOKENIZER, LEXICON, method)
        assert "give entropies" not in refused.value.fix  # there is no way to give them
    grouping_hook(TOKENIZER, LEXICON, baseline="gigpo")  # its states are made of the tokens
    grouping_hook(TOKENIZER, LEXICON, baseline_settings={})  # of the baseline that is taken where none is named
    with pytest.raises(TypeError, match="planning"):  # what shape_rollouts takes, and a hook cannot use
        grouping_hook(TOKENIZER, LEXICON, planning=True)


def test_a_group_of_which_some_steps_hold_an_advantage_is_refused():
    half = trajectory(1.0, "so", "it is")
    half.steps[0].advantage = [0.25] * SO
    with pytest.raises(DataError, match="1 of 3 steps of a group of trajectories hold an advantage"):
        hooked([Episode("a:0", [half]), Episode("a:1", [trajectory(0.0, "it is")])])
    assert half.steps[1].advantage is None


def test_a_bad_reward_is_named():
    with pytest.raises(DataError, match="rewards: reward of row 1 is inf"):
        hooked([Episode("a:0", [trajectory(1.0, "so")]), Episode("a:1", [trajectory(float("inf"), "so")])])
