"""What is counted in the texts themselves: responses that reflect, and letters of another script by kind, by hand."""

from __future__ import annotations

import polars as pl
import pytest

from hicra.diagnose.other_scripts import letters, main_script
from hicra.diagnose.reflection import marks


def test_responses_that_reflect() -> None:
    texts = [
        "Wait, that is 7.",
        "We wait for it",
        "awaited",
        "Let me double-check this",
        "alternatively, try x",
        "等一下,",
        "",
    ]
    # "wait" counts wherever it is a word; what the phrase means cannot be told
    assert marks(texts).tolist() == [True, True, False, True, False, True, False]


def test_letters_by_kind_and_script_by_hand() -> None:
    text = "so we \u7b97 it \u03c0"
    # the span is "so we 算": letters s o w e 算, one of them Han; outside of it i t, and π, which is no letter here
    found = letters([text, "", "\u7b97\u7b97"], [[(0, 7, "g")], [], []], "Latin")
    assert found.tolist() == [[5, 1, 2, 0], [0, 0, 0, 0], [0, 0, 2, 2]]
    assert letters([text], [[(0, 2, "a"), (0, 5, "b")]], "Latin")[0].tolist() == [4, 0, 3, 1]  # spans may overlap


@pytest.mark.parametrize(
    ("question", "response", "script"),
    [
        ("how many", "\u7b97" * 99, "Latin"),
        (None, "\u7b97\u7b97 a", "Han"),
        (None, "12", None),
        ("\u03b1\u03b2 x", "", "Latin"),
    ],
)
def test_the_script_of_a_step_is_that_of_its_questions(question: str | None, response: str, script: str | None) -> None:
    rows = pl.DataFrame(
        {"question": [question], "response": [response]}, schema={"question": pl.String, "response": pl.String}
    )
    assert main_script(rows) == script
