"""ETPO on small networks: the first values, the updates, the credit that comes of them, and what is refused."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch

from hicra.errors import ConfigError, EngineError
from hicra.related.agents.execute import Manner
from hicra.related.agents.stage import Stage, Wanted
from hicra.related.critics.critic import TokenCritic, read_with_inputs
from hicra.related.critics.etpo import ETPO, ETPOSettings
from hicra.related.critics.experience import encoded_rows, lesson_of, plain_row
from hicra.related.critics.places import credit_by_place, places_of
from hicra.related.environments.strings import Strings
from hicra.related.policy.imitate import Example, imitate
from hicra.related.policy.network import new_network
from hicra.related.policy.sample import NetworkPolicy
from hicra.related.policy.words import TokenizerCodec, make_tokenizer
from hicra.related.system import Arena
from hicra.runs.sections import TrainConfig

pytestmark = pytest.mark.slow


def environment() -> Strings:
    return Strings(strings=2, letters=2, length=2, counts=1, longest=3)


def made(train: dict[str, Any] | None = None, **settings: Any) -> ETPO:
    tokenizer = make_tokenizer(environment().words, 64)
    codec = TokenizerCodec(tokenizer)
    model = new_network(tokenizer, width=16, layers=1, heads=2, seed=0)
    place = Arena(environment, codec, NetworkPolicy(model, codec, seed=0), 3)
    config = TrainConfig(**{"learning_rate": 1e-2, "seed": 0, **(train or {})})
    return ETPO(model, copy.deepcopy(model), place, ETPOSettings(hidden=16, **settings), config)


def played(etpo: ETPO, count: int = 8) -> list[Any]:
    return Stage(etpo.place).execute([Wanted(seed) for seed in range(count)], Manner(etpo.place.most))


@pytest.mark.parametrize("own_trunk", [True, False])
def test_before_the_first_update_every_value_is_0_and_the_reference_is_asked_for(own_trunk: bool) -> None:
    etpo = made(own_trunk=own_trunk)
    episodes = etpo.episodes(played(etpo))
    advantages, lesson = etpo.advantages(episodes)
    assert np.abs(advantages).max() == pytest.approx(0.0, abs=1e-6)
    log_pi, seen, chosen = read_with_inputs(etpo.model, lesson.encoded)
    assert torch.allclose(log_pi[lesson.mask], lesson.log_rho[lesson.mask], atol=1e-5)
    assert etpo.critic(lesson.encoded, seen).shape == log_pi.shape
    assert (chosen.numpy()[lesson.mask] == lesson.encoded.ids[lesson.mask]).all()


def test_a_batch_has_the_reward_of_each_action_at_its_tokens() -> None:
    etpo = made()
    episodes = played(etpo)
    lesson = lesson_of(etpo.episodes(episodes), etpo.place.codec.pad)
    for number, one in enumerate(episodes):
        written = lesson.mask[number]
        expected = [one.rewards[int(action)] for action in lesson.action_ids[number, written]]
        assert lesson.rewards[number, written].tolist() == expected
        assert sum(one.rewards) == one.reward
    assert (lesson.rewards[~lesson.mask] == 0).all()


def test_what_the_output_matrix_reads_is_what_makes_the_logits() -> None:
    etpo = made()
    encoded, _ = encoded_rows([plain_row(one) for one in played(etpo)], etpo.place.codec.pad)
    logs, seen, _ = read_with_inputs(etpo.model, encoded)
    again = etpo.model.get_output_embeddings()(seen).log_softmax(-1)
    live = torch.from_numpy(encoded.live)
    assert torch.allclose(logs[live], again[live], atol=1e-5)
    assert not etpo.model.get_output_embeddings()._forward_pre_hooks  # the hook is gone


@pytest.mark.parametrize("own_trunk", [True, False])
def test_the_loss_of_the_values_moves_the_critic_and_leaves_the_policy_alone(own_trunk: bool) -> None:
    etpo = made(own_trunk=own_trunk)
    lesson = lesson_of(etpo.episodes(played(etpo)), etpo.place.codec.pad)
    _, seen, _ = read_with_inputs(etpo.model, lesson.encoded)
    (etpo.critic(lesson.encoded, seen) - 1).pow(2).mean().backward()
    assert all(weight.grad is None for weight in etpo.model.parameters())
    assert any(weight.grad is not None and weight.grad.abs().max() > 0 for weight in etpo.critic.online.parameters())
    assert all(weight.grad is None for weight in etpo.critic.target.parameters())


def test_the_target_follows_by_polyak_averaging() -> None:
    tokenizer = make_tokenizer(environment().words, 64)
    critic = TokenCritic(new_network(tokenizer, width=16, layers=1, heads=2, seed=0), own_trunk=False, hidden=4)
    fast, slow = (part["head"][2].bias for part in (critic.online, critic.target))
    with torch.no_grad():
        fast.fill_(1.0)
    critic.follow(0.75)
    assert slow.tolist() == pytest.approx([0.25] * len(slow))
    critic.follow(0.75)
    assert slow.tolist() == pytest.approx([0.25 + 0.75 * 0.25] * len(slow))


def writes_any_string(etpo: ETPO) -> None:
    """Trains policy, reference and critic to begin with any string of two letters."""
    codec = etpo.place.codec
    ids = {text: (*codec.encode(text), codec.end) for text in Strings(letters=2, length=2, counts=1)._choices()}
    cues = [codec.encode(f"{before}want {letter} . act:") for letter in "ab" for before in ("spell . ", "")]
    examples = [Example(tuple(cue), tokens, (True,) * 3) for cue in cues for tokens in ids.values()]
    imitate(etpo.model, examples, updates=60, pad=codec.pad, batch=16, learning_rate=1e-2)
    etpo.reference.load_state_dict(etpo.model.state_dict())
    for part in (etpo.critic.online, etpo.critic.target):
        part["trunk"].load_state_dict(etpo.model.state_dict())


def wanted(seed: int) -> str:
    """Returns the two letters that an episode wants."""
    world = environment()
    world.reset(seed)
    first = world.wanted
    world.step(world.expert())
    return first + world.wanted


def test_a_learnt_policy_wins_and_its_credit_lies_on_the_letter_that_counts() -> None:
    """Where `a` is wanted twice, the start wins a quarter of its episodes, and the credit comes to the second letter."""
    etpo = made(train={"learning_rate": 3e-3}, updates=8, replay=2, critic_rate=3e-3)
    writes_any_string(etpo)
    seeds = [seed for seed in range(4000) if wanted(seed) == "aa"]
    reached = [etpo.take(seeds[32 * step : 32 * (step + 1)])["hicra/accuracy"] for step in range(20)]
    assert np.mean(reached[-3:]) > np.mean(reached[:3]) + 0.3
    played = Stage(etpo.place).execute([Wanted(seed) for seed in seeds[-64:]], Manner(etpo.place.most))
    advantages, lesson = etpo.advantages(etpo.episodes(played))
    by_place = credit_by_place(advantages, places_of(lesson.action_ids, lesson.mask))
    assert by_place.argmax() == 1


def test_the_same_seeds_give_the_same_figures() -> None:
    one, other = made(), made()
    assert [one.take(range(4)) for _ in range(2)] == [other.take(range(4)) for _ in range(2)]


def test_what_is_not_finite_is_named() -> None:
    etpo = made()
    etpo.take(range(4))
    with torch.no_grad():
        etpo.critic.online["head"][2].bias.fill_(float("nan"))
    with pytest.raises(EngineError, match="policy is not finite"):
        etpo.take(range(4))


def test_a_reference_with_other_words_is_named() -> None:
    etpo = made()
    other = new_network(make_tokenizer(("x",), 64), width=16, layers=1, heads=2)
    with pytest.raises(ConfigError, match=r"words and the reference"):
        ETPO(etpo.model, other, etpo.place, ETPOSettings(), TrainConfig())
    with pytest.raises(ConfigError, match="beta"):
        ETPOSettings(beta=0.0)
