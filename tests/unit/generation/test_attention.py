"""The attention of a model shown layer by layer: what is seen, what is put in its place, what is left as it was."""

import threading

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from transformers.masking_utils import AttentionMaskInterface  # noqa: E402
from transformers.modeling_utils import AttentionInterface  # noqa: E402

from attention_tiny import IDS, llama, logits  # noqa: E402
from hicra.errors import ConfigError, EngineError  # noqa: E402
from hicra.generation.attention import attention_weights  # noqa: E402


def nothing(layer):
    return None


def registered():
    return set(AttentionInterface._global_mapping), set(AttentionMaskInterface._global_mapping)


@pytest.mark.parametrize("implementation", ["eager", "sdpa"])
def test_a_look_sees_the_weights_of_every_layer_in_their_order_and_leaves_the_logits_of_eager(implementation):
    model = llama(attn_implementation=implementation)
    seen = []
    with attention_weights(model, lambda layer: seen.append(layer)):
        found = logits(model)
    eager = llama(attn_implementation="eager")
    with torch.no_grad():
        expected = eager(IDS, output_attentions=True)
    assert torch.equal(found, expected.logits)
    assert [layer.number for layer in seen] == [0, 1, 2, 3]
    assert all(torch.equal(layer.weights, one) for layer, one in zip(seen, expected.attentions, strict=True))
    assert seen[0].own().expand(2, 1, -1, -1)[1, 0, :, 0].tolist() == list(range(IDS.shape[1]))


def test_weights_that_are_put_back_as_they_are_give_the_same_bits():
    model = llama(attn_implementation="eager")
    with attention_weights(model, lambda layer: layer.weights.clone()):
        found = logits(model)
    assert torch.equal(found, logits(model))


def test_other_weights_act_on_the_values():
    """Weights of zero in all layers leave the token's own embedding and the feed-forward layers alone: one token tells nothing of
    another."""
    model = llama()
    with attention_weights(model, lambda layer: torch.zeros_like(layer.weights)):
        found = logits(model)
    turned = IDS.flip(1)
    with attention_weights(model, lambda layer: torch.zeros_like(layer.weights)):
        assert torch.allclose(logits(model, turned).flip(1), found, atol=1e-6)
    assert not torch.allclose(logits(model, turned).flip(1), logits(model), atol=1e-2)


@pytest.mark.parametrize("implementation", ["eager", "sdpa"])
def test_everything_is_as_it_was_after_the_block_also_after_an_error(implementation):
    model, before = llama(attn_implementation=implementation), registered()
    plain = logits(model)
    with attention_weights(model, lambda layer: layer.weights * 2):
        assert registered() != before
        assert not torch.equal(logits(model), plain)
    with pytest.raises(RuntimeError, match="stop"), attention_weights(model, nothing):
        raise RuntimeError("stop")

    def fail(layer):
        raise RuntimeError(f"stop at {layer.number}")

    with pytest.raises(RuntimeError, match="stop at 0"), attention_weights(model, fail):
        logits(model)
    assert registered() == before
    assert model.config._attn_implementation == implementation
    assert torch.equal(logits(model), plain)


def test_the_inner_of_two_blocks_sees_what_the_outer_has_made():
    model = llama()
    sums = []

    def look(layer):
        sums.append(layer.weights.sum(-1).unique().tolist())

    with attention_weights(model, lambda layer: torch.ones_like(layer.weights) / 4):
        with attention_weights(model, look):
            logits(model)
        outer = logits(model)
    assert sums == [[IDS.shape[1] / 4]] * 4
    with attention_weights(model, lambda layer: torch.ones_like(layer.weights) / 4):
        assert torch.equal(logits(model), outer)


def test_two_models_in_two_threads_do_not_meet():
    one, two = llama(), llama(seed=1)
    plain = logits(two)
    found = {}
    with attention_weights(one, lambda layer: layer.weights * 2):
        thread = threading.Thread(target=lambda: found.update(two=logits(two)))
        thread.start()
        thread.join()
    assert torch.equal(found["two"], plain)


def test_models_that_cannot_be_looked_at_are_named():
    bloom = transformers.BloomForCausalLM(transformers.BloomConfig(vocab_size=50, hidden_size=16, n_layer=1, n_head=2))
    with pytest.raises(ConfigError, match="BloomForCausalLM does not compute its attention through"):
        attention_weights(bloom, nothing).__enter__()
    with pytest.raises(ConfigError, match="Linear does not compute"):
        attention_weights(torch.nn.Linear(2, 2), nothing).__enter__()
    model = llama()
    model.config._attn_implementation_internal = "flex_attention"
    with pytest.raises(ConfigError, match=r"'flex_attention', which computes no weights"):
        attention_weights(model, nothing).__enter__()
    small = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    vision = small | {"image_size": 8, "patch_size": 4}
    both = transformers.LlavaForConditionalGeneration(
        transformers.LlavaConfig(
            vision_config=transformers.CLIPVisionConfig(**vision),
            text_config=transformers.LlamaConfig(vocab_size=50, num_key_value_heads=2, **small),
        )
    )
    with pytest.raises(ConfigError, match="made of several models"):
        attention_weights(both, nothing).__enter__()


def test_dropout_is_refused_since_it_changes_the_weights():
    model = llama(attention_dropout=0.5).train()
    with attention_weights(model, nothing), pytest.raises(EngineError, match="dropout"):
        logits(model)
    model.eval()
    with attention_weights(model, nothing):
        logits(model)


def test_an_attention_that_is_not_weights_times_values_is_refused(monkeypatch):
    from transformers.models.llama import modeling_llama

    eager = modeling_llama.eager_attention_forward

    def gated(*args, **kwargs):
        output, weights = eager(*args, **kwargs)
        return output * 0.5, weights

    monkeypatch.setattr(modeling_llama, "eager_attention_forward", gated)
    model = llama()
    with attention_weights(model, nothing):
        logits(model)  # to look is allowed
    with (
        attention_weights(model, lambda layer: layer.weights),
        pytest.raises(EngineError, match="not its weights times"),
    ):
        logits(model)
