"""What lies in a folder and is not read is listed, and what surely holds no rows is not."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from hicra import corpus
from hicra.corpus.beside import left_out, may_hold_rows
from hicra.errors import DataError

ROW = json.dumps({"response": "so we add"}) + "\n"


def made(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(ROW)
    return folder


def beside(folder: Path) -> list[str]:
    return [str(Path(one["file"]).relative_to(folder)) for one in left_out(folder)]


def test_files_of_other_endings_are_listed(tmp_path: Path) -> None:
    made(tmp_path, "a.jsonl", "roll.csv", "b.jsonl.tmp", "b.json", "no_ending", ".hidden.csv", "old.jsonl.bz2")
    (tmp_path / "_SUCCESS").touch()
    assert beside(tmp_path) == ["b.json", "b.jsonl.tmp", "no_ending", "old.jsonl.bz2", "roll.csv"]
    reasons = {Path(one["file"]).name: one["reason"] for one in left_out(tmp_path)}
    assert "no files of this ending" in reasons["roll.csv"]
    assert "name the file to read it" in reasons["b.json"]
    assert left_out([tmp_path, tmp_path / "b.json"]) == [
        one for one in left_out(tmp_path) if Path(one["file"]).name != "b.json"
    ]
    assert left_out(tmp_path / "a.jsonl") == []


def test_inner_folders_with_rollouts_are_listed_where_they_are_not_opened(tmp_path: Path) -> None:
    made(tmp_path, "a.jsonl", "more/deep/b.jsonl", "notes/n.md", "lexicon/grams.parquet", "lexicon/lexicon.json")
    made(tmp_path, "run/rollouts/step-000001.parquet", "run/hicra.json")
    assert beside(tmp_path) == ["more"]
    assert left_out([tmp_path, tmp_path / "more"]) == []


def test_where_inner_folders_are_read_what_lies_around_is_listed(tmp_path: Path) -> None:
    made(tmp_path, "roll.csv", "x/a.jsonl", "x/x.csv", "y/y.tsv")
    assert [path.name for path in corpus.files_of(tmp_path)] == ["a.jsonl"]
    assert beside(tmp_path) == ["roll.csv", "x/x.csv", "y/y.tsv"]


@pytest.mark.parametrize(
    "names",
    [
        ("hicra.json", "metrics.jsonl", "method.json", "report.html", "rollouts/step-000001.parquet", "final/config.json"),
        ("completions/completions_00001.parquet", "config.json", "README.md", "model.safetensors", "training_args.bin",
         "checkpoint-5/trainer_state.json", "merges.txt", "runs/x/events.out.tfevents.17.host.1.0"),
        ("1.jsonl", "2.jsonl"),
        ("README.md", ".gitattributes", "data/train-00000.parquet", "dataset_infos.json", "LICENSE"),
        ("README.md", "LICENSE.txt", "config.json", "model.safetensors.index.json", "tokenizer.model", "rollouts.jsonl",
         "make.py", "run.log", "curve.png"),
    ],
)  # fmt: skip
def test_folders_of_runs_and_of_the_hub_are_quiet(tmp_path: Path, names: tuple[str, ...]) -> None:
    made(tmp_path, *names)
    assert corpus.files_of(tmp_path)
    assert [one for one in beside(tmp_path) if may_hold_rows(Path(one).name)] == []


def test_settings_are_never_taken_for_the_rollouts_of_a_folder(tmp_path: Path) -> None:
    made(tmp_path, "config.json", "completions/completions_00001.parquet")
    assert [path.name for path in corpus.files_of(tmp_path)] == ["completions_00001.parquet"]
    assert corpus.files_of(tmp_path / "config.json") == [tmp_path / "config.json"]  # a file that is named is read


def test_a_folder_without_rollouts_says_what_it_holds(tmp_path: Path) -> None:
    made(tmp_path, "a.csv", "b.csv", "c.csv", "d.csv")
    with pytest.raises(DataError, match=r"holds no \.jsonl.* file; it holds a\.csv, b\.csv, c\.csv and 1 more"):
        corpus.files_of(tmp_path)


def test_a_name_is_proposed_only_where_it_is_near(tmp_path: Path) -> None:
    made(tmp_path, "tagged.jsonl", "rollouts.jsonl.gz", "notes.txt")
    for word, near in (
        ("rolouts.jsonl", "rollouts.jsonl.gz"),
        ("rollouts.jsonl", "rollouts.jsonl.gz"),
        ("Tagged", "tagged.jsonl"),
    ):
        with pytest.raises(DataError) as caught:
            corpus.files_of(tmp_path / word)
        assert caught.value.fix == f"did you mean {tmp_path / near}?"
    for word in ("nothere.jsonl", "x.jsonl", "data.parquet"):
        with pytest.raises(DataError) as caught:
            corpus.files_of(tmp_path / word)
        assert caught.value.fix == "check the path"


def test_standard_input_is_refused_by_name(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in ("-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0", tmp_path / "pipe"):
        with pytest.raises(DataError, match="reads files, and no standard input(.|\n)*rows.jsonl"):
            corpus.files_of(path)
