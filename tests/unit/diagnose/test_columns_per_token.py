"""Columns with one number a token count only where there is one number for every token."""

import json

import pytest

from hicra import Lexicon
from hicra.diagnose.diagnose import diagnose

NAMES = ("hicra/entropy_planning", "hicra/entropy_execution", "hicra/ppl_planning", "hicra/ppl_execution")


def measured(tmp_path, entropies, logprobs):
    path = tmp_path / "rows.jsonl"
    row = {"response": "so it is", "reward": 1.0, "step": 1, "entropies": entropies, "logprobs": logprobs}
    path.write_text(json.dumps(row) + "\n", encoding="utf-8")
    found = diagnose([path], Lexicon.from_phrases(["so"]), tokenizer=None, out=None, on_bad="stop", max_bad=0.01)
    return [found["steps"][0][name] for name in NAMES]


def test_one_number_a_token_is_counted_by_kind(tmp_path):
    # "so" is planning: entropy 0.9, log-probability 0; the other two have 0.1 and 0.3, and 0 each
    assert measured(tmp_path, [0.9, 0.1, 0.3], [0.0, 0.0, 0.0]) == pytest.approx([0.9, 0.2, 1.0, 1.0])


@pytest.mark.parametrize("wrong", [[0.9, 0.1], [0.9, 0.1, 0.3, 0.5], []], ids=["short", "long", "empty"])
def test_a_list_of_another_length_is_not_read_as_if_it_fitted(tmp_path, wrong):
    assert measured(tmp_path, wrong, wrong) == [None] * 4
