"""Rows of prompts between verl, TRL and hicra."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hicra.errors import DataError
from hicra.tasks.prompt_files import converted

VERL = {
    "data_source": "openai/gsm8k", "prompt": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "2+3?"}],
    "ability": "arithmetic", "reward_model": {"style": "rule", "ground_truth": "5"},
    "extra_info": {"index": 4, "split": "test", "id": "q4"},
}  # fmt: skip


def test_a_row_of_verl_becomes_one_of_trl_and_of_hicra_and_comes_back():
    trl = converted(VERL, "trl")
    assert trl == {"prompt": VERL["prompt"], "answer": "5", "id": "q4"}
    ours = converted(VERL, "hicra")
    assert ours == {"question": "2+3?", "answer": "5", "id": "q4", "system": "Be brief."}
    assert converted(trl, "hicra") == ours
    assert converted(ours, "trl") == trl
    back = converted(ours, "verl", 4, source="openai/gsm8k", split="test")
    assert back == VERL | {"ability": "math"}  # which the other two have no place for


def test_verls_own_keys_stay_where_a_row_is_verls_already():
    assert converted(VERL, "verl", index=9, source="other") == VERL


@pytest.mark.parametrize("key", ["answer", "solution", "ground_truth", "gold"])
def test_a_prompt_of_trl_may_be_a_text_and_its_answer_has_many_names(key):
    assert converted({"prompt": "2+3?", key: 5}, "hicra") == {"question": "2+3?", "answer": 5}


TEXT = st.text(min_size=1).filter(str.strip)


@given(TEXT, TEXT, st.none() | TEXT, st.none() | st.integers() | TEXT)
def test_hicras_rows_survive_the_way_through_both(question, answer, system, name):
    row = {"question": question, "answer": answer}
    row |= {key: value for key, value in (("id", name), ("system", system)) if value is not None}
    for way in (("trl",), ("verl",), ("verl", "trl"), ("trl", "verl")):
        there = row
        for form in way:
            there = converted(there, form)
        assert converted(there, "hicra") == row


@pytest.mark.parametrize(
    ("row", "to", "said"),
    [
        ({"question": "2+3?"}, "verl", "a row with question has no answer"),
        ({"answer": "5"}, "trl", "a row with answer has no prompt"),
        ({"prompt": [], "answer": "5"}, "trl", "has no prompt"),
        ({"prompt": [{"role": "user"}], "answer": "5"}, "trl", "has no prompt"),
        ({"prompt": "x", "reward_model": {"style": "model"}}, "trl", "no ground_truth"),
        ({"question": "x", "answer": "5"}, "verll", "no form 'verll'"),
        ({"prompt": [{"role": role, "content": "x"} for role in ("user", "assistant", "user")], "answer": "5"}, "hicra",
         "messages user, assistant, user is no single question"),
    ],
)  # fmt: skip
def test_what_cannot_be_converted_is_said(row, to, said):
    with pytest.raises(DataError, match=said):
        converted(row, to)
