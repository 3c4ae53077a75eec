"""The training loop on a puzzle that two symbols decide: it learns, it can be gone on with, and it says what is wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from hicra.errors import ArtifactError, ConfigError, DataError, EngineError
from hicra.related.likelihoods.denoiser import Denoiser, load_denoiser, save_denoiser
from hicra.related.likelihoods.loss import Objective
from hicra.related.likelihoods.pretrain import pretrain
from hicra.related.likelihoods.puzzle import PuzzleScores
from hicra.related.likelihoods.train import ESPO, ESPOSettings, resume_training, save_training


class Copied:
    """Write the prompt's two symbols; a response is worth the share that is right."""

    symbols, prompt_length, response_length = 3, 2, 2

    def prompts(self, split):
        return torch.tensor([[a, b] for a in range(3) for b in range(3)])

    def texts(self, chance, count):
        prompts = self.prompts("train")[chance.integers(9, size=count)]
        return prompts, torch.from_numpy(chance.integers(3, size=(count, 2)))

    def score(self, prompts, responses):
        right = (prompts == responses).numpy()
        return PuzzleScores(right.mean(1), right.all(1).astype(float))


def made(**settings):
    model = Denoiser(3, 4, width=16, layers=1, heads=2, seed=0)
    return ESPO(model, Copied(), ESPOSettings(**{"group_size": 4, "n_mc": 1, "learning_rate": 3e-3, **settings}))


def test_the_first_update_has_the_ratio_1_and_a_step_moves_the_model():
    training = made(mu=1)
    before = {name: one.clone() for name, one in training.model.state_dict().items()}
    told = training.take()
    assert told["ratio"] == pytest.approx(1.0, abs=1e-6)
    assert told["clipped"] == told["kl"] == 0
    assert 0 < told["reward"] < 1
    assert any(not torch.equal(one, before[name]) for name, one in training.model.state_dict().items())
    assert training.take()["kl"] > 0  # the reference is still the start model
    assert made(mu=3).take()["ratio"] != 1.0


def test_leave_one_out_is_the_group_mean_times_g_over_g_minus_1():
    one, other = (made(mu=1, advantage=advantage).take()["grad_norm"] for advantage in ("loo", "none"))
    assert one / other == pytest.approx(4 / 3, rel=1e-4)  # at the first update the KL term has no gradient


def test_a_step_depends_on_the_seed_and_on_its_number_alone():
    one, other = made(), made()
    assert one.take() == other.take()
    assert made(seed=0).take() != ESPO(one.model, Copied(), ESPOSettings(group_size=4, n_mc=1, seed=1)).take()


def test_a_training_that_was_saved_is_gone_on_with_in_the_same_way(tmp_path: Path):
    whole = made(reference_every=2)
    first = [whole.take() for _ in range(5)]
    half = made(reference_every=2)
    assert [half.take() for _ in range(3)] == first[:3]
    save_training(half, tmp_path / "half")
    again = made(reference_every=2)
    resume_training(again, tmp_path / "half")
    assert again.step == 3
    assert [again.take() for _ in range(2)] == first[3:]
    (tmp_path / "half" / "model.safetensors").write_bytes(b"no")
    with pytest.raises(ArtifactError, match="cannot be gone on from"):
        resume_training(made(), tmp_path / "half")


def test_the_reference_follows_the_policy():
    training = made(reference_every=2)
    for _ in range(2):
        training.take()
    for name, one in training.reference.state_dict().items():
        assert torch.equal(one, training.model.state_dict()[name])


def test_a_model_is_saved_and_loaded(tmp_path: Path):
    model = Denoiser(3, 4, width=16, layers=1, heads=2, seed=4)
    save_denoiser(model, tmp_path / "model")
    other = load_denoiser(tmp_path / "model")
    assert all(torch.equal(one, other.state_dict()[name]) for name, one in model.state_dict().items())
    (tmp_path / "model" / "model.safetensors").unlink()
    with pytest.raises(ArtifactError, match="cannot be read"):
        load_denoiser(tmp_path / "model")


def test_what_is_wrong_is_named(tmp_path: Path):
    with pytest.raises(ConfigError, match="group_size"):
        made(group_size=1)
    with pytest.raises(ConfigError, match="seed"):
        made(seed=-1)
    with pytest.raises(ConfigError, match="prompts is 10, and the puzzle has 9 problems"):
        made(prompts=10)
    with pytest.raises(ConfigError, match="the model knows 2 symbols, and the puzzle has 3"):
        ESPO(Denoiser(2, 4, width=16), Copied(), ESPOSettings())
    save_training(made(), tmp_path / "one")
    (tmp_path / "one" / "state.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ArtifactError, match="cannot be gone on from"):
        resume_training(made(), tmp_path / "one")
    training = made()
    training.optimizer.param_groups[0]["lr"] = float("inf")
    with pytest.raises(EngineError, match=r"step 1, update 2: the loss is nan|no finite probabilities"):
        training.take()


def test_a_gradient_that_is_not_finite_moves_no_weight_in_pre_training():
    model = Denoiser(3, 4, width=16, layers=1, heads=2)
    before = {name: one.clone() for name, one in model.state_dict().items()}
    model.head.bias.register_hook(lambda gradient: gradient * float("inf"))
    with pytest.raises(DataError, match="the loss of update 1 or its gradient is not finite"):
        pretrain(model, Copied().texts, updates=1, batch=4)
    assert all(torch.equal(one, before[name]) for name, one in model.state_dict().items())


@pytest.mark.slow
@pytest.mark.parametrize("level", ["sequence", "token"])
def test_it_learns_to_copy(level):
    training = made(prompts=9, objective=Objective(level=level))
    pretrain(training.model, training.puzzle.texts, updates=30, batch=32)
    start = np.mean([training.held_out(seed)["reward"] for seed in range(20)])
    for _ in range(60):
        training.take()
    end = np.mean([training.held_out(seed)["reward"] for seed in range(20)])
    assert start < 0.5
    assert end > 0.8
