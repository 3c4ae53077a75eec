"""At which tokens a response ends, in training and in evaluation alike."""

from types import SimpleNamespace
from typing import Any

import pytest

from hicra.generation.ends import cut_at_end, end_tokens


@pytest.mark.parametrize(
    ("own", "expected"), [(None, (9,)), (9, (9,)), (8, (9, 8)), ([9, 8], (9, 8)), ([8, 7, 9], (9, 8, 7))]
)
def test_the_end_tokens_are_the_tokenizers_and_those_of_the_generation_config(own: Any, expected: Any) -> None:
    model = SimpleNamespace(generation_config=SimpleNamespace(eos_token_id=own))
    assert end_tokens(SimpleNamespace(eos_token_id=9), model) == expected


def test_a_model_or_a_tokenizer_may_have_none() -> None:
    assert end_tokens(SimpleNamespace(eos_token_id=None), SimpleNamespace()) == ()


def test_what_stands_behind_the_first_end_is_cut() -> None:
    assert cut_at_end([5, 8, 6, 9], (9, 8)) == ([5, 8], True)
    assert cut_at_end([5, 6], (9, 8)) == ([5, 6], False)
    assert cut_at_end([], (9,)) == ([], False)


@pytest.mark.slow
def test_an_evaluation_stops_at_every_end_token_of_the_model_as_training_does() -> None:
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from hicra.generation.models import resolve
    from hicra.generation.sampling import load, sample
    from hicra.tasks.base import make_task

    model, tokenizer = load(resolve("plan-execute-strong"), 1)
    task = make_task("plan_execute")
    rows = task.rows("eval", 8, 0)
    before = sample(model, tokenizer, task, rows, max_new_tokens=60, seed=1)
    second = before[0].ids[3]
    model.generation_config.eos_token_id = [tokenizer.eos_token_id, second]
    after = sample(model, tokenizer, task, rows, max_new_tokens=60, seed=1)
    assert after[0].ids == before[0].ids[: before[0].ids.index(second) + 1]
    assert after[0].ended
    assert all(one.ids[-1] in (second, tokenizer.eos_token_id) for one in after if one.ended)
