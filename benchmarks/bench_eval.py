"""Claim: sampling in `hicra eval` costs at most 10 % more CPU than bare `generate` on the toy model, at most 3 % on a 135 M
model; all else (files, verdicts, figures) at most 2 ms a sample, beside hashing the weights once.

    python benchmarks/bench_eval.py -o benchmarks/baselines/bench_eval.json

Two ways to the same number of samples take turns in one thread with the model loaded beforehand: bare `model.generate` with
transformers' own sampling, in the same batches, decoded; and `evaluate`, which renders prompts, draws from a stream a
row, writes parts, judges, and computes figures and intervals. Samples end where they like, so what is compared is CPU time a
decoding step (the longest sample of each batch). The toy model is the worst case: a step is milliseconds long.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ |= {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}

import polars as pl
import torch

from hicra.evaluate.evaluate import evaluate
from hicra.evaluate.settings import EvalSettings, settings_of
from hicra.generation.folder import model_hash
from hicra.generation.interface import Made, Request
from hicra.generation.local import LocalModel
from hicra.generation.render import render
from machine import machine

# model: settings, and the largest overhead of sampling that is claimed
CASES: dict[str, tuple[dict[str, Any], float]] = {
    "plan-execute-strong": ({"questions": 128, "k": "4", "batch": 32, "max_new_tokens": 57}, 0.10),
    "smollm2-135m-instruct": ({"questions": 4, "k": "4", "batch": 16, "max_new_tokens": 12}, 0.03),
}
MOST_ELSE_MS = 2.0
DATA = {"plan-execute-strong": "plan_execute", "smollm2-135m-instruct": "arithmetic"}


class Loaded:
    """A generator that stays loaded, and knows how much of the time was sampling and how many steps that took."""

    def __init__(self, model: str, settings: EvalSettings) -> None:
        self.local = LocalModel(model, settings)
        self.seconds, self.steps = 0.0, 0

    def generate(self, requests: list[Request], settings: EvalSettings) -> list[Made]:
        began = time.process_time()
        made = self.local.generate(requests, settings)
        self.seconds += time.process_time() - began
        self.steps += max(one.tokens or 0 for one in made)
        return made

    def close(self) -> None:
        """Stays."""


def bare(loaded: Loaded, prompts: list[Any], settings: EvalSettings) -> tuple[float, int]:
    """CPU seconds and steps of transformers' own sampling."""
    local, began, steps = loaded.local, time.process_time(), 0
    for begin in range(0, len(prompts), settings.batch):
        texts = [render(local.tokenizer, prompt) for prompt in prompts[begin : begin + settings.batch]]
        inputs = local.tokenizer(
            [text for text, _ in texts],
            return_tensors="pt",
            padding=True,
            padding_side="left",
            add_special_tokens=texts[0][1],
        )
        with torch.no_grad():
            out = local.model.generate(
                input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"], do_sample=True,
                max_new_tokens=settings.max_new_tokens, temperature=settings.temperature, top_p=settings.top_p, top_k=0,
            )  # fmt: skip
        local.tokenizer.batch_decode(out[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
        steps += out.shape[1] - inputs["input_ids"].shape[1]
    return time.process_time() - began, steps


def measure(model: str, rounds: int) -> dict[str, Any]:
    """Both ways in turns; the first round warms up and is dropped."""
    given, most = CASES[model]
    settings = settings_of(given | {"temperature": 1.0, "top_p": 1.0, "threads": 1})
    loaded, samples = Loaded(model, settings), 0
    ratios: list[float] = []
    beside: list[float] = []
    hashing: list[float] = []
    from hicra.evaluate.questions import load

    questions = load(DATA[model], settings.template, settings.questions).questions
    prompts = [question.prompt for question in questions for _ in range(settings.samples("math"))]
    for number in range(rounds + 1):
        torch.manual_seed(number)
        spent, steps = bare(loaded, prompts, settings)
        loaded.seconds, loaded.steps = 0.0, 0
        with tempfile.TemporaryDirectory() as folder:
            began = time.process_time()
            found = evaluate(
                out=Path(folder) / "eval", model=model, data=[DATA[model]],
                settings=settings.model_copy(update={"seed": number}), generator=lambda *_: loaded,
            )  # fmt: skip
            whole = time.process_time() - began
            samples = pl.read_parquet(found["samples"]).height
        began = time.process_time()
        model_hash(loaded.local.folder)
        hashing.append(time.process_time() - began)
        if number:
            ratios.append((loaded.seconds / loaded.steps) / (spent / steps))
            beside.append(1000 * (whole - loaded.seconds - hashing[-1]) / samples)
    overhead, rest = statistics.median(ratios) - 1, statistics.median(beside)
    return {
        "samples": samples, "rounds": rounds, "sampling_overhead": overhead, "overheads": [ratio - 1 for ratio in ratios],
        "most": most, "else_ms_a_sample": rest, "hashing_s": statistics.median(hashing),
        "holds": overhead <= most and rest <= MOST_ELSE_MS,
    }  # fmt: skip


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--models", nargs="+", default=list(CASES), choices=list(CASES))
    arguments.add_argument("-o", "--out", type=Path)
    given = arguments.parse_args()
    cases = {model: measure(model, given.rounds) for model in given.models}
    result = machine("torch", "transformers") | {"cases": cases, "holds": all(case["holds"] for case in cases.values())}
    text = json.dumps(result, indent=2)
    print(text)
    if given.out:
        given.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
