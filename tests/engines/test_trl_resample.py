"""Dynamic sampling: what reaches the loss has spread, what is logged is the first generation, and a resumed run is the same."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from hicra.engines.trl.resample import Resampler, Sampled, merged, without_spread
from hicra.errors import ConfigError, EngineError
from trl_tiny import GROUP, TOKENIZER, Recorder, logged, make_trainer, parameters_hash, prompts, reward

pytestmark = pytest.mark.engine

FLAT = set(prompts()["prompt"][:5])  # five of the eight prompts never give a gradient


class Rewards:
    """0 for all rollouts of the prompts in `flat`, else a reward that differs from rollout to rollout; remembers its calls."""

    __name__ = "judge"

    def __init__(self, flat: set[str]) -> None:
        self.flat, self.calls = flat, []

    def __call__(self, prompts: list[str], completion_ids: list[list[int]], **_: Any) -> list[float]:
        # the place in its group is part of it, so that two equal rollouts cannot make a group flat
        found = [
            0.0 if prompt in self.flat else (value + row % GROUP) / GROUP
            for row, (prompt, value) in enumerate(zip(prompts, reward(completion_ids), strict=True))
        ]
        self.calls.append((list(prompts), found))
        return found


class Watching(Recorder):
    """Keeps the texts of the prompts that each micro-batch of the loss saw."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.asked: list[list[str]] = []
        super().__init__(*args, **kwargs)

    def _compute_loss(self, model: Any, inputs: Any) -> Any:
        rows = zip(inputs["prompt_ids"], inputs["prompt_mask"].bool(), strict=True)
        self.asked.append([TOKENIZER.decode(ids[on]) for ids, on in rows])
        return super()._compute_loss(model, inputs)


def resampling(folder: Path, rewards: Any, most: int, **changed: Any) -> Any:
    trainer = make_trainer(folder, "none", trainer=Watching, rewards=rewards, scale_rewards="none", **changed)
    if most:
        trainer.hicra_resampler = Resampler(trainer, most)
    return trainer


@pytest.fixture(scope="module")
def ended(tmp_path_factory: Any) -> Any:
    rewards = Rewards(FLAT)
    folder = tmp_path_factory.mktemp("resampled")
    trainer = resampling(folder, rewards, 8, max_steps=4, save_strategy="steps", save_steps=2)
    trainer.train()
    return trainer, rewards


def test_every_group_that_reaches_the_loss_has_spread(ended: Any) -> None:
    trainer, _ = ended
    assert len(trainer.generations) == 4
    for made in trainer.generations:
        assert not without_spread(made["rewards"], GROUP).any()
    for batch in trainer.seen:
        assert (batch["base"] != 0).any(dim=0)
    assert all(asked not in FLAT for texts in trainer.asked for asked in texts)
    assert all(share == 0 for share in logged(trainer, "hicra/steps_without_gradient"))


def test_a_row_keeps_its_own_prompt_and_reward(ended: Any) -> None:
    trainer, rewards = ended
    by_prompt = {(asked, value) for texts, values in rewards.calls for asked, value in zip(texts, values, strict=True)}
    made = trainer.last_generation
    for row, value in zip(made.inputs, made.arrays["rewards"], strict=True):
        assert any(asked == row["prompt"] and abs(value - given) < 1e-6 for asked, given in by_prompt)
    groups = [row["prompt"] for row in made.inputs]
    assert groups == [groups[at // GROUP * GROUP] for at in range(len(groups))]
    assert len(set(groups)) == 2  # a prompt is not drawn that the step has already
    assert sorted(trainer.asked[-1]) == sorted(groups)  # the ids of the prompts went along


def test_what_is_logged_is_the_first_generation(ended: Any) -> None:
    trainer, rewards = ended
    rounds = [int(value) for value in logged(trainer, "hicra/sampling_rounds")]
    assert sum(rounds) == len(rewards.calls) > 4  # some step sampled again
    first = np.cumsum([0, *rounds[:-1]])
    for step, call in enumerate(first):
        asked, values = rewards.calls[call]
        assert logged(trainer, "hicra/reward")[step] == pytest.approx(np.mean(values), abs=1e-6)
        assert logged(trainer, "reward")[step] == pytest.approx(np.mean(values), abs=1e-6)
        assert logged(trainer, "hicra/accuracy")[step] == pytest.approx(np.mean(np.array(values) >= 0.5), abs=1e-6)
        flat = np.mean([one in FLAT for one in asked[::GROUP]])
        assert logged(trainer, "hicra/mixed_groups")[step] == pytest.approx(1 - flat)
        assert logged(trainer, "hicra/groups_replaced")[step] == pytest.approx(flat)
    lengths = [made["response_mask"].sum() / len(made["response_mask"]) for made in trainer.generations]
    assert logged(trainer, "hicra/length") == pytest.approx(lengths)  # of what is trained on


def test_a_resumed_run_is_the_straight_one(tmp_path: Path, ended: Any) -> None:
    straight, _ = ended
    rest = resampling(tmp_path, Rewards(FLAT), 8, max_steps=4, save_strategy="steps", save_steps=2)
    rest.train(resume_from_checkpoint=str(Path(straight.args.output_dir) / "checkpoint-2"))
    assert parameters_hash(rest) == parameters_hash(straight)
    assert rest.asked == straight.asked[2:]


@pytest.mark.parametrize(("most", "generations"), [(1, 2), (2, 3), (9, 4)])
def test_it_stops_after_the_most_rounds_or_where_the_data_end(tmp_path: Path, most: int, generations: int) -> None:
    """Eight prompts, two a generation: after three further ones there is no prompt left that the step has not had."""
    rewards = Rewards(set(prompts()["prompt"]))
    trainer = resampling(tmp_path, rewards, most, max_steps=1)
    trainer.train()
    assert len(rewards.calls) == generations
    assert logged(trainer, "hicra/sampling_rounds") == [generations]
    assert logged(trainer, "hicra/groups_replaced") == [0.0]
    assert [row["prompt"] for row in trainer.last_generation.inputs] == rewards.calls[0][0]  # what is left stays
    drawn = [asked for texts, _ in rewards.calls for asked in texts[::GROUP]]
    assert len(set(drawn)) == len(drawn)


def test_without_flat_groups_it_changes_nothing(tmp_path: Path) -> None:
    runs = []
    for most in (0, 3):
        runs.append(resampling(tmp_path / str(most), Rewards(set()), most))
        runs[-1].train()
    assert parameters_hash(runs[0]) == parameters_hash(runs[1])
    assert logged(runs[0], "hicra/sampling_rounds") == []
    assert logged(runs[1], "hicra/sampling_rounds") == [1.0, 1.0]


def test_the_tokens_that_were_seen_stay_counted(ended: Any) -> None:
    trainer, rewards = ended
    assert logged(trainer, "num_tokens")[-1] == trainer.state.num_input_tokens_seen
    assert (
        logged(trainer, "num_tokens")[-1] >= 8 * 4 * len(rewards.calls) / 2
    )  # at least 4 tokens a rollout, 4 to 8 rollouts


# ---- the parts


def of(ids: list[list[int]], prompt: list[list[int]], **more: Any) -> Sampled:
    """Rows of ids, where 0 is padding, as a generation of one process."""
    out = {
        "prompt_ids": torch.tensor(prompt), "prompt_mask": (torch.tensor(prompt) != 0).long(),
        "completion_ids": torch.tensor(ids), "completion_mask": (torch.tensor(ids) != 0).long(),
        "advantages": torch.arange(len(ids)).float(), "num_items_in_batch": torch.tensor(-1),
    } | more  # fmt: skip
    rows = [{"prompt": str(row)} for row in prompt]
    return Sampled(rows, out, np.arange(len(ids), dtype=float), np.zeros(len(ids)))


def test_rows_are_put_in_place_and_padded_on_their_side() -> None:
    one = of([[5, 6, 7], [5, 0, 0]], [[1], [2]], tool_mask=torch.tensor([[1, 0, 1], [1, 1, 1]]))
    two = of([[8, 9]], [[3, 4]], tool_mask=torch.tensor([[0, 1]]))
    made = merged(one, two, np.array([1]), np.array([0]), 0)
    assert made.out["prompt_ids"].tolist() == [[0, 1], [3, 4]]  # prompts are padded on the left
    assert made.out["prompt_mask"].tolist() == [[0, 1], [1, 1]]
    assert made.out["completion_ids"].tolist() == [[5, 6, 7], [8, 9, 0]]
    assert made.out["completion_mask"].tolist() == [[1, 1, 1], [1, 1, 0]]
    assert made.out["tool_mask"].tolist() == [[1, 0, 1], [0, 1, 1]]  # TRL pads it with 1
    # policy tokens: 5 and 7 of the first row, 9 of the second
    assert made.out["num_items_in_batch"].tolist() == 3
    assert made.out["advantages"].tolist() == [0.0, 0.0]
    assert [row["prompt"] for row in made.inputs] == ["[1]", "[3, 4]"]
    assert one.out["completion_ids"].tolist() == [[5, 6, 7], [5, 0, 0]]  # what came in is as it was


def test_fields_that_it_does_not_know_are_refused_by_name() -> None:
    pictures = {"pixel_values": torch.zeros(1, 2)}
    with pytest.raises(EngineError, match="pixel_values"):
        merged(of([[5]], [[1]], **pictures), of([[6]], [[1]], **pictures), np.array([0]), np.array([0]), 0)
    with pytest.raises(EngineError, match="tool_mask"):
        merged(of([[5]], [[1]], tool_mask=torch.ones(1, 1)), of([[6]], [[1]]), np.array([0]), np.array([0]), 0)


def test_groups_without_spread() -> None:
    nan = np.nan
    rewards = np.array([0, 0, 0, 1, nan, nan, nan, 1, 1, 1 + 1e-9])
    assert without_spread(rewards, 2).tolist() == [True, False, True, True, False]


def test_what_it_cannot_do_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="one process"):
        Resampler(SimpleNamespace(accelerator=SimpleNamespace(num_processes=2)), 1)
    with pytest.raises(ConfigError, match="name a baseline"):
        Resampler(make_trainer(tmp_path, "none", scale_rewards="batch"), 1)
