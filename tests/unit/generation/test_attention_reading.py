"""What is read of attention, one layer at a time, against whole maps [L,H,N,N] of one row without padding."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from attention_tiny import llama  # noqa: E402
from hicra.errors import ConfigError, DataError  # noqa: E402
from hicra.generation import attention_reading  # noqa: E402
from hicra.generation.attention_reading import (  # noqa: E402
    attention_of_tokens,
    attention_rhythm,
    head_distances,
    rhythm_heads,
)

PROMPTS = [[3, 41, 7], [12], [30, 1]]
RESPONSES = [[9, 5, 2, 44, 8, 8, 8, 19, 20, 6, 6, 7], [4, 4, 11], [10]]


def whole_maps(model, row):
    """[L,H,N,N] in numpy."""
    eager = llama(attn_implementation="eager")
    eager.load_state_dict(model.state_dict())
    with torch.no_grad():
        found = eager(torch.tensor([PROMPTS[row] + RESPONSES[row]]), output_attentions=True).attentions
    return torch.cat(found).numpy().astype(np.float64)


@pytest.fixture(params=[1, 2**25], ids=["row by row", "at once"])
def model(request, monkeypatch):
    monkeypatch.setattr(attention_reading, "AT_ONCE", request.param)
    return llama()


def test_what_tokens_receive_is_the_mean_over_later_tokens_heads_and_layers(model):
    found = attention_of_tokens(model, PROMPTS, RESPONSES)
    for row, own in enumerate(found):
        maps, begin = whole_maps(model, row), len(PROMPTS[row])
        size = maps.shape[-1]
        expected = [
            np.mean([maps[:, :, i, j] * (i + 1) for i in range(j + 1, size)]) if j + 1 < size else np.nan
            for j in range(begin, size)
        ]
        assert own == pytest.approx(expected, rel=1e-4, nan_ok=True)
        assert np.isnan(own[-1])
    assert model.config._attn_implementation == "sdpa"


def test_distances_are_those_of_each_head_over_all_tokens_of_the_responses(model):
    sums, count = np.zeros((4, 4)), 0
    for row in range(3):
        maps = whole_maps(model, row)
        for i in range(len(PROMPTS[row]), maps.shape[-1]):
            sums += sum(maps[:, :, i, j] * (i - j) for j in range(i + 1))
            count += 1
    assert count == 16
    assert head_distances(model, PROMPTS, RESPONSES) == pytest.approx(sums / count, rel=1e-4)


def test_the_nearest_and_the_farthest_heads_over_all_layers():
    near, far = rhythm_heads(np.array([[3.0, 1.0, 9.0], [2.0, 8.0, 4.0]]), share=0.34)
    assert (near.tolist(), far.tolist()) == ([1, 3], [2, 4])
    assert rhythm_heads(np.ones((2, 2)))[0].tolist() == [0]  # one at least, the first of equals
    for share in (0, 0.6, float("nan")):
        with pytest.raises(ConfigError, match="share is"):
            rhythm_heads(np.ones((2, 2)), share)


def test_waad_of_near_heads_and_fai_of_far_heads_are_those_of_their_mean_map(model):
    heads = np.array([1, 6, 7]), np.array([0, 14])
    found = attention_rhythm(model, PROMPTS, RESPONSES, heads, window=3, nearest=2, farthest=4)
    assert {name: one.shape for name, one in found.items()} == {"waad": (3, 12), "fai": (3, 12)}
    for row, response in enumerate(RESPONSES):
        begin = len(PROMPTS[row])
        flat = whole_maps(model, row).reshape(16, begin + len(response), -1)
        near, far = flat[heads[0]].mean(axis=0), flat[heads[1]].mean(axis=0)
        for t in range(len(response)):
            i = begin + t
            waad = sum(near[i, j] * min(i - j, 3) for j in range(i + 1))
            later = [far[k, i] for k in range(i + 2, min(i + 4, len(flat[0]) - 1) + 1)]
            assert found["waad"][row, t] == pytest.approx(waad, rel=1e-4)
            assert found["fai"][row, t] == pytest.approx(np.mean(later) if later else 0.0, rel=1e-4)
        assert not found["waad"][row, len(response) :].any()
        assert not found["fai"][row, len(response) :].any()


def test_a_rollout_longer_than_the_model_is_refused():
    with pytest.raises(DataError, match="rollout 1 has 70 tokens with its prompt, and the model has 64 positions"):
        attention_of_tokens(llama(), [[1], [1] * 60], [[2], [3] * 10])


def test_one_layer_of_a_micro_batch_is_all_that_is_in_memory(monkeypatch):
    """Weights that were handed out are gone when the next layer is: nothing keeps them."""
    import gc
    import weakref

    alive, most = weakref.WeakSet(), 0
    real = attention_reading.attention_weights

    def watched(model, look):
        def and_count(layer):
            nonlocal most
            gc.collect()
            alive.add(layer.weights)
            most = max(most, len(alive))
            return look(layer)

        return real(model, and_count)

    monkeypatch.setattr(attention_reading, "attention_weights", watched)
    attention_of_tokens(llama(num_hidden_layers=6), PROMPTS, RESPONSES)
    assert most <= 2  # transformers still holds those of the layer before
