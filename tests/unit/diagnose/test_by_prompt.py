"""Intervals over prompts: the numbers of two prompts by hand, when there is none, and that a prompt counts once."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from hicra import Lexicon
from hicra.diagnose.by_prompt import Prompts, RowSums
from hicra.diagnose.diagnose import diagnose
from hicra.findings.intervals import saved_intervals
from hicra.stats import wilson_interval
from hicra.tagging import RowTagger

LEXICON = Lexicon.from_phrases(["let me check", "so we need"])
NAN = float("nan")


def sums_of(texts: list[str], correct: list[float], entropies: list[list[float]] | None = None) -> RowSums:
    tagged = RowTagger(LEXICON).tag(texts)
    table = np.full(tagged.live.shape, NAN)
    for row, values in enumerate(entropies or []):
        table[row, : len(values)] = values
    known = np.array(correct)
    zeros = np.zeros(len(texts))
    names = ("looping", "reflecting", "letters_planning", "other_planning", "letters_execution", "other_execution")
    further = dict.fromkeys(names, zeros)
    return RowSums.of(tagged, {"entropies": table, "logprobs": -table}, known, known, further)


def prompts_of(rows: RowSums, group: list[int]) -> Prompts:
    found = Prompts.of(rows, np.array(group))
    assert found is not None
    return found


def test_the_values_of_two_prompts_by_hand() -> None:
    texts = ["let me check it", "two words", "so we need so we need"]
    rows = sums_of(texts, [1.0, 0.0, NAN], [[1.0, 1.0, 1.0, 5.0], [3.0, 3.0], [0.5] * 6])
    table = prompts_of(rows, [7, 7, 3]).values()
    # prompt 3 is the third row alone: 6 words, all planning; prompt 7 has 4 + 2 words, 3 of them planning
    assert table["rows"].to_list() == [1, 2]
    assert table["hicra/length"].to_list() == [6.0, 3.0]
    assert table["hicra/planning_share"].to_list() == [1.0, 0.5]
    assert table["hicra/accuracy"].to_list() == [None, 0.5]
    assert table["hicra/entropy_planning"].to_list() == [0.5, 1.0]
    assert table["hicra/entropy_execution"].to_list() == [None, pytest.approx((5 + 3 + 3) / 3)]
    assert table["hicra/ppl_execution"].to_list()[1] == pytest.approx(math.exp(11 / 3))
    assert table["hicra/mixed_groups"].to_list() == [None, 1.0]


def test_merged_parts_are_the_whole() -> None:
    texts, right = ["let me check", "so we need it", "plain words"], [1.0, 0.0, 1.0]
    parts = RowSums.merge([sums_of(texts[:1], right[:1]), sums_of(texts[1:], right[1:])])
    whole = sums_of(texts, right)
    assert parts.row.tolist() == whole.row.tolist() == [0, 1]
    assert parts.gram.tolist() == whole.gram.tolist()
    assert all(np.array_equal(parts.sums[name], whole.sums[name]) for name in whole.sums)


def test_an_interval_holds_its_value_and_counts_a_prompt_once() -> None:
    """Eight prompts, each with 1 or with 50 equal responses: the interval is the same, though there are 50 times the rows."""
    right = [1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 0.0]
    once = prompts_of(sums_of(["let me check"] * 8, right), list(range(8))).intervals()
    many = prompts_of(sums_of(["let me check"] * 400, right * 50), list(range(8)) * 50).intervals()
    assert once["hicra/accuracy"] == pytest.approx(many["hicra/accuracy"])
    low, high = once["hicra/accuracy"]
    assert 0 <= low < 0.5 < high <= 1
    # half of 8 prompts are right: the bootstrap's standard error is sqrt(.25 / 8) = 0.177, and +-1.96 of them 0.35
    assert (low, high) == pytest.approx((0.15, 0.85), abs=0.08)


def test_where_all_prompts_agree_the_interval_is_wilsons_and_lengths_have_none() -> None:
    found = prompts_of(sums_of(["let me check"] * 10, [1.0] * 10), list(range(10))).intervals()
    assert found["hicra/accuracy"] == pytest.approx(wilson_interval(10, 10))
    assert "hicra/length" not in found


def test_semantic_entropy_has_an_interval_around_it() -> None:
    texts = [
        "let me check so we need",
        "let me check",
        "so we need so we need",
        "let me check",
        "so we need",
        "so we need",
    ]
    low, high = prompts_of(sums_of(texts, [1.0] * 6), list(range(6))).intervals()["hicra/semantic_entropy"]
    # 3 of "let me check" and 5 of "so we need": 3/8 log(8/3) + 5/8 log(8/5) = 0.3678 + 0.2938
    assert low < 0.6616 < high
    assert high - low < 1


def test_when_there_is_none() -> None:
    rows = sums_of(["a"] * 4, [1.0, 0.0, 1.0, 0.0])
    assert prompts_of(rows, [0, 1, 2, 3]).intervals() == {}  # fewer than five prompts
    assert Prompts.of(rows, np.array([0, 1, -1, -1])) is None  # some say their prompt and some do not
    alone = prompts_of(sums_of(["a"] * 6, [1.0, 0.0] * 3), [-1] * 6)
    assert "hicra/accuracy" in alone.intervals()
    assert "hicra/mixed_groups" not in alone.intervals()


def test_diagnosing_gives_and_writes_them(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {
            "step": 3,
            "question": f"q{i // 2}",
            "group_id": i // 2,
            "response": "let me check " + "x " * (i + 1),
            "correct": i % 3 == 0,
        }
        for i in range(12)
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = diagnose([path], LEXICON, tokenizer=None, out=tmp_path / "run", on_bad="stop", max_bad=0.0)
    [of_step] = found["intervals"]
    low, high = of_step["hicra/accuracy"]
    assert low <= found["steps"][0]["hicra/accuracy"] <= high
    assert {"hicra/length", "hicra/planning_share", "hicra/mixed_groups", "hicra/pass_at_2"} <= set(of_step)
    saved = saved_intervals(tmp_path / "run")
    assert saved[3]["hicra/accuracy"] == pytest.approx([low, high])
    prompts = pl.read_parquet(tmp_path / "run" / "prompts.parquet")
    assert prompts["step"].to_list() == [3] * 6
    assert prompts["group_id"].to_list() == [str(i) for i in range(6)]
    assert prompts["prompt"].to_list() == [f"q{i}" for i in range(6)]
    assert prompts["rows"].to_list() == [2] * 6
    assert prompts["hicra/length"].to_list() == [4.5 + 2 * i for i in range(6)]  # words: 3 + (2i + 1), and one more


def test_what_no_row_allows_is_listed_with_what_it_needs(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"response": "let me check"}\n')
    found = diagnose([path], LEXICON, tokenizer=None, out=None, on_bad="stop", max_bad=0.0)
    assert found["left_out"]["hicra/accuracy"] == "correct or reward"
    assert found["left_out"]["hicra/entropy_planning"] == "entropies, planning_mask"
    assert "hicra/length" not in found["left_out"]
    assert "hicra/changed_share" not in found["left_out"]  # only a trainer knows it
    assert {one["name"] for one in found["unlooked"]} >= {"no_gradient", "reward_errors", "entropy_collapse"}
