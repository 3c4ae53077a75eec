"""Trees inside TRL: whose advantages the loss sees, that HICRA shapes them, and what does not fit is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("trl")

import torch

from hicra.credit import BASELINES
from hicra.errors import ConfigError, EngineError
from hicra.related.rollouts import Action, batch_of
from hicra.related.system import Arena
from hicra.related.trees.carl import CARL
from hicra.related.trees.spo import SPOChain, SPOTree
from hicra.related.trees.trl import TreeGRPOTrainer, TreeRollouts, tree_reward
from hicra.related.trees.vineppo import VinePPO
from one_turn import OneTurn
from trl_tiny import SPOKEN, TOKENIZER, logged, make_model, make_trainer, naive_masks, parameters_hash, prompts

pytestmark = [pytest.mark.slow, pytest.mark.engine, pytest.mark.filterwarnings("ignore:lexicon")]


WORDS = sorted(SPOKEN)


@pytest.fixture(autouse=True)
def _silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRL_EXPERIMENTAL_SILENCE", "1")  # rollout_func is one of TRL's experiments, and says so


class Question(OneTurn):
    """One turn; the reward is 1 where the response has an even number of characters, whatever it says."""

    def __init__(self, prompt: str) -> None:
        self.prompt = prompt

    def reward(self, text: str) -> float:
        return float(len(text) % 2 == 0)


class Spoken:
    """Says for each token that a policy samples one of the words of the tiny language, or its end."""

    def __init__(self, policy: Any) -> None:
        self.policy = policy

    def __call__(self, asked: Any) -> list[Action]:
        out = []
        for made in self.policy(asked):
            ids = [WORDS[one % len(WORDS)] for one in made.ids]
            ids = ids[: ids.index(TOKENIZER.eos_token_id) + 1] if TOKENIZER.eos_token_id in ids else ids
            ended, n = ids[-1] == TOKENIZER.eos_token_id, len(ids)
            out.append(Action(tuple(ids), TOKENIZER.decode(ids), ended, made.logps[:n], made.entropies[:n]))
        return out


class Keeps(TreeRollouts):
    """Remembers what each generation was made of."""

    def _place(self, *args: Any) -> Arena:
        place = super()._place(*args)
        return replace(place, policy=Spoken(place.policy))

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.made: list[Any] = []

    def _advantages(self, made: Any, place: Any) -> Any:
        self.made.append(made)
        return super()._advantages(made, place)


class Recorder(TreeGRPOTrainer):
    """Keeps what the loss saw."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.seen: list[dict[str, torch.Tensor]] = []
        super().__init__(*args, **kwargs)

    def _compute_loss(self, model: Any, inputs: Any) -> Any:
        self.seen.append({key: value.clone() for key, value in inputs.items() if hasattr(value, "clone")})
        return super()._compute_loss(model, inputs)


def trainer_of(folder: Any, system: Any, method: str = "none", **changed: Any) -> tuple[Any, Keeps]:
    rollouts = Keeps(system, Question)
    made = make_trainer(
        folder, method, trainer=Recorder, rewards=tree_reward, extra={"rollout_func": rollouts}, scale_rewards="none",
        **({"max_steps": 1} | changed),
    )  # fmt: skip
    return made, rollouts


@pytest.mark.parametrize(
    "system",
    [CARL(n0=2, n=2, boundary=" "), VinePPO(group_size=4, k=2, boundary=" "), SPOChain(group_size=4, k=2, every=3)],
    ids=lambda system: system.baseline[0],
)
def test_the_loss_sees_the_rows_and_advantages_of_the_system(tmp_path: Any, system: Any) -> None:
    trainer, rollouts = trainer_of(tmp_path, system)
    before = parameters_hash(trainer)
    trainer.train()
    (made,), (batch,) = rollouts.made, trainer.seen
    arrays = batch_of(made.rows, made.rewards, made.group_ids, TOKENIZER.pad_token_id)
    name, settings = system.baseline
    wanted = BASELINES[name](arrays["rewards"], arrays["group_ids"], arrays, **settings)
    assert len(made.rows) == 8
    assert np.abs(wanted).max() > 0.1
    matched = set()
    for row in range(8):  # TRL shuffles
        ids = batch["completion_ids"][row][batch["completion_mask"][row].bool()].tolist()
        prompt = tuple(batch["prompt_ids"][row][batch["prompt_mask"][row].bool()].tolist())
        live = (batch["tool_mask"][row] * batch["completion_mask"][row]).bool()[: len(ids)].tolist()
        home = next(
            one for one, made_row in enumerate(made.rows)
            if one not in matched and (made_row.ids, made_row.context, made_row.live) == (ids, prompt, live)
        )  # fmt: skip
        matched.add(home)
        expected = np.where(arrays["response_mask"][home], wanted[home], 0)[: len(ids)]
        assert batch["advantages"][row][: len(ids)].numpy() == pytest.approx(expected, abs=1e-6)
    if system.baseline[0] == "carl":  # a fork goes on behind what others wrote, and some actions have no sibling
        assert max(len(row.context) for row in made.rows) > 4 >= min(len(row.context) for row in made.rows)
        assert any(not live for row in made.rows for live in row.live)
    assert parameters_hash(trainer) != before
    assert logged(trainer, "reward") == [pytest.approx(np.nanmean(made.rewards), abs=1e-6)]


def test_hicra_shapes_what_the_tree_gave(tmp_path: Any) -> None:
    trainer, _ = trainer_of(tmp_path, CARL(n0=2, n=2, boundary=" "), "hicra", seed=4)
    trainer.train()
    (batch,) = trainer.seen
    live = (batch["completion_mask"] * batch["tool_mask"]).bool()
    base, mask = batch["hicra_base"], batch["planning_mask"] & live
    assert base.shape == live.shape
    assert torch.equal(batch["planning_mask"], naive_masks(batch["completion_ids"], live))
    assert (mask & (base != 0)).any()
    expected = torch.where(mask, base + 0.2 * base.abs(), base)
    assert torch.allclose(batch["advantages"] * live, expected * live, atol=1e-6)


def test_an_evaluation_plays_one_rollout_a_row_and_trains_nothing(tmp_path: Any) -> None:
    rollouts = Keeps(CARL(n0=2, n=2), Question)
    trainer = make_trainer(
        tmp_path, "none", trainer=Recorder, rewards=tree_reward, max_steps=1, eval_strategy="steps", eval_steps=1,
        per_device_eval_batch_size=4, extra={"rollout_func": rollouts, "eval_dataset": prompts(2)},
    )  # fmt: skip
    trainer.train()
    assert 0 <= logged(trainer, "eval_reward")[0] <= 1
    assert len(rollouts.made) == 1
    learnt, *judged = trainer.seen
    assert (learnt["advantages"] != 0).any()
    assert judged
    assert all((batch["advantages"] == 0).all() for batch in judged)


def test_what_does_not_fit_is_refused(tmp_path: Any) -> None:
    for system in (CARL(n0=2, n=3), SPOTree(branches=(2, 2), length=3)):
        trainer, _ = trainer_of(tmp_path / type(system).__name__, system)
        with pytest.raises(EngineError, match=r"rows for prompts of num_generations=4 rows each") as error:
            trainer.train()
        assert "n0 + n" in error.value.fix
    rollouts = Keeps(CARL(n0=2, n=2), Question)
    with pytest.raises(EngineError, match="whole groups of num_generations=4"):
        rollouts(["a", "a", "a", "b"], trainer)
    plain = make_trainer(tmp_path / "plain", "none", trainer=TreeGRPOTrainer, model=make_model(), max_steps=1)
    with pytest.raises(ConfigError, match="have no advantages") as refused:
        plain.train()
    assert "TreeRollouts" in refused.value.fix
