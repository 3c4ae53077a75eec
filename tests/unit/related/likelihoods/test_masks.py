"""Masks of the bound: their sizes and weights by hand, and that they depend on the seed and the response's places alone."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from hypothesis import given
from hypothesis import strategies as st

from hicra.errors import ConfigError, DataError
from hicra.related.likelihoods.masks import coupled, every, mean_field, plain

LIVE = torch.tensor([[False, True, True, True, True], [False, True, True, False, False]])
SEED = st.integers(0, 2**62 - 1)


def test_a_plain_mask_hides_l_tokens_of_the_response_and_weighs_their_number_over_l() -> None:
    masks, weights = plain(torch.arange(40).reshape(2, 20), LIVE)
    assert masks.shape == (2, 20, 5)
    assert not (masks & ~LIVE[:, None]).any()
    hidden = masks.sum(-1)
    assert set(hidden[0].tolist()) == {1, 2, 3, 4}
    assert set(hidden[1].tolist()) == {1, 2}
    for row, length in enumerate((4, 2)):
        assert weights[row].tolist() == pytest.approx((length / hidden[row].double() / 20).tolist())


def test_coupled_masks_are_complements_with_the_weights_of_the_code() -> None:
    masks, weights = coupled(torch.arange(40).reshape(2, 20), LIVE)
    assert masks.shape == (2, 40, 5)
    one, other = masks[:, :20], masks[:, 20:]
    assert torch.equal(one ^ other, LIVE[:, None].expand_as(one))
    by_size = {int(size): float(weight) for size, weight in zip(masks[0].sum(-1), weights[0], strict=True)}
    # L = 4, so (L+1)/l is 5, 5/2, 5/3 and 5/4; half of it for each of the two, and the mean over 20 seeds
    assert by_size == pytest.approx({0: 0, 1: 5 / 40, 2: 5 / 80, 3: 5 / 120, 4: 5 / 160})


def test_each_size_and_each_mask_of_a_size_is_drawn_equally_often() -> None:
    draws = 24_000
    masks, _ = plain(torch.arange(draws)[None], LIVE[:1])
    counts = Counter(tuple(np.flatnonzero(one)) for one in masks[0].numpy())
    for size, number in ((1, 4), (2, 6), (3, 4), (4, 1)):
        for places in combinations((1, 2, 3, 4), size):
            expected = draws / 4 / number
            assert abs(counts[places] - expected) < 5 * expected**0.5, places


def test_the_weights_of_all_masks_add_up_so_that_a_certain_token_counts_once() -> None:
    masks, weights = every(None, LIVE)
    # of four tokens each stands in a mask of size l with the chance l/4, and L/l times that is 1 for every l
    assert (masks * weights[..., None]).sum(1)[0].tolist() == pytest.approx([0, 1, 1, 1, 1])
    assert (masks * weights[..., None]).sum(1)[1].tolist() == pytest.approx([0, 1, 1, 0, 0])
    assert int(masks[1].any(-1).sum()) == 3  # 2^2 - 1; the rest of the row is empty, with the weight 0


def test_mean_field_hides_the_whole_response_once() -> None:
    masks, weights = mean_field(None, LIVE)
    assert torch.equal(masks[:, 0], LIVE)
    assert weights.tolist() == [[1.0], [1.0]]


@given(seed=SEED, other=SEED, before=st.integers(0, 3), behind=st.integers(0, 3), length=st.integers(1, 6))
@pytest.mark.parametrize("draw", [plain, coupled])
def test_a_row_has_the_same_masks_in_every_batch_order_and_padding(
    draw: object, seed: int, other: int, before: int, behind: int, length: int
) -> None:
    alone = torch.ones(1, length, dtype=torch.bool)
    masks, weights = draw(torch.tensor([[seed]]), alone)  # type: ignore[operator]
    padded = torch.nn.functional.pad(alone, (before, behind))
    both = torch.cat([torch.ones_like(padded), padded])
    found, heavy = draw(torch.tensor([[other], [seed]]), both)  # type: ignore[operator]
    assert torch.equal(found[1, :, before : before + length], masks[0])
    assert not found[1, :, :before].any()
    assert not found[1, :, before + length :].any()
    assert torch.equal(heavy[1], weights[0])


def test_bad_seeds_and_long_enumerations_are_named() -> None:
    with pytest.raises(DataError, match="seeds of masks are none for 2 rows"):
        plain(None, LIVE)
    with pytest.raises(DataError, match=r"seeds of masks are \(1, 3\) for 2 rows"):
        coupled(torch.zeros(1, 3, dtype=torch.int64), LIVE)
    with pytest.raises(ConfigError, match="13 tokens are 2\\^13 forward passes"):
        every(None, torch.ones(1, 13, dtype=torch.bool))
