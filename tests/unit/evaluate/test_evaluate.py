"""Whole evaluations with a made-up generator: files, resume, refusals, the result. No torch."""

import gzip
import json
from itertools import product

import polars as pl
import pytest

from hicra.errors import ArtifactError, ConfigError, DataError
from hicra.evaluate.evaluate import evaluate
from hicra.evaluate.questions import load
from hicra.evaluate.settings import parse_k, settings_of
from hicra.generation.interface import Made, seed_of
from hicra.runs.lock import one_writer

ROWS = [{"id": f"q{i}", "question": f"What is {i} + {i}?", "answer": str(2 * i)} for i in range(10)]


def write(path, rows, opener=open):
    with opener(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    return str(path)


@pytest.fixture
def bench(tmp_path):
    return write(tmp_path / "bench.jsonl.gz", ROWS, gzip.open)


@pytest.fixture
def model(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    for name in ("config.json", "tokenizer.json"):
        (folder / name).write_text("{}")
    (folder / "model.safetensors").write_bytes(b"weights")
    return str(folder)


class Fake:
    """Right where the seed is even, in a box or bare by the seed; counts what it is asked, and can be stopped."""

    def __init__(self, stop_after=10**9):
        self.asked, self.stop_after = [], stop_after

    def __call__(self, model, settings):
        return self

    def generate(self, requests, settings):
        if len(self.asked) >= self.stop_after:
            raise KeyboardInterrupt
        self.asked += requests
        return [self.one(request) for request in requests]

    def one(self, request):
        number = int(request.prompt[-1]["content"].split("What is ")[1].split(" +")[0])
        value = 2 * number + request.seed % 2
        text = f"\\boxed{{{value}}}" if request.seed % 3 else f"It is {value}"
        return Made(text, [1] * (request.seed % 7 + 1), request.seed % 7 + 1, request.seed % 5 > 0, "prompt")

    def close(self):
        pass


def run(out, model, data, fake=None, **given):
    settings = settings_of({"k": "1,2,4", "batch": 8} | given)
    data = [data] if isinstance(data, str) else data
    return evaluate(out=out, settings=settings, model=model, data=data, resume=True, generator=fake or Fake())


def test_the_result_has_what_the_contract_names(tmp_path, model, bench):
    found = run(tmp_path / "out", model, bench)
    entry = found["files"][bench]
    assert {"questions", "samples", "avg_at_n", "pass_at_k", "ci", "verdicts"} <= set(entry)
    assert (entry["questions"], entry["samples"], entry["n"]) == (10, 40, [4, 4])
    assert set(entry["pass_at_k"]) == {"1", "2", "4"}
    assert entry["pass_at_k"]["1"] == entry["avg_at_n"]
    assert entry["ci"][0] < entry["avg_at_n"] < entry["ci"][1]
    assert sum(entry["verdicts"].values()) == 40
    seeds = [seed_of(0, row["id"], sample) for row, sample in product(ROWS, range(4))]
    assert entry["modes"]["lenient"]["avg_at_n"] == sum(seed % 2 == 0 for seed in seeds) / 40
    assert entry["avg_at_n"] == sum(seed % 2 == 0 and seed % 3 > 0 for seed in seeds) / 40
    assert entry["verdicts"]["no_answer"] == sum(seed % 3 == 0 for seed in seeds)
    assert entry["truncated_share"] == sum(seed % 5 == 0 for seed in seeds) / 40
    assert "for these questions" in found["text"]
    assert "for questions like these" in found["text"]

    manifest = json.loads((tmp_path / "out" / "eval.json").read_text())
    assert (manifest["kind"], manifest["schema_version"], manifest["complete"]) == ("hicra.eval", 1, True)
    assert manifest["files"][bench]["avg_at_n"] == entry["avg_at_n"]
    assert len(manifest["inputs"][bench]) == len(manifest["model"]["sha256"]) == 64
    table = pl.read_parquet(tmp_path / "out" / "samples.parquet")
    assert table.height == 40
    assert table["id"].n_unique() == 40
    assert table.filter(pl.col("group_id") == "q3")["answer"].unique().to_list() == ["6"]
    assert not (tmp_path / "out" / "parts").exists()


def test_an_interrupted_evaluation_goes_on_and_gives_the_same(tmp_path, model, bench):
    straight = run(tmp_path / "straight", model, bench)
    first, second = Fake(stop_after=16), Fake()
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "out", model, bench, first)
    assert not json.loads((tmp_path / "out" / "eval.json").read_text())["complete"]
    resumed = run(tmp_path / "out", model, bench, second)
    assert (len(first.asked), len(second.asked)) == (16, 24)
    assert not {request.seed for request in first.asked} & {request.seed for request in second.asked}
    assert resumed["files"] == straight["files"]
    frames = [pl.read_parquet(tmp_path / name / "samples.parquet").drop("seconds") for name in ("straight", "out")]
    assert frames[0].equals(frames[1])


def test_a_torn_part_is_made_again(tmp_path, model, bench):
    straight = run(tmp_path / "straight", model, bench)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "out", model, bench, Fake(stop_after=24))
    parts = sorted((tmp_path / "out" / "parts").iterdir())
    assert len(parts) == 3
    parts[1].write_bytes(parts[1].read_bytes()[:100])
    (tmp_path / "out" / "parts" / ".tmp-left.parquet").write_bytes(b"half")
    again = Fake()
    assert run(tmp_path / "out", model, bench, again)["files"] == straight["files"]
    assert len(again.asked) == 24  # two parts that were never made, and the torn one


def test_a_complete_evaluation_is_read_not_made_again(tmp_path, model, bench):
    run(tmp_path / "out", model, bench, n=4)
    nobody = Fake(stop_after=0)
    found = run(tmp_path / "out", model, bench, nobody, n=4, k="1,3", mode="strict")
    assert set(found["files"][bench]["pass_at_k"]) == {"1", "3"}
    assert found["files"][bench]["mode"] == "strict"
    with pytest.raises(ArtifactError, match="already exists"):
        evaluate(out=tmp_path / "out", settings=settings_of({}), model=model, data=[bench], resume=False)


@pytest.mark.parametrize(
    "changed", [{"temperature": 0.7}, {"seed": 5}, {"n": 5}, {"template": "question"}, {"batch": 4}]
)
def test_other_settings_are_refused(tmp_path, model, bench, changed):
    run(tmp_path / "out", model, bench)
    with pytest.raises(ArtifactError, match=f"settings.{next(iter(changed))}") as caught:
        run(tmp_path / "out", model, bench, **changed)
    assert "another -o" in caught.value.fix


def test_another_model_or_file_is_refused(tmp_path, model, bench):
    run(tmp_path / "out", model, bench)
    (tmp_path / "model" / "model.safetensors").write_bytes(b"others")
    with pytest.raises(ArtifactError, match="model.sha256"):
        run(tmp_path / "out", model, bench)
    (tmp_path / "model" / "model.safetensors").write_bytes(b"weights")
    write(tmp_path / "bench.jsonl.gz", ROWS[:-1], gzip.open)
    with pytest.raises(ArtifactError, match="inputs"):
        run(tmp_path / "out", model, bench)


def test_a_start_without_a_sample_blocks_no_other(tmp_path, model, bench):
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "out", model, bench, Fake(stop_after=0))
    assert run(tmp_path / "out", model, bench, seed=3)["files"][bench]["samples"] == 40


def test_a_sample_does_not_depend_on_batch_or_neighbours(tmp_path, model, bench):
    wide, narrow = (run(tmp_path / str(batch), model, bench, batch=batch) for batch in (64, 4))
    few = run(tmp_path / "few", model, bench, questions=3)
    assert wide["files"][bench]["verdicts"] == narrow["files"][bench]["verdicts"]
    texts = [
        pl.read_parquet(made["samples"]).filter(pl.col("group_id") == "q1")["response"].to_list()
        for made in (wide, narrow, few)
    ]
    assert texts[0] == texts[1] == texts[2]
    assert len({seed_of(0, "q", 0), seed_of(0, "q", 1), seed_of(1, "q", 0), seed_of(0, "p", 0)}) == 4


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "holds no question"),
        ([{"id": "a", "answer": "1"}], "line 1.*no column 'question'"),
        ([{"id": "a", "question": "x?"}], "line 1.*no column 'answer'"),
        ([ROWS[0], {"id": "b", "question": "x?", "answer": ""}], "line 2.*answer"),
        ([ROWS[0], {"id": "b", "question": "x?", "answer": None}], "line 2.*answer"),
        ([ROWS[0], {"id": "b", "question": "", "answer": "1"}], "line 2.*question"),
        ([ROWS[0], ROWS[1], ROWS[0]], "line 3.*'q0'.*line 1"),
    ],
)
def test_bad_benchmarks_are_refused_by_line(tmp_path, model, rows, message):
    with pytest.raises(DataError, match=message):
        run(tmp_path / "out", model, write(tmp_path / "bad.jsonl", rows))
    assert not (tmp_path / "out").exists()


def test_other_refusals(tmp_path, model, bench):
    with pytest.raises(ConfigError, match="no such file"):
        run(tmp_path / "out", model, str(tmp_path / "benhc.jsonl.gz"))
    (tmp_path / "model" / "tokenizer.json").unlink()
    with pytest.raises(ConfigError, match="no tokenizer"):
        run(tmp_path / "out", model, bench)
    (tmp_path / "model" / "tokenizer.json").write_text("{}")
    (tmp_path / "model" / "model.safetensors").rename(tmp_path / "model" / "model.bin")
    with pytest.raises(ConfigError, match="safetensors"):
        run(tmp_path / "out", model, bench)
    with pytest.raises(ConfigError, match="twice"):
        run(tmp_path / "out", model, [bench, bench])
    (tmp_path / "run" / "final").mkdir(parents=True)
    (tmp_path / "run" / "hicra.json").write_text("{}")
    with pytest.raises(ConfigError, match="run folder") as caught:
        run(tmp_path / "out", str(tmp_path / "run"), bench)
    assert caught.value.fix.endswith("final")
    with pytest.raises(ConfigError, match="no benchmark"):
        run(tmp_path / "out", model, [])
    with pytest.raises(ConfigError, match="one of the two"):
        evaluate(out=tmp_path / "out", settings=settings_of({}), data=[bench])
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"k": "1,8", "n": 4}, "pass@8 cannot be had from 4"),
        ({"k": "0"}, "k is 0"),
        ({"k": "1,x"}, "whole numbers"),
        ({"temprature": 1.0}, "temperature"),
        ({"temperature": -1}, "temperature"),
        ({"template": "boxd"}, "did you mean 'boxed'"),
        ({"mode": "exact"}, "mode"),
        ({"engine": "endpoint"}, "endpoint"),
    ],
)
def test_bad_settings(given, message):
    with pytest.raises(ConfigError, match=message):
        settings_of(given)


def test_settings():
    assert parse_k("8,1,4,1") == (1, 4, 8)
    assert settings_of({"k": "1,8"}).samples("math") == 8
    with pytest.raises(ConfigError, match="temperature 0"):
        settings_of({"k": "1,8", "temperature": 0}).samples("math")
    paper = settings_of({}, preset="paper")
    assert (paper.temperature, paper.top_p, paper.mode, paper.template) == (0.6, 0.95, "strict", "paper")
    assert [paper.samples(kind) for kind in ("aime24", "amc23", "math500")] == [32, 4, 1]
    assert settings_of({"temperature": 1.0}, preset="paper").temperature == 1.0


def test_gold_formats(tmp_path, model):
    rows = [{"question": "x?", "answer": "So 2 * 3 = <<2*3=6>>6.\n#### 6"}]
    loaded = load(write(tmp_path / "gsm.jsonl", rows), "boxed")
    assert (loaded.kind, loaded.questions[0].golds[0].answers) == ("gsm8k", ("6",))
    named = load(f"aime24={write(tmp_path / 'aime.jsonl', ROWS)}", "boxed")
    assert (named.kind, named.name) == ("aime24", str(tmp_path / "aime.jsonl"))
    both = load(
        write(tmp_path / "bad.jsonl", [ROWS[1], {"id": "w", "question": "What is 3 + 3?", "answer": "..."}]), "boxed"
    )
    assert [question.id for question in both.questions] == ["q1"]
    found = run(tmp_path / "out", model, str(tmp_path / "bad.jsonl"))
    assert found["files"][str(tmp_path / "bad.jsonl")]["bad_gold"] == ["line 2: ..."]
    assert "left out" in found["text"]
    assert found["warnings"]


def test_parquet_and_several_files(tmp_path, model, bench):
    pl.DataFrame(ROWS[:3]).write_parquet(tmp_path / "b.parquet")
    other = str(tmp_path / "b.parquet")
    found = run(tmp_path / "out", model, [bench, other])
    assert [found["files"][name]["samples"] for name in (bench, other)] == [40, 12]


def test_own_tasks_are_judged_by_their_own_scorer(tmp_path, model):
    class Adds(Fake):
        def one(self, request):
            return Made("no box", [1], 1, True, "prompt")

    found = run(tmp_path / "out", model, "arithmetic", Adds(), questions=5, k="1")
    entry = found["files"]["arithmetic"]
    assert (entry["questions"], entry["task"], entry["template"]) == (5, "arithmetic", "task")
    assert entry["verdicts"]["no_answer"] == 5


def test_only_one_process_writes(tmp_path, model, bench):
    run(tmp_path / "out", model, bench)
    with one_writer(tmp_path / "out"), pytest.raises(ArtifactError, match="is being written by process"):
        run(tmp_path / "out", model, bench)


def test_a_second_start_leaves_what_the_first_one_asks_for(tmp_path, model, bench):
    """It comes before the first sample, when nothing would be lost yet but what the folder says of itself."""
    out, refused = tmp_path / "out", []

    class Rival(Fake):
        def one(self, request):
            if not refused:
                settings = settings_of({"seed": 3})
                for again in ({}, {"overwrite": True}):
                    with pytest.raises(ArtifactError, match="is being written by process") as error:
                        evaluate(out=out, settings=settings, model=model, data=[bench], generator=Fake(), **again)
                    refused.append(error)
            return super().one(request)

    run(out, model, bench, Rival())
    assert len(refused) == 2
    assert json.loads((out / "eval.json").read_text())["settings"]["seed"] == 0
    assert sorted(entry.name for entry in out.iterdir()) == ["eval.json", "samples.parquet"]
    assert [entry.name for entry in tmp_path.iterdir() if "lock" in entry.name] == []


def test_a_row_without_an_answer_is_named_once(tmp_path, model):
    path = write(tmp_path / "b.jsonl", [ROWS[0], ROWS[1] | {"answer": None}])
    with pytest.raises(DataError) as error:
        run(tmp_path / "out", model, path)
    assert error.value.message == f"{path} line 2: answer of the row is empty or without a box"
