"""An empty planning mask is warned of while a system trains, if something reads it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import pytest

pytest.importorskip("transformers")

from hicra import Lexicon
from hicra.related.environments.chain import Chain
from hicra.related.policy.words import TokenizerCodec, make_tokenizer
from hicra.related.rollouts import Action, Asked
from hicra.related.shape import RowShaping
from hicra.related.system import Arena
from hicra.related.task import begin
from hicra.related.trees.carl import CARL
from hicra.runs.config import load_config

CHAIN = Chain(2, 2, (0,))


@pytest.mark.parametrize(("method", "warned"), [("none", False), ("hicra", True)])
def test_an_empty_mask_is_warned_of_where_it_is_read(method: str, warned: bool) -> None:
    codec = TokenizerCodec(make_tokenizer(CHAIN.words, 16))

    def policy(asked: Sequence[Asked]) -> list[Action]:
        ids = (*codec.encode("a0"), codec.end)
        return [Action(ids, "a0", True, (-0.5,) * len(ids), (0.5,) * len(ids)) for _ in asked]

    sets = ("engine=related", "task.name=chain", "system.name=carl", f"method.name={method}")
    config, _ = begin(load_config(None, list(sets))[0])
    system = CARL(n0=2, n=1)
    (made,) = system.generations(Arena(lambda: Chain(2, 2, (0,)), codec, policy, 2), [0], 1)
    shape = RowShaping(config, Lexicon.from_phrases(["a2"]), codec, system)  # no action of the chain
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        shaped = shape(made)
    assert not shaped.arrays["planning_mask"].any()
    assert any("no token is a planning token" in str(one.message) for one in caught) is warned
