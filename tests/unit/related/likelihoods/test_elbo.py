"""The bound against the exact likelihood of a joint table, its variance by hand, and what must not change it."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from hicra.errors import ConfigError, DataError, EngineError
from hicra.related.likelihoods.denoiser import Denoiser
from hicra.related.likelihoods.elbo import ELBO
from hicra.related.likelihoods.interface import Sequences
from joint_table import HIDDEN, OUTCOMES, PLACES, JointTable


def of(responses, prompt=1):
    """Responses [N,4] behind a prompt."""
    ids = torch.nn.functional.pad(torch.as_tensor(responses), (prompt, 0))
    live = torch.zeros_like(ids, dtype=torch.bool)
    live[:, prompt:] = True
    return Sequences(ids, torch.ones_like(live), live)


EVERY = of(OUTCOMES)


@pytest.mark.parametrize("seed", range(3))
def test_with_exact_conditionals_and_all_masks_the_bound_is_the_likelihood(seed):
    table = JointTable(seed, 2.0)
    bound = ELBO(table, HIDDEN, "every")(EVERY)
    exact = table.logps(torch.from_numpy(OUTCOMES))
    assert (bound - exact).abs().max() < 1e-10
    made, wanted = (torch.autograd.grad(one @ torch.arange(81).double(), table.weights)[0] for one in (bound, exact))
    assert (made - wanted).abs().max() < 1e-10


@pytest.mark.parametrize("masks", ["plain", "coupled"])
def test_estimates_have_the_mean_of_the_bound(masks):
    table, draws = JointTable(0, 2.0), 4000
    response = of(np.repeat(OUTCOMES[[50]], draws, axis=0))
    with torch.no_grad():
        found = ELBO(table, HIDDEN, masks)(response, torch.arange(draws)[:, None]).numpy()
        exact = float(table.logps(torch.tensor(OUTCOMES[50])))
    assert abs(found.mean() - exact) < 4 * found.std() / draws**0.5
    assert found.std() > 0.1


def test_coupled_masks_scatter_less_where_tokens_hang_together():
    """Half of all responses that this table draws are decided by one token: a plain mask that hides it alone sees nothing."""
    table, draws = JointTable(0, 3.0), 2000
    responses = np.random.default_rng(0).choice(81, draws, p=torch.softmax(table.weights, 0).detach().numpy())
    exact = table.logps(torch.from_numpy(OUTCOMES[responses])).detach().numpy()
    with torch.no_grad():
        error = {
            masks: ELBO(table, HIDDEN, masks)(of(OUTCOMES[responses]), torch.arange(draws)[:, None]).numpy() - exact
            for masks in ("plain", "coupled")
        }
    assert (error["coupled"] ** 2).mean() < 0.6 * (error["plain"] ** 2).mean()


def test_coupled_masks_scatter_more_where_tokens_are_independent():
    """Each token has the log-probability -c. A plain estimate is (4/l) l (-c) = -4c whatever l is. A coupled one is
    (-5c - 5c) / 2 = -5c for l of 1, 2, 3, and half of -5c where mask or complement is empty: mean -(3/5) 5c - (2/5) 2.5c = -4c,
    variance (3/5) c^2 + (2/5) (1.5c)^2 = 1.5 c^2."""
    draws, c = 20_000, float(np.log(3))

    def alike(ids, real):
        return torch.zeros(*ids.shape, 3, dtype=torch.float64)

    response, seeds = of(np.zeros((draws, PLACES), int)), torch.arange(draws)[:, None]
    exact = ELBO(alike, HIDDEN, "plain")(response, seeds)
    assert exact.tolist() == pytest.approx([-4 * c] * draws)
    found = ELBO(alike, HIDDEN, "coupled")(response, seeds).numpy()
    assert set(np.round(found / c, 9)) == {-5.0, -2.5}
    assert found.var() / c**2 == pytest.approx(1.5, rel=0.03)


def test_mean_field_takes_each_token_for_itself():
    table = JointTable(1)
    parts = ELBO(table, HIDDEN, "mean_field").parts(EVERY)
    chances = torch.softmax(table.weights, 0).detach().numpy()
    for place in range(PLACES):
        marginal = [chances[OUTCOMES[:, place] == symbol].sum() for symbol in range(3)]
        assert parts[:, 1 + place].tolist() == pytest.approx(np.log(marginal)[OUTCOMES[:, place]].tolist())
    assert (ELBO(table, HIDDEN, "mean_field")(EVERY) - table.logps(torch.from_numpy(OUTCOMES))).abs().max() > 0.1


@pytest.mark.parametrize("masks", ["plain", "coupled", "every", "mean_field"])
def test_padding_and_the_order_of_rows_change_nothing(masks):
    model = Denoiser(5, 12, width=16, layers=2, heads=2)
    ids = torch.randint(5, (3, 7), generator=torch.Generator().manual_seed(0))
    live = torch.tensor([[False, False, True, True, True, True, True], [False, True, True, True, False, False, False]])
    live = torch.cat([live, live[:1]])
    real = live | (torch.arange(7) < 2)
    seeds = torch.tensor([[3, 4], [5, 6], [7, 8]])
    likelihood = ELBO(model, model.mask_id, masks)
    parts = likelihood.parts(Sequences(ids, real, live), seeds)
    assert not parts[~live].any()
    order = torch.tensor([2, 0, 1])
    turned = likelihood.parts(Sequences(ids[order], real[order], live[order]), seeds[order])
    torch.testing.assert_close(turned, parts[order])
    wide = [
        torch.nn.functional.pad(one, (0, 3), value=value) for one, value in ((ids, 99), (real, False), (live, False))
    ]
    padded = likelihood.parts(Sequences(*wide), seeds)
    torch.testing.assert_close(padded[:, :7], parts)
    assert not padded[:, 7:].any()
    if masks in ("plain", "coupled"):  # other seeds, other masks
        assert not torch.allclose(likelihood(Sequences(ids, real, live), seeds + 1), parts.sum(-1))


def test_a_bound_is_refused_what_it_cannot_be_asked():
    table = JointTable(0)
    with pytest.raises(ConfigError, match="no masks 'couple'\n  fix: did you mean 'coupled'"):
        ELBO(table, HIDDEN, "couple")
    with pytest.raises(DataError, match="a response holds the mask, id 3"):
        ELBO(table, HIDDEN, "every")(of([[0, 1, HIDDEN, 2]]))
    ids, no = torch.zeros(2, 3, dtype=torch.int64), torch.zeros(2, 3, dtype=torch.bool)
    with pytest.raises(DataError, match="the response of row 0 has no token"):
        Sequences(ids, ~no, no)
    with pytest.raises(DataError, match="stands at padding"):
        Sequences(ids, no, ~no)
    with pytest.raises(DataError, match="padding stands before a token"):
        Sequences(ids, torch.tensor([[False, True, True]] * 2), torch.tensor([[False, False, True]] * 2))
    with pytest.raises(DataError, match="give all three as"):
        Sequences(ids, no, no[:1])
    with pytest.raises(EngineError, match="a text has 5 tokens, and this model reads 4"):
        Denoiser(3, 4)(EVERY.ids, EVERY.real)
    with pytest.raises(ConfigError, match="a width of 10 cannot be shared among 4 heads"):
        Denoiser(3, 4, width=10)
