"""Random numbers of a batch: published numbers of the generator, and what a row's draw depends on."""

import numpy as np
import pytest

from hicra.credit.draws import _unit, hashed, normals, row_keys, uniforms

KEY = np.array([1234567], np.uint64)


def test_the_hash_is_splitmix64():
    # the first two numbers that splitmix64 gives from the state 1234567, as published with its C code's ports
    assert hashed(KEY, 0).tolist() == [6457827717110365317]
    assert hashed(KEY, np.arange(2)).tolist() == [6457827717110365317, 3203168211198807973]


def test_counters_do_not_stand_for_each_other():
    drawn = [hashed(KEY, 0, 1), hashed(KEY, 1, 0), hashed(KEY, 1), hashed(KEY, 0), hashed(KEY, 2**64 - 1)]
    assert len({one.item() for one in drawn}) == len(drawn)


def test_uniforms_and_normals_have_their_distributions():
    drawn = uniforms(KEY, np.arange(40_000))
    assert ((drawn > 0) & (drawn < 1)).all()
    # ten bins of 4,000 expected; a bin's standard deviation is sqrt(4000 * 0.9) = 60, and five of them are 300
    assert np.abs(np.histogram(drawn, bins=10, range=(0, 1))[0] - 4000).max() < 300
    drawn = normals(KEY, np.arange(40_000), 3)
    assert abs(drawn.mean()) < 5 / 200  # a standard error is 1 / sqrt(40,000) = 1/200
    # the shares below -1, 0, 1 and 2 deviations; a standard error is at most 0.5 / 200
    assert np.mean(drawn[:, None] < [-1, 0, 1, 2], axis=0) == pytest.approx([0.1587, 0.5, 0.8413, 0.9772], abs=0.0125)
    other = normals(KEY, np.arange(40_000), 4)
    assert abs(np.corrcoef(drawn, other)[0, 1]) < 5 / 200


def test_the_extremes_of_the_hash_stay_inside():
    # the hash is one to one, so some key gives the largest and the smallest number; here are the numbers themselves
    low, high = _unit(np.array([0, 2**64 - 1], np.uint64))
    assert 0 < low < 2.0**-52
    assert 1 - 2.0**-52 < high < 1


def test_a_key_depends_on_the_policy_tokens_and_the_seed_alone():
    ids = np.array([[5, 9, 2, 7], [9, 5, 2, 7], [5, 9, 2, 0], [5, 9, 2, 0], [5, 9, 2, -1], [0, 0, 0, 0]])
    live = np.array([[1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 1, 0], [1, 1, 1, 1], [0, 0, 0, 0]], bool)
    keys = row_keys(ids, live, 3)
    assert len(set(keys.tolist())) == 6  # order, a last zero, its absence, a negative id, no token at all
    assert (row_keys(ids[::-1], live[::-1], 3) == keys[::-1]).all()
    # the third column is a tool's output in the first row: 5, 9, 7 is left, wherever it stands and whatever is around it
    gap = row_keys(
        np.array([[5, 9, 44, 7], [5, 9, 7, 80], [80, 5, 9, 7]]),
        np.array([[1, 1, 0, 1], [1, 1, 1, 0], [0, 1, 1, 1]], bool),
        3,
    )
    assert len(set(gap.tolist())) == 1
    assert (row_keys(ids.astype(np.int32), live, 3) == keys).all()
    for seed in (4, -3, 2**63):
        assert not np.isin(row_keys(ids, live, seed), keys).any()
    assert row_keys(np.zeros((0, 4), int), np.zeros((0, 4), bool), 0).shape == (0,)
    assert row_keys(np.zeros((2, 0), int), np.zeros((2, 0), bool), 0).shape == (2,)


def test_keys_of_similar_rows_are_all_different():
    # 40,000 pairs of small ids: sums with weights 1, 2, 3 would meet
    ids = np.stack(np.meshgrid(np.arange(200), np.arange(200)), axis=-1).reshape(-1, 2)
    assert len(np.unique(row_keys(ids, np.ones_like(ids, bool), 0))) == 40_000
