"""`hicra tag` and `diagnose`: rows in, rows out, with hand-counted words, tokens and metrics."""

import json
import math

import polars as pl
import pytest

from hicra import Lexicon
from hicra.diagnose.diagnose import diagnose
from hicra.errors import ConfigError, DataError
from hicra.runs import RunFolder
from hicra.tagging import RowTagger, covered, tag_paths
from tokenizers_made import byte_level

LEXICON = Lexicon.from_phrases(["let me", "let me check", "so"])


def write(tmp_path, rows, name="rows.jsonl"):
    path = tmp_path / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def tag(path, out=None, **more):
    settings = {"tokenizer": None, "unit": "gram", "on_bad": "stop", "max_bad": 0.01, **more}
    return tag_paths([path], LEXICON, out=out, **settings)


def test_covered_counts_overlaps_once():
    assert covered([(0, 6, "a"), (0, 12, "b"), (20, 22, "c")]) == 14
    assert covered([(0, 10, "a"), (2, 4, "b"), (8, 12, "c")]) == 12
    assert covered([]) == 0


def test_covered_characters_of_rows_are_those_of_each():
    texts = ["so so let me check so", "", "let me", "x" * 50, "so let me check, so let me"]
    found = RowTagger(LEXICON).tag(texts)
    assert found.planning_chars.tolist() == [covered(spans) for spans in found.spans]


def test_words_are_numbered_alike_in_all_calls_or_not_at_all():
    tagger = RowTagger(LEXICON)
    assert [tagger.tag(["a b a", "c"]).ids.tolist(), tagger.tag(["b d"]).ids.tolist()] == [
        [[0, 1, 0], [2, 0, 0]],
        [[1, 3]],
    ]
    assert RowTagger(LEXICON, number_words=False).tag(["a b"]).ids.tolist() == [[0, 0]]


def test_words_by_hand():
    found = RowTagger(LEXICON).tag(["So let me check, now", "", "also so-so"])
    assert found.live.sum(axis=1).tolist() == [5, 0, 2]
    assert found.planning[0].tolist() == [True, True, True, True, False]
    assert found.planning[2, :2].tolist() == [False, True]
    assert found.planning_chars.tolist() == [2 + 12, 0, 4]
    assert list(zip(found.row, found.start, found.stop, strict=True)) == [
        (0, 0, 1),
        (0, 1, 3),
        (0, 1, 4),
        (2, 1, 2),
        (2, 1, 2),
    ]


def test_each_letter_of_a_script_without_spaces_is_a_word():
    tagger = RowTagger(Lexicon.from_phrases(["等一下", "so"]))
    found = tagger.tag(["嗯，等一下so 好。", "é so", ""])
    assert found.live.sum(axis=1).tolist() == [6, 2, 0]  # 嗯， 等 一 下 so 好。
    assert found.planning[0].tolist() == [False, True, True, True, True, False]
    assert found.planning[1, :2].tolist() == [False, True]
    assert found.ids[0, 4] == found.ids[1, 1]  # "so" has one number
    assert found.planning_chars.tolist() == [5, 2, 0]


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_one_row_out_a_row_in_duplicates_kept(tmp_path, ending):
    rows = [{"id": 1, "solution": "So, yes"}, {"id": 1, "solution": "So, yes"}, {"id": 2, "solution": "no\u2028let me"}]
    out = tmp_path / f"out [1].{ending}"
    result = tag(write(tmp_path, rows), out)
    table = pl.read_parquet(out.open("rb")) if ending == "parquet" else pl.read_ndjson(out.read_bytes())
    assert (result["rows"], result["tokens"], result["planning_tokens"], result["chars"]) == (3, 7, 4, 7 + 7 + 9)
    assert table.columns == ["id", "solution", "spans", "planning_chars"]
    assert table["id"].to_list() == [1, 1, 2]
    assert table["planning_chars"].to_list() == [2, 2, 6]


def test_masks_come_with_a_tokenizer(tmp_path):
    tokenizer = byte_level()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    text = "so let me check it"
    ids = tokenizer.encode(text).ids
    path = write(tmp_path, [{"solution": text}, {"solution": text, "token_ids": ids}])
    result = tag(path, tmp_path / "out.parquet", tokenizer=str(tmp_path))
    table = pl.read_parquet(tmp_path / "out.parquet")
    masks = table["planning_mask"].to_list()
    assert masks[0] == masks[1]
    assert len(masks[0]) == len(ids)
    assert sum(masks[0]) * 2 == result["planning_tokens"]
    assert 0 < sum(masks[0]) < len(ids)


def test_refusals_write_nothing(tmp_path):
    path = write(tmp_path, [{"solution": "a", "spans": []}])
    with pytest.raises(DataError, match="already has a column 'spans'"):
        tag(path, tmp_path / "out.parquet")
    with pytest.raises(ConfigError, match="unknown ending"):
        tag(path, tmp_path / "out.csv")
    with pytest.raises(ConfigError, match="no tokenizer"):
        tag(path, tokenizer=str(tmp_path / "absent"))
    assert [p.name for p in tmp_path.iterdir()] == ["rows.jsonl"]


def test_diagnose_by_hand(tmp_path):
    rows = [
        {"step": 100, "question": "q", "solution": "so we go on and on", "correct": True},
        {"step": 100, "question": "q", "solution": "let me check that this holds", "correct": False},
        {"step": 200, "question": "q", "solution": "nothing here", "correct": True},
    ]
    found = diagnose(
        [write(tmp_path, rows)], LEXICON, tokenizer=None, out=tmp_path / "run", on_bad="stop", max_bad=0.01
    )
    first, second = found["steps"]
    assert (first["step"], first["rows"], second["step"]) == (100, 2, 200)
    assert first["hicra/accuracy"] == 0.5
    assert first["hicra/length"] == 6  # words
    assert first["hicra/planning_share"] == pytest.approx(4 / 12)
    assert first["hicra/gram_hits"] == 2  # "let me" lies inside "let me check"
    assert first["hicra/semantic_entropy"] == pytest.approx(math.log(2))
    assert first["hicra/conditional_entropy"] == 0
    assert first["hicra/pass_at_2"] == 1
    assert first["hicra/entropy_planning"] is None
    assert second["hicra/planning_share"] == 0
    metrics = RunFolder.open(tmp_path / "run").metrics()
    assert [row["step"] for row in metrics] == [100, 200]  # the steps of the data


def test_diagnose_uses_token_values_where_they_fit(tmp_path):
    tokenizer = byte_level()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    ids = tokenizer.encode("so x").ids
    row = {"solution": "so x", "token_ids": ids, "entropies": [1.0] * len(ids), "logprobs": [-0.5] * len(ids)}
    found = diagnose([write(tmp_path, [row])], LEXICON, tokenizer=str(tmp_path), out=None, on_bad="stop", max_bad=0.01)
    assert found["steps"][0]["hicra/entropy_planning"] == 1.0
    assert found["steps"][0]["hicra/ppl_execution"] == pytest.approx(math.exp(0.5))


def test_a_trained_run_can_be_diagnosed_again(tmp_path):
    """Rollouts of a run folder are rows like any other."""
    run = RunFolder.create(tmp_path / "run", method="none", seed=0, config={})
    rows = [{"step": 1, "response": "so it is", "group_id": "a", "reward": 1.0, "correct": True}]
    run.write_rollouts(1, pl.DataFrame(rows))
    found = diagnose(run.rollout_files(), LEXICON, tokenizer=None, out=None, on_bad="stop", max_bad=0.01)
    assert found["steps"][0]["hicra/accuracy"] == 1
