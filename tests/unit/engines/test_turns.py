"""At which tokens a response ends, and which responses ended before they were done."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hicra.engines.turns import end_tokens, truncated

IDS = np.array([[5, 9], [5, 8], [9, 5], [9, 0]])
LIVE = np.array([[True, True], [True, True], [True, True], [False, False]])


@pytest.mark.parametrize(
    ("own", "expected"), [(None, (9,)), (9, (9,)), (8, (9, 8)), ([9, 8], (9, 8)), ([8, 7, 9], (9, 8, 7))]
)
def test_the_end_tokens_are_the_tokenizers_and_those_of_the_generation_config(own: Any, expected: Any) -> None:
    model = SimpleNamespace(generation_config=SimpleNamespace(eos_token_id=own))
    assert end_tokens(SimpleNamespace(eos_token_id=9), model) == expected


def test_a_model_or_a_tokenizer_may_have_none() -> None:
    assert end_tokens(SimpleNamespace(eos_token_id=None), SimpleNamespace()) == ()


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        (9, [False, True, True, True]),
        ((9, 8), [False, False, True, True]),
        ((), [True, True, True, True]),
        (None, [True, True, True, True]),
    ],
)
def test_a_response_that_ends_with_none_of_them_is_truncated(end: Any, expected: list[bool]) -> None:
    assert truncated(IDS, LIVE, end).tolist() == expected
