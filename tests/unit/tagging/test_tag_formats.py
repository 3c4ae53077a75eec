"""`tag_paths` on rows whose response is no column of the input: lists, conversations, token ids."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hicra import Lexicon
from hicra.corpus.turns import WALL
from hicra.errors import DataError
from hicra.tagging import tag_paths
from tokenizers_made import byte_level

LEXICON = Lexicon.from_phrases(["let me", "so"])


def tag(tmp_path: Path, rows: list[dict[str, Any]], **more: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    settings = {"tokenizer": None, "unit": "gram", "on_bad": "stop", "max_bad": 0.01, **more}
    result = tag_paths([path], LEXICON, out=tmp_path / "out.jsonl", **settings)
    return result, [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]


def marked(row: dict[str, Any], column: str) -> list[str]:
    return [row[column][span["start"] : span["end"]] for span in row["spans"]]


def test_each_of_several_responses_is_a_row_and_offsets_are_of_its_text(tmp_path: Path) -> None:
    row = {"texts": ["so it is", "now let me"], "ok": [1, 0], "n": 3}
    result, found = tag(tmp_path, [row], mapping={"response": "texts", "correct": "ok"})
    assert (result["rows"], result["text_column"]) == (2, "response")
    assert [one["texts"] for one in found] == [row["texts"]] * 2  # the input's own columns stay
    assert [marked(one, "response") for one in found] == [["so"], ["let me"]]


def test_a_conversation_is_written_as_the_text_that_was_tagged(tmp_path: Path) -> None:
    messages = [{"role": "assistant", "content": "so let"}, {"role": "assistant", "content": "me go"}]
    result, [found] = tag(tmp_path, [{"messages": messages, "response": None}])
    assert found["tagged_response"] == f"so let{WALL}me go"
    assert marked(found, "tagged_response") == ["so"]
    assert (found["messages"], found["response"]) == (messages, None)
    assert result["tokens"] == 4  # what stands between the turns is no word


def test_a_column_that_is_the_response_is_not_written_twice(tmp_path: Path) -> None:
    result, [found] = tag(tmp_path, [{"solution": "so"}])
    assert result["text_column"] is None
    assert list(found) == ["solution", "spans", "planning_chars"]


def test_token_ids_without_a_text(tmp_path: Path) -> None:
    tokenizer = byte_level()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    ids = tokenizer.encode("so let me see").ids
    row = {"prompt_tokens": ids[:1], "response_tokens": ids, "reward": 1.0, "step": 1, "prompt_idx": 0}
    with pytest.raises(DataError, match="1 of 1 rows have token ids and no text") as error:
        tag(tmp_path, [row])
    assert "--tokenizer DIR" in error.value.fix
    result, [found] = tag(tmp_path, [row], tokenizer=str(tmp_path))
    assert found["response"] == "so let me see"
    assert marked(found, "response") == ["so", "let me"]
    assert len(found["planning_mask"]) == len(ids) == result["tokens"]
    assert sum(found["planning_mask"]) == result["planning_tokens"]


@pytest.mark.slow
def test_workers_and_parquet_write_the_same(tmp_path: Path) -> None:
    rows = [{"texts": [f"so {i}", f"let me {i}"]} for i in range(600)]
    _, found = tag(tmp_path, rows, mapping={"response": "texts"}, workers=2)
    path = tmp_path / "rows.jsonl"
    out = tmp_path / "out.parquet"
    tag_paths([path], LEXICON, tokenizer=None, unit="gram", out=out, on_bad="stop", max_bad=0.0,
              mapping={"response": "texts"})  # fmt: skip
    assert pl.read_parquet(out).to_dicts() == found
    assert len(found) == 1200
