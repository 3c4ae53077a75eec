"""Rows with the tokens that a run recorded are counted by them, without a tokenizer."""

import json

import polars as pl
import pytest

from hicra import Lexicon
from hicra.diagnose.diagnose import diagnose
from hicra.diagnose.own_tokens import have_own_tokens
from hicra.findings import Evidence
from hicra.findings.laid_spans import spans_of
from hicra.runs import RunFolder

# tokens: "let| me| che|ck| 17|<end>"; the end token spells nothing. The span "let me check" holds the first four.
ROW = {
    "step": 1, "response": "let me check 17", "reward": 1.0, "group_id": "a", "token_ids": [5, 6, 7, 8, 9, 0],
    "token_ends": [3, 6, 10, 12, 15, 15], "entropies": [0.9, 0.8, 0.2, 0.1, 0.0, 0.3],
    "tool_outputs": [{"at": 12, "text": "42"}], "n_tool_calls": 1,
}  # fmt: skip


def measured(tmp_path, rows, **more):
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    settings = {"tokenizer": None, "out": tmp_path / "run", "on_bad": "stop", "max_bad": 0.0} | more
    return diagnose([path], Lexicon.from_phrases(["let me check"]), **settings)


def test_shares_lengths_and_entropies_are_of_the_recorded_tokens(tmp_path):
    found = measured(tmp_path, [ROW])
    [step] = found["steps"]
    assert (found["counts"], found["warnings"]) == ("tokens", [])
    assert (step["hicra/length"], step["hicra/gram_hits"]) == (6, 1)
    assert step["hicra/planning_share"] == pytest.approx(4 / 6)
    assert step["hicra/entropy_planning"] == pytest.approx((0.9 + 0.8 + 0.2 + 0.1) / 4)
    assert step["hicra/entropy_execution"] == pytest.approx((0.0 + 0.3) / 2)


def test_the_run_folder_keeps_tokens_and_outputs_of_tools_so_every_share_is_of_tokens(tmp_path):
    measured(tmp_path, [ROW])
    run = RunFolder.open(tmp_path / "run")
    [table] = run.rollouts()
    assert table["planning_mask"].to_list() == [[1, 1, 1, 1, 0, 0]]
    assert table["token_ends"].to_list() == [ROW["token_ends"]]
    assert table["tool_outputs"].to_list() == [ROW["tool_outputs"]]
    spans = spans_of(Evidence.of(run))
    assert spans.counts == "tokens"
    [one] = spans.laid
    assert (one.start.tolist(), one.stop.tolist(), one.size) == ([0], [4], 6)


@pytest.mark.parametrize(
    "wrong",
    [{"token_ends": [3, 6]}, {"token_ends": None}, {"token_ids": None}, {"token_ends": [3, 6, 10, 12, 15, 99]},
     {"token_ends": [3, 6, 5, 12, 15, 15]}, {"token_ends": [3, None, 10, 12, 15, 15]}],
    ids=["short", "no ends", "no ids", "behind the text", "falling", "null"],
)  # fmt: skip
def test_one_row_whose_tokens_do_not_fit_has_words_counted_everywhere(tmp_path, wrong):
    found = measured(tmp_path, [ROW, ROW | {"group_id": "b"} | wrong])
    assert found["counts"] == "words"
    assert found["steps"][0]["hicra/length"] == 4
    [table] = RunFolder.open(tmp_path / "run").rollouts()
    assert "token_ends" not in table.columns


def test_other_types_are_no_tokens():
    assert not have_own_tokens(pl.DataFrame())
    assert not have_own_tokens(pl.DataFrame({"response": ["a"], "token_ids": [[1]], "token_ends": [["1"]]}))
    assert have_own_tokens(pl.DataFrame({"response": ["a"], "token_ids": [[1]], "token_ends": [[1]]}))
