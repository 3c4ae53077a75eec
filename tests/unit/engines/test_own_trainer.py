"""The example of a trainer of one's own: its loss by hand, and that it trains."""

from types import SimpleNamespace as Bag

import pytest
import torch

from scripts import script


@pytest.fixture(scope="module")
def example():
    return script("examples/own_trainer.py", "own_trainer")


def test_the_loss_by_hand(example):
    """A model that says each of four tokens is as likely has -log p = ln 4 everywhere, on three response tokens in all.

    Advantages 1 and 0.5 of the first response and -0.25 of the second: (1 + 0.5 - 0.25) ln 4 / 3 = 0.577623.
    """

    def uniform(input_ids, attention_mask):
        return Bag(logits=torch.zeros(*input_ids.shape, 4))

    rollouts = [([3, 2], [1, 0]), ([3], [2])]
    loss = example.loss_of(uniform, rollouts, [[1.0, 0.5], [-0.25]])
    assert loss.item() == pytest.approx(0.577623, abs=1e-6)


def test_the_loss_takes_each_token_from_the_position_before_it(example):
    """The model is sure of token 1 after token 0, so the response [1] to the prompt [0] has log p = 0, and [2] has -100."""

    def sure(input_ids, attention_mask):
        logits = torch.full((*input_ids.shape, 3), -100.0)
        logits[input_ids == 0] = torch.tensor([-100.0, 0.0, -100.0])
        return Bag(logits=logits)

    assert example.loss_of(sure, [([0], [1])], [[1.0]]).item() == pytest.approx(0.0)
    assert example.loss_of(sure, [([0], [2])], [[1.0]]).item() == pytest.approx(100.0)


@pytest.mark.slow
def test_it_trains_and_the_method_acts_after_the_first_batch(example):
    hicra, plain = example.main("hicra", 2), example.main("none", 2)
    assert hicra[0] == plain[0]  # sampled before any step
    assert hicra[0]["planning_share"] > 0
    assert len(hicra) == 2
