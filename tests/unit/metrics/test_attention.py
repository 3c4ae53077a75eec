"""What attention weights tell of tokens and heads: numbers worked out by hand, numpy and torch."""

import numpy as np
import pytest

from hicra.metrics.attention import attention_distance, attention_received, future_influence, windowed_distance

# one head, four tokens: query i (row) attends to key j (column)
WEIGHTS = np.array([[[1.0, 0, 0, 0], [0.5, 0.5, 0, 0], [0.2, 0.5, 0.3, 0], [0.1, 0.1, 0.6, 0.2]]])


def kinds():
    torch = pytest.importorskip("torch")
    return [WEIGHTS, torch.from_numpy(WEIGHTS)]


def test_received_is_the_mean_of_the_later_queries_in_multiples_of_even_attention():
    # token 0: (2 x 0.5 + 3 x 0.2 + 4 x 0.1) / 3; token 1: (3 x 0.5 + 4 x 0.1) / 2; token 2: 4 x 0.6
    for weights in kinds():
        [found] = np.asarray(attention_received(weights))
        assert found[:3] == pytest.approx([2.0 / 3, 0.95, 2.4])
        assert np.isnan(found[3])


def test_even_attention_gives_one_to_every_token_wherever_it_stands():
    size = 9
    even = np.tril(np.ones((2, size, size))) / np.arange(1, size + 1)[:, None]
    assert attention_received(even)[:, :-1] == pytest.approx(np.ones((2, size - 1)))


def test_distances_count_from_the_query_back():
    # query 1: 0.5; query 2: 2 x 0.2 + 0.5; query 3: 3 x 0.1 + 2 x 0.1 + 0.6
    for weights in kinds():
        assert np.asarray(windowed_distance(weights, 10))[0] == pytest.approx([0, 0.5, 0.9, 1.1])
        assert np.asarray(windowed_distance(weights, 1))[0] == pytest.approx([0, 0.5, 0.7, 0.8])
        assert np.asarray(attention_distance(weights, 0)) == pytest.approx([(0.5 + 0.9 + 1.1) / 4])
        assert np.asarray(attention_distance(weights, 2)) == pytest.approx([1.0])


def test_influence_is_the_mean_over_the_queries_of_the_window():
    for weights in kinds():
        # from 1 to 2 tokens later: token 0 by queries 1 and 2, token 1 by 2 and 3, token 2 by 3 alone, token 3 by none
        assert np.asarray(future_influence(weights, 1, 2))[0] == pytest.approx([0.35, 0.3, 0.6, 0])
        assert np.asarray(future_influence(weights, 3, 9))[0] == pytest.approx([0.1, 0, 0, 0])
