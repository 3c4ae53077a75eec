"""Gradients of basis rows: by hand on a tabular policy, and against autograd of the loss on a small transformer."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from hicra.errors import ConfigError  # noqa: E402
from hicra.signal.gradients import EncodedRollouts, batch_gradients, encode, policy_values  # noqa: E402
from hicra.signal.parameters import as_before, chosen_parameters, layers_of  # noqa: E402


class Table(torch.nn.Module):
    """A policy whose next token depends on the last one alone, by a table of logits that starts at 0."""

    def __init__(self, size):
        super().__init__()
        self.table = torch.nn.Parameter(torch.zeros(size, size))
        self.config = SimpleNamespace(get_text_config=lambda: SimpleNamespace(vocab_size=size, num_hidden_layers=0))
        self.seen = []

    def forward(self, input_ids, attention_mask, use_cache):
        self.seen.append(len(input_ids))
        return SimpleNamespace(logits=self.table[input_ids])


@pytest.fixture(scope="module")
def llama():
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=11, hidden_size=8, intermediate_size=12, num_hidden_layers=3, num_attention_heads=2, num_key_value_heads=2,
        max_position_embeddings=32, tie_word_embeddings=True,
    )  # fmt: skip
    return transformers.LlamaForCausalLM(config).eval()


PROMPTS = [[1, 2, 3], [4], [5, 6], [1, 2, 3, 4, 5], [7]]
RESPONSES = [[2, 3, 4, 5], [9, 9], [1], [3, 1, 4, 1, 5], [8, 2, 8]]


@pytest.fixture
def batch():
    encoded = encode(PROMPTS, RESPONSES)
    basis = np.random.default_rng(0).normal(size=(3, *encoded.live.shape))
    basis[:, 2] = 0.0  # a row that counts in no component, as a group without a gradient
    return encoded, basis


def by_hand(model, basis, parameters):
    """The gradient of the loss, row by row without any padding, one backward for each component."""
    total = sum(map(len, RESPONSES))
    out = []
    for weights in basis:
        model.zero_grad(set_to_none=True)
        for row, (prompt, response) in enumerate(zip(PROMPTS, RESPONSES, strict=True)):
            logits = model(torch.tensor([prompt + response])).logits[0]
            logs = torch.log_softmax(logits, -1)
            chosen = torch.stack([logs[len(prompt) - 1 + at, token] for at, token in enumerate(response)])
            (torch.from_numpy(weights[row, : len(response)]).float() @ chosen / total).backward()
        out.append(torch.cat([one.grad.reshape(-1) for one in parameters]).numpy())
    return np.stack(out)


def test_a_table_by_hand():
    # all probabilities are 1/3. Prompt 0, response 1, 2, weights 3 and 6, two policy tokens:
    # row 0 of the table gets 3/2 (e_1 - 1/3) = (-.5, 1, -.5), row 1 gets 6/2 (e_2 - 1/3) = (-1, -1, 2), row 2 nothing
    model = Table(3)
    encoded = encode([[0]], [[1, 2]])
    made = batch_gradients(model, encoded, np.array([[[3.0, 6.0]]]), parameters=[model.table])
    assert made.dtype == np.float32
    assert made.reshape(3, 3).tolist() == pytest.approx(np.array([[-0.5, 1, -0.5], [-1, -1, 2], [0, 0, 0]]))


def test_the_output_of_a_tool_is_read_and_not_trained_on():
    # prompt 0, response 1 (policy) 2 (tool) 0 (policy): the last token follows 2, and one of two policy tokens each has weight 6
    # row 0: 6/2 (e_1 - 1/3) = (-1, 2, -1); row 2: 6/2 (e_0 - 1/3) = (2, -1, -1)
    model = Table(3)
    encoded = EncodedRollouts([[0]], np.array([[1, 2, 0]]), np.array([[True, False, True]]))
    made = batch_gradients(model, encoded, np.array([[[6.0, 99.0, 6.0]]]), parameters=[model.table])
    assert made.reshape(3, 3).tolist() == pytest.approx(np.array([[-1, 2, -1], [0, 0, 0], [2, -1, -1]]))


def test_temperature_divides_the_logits():
    # the logits are 0 at any temperature, so only the factor 1/2 of the chain rule is left
    model = Table(3)
    encoded, basis = encode([[0]], [[1]]), np.ones((1, 1, 1))
    warm, cold = (batch_gradients(model, encoded, basis, parameters=[model.table], temperature=t) for t in (2.0, 1.0))
    assert warm == pytest.approx(cold / 2)


def test_policy_values_by_hand():
    # one of three tokens, each with probability 1/3: log-probability -log 3, entropy log 3; where nothing stands 0
    model = Table(3)
    logprobs, entropies = policy_values(model, encode([[0], [1]], [[1, 2], [0]]))
    log3 = math.log(3)
    assert logprobs == pytest.approx(np.array([[-log3, -log3], [-log3, 0]]))
    assert entropies == pytest.approx(np.array([[log3, log3], [log3, 0]]))


def test_an_impossible_token_adds_nothing_to_the_entropy():
    model = Table(3)
    with torch.no_grad():
        model.table[:, 2] = -math.inf
    _, entropies = policy_values(model, encode([[0]], [[1]]))
    assert entropies == pytest.approx(np.array([[math.log(2)]]))


def test_a_transformer_as_by_one_backward_for_each_component(llama, batch):
    encoded, basis = batch
    parameters = chosen_parameters(llama, "all")
    made = batch_gradients(llama, encoded, basis, parameters=parameters)
    expected = by_hand(llama, basis, parameters)
    assert np.abs(made - expected).max() < 1e-6 * np.abs(expected).max()


def test_a_sum_of_components_is_the_gradient_of_the_sum(llama, batch):
    encoded, basis = batch
    parameters = chosen_parameters(llama, "all")
    factors = np.array([2.0, -0.5, 0.25])
    made = batch_gradients(llama, encoded, basis, parameters=parameters)
    whole = batch_gradients(llama, encoded, np.einsum("r,rbt->bt", factors, basis)[None], parameters=parameters)
    assert np.abs(factors @ made - whole[0]).max() < 1e-6 * np.abs(whole).max()


@pytest.mark.parametrize("micro", [1, 2, 3, 5])
def test_micro_batches_and_padding_do_not_matter(llama, batch, micro):
    encoded, basis = batch
    parameters = chosen_parameters(llama, "all")
    made = batch_gradients(llama, encoded, basis, parameters=parameters)
    padded = EncodedRollouts(
        encoded.prompts,
        np.pad(encoded.ids, ((0, 0), (0, 3)), constant_values=7),
        np.pad(encoded.live, ((0, 0), (0, 3))),
    )
    wide = np.pad(basis, ((0, 0), (0, 0), (0, 3)), constant_values=np.nan)
    other = batch_gradients(llama, padded, wide, parameters=parameters, micro=micro)
    assert np.abs(made - other).max() < 1e-6 * np.abs(made).max()
    for one, two in zip(policy_values(llama, encoded), policy_values(llama, padded, micro=micro), strict=True):
        assert np.abs(one - two[:, : one.shape[1]]).max() < 1e-6


def test_rows_without_weight_are_skipped():
    model = Table(3)
    encoded = encode([[0]] * 4, [[1]] * 4)
    basis = np.array([[[0.0], [1.0], [0.0], [2.0]]])
    batch_gradients(model, encoded, basis, parameters=[model.table])
    assert model.seen == [2]
    made = batch_gradients(model, encoded, 0 * basis, parameters=[model.table])
    assert model.seen == [2]
    assert made.tolist() == [[0.0] * 9]
    assert batch_gradients(model, encoded, basis[:0], parameters=[model.table]).shape == (0, 9)


def test_a_projection_keeps_the_sums_of_micro_batches(llama, batch):
    encoded, basis = batch
    parameters = chosen_parameters(llama, "all")
    one, other = (
        batch_gradients(llama, encoded, basis, parameters=parameters, project=64, seed=3, micro=micro)
        for micro in (2, 5)
    )
    assert one.shape == (3, 64)
    assert np.abs(one - other).max() < 1e-5 * np.abs(one).max()


def test_the_last_layers_alone(llama, batch):
    encoded, basis = batch
    before = [one.requires_grad for one in llama.parameters()]
    with as_before(llama):
        every = dict(llama.named_parameters())
        parameters = chosen_parameters(llama, "last:2")
        names = [name for name, one in every.items() if one.requires_grad]
        assert {name.split(".")[2] for name in names} == {"1", "2"}
        made = batch_gradients(llama, encoded, basis, parameters=parameters)
        expected = by_hand(llama, basis, parameters)
        assert np.abs(made - expected).max() < 1e-6 * np.abs(expected).max()
    assert [one.requires_grad for one in llama.parameters()] == before


def test_adapters_see_the_gradient_of_their_layer_times_their_first_matrix(llama, batch):
    # y = W x + B A x with B = 0: the gradient of B is that of W times A transposed
    encoded, basis = batch
    names = [name for name, _ in llama.named_parameters()]
    whole = by_hand(llama, basis, chosen_parameters(llama, "all"))
    with as_before(llama):
        parameters = chosen_parameters(llama, "lora:2", seed=5)
        adapters = dict(llama.named_parameters())
        made = batch_gradients(llama, encoded, basis, parameters=parameters)
        layer = next(name for name in adapters if "lora_B" in name)
        first = adapters[layer.replace("lora_B", "lora_A")].detach().numpy()
        rows = adapters[layer].shape[0]
    assert [name for name, _ in llama.named_parameters()] == names
    assert not hasattr(llama, "peft_config")
    of_layer = layer.split(".lora_B")[0] + ".weight"
    place = names.index(of_layer)
    sizes = [one.numel() for one in llama.parameters()]
    weight = whole[:, sum(sizes[:place]) : sum(sizes[: place + 1])].reshape(len(basis), rows, -1)
    expected = (weight @ first.T).reshape(len(basis), -1)
    assert np.abs(made[:, : rows * 2] - expected).max() < 1e-6 * np.abs(expected).max()
    with as_before(llama):
        chosen_parameters(llama, "lora:2", seed=5)
        same = next(one for name, one in llama.named_parameters() if name == layer.replace("lora_B", "lora_A"))
        assert np.array_equal(same.detach().numpy(), first)


def test_layers_that_are_not_there(llama):
    assert len(layers_of(llama)) == 3
    with pytest.raises(ConfigError, match=r"last:4, and the model has 3 layers"):
        chosen_parameters(llama, "last:4")
    with pytest.raises(ConfigError, match="cannot be told apart"):
        chosen_parameters(Table(3), "last:1")
    with pytest.raises(ConfigError, match=r"parameters is 'top'"):
        chosen_parameters(llama, "top")


def test_a_model_without_gradients():
    model = Table(3)
    model.table = torch.nn.Parameter(torch.zeros(3, 3, dtype=torch.int8), requires_grad=False)
    with pytest.raises(ConfigError, match="no parameter that can have a gradient"):
        chosen_parameters(model, "all")
