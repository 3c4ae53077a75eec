"""Sampling: blocks from left to right, the surest tokens first, and settings that fit."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

import torch

from hicra.errors import ConfigError, EngineError
from hicra.related.likelihoods.sample import respond

HIDDEN = 3
WANTED = [0, 1, 2, 0, 1, 2]
SURENESS = [1.0, 3.0, 2.0, 2.0, 4.0, 3.0]  # logit of the wanted symbol at each place


class Watched:
    """Wants one symbol at each place, and keeps what it was shown."""

    def __init__(self) -> None:
        self.shown: list[list[int]] = []

    def __call__(self, ids, real):
        assert real.all()
        self.shown.append(ids[0, 2:].tolist())
        logits = torch.zeros(*ids.shape, 3)
        for place, (symbol, sure) in enumerate(zip(WANTED, SURENESS, strict=True)):
            logits[:, 2 + place, symbol] = sure
        return logits


def answer(denoiser, **given):
    settings = {"block": 6, "steps": 6, "temperature": 0.0, **given}
    chance = torch.Generator().manual_seed(settings.pop("seed", 0))
    prompts = settings.pop("prompts", torch.zeros(1, 2, dtype=torch.int64))
    return respond(denoiser, HIDDEN, prompts, 6, chance=chance, **settings)


def test_the_surest_token_stays_first():
    seen = Watched()
    assert answer(seen).tolist() == [WANTED]
    assert seen.shown == [
        [3, 3, 3, 3, 3, 3],
        [3, 3, 3, 3, 1, 3],  # 4.0
        [3, 1, 3, 3, 1, 3],  # 3.0, the first of two
        [3, 1, 3, 3, 1, 2],
        [3, 1, 2, 3, 1, 2],  # 2.0, the first of two
        [3, 1, 2, 0, 1, 2],
    ]


def test_blocks_are_uncovered_from_left_to_right_and_several_tokens_a_step():
    seen = Watched()
    assert answer(seen, block=3, steps=4).tolist() == [WANTED]
    # two steps for three tokens: two, then one
    assert seen.shown == [[3] * 6, [3, 1, 2, 3, 3, 3], [0, 1, 2, 3, 3, 3], [0, 1, 2, 3, 1, 2]]


def test_draws_follow_the_chances_and_the_seed():
    prompts = torch.zeros(4000, 2, dtype=torch.int64)
    found = answer(Watched(), temperature=1.0, steps=1, prompts=prompts)
    chances = torch.softmax(torch.tensor([3.0, 0.0, 0.0]), 0)[0].item()
    assert (found[:, 1] == WANTED[1]).double().mean().item() == pytest.approx(chances, abs=0.02)
    assert torch.equal(found, answer(Watched(), temperature=1.0, steps=1, prompts=prompts))
    assert not torch.equal(found, answer(Watched(), temperature=1.0, steps=1, prompts=prompts, seed=1))
    colder = answer(Watched(), temperature=0.5, steps=1, prompts=prompts)
    doubled = torch.softmax(torch.tensor([6.0, 0.0, 0.0]), 0)[0].item()
    assert (colder[:, 1] == WANTED[1]).double().mean().item() == pytest.approx(doubled, abs=0.01)


@pytest.mark.parametrize("wrong", [{"block": 4}, {"block": 3, "steps": 3}, {"steps": 7}, {"block": 2, "steps": 2}])
def test_settings_that_do_not_divide_are_named(wrong):
    with pytest.raises(ConfigError, match="they must divide"):
        answer(Watched(), **wrong)


def test_a_broken_model_and_a_negative_temperature_are_named():
    with pytest.raises(EngineError, match="no finite probabilities"):
        answer(lambda ids, real: torch.full((*ids.shape, 3), float("nan")))
    with pytest.raises(ConfigError, match="temperature is -1"):
        answer(Watched(), temperature=-1.0)
