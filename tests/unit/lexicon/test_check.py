"""Why a lexicon finds nothing: texts of another script."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest

from hicra import Lexicon
from hicra.credit import assign
from hicra.diagnose.diagnose import diagnose
from hicra.engines.shaping import Shaping
from hicra.lexicon.check import uncovered_script
from hicra.tagging import tag_paths
from hicra.text.scripts import letters_by_script
from tokenizers_made import byte_level

LEXICON = Lexicon.from_phrases(["let me check", "so"], name="two")
HAN = "我们先计算左边，然后代入公式得到一个新的方程 x"  # 21 letters of Han and one of Latin
SAYS = "95 % of the letters are Han; lexicon 'two' has no gram in that script"


@pytest.mark.parametrize(
    ("letters", "says"),
    [
        ({"Han": 92, "Latin": 8}, "92 % of the letters are Han; lexicon 'two' has no gram in that script"),
        ({"Han": 50, "Latin": 50}, None),  # half is not most
        ({"Latin": 100}, None),
        ({}, None),
        (
            {"Hiragana": 50, "Han": 41, "Katakana": 9},
            "50 % of the letters are Hiragana and 41 % of the letters are Han; lexicon 'two' has no gram in those scripts",
        ),
        (
            {"Latin": 44, "Thai": 9, "Lao": 8, "Khmer": 8, "Arabic": 8, "Hebrew": 8, "Myanmar": 8, "Han": 7},
            "9 % of the letters are Thai; lexicon 'two' has no gram in that script",
        ),
    ],
)
def test_letters_of_scripts_without_a_gram(letters, says):
    assert uncovered_script(LEXICON, letters) == says


def test_a_lexicon_with_a_gram_in_the_script_is_not_blamed():
    assert uncovered_script(Lexicon.from_phrases(["so", "等一下"]), {"Han": 100}) is None
    assert letters_by_script([HAN]) == {"Han": 21, "Latin": 1}


def rows(folder, texts):
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps({"response": text, "correct": True}) + "\n" for text in texts), encoding="utf-8")
    return [path]


def test_tag_and_diagnose_say_so(tmp_path):
    for texts, says in (
        ([HAN, HAN], [f"lexicon 'two' matches nothing in 2 rows: {SAYS}"]),
        (["nothing here"], ["lexicon 'two' matches nothing in 1 row"]),
        ([HAN, "so"], []),
    ):
        paths = rows(tmp_path, texts)
        settings = {"tokenizer": None, "out": None, "on_bad": "stop", "max_bad": 0.01}
        assert tag_paths(paths, LEXICON, unit="gram", **settings)["warnings"] == says
        assert diagnose(paths, LEXICON, **settings)["warnings"] == says


def test_training_says_so_once_with_the_count_that_it_rests_on():
    tokenizer = byte_level()
    shaping = Shaping(assign({"name": "hicra"}), LEXICON, tokenizer)
    row = tokenizer.encode(HAN).ids
    batch = {"ids": np.array([row, row]), "live": np.ones((2, len(row)), bool)}
    rest = {"base": np.zeros(2, np.float32), "rewards": np.zeros(2), "group_size": 2}
    with pytest.warns(UserWarning, match="no token is a planning token") as caught:
        shaping.generation([{}, {}], **batch, **rest)
    said = (
        f"no token is a planning token ({2 * len(row)} tokens in 2 rollouts so far), so the method changes nothing here"
    )
    assert [str(one.message) for one in caught] == [f"lexicon 'two': {said}. {SAYS}"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        shaping.generation([{}, {}], **batch, **rest)
