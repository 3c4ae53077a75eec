"""`hicra eval` with real models: the draws, the toy model end to end, and a kill in the middle. Seconds."""

import json
import os
import signal
import subprocess
import sys
import time

import polars as pl
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
from safetensors.torch import load_file, save_file

from hicra.errors import ConfigError
from hicra.evaluate.evaluate import evaluate
from hicra.evaluate.settings import settings_of
from hicra.generation import models
from hicra.generation.interface import Request
from hicra.generation.local import Draw, LocalModel, draw
from hicra.tasks.base import make_task

pytestmark = pytest.mark.engine
MODEL = "plan-execute-strong"
TOY = {"k": "1,2,4", "temperature": 1.0, "top_p": 1.0, "questions": 24, "threads": 1, "batch": 16}

CHILD = """
import json, sys
from pathlib import Path
from hicra.evaluate.evaluate import evaluate
from hicra.evaluate.settings import settings_of
evaluate(out=Path(sys.argv[1]), settings=settings_of(json.loads(sys.argv[2])), model=sys.argv[3], data=["plan_execute"])
"""


def run(out, **given):
    return evaluate(out=out, settings=settings_of(TOY | given), model=MODEL, data=["plan_execute"])


def test_draws_by_hand():
    # sorted: 0.5 (token 2), 0.3 (token 0), 0.2 (token 1); top-p 0.6 keeps the first two, 0.8 in all
    probabilities = torch.tensor([[0.3, 0.2, 0.5]]).repeat(4, 1)
    uniform = torch.tensor([[0.0], [0.624], [0.626], [0.999]]).double()  # the edge is 0.5 / 0.8
    assert draw(probabilities, uniform, 0.6).flatten().tolist() == [2, 2, 0, 0]
    # all of it, in the order of the tokens: edges 0.3 and 0.5
    assert draw(probabilities, torch.tensor([[0.29], [0.31], [0.51], [0.999]]).double(), 1.0).flatten().tolist() == [
        0,
        1,
        2,
        2,
    ]
    # top-p below the likeliest token leaves that one
    assert draw(probabilities, uniform, 0.1).flatten().tolist() == [2, 2, 2, 2]


def test_draws_follow_the_distribution_also_past_the_likeliest():
    vocabulary, rows = 1000, 4000
    weights = torch.linspace(1, 2, vocabulary)  # flat: the nucleus holds far more than the 256 that are looked at first
    probabilities = (weights / weights.sum()).repeat(rows, 1)
    uniform = ((torch.arange(rows).double() + 0.5) / rows)[:, None]
    for top_p in (1.0, 0.9):
        drawn = draw(probabilities, uniform, top_p).flatten()
        kept = weights.sort(descending=True).values.cumsum(0) / weights.sum()
        size = int((kept < top_p).sum()) + 1 if top_p < 1 else vocabulary
        assert abs(len(drawn.unique()) - size) <= 3
        assert drawn.min() >= vocabulary - size - 1
        expected = weights[-size:] @ torch.arange(vocabulary - size, vocabulary).float() / weights[-size:].sum()
        assert drawn.float().mean() == pytest.approx(float(expected), abs=1.0)


def test_a_row_draws_the_same_whatever_stands_beside_it():
    scores = torch.randn(3, 50, generator=torch.Generator().manual_seed(0))
    alone, together = Draw([7], 2, 0.8, 0.9), Draw([5, 7, 6], 2, 0.8, 0.9)
    for _ in range(2):
        assert alone(None, scores[1:2]).argmax() == together(None, scores)[1].argmax()


def test_the_toy_model_end_to_end(tmp_path):
    found = run(tmp_path / "out")
    entry = found["files"]["plan_execute"]
    assert (entry["questions"], entry["samples"], entry["task"]) == (24, 96, "plan_execute")
    assert 0.05 < entry["avg_at_n"] < 0.6  # the warm start is right now and then
    assert entry["pass_at_k"]["4"] > entry["pass_at_k"]["1"]
    table = pl.read_parquet(found["samples"])
    task = make_task("plan_execute")
    rows = {row["id"]: row for row in task.rows("eval", 24, 0)}
    for one in table.to_dicts():
        again = task.score(one["response"], rows[one["group_id"]], not one["truncated"])
        assert again.correct == one["correct"]
        assert len(one["token_ids"]) == one["tokens"] <= task.max_new_tokens
    assert table.group_by("group_id").agg(pl.col("response").n_unique() > 1)["response"].any()


def test_killed_in_the_middle_it_goes_on_to_the_same_result(tmp_path):
    straight = run(tmp_path / "straight")
    out = tmp_path / "out"
    command = [sys.executable, "-c", CHILD, str(out), json.dumps(TOY), MODEL]
    child = subprocess.Popen(command, env=os.environ | {"OMP_NUM_THREADS": "1"}, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 120
    while child.poll() is None and len(list((out / "parts").glob("0*.parquet"))) < 2 and time.monotonic() < until:
        time.sleep(0.005)
    child.send_signal(signal.SIGKILL)
    child.wait()
    made = sorted((out / "parts").glob("0*.parquet"))
    assert 2 <= len(made) < 6  # of six parts
    before = {path.name: path.stat().st_mtime_ns for path in made}
    seen = []
    resumed = evaluate(
        out=out, settings=settings_of(TOY), model=MODEL, data=["plan_execute"], resume=True, say=seen.append,
        progress=lambda *_: seen.append({p.name: p.stat().st_mtime_ns for p in made if p.exists()}),
    )  # fmt: skip
    assert f"going on: {16 * len(made)} of 96 samples are there already" in seen
    assert seen[0] == before  # they were read, not made again
    assert resumed["files"] == straight["files"]
    frames = [pl.read_parquet(found["samples"]).drop("seconds") for found in (straight, resumed)]
    assert frames[0].equals(frames[1])


def test_greedy_is_generate_itself(tmp_path):
    settings = settings_of(TOY | {"k": "1", "temperature": 0, "max_new_tokens": 57})
    generator = LocalModel(MODEL, settings)
    prompts = [row["prompt"] for row in make_task("plan_execute").rows("eval", 6, 0)]
    made = generator.generate([Request(prompt, 0) for prompt in prompts], settings)
    for prompt, one in zip(prompts, made, strict=True):
        inputs = generator.tokenizer(prompt, return_tensors="pt", add_special_tokens=True)["input_ids"]
        alone = generator.model.generate(
            inputs, attention_mask=torch.ones_like(inputs), max_new_tokens=57, do_sample=False
        )
        assert one.ids == alone[0, inputs.shape[1] :].tolist()[: len(one.ids)]
        assert one.ended == (one.ids[-1] in generator.ends)


def test_a_prompt_that_fills_the_context_is_counted_not_hidden(tmp_path):
    words = " ".join(str(number % 9) for number in range(80))
    bench = tmp_path / "b.jsonl"
    bench.write_text("".join(json.dumps({"question": text, "answer": "1"}) + "\n" for text in (words * 2, "1 2 3")))
    found = evaluate(
        out=tmp_path / "out", settings=settings_of({"k": "1,2", "max_new_tokens": 8, "template": "question", "threads": 1}),
        model=MODEL, data=[str(bench)],
    )  # fmt: skip
    entry = found["files"][str(bench)]
    assert entry["prompts_too_long"] == 2
    assert entry["samples"] == 4
    assert any("context" in warning for warning in found["warnings"])


def test_a_folder_that_does_not_load_is_a_clear_error(tmp_path):
    broken = tmp_path / "model"
    broken.mkdir()
    for path in models.resolve(MODEL).iterdir():
        (broken / path.name).write_bytes(path.read_bytes())
    (broken / "model.safetensors").write_bytes(b"\x00" * 100)
    with pytest.raises(ConfigError, match="cannot load"):
        evaluate(out=tmp_path / "out", settings=settings_of(TOY), model=str(broken), data=["plan_execute"])
    weights = load_file(models.resolve(MODEL) / "model.safetensors")
    lost = weights.pop(sorted(weights)[3])
    assert lost.numel()
    save_file(weights, broken / "model.safetensors", {"format": "pt"})
    with pytest.raises(ConfigError, match="lacks 1 of its weights"):  # transformers would draw it at random
        evaluate(out=tmp_path / "out", settings=settings_of(TOY), model=str(broken), data=["plan_execute"])
