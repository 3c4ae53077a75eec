"""A network writes the same in a batch as alone, its numbers are those of its own forward pass, and words become tokens."""

from __future__ import annotations

import pytest
import torch

from hicra.errors import ConfigError, DataError, EngineError
from hicra.related.policy.imitate import LIKE, Example, imitate, of_like_length
from hicra.related.policy.network import new_network, save_network
from hicra.related.policy.sample import NetworkPolicy
from hicra.related.policy.words import TokenizerCodec, make_tokenizer
from hicra.related.rollouts import Asked

pytestmark = pytest.mark.slow
WORDS = ("go", "left", "right", "at", "door", "key")


@pytest.fixture(scope="module")
def tokenizer():
    return make_tokenizer(WORDS, context=32)


@pytest.fixture(scope="module")
def model(tokenizer):
    return new_network(tokenizer, width=32, layers=2, heads=2, seed=1).eval()


def test_each_word_is_a_token_and_special_ones_are_not_shown(tokenizer):
    codec = TokenizerCodec(tokenizer)
    ids = codec.encode("go left ; <sub_done>")
    assert len(ids) == 4
    assert codec.decode([*ids, codec.end, codec.pad]) == "go left ; <sub_done>"
    assert len({codec.end, codec.pad, *ids}) == 6


def test_a_word_that_the_tokenizer_does_not_know_is_named(tokenizer):
    codec = TokenizerCodec(tokenizer)
    for _ in range(2):  # what is kept of texts must not hide it
        with pytest.raises(DataError, match="'window'"):
            codec.encode("go window")


def test_a_word_with_a_space_is_refused():
    with pytest.raises(ConfigError, match="'go left'"):
        make_tokenizer(["go left"], context=8)


def distribution(model, context, temperature):
    with torch.no_grad():
        return torch.log_softmax(model(input_ids=torch.tensor([context])).logits[0, -1] / temperature, -1)


def test_numbers_are_those_of_the_distribution_that_was_drawn_from(model, tokenizer):
    codec = TokenizerCodec(tokenizer)
    policy = NetworkPolicy(model, codec, temperature=0.7, seed=3)
    contexts = [tuple(codec.encode(text)) for text in ("at door", "at door go left at key", "go", "at door")]
    made = policy([Asked(context, most=5) for context in contexts])
    for context, action in zip(contexts, made, strict=True):
        seen = list(context)
        assert 1 <= len(action.ids) <= 5
        assert action.ended == (action.ids[-1] == codec.end)
        assert codec.end not in action.ids[:-1]
        assert action.ended or len(action.ids) == 5
        for token, logp, entropy in zip(action.ids, action.logps, action.entropies, strict=True):
            logs = distribution(model, seen, 0.7)  # alone, without padding and without a cache
            assert logp == pytest.approx(float(logs[token]), abs=2e-5)
            assert entropy == pytest.approx(float(-(logs.exp() * logs).sum()), abs=2e-5)
            seen.append(token)


def test_greedy_takes_the_likeliest_in_any_batch(model, tokenizer):
    codec = TokenizerCodec(tokenizer)
    asked = [
        Asked(tuple(codec.encode(text)), most, greedy=True)
        for text, most in (("go", 3), ("at door at key", 6), ("key", 1))
    ]
    together = NetworkPolicy(model, codec)(asked)
    alone = [NetworkPolicy(model, codec)([one])[0] for one in asked]
    assert [one.ids for one in together] == [one.ids for one in alone]
    context = list(asked[1].context)
    for token in together[1].ids:
        assert token == int(distribution(model, context, 1.0).argmax())
        context.append(token)


def test_the_seed_decides_and_its_state_can_be_gone_on_from(model, tokenizer):
    codec = TokenizerCodec(tokenizer)
    asked = [Asked(tuple(codec.encode("at door")), most=8) for _ in range(6)]
    first, second = (NetworkPolicy(model, codec, seed=5) for _ in range(2))
    one = first(asked)
    assert one == second(asked)
    assert len({action.ids for action in one}) > 1  # equal contexts are read once, and drawn for apart
    state = first.chance.get_state()
    further = first(asked)
    second.chance.set_state(state)
    assert second(asked) == further != one


def test_draws_follow_the_probabilities(model, tokenizer):
    codec = TokenizerCodec(tokenizer)
    context = tuple(codec.encode("go left"))
    made = NetworkPolicy(model, codec, seed=1)([Asked(context, most=1)] * 4000)
    share = torch.bincount(torch.tensor([one.ids[0] for one in made]), minlength=len(tokenizer)) / 4000
    # five standard deviations of a share are below 5 * 0.5 / sqrt(4000) = 0.04
    assert float((share - distribution(model, context, 1.0).exp()).abs().max()) < 0.04


def test_small_batches_write_greedily_what_large_ones_do(model, tokenizer):
    codec = TokenizerCodec(tokenizer)
    asked = [Asked(tuple(codec.encode("at " * n + "door")), 4, greedy=True) for n in (5, 1, 4, 2, 3)]
    small = NetworkPolicy(model, codec, batch=2)(asked)
    assert [one.ids for one in small] == [one.ids for one in NetworkPolicy(model, codec)(asked)]


def test_what_is_deeper_than_the_context_says_both_numbers(model, tokenizer):
    policy = NetworkPolicy(model, TokenizerCodec(tokenizer))
    with pytest.raises(EngineError, match=r"reads 33 tokens, and this one reads 32"):
        policy([Asked((5,) * 30, most=3)])
    assert len(policy([Asked((5,) * 29, most=3)])) == 1
    with pytest.raises(ConfigError, match="at most 0 tokens"):
        policy([Asked((5,), most=0)])


def test_a_network_without_finite_numbers_is_refused(model, tokenizer):
    ruined = new_network(tokenizer, width=32, layers=1, heads=2)
    with torch.no_grad():
        ruined.model.norm.weight.fill_(float("nan"))
    with pytest.raises(EngineError, match="no finite probabilities"):
        NetworkPolicy(ruined, TokenizerCodec(tokenizer))([Asked((5,), most=1)])


def test_a_demonstration_is_learnt_and_the_folder_gives_the_same_network(tokenizer, tmp_path):
    from hicra.generation.sampling import load

    codec = TokenizerCodec(tokenizer)
    examples = []
    for seen, done in (("at door", "go left"), ("at key", "go right")):
        ids = (*codec.encode(done), codec.end, *codec.encode("door"))  # the last is read and not to be learnt
        examples.append(Example(tuple(codec.encode(seen)), ids, (True, True, True, False)))
    losses: list[float] = []
    learner = new_network(tokenizer, width=32, layers=2, heads=2, seed=2)
    imitate(learner, examples, updates=100, batch=4, pad=codec.pad, after=lambda _, loss: losses.append(loss))
    assert losses[-1] < 0.1 < losses[0]
    save_network(learner, tokenizer, tmp_path / "start")
    again, found = load(tmp_path / "start", 1)
    policy = NetworkPolicy(again, TokenizerCodec(found))
    made = policy([Asked(tuple(codec.encode(text)), 6, greedy=True) for text in ("at door", "at key")])
    assert [one.text for one in made] == ["go left", "go right"]
    assert all(one.ended for one in made)


def example(context: int, ids: int) -> Example:
    return Example((1,) * context, (2,) * ids, (True,) * ids)


def test_examples_of_like_length_are_run_together():
    long, near, half, short = example(60, 40), example(40, 35), example(30, 20), example(2, 1)
    # 75 of 100 are just 3 quarters; 50 begin a part, 3 another one
    assert of_like_length([short, half, long, near]) == [[long, near], [half], [short]]
    assert of_like_length([half, example(49, 1), example(1, 49)]) == [[half, example(49, 1), example(1, 49)]]


def test_parts_of_a_batch_give_the_update_of_the_whole_batch(tokenizer, monkeypatch):
    """Each part counts by its wanted tokens: 6, 3 and 1 of 10 here."""
    mixed = [example(30, 6), example(10, 3), example(3, 1)]
    weights, losses = [], []
    for like in (LIKE, 0.0):  # 0.0: one part
        monkeypatch.setattr("hicra.related.policy.imitate.LIKE", like)
        learner = new_network(tokenizer, width=32, layers=2, heads=2, seed=2)
        imitate(learner, mixed, updates=2, batch=3, pad=0, after=lambda _, loss: losses.append(loss))
        weights.append(torch.cat([weight.flatten() for weight in learner.parameters()]))
    assert losses[0] == pytest.approx(losses[2], abs=1e-6)
    assert torch.allclose(*weights, atol=1e-5)


@pytest.mark.parametrize(
    "wrong", [Example((), (1,), (True,)), Example((1,), (1,), (False,)), Example((1,), (1, 2), (True,))]
)
def test_a_demonstration_without_anything_to_learn_is_refused(model, wrong):
    with pytest.raises(DataError, match="demonstration 0"):
        imitate(model, [wrong], updates=1, pad=0)


def turns(model, codec, remember, rounds=5, rows=7):
    """Plays rows whose texts grow by unequal parts from call to call; returns all actions, and how many tokens were read."""
    policy = NetworkPolicy(model, codec, seed=4)
    read, forward = [], model.forward
    model.forward = lambda **given: read.append(int(given["input_ids"].numel())) or forward(**given)
    contexts = [tuple(codec.encode("at door " * (1 + row % 3))) for row in range(rows)]
    made = []
    for turn in range(rounds):
        if not remember:
            policy.forget()
        actions = policy([Asked(context, 3, greedy=True) for context in contexts])
        made.append(actions)
        grown = zip(contexts, actions, strict=True)
        contexts = [(*c, *a.ids, *codec.encode("key " * (1 + (row + turn) % 3))) for row, (c, a) in enumerate(grown)]
        if turn == 2:
            contexts[1] = contexts[2]  # one goes on where another was
            contexts[3] = tuple(codec.encode("left"))  # and one begins anew
    model.forward = forward
    return made, sum(read)


def test_what_was_read_before_is_not_read_again_and_changes_nothing(tokenizer):
    codec = TokenizerCodec(make_tokenizer(WORDS, context=128))
    model = new_network(codec.tokenizer, width=32, layers=2, heads=2, seed=1).eval()
    fresh, all_tokens = turns(model, codec, remember=False)
    kept, new_tokens = turns(model, codec, remember=True)
    assert new_tokens < 0.6 * all_tokens
    for one, other in zip((a for turn in fresh for a in turn), (a for turn in kept for a in turn), strict=True):
        assert one.ids == other.ids
        assert other.logps == pytest.approx(one.logps, abs=2e-5)
        assert other.entropies == pytest.approx(one.entropies, abs=2e-5)


def test_what_was_read_is_forgotten_where_a_weight_has_moved(tokenizer):
    model = new_network(tokenizer, width=32, layers=2, heads=2, seed=1).eval()
    codec = TokenizerCodec(tokenizer)
    policy = NetworkPolicy(model, codec)
    (first,) = policy([Asked(tuple(codec.encode("at door")), 2, greedy=True)])
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    model(input_ids=torch.tensor([[5, 6]])).logits.square().sum().backward()
    optimizer.step()
    context = (*codec.encode("at door"), *first.ids, *codec.encode("key"))
    (further,) = policy([Asked(context, 1, greedy=True)])
    assert further.logps[0] == pytest.approx(float(distribution(model, context, 1.0).max()), abs=2e-5)
