"""Measures and trains a real model on one GPU within ten minutes: `python gpu.py -o DIR`; `--tiny` does the same on a CPU.

1. The signal of SmolLM2-135M on arithmetic by two lexicons: 16 batches of 32 prompts x 8 rollouts, all parameters,
   projected. Where `MEASURING` seconds are too few for 16 batches, as many as fit.
2. Two arms, `none` and `hicra`, trained on the same problems for as many steps as fit into `TRAINING` seconds, the same number
   each, with `signal_every`. Three steps are trained first, and thrown away, to learn what one takes.
3. DIR/gpu.json has all figures with the name of the card, DIR/gpu.svg the picture, DIR/report.html the page of both.

Weights and gradients of the meter are float32, and it samples in float32 too: rollouts of a rounded policy would be judged at
another one. Training is in bf16 where there is a GPU, with float32 weights, as `hicra train` does there by itself.

One seed and some dozens of steps: the curves of the two arms show that the path works, and decide nothing.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

os.environ |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}

import torch
from collect import rounded
from measure import GIVEN, LEXICONS, METHODS, MODEL, TASK, measure_batch, taggers_of
from tables import picture

from gpu_card import card, missing_gpu
from hicra.artifacts import canonical_json, write_text
from hicra.engines.held_out import read_evaluation
from hicra.engines.train import train
from hicra.generation.folder import model_folder
from hicra.lexicon import Lexicon
from hicra.report import build_report
from hicra.runs import RunFolder
from hicra.runs.config import load_config
from hicra.signal.methods import read_methods
from hicra.signal.parameters import chosen_parameters
from hicra.signal.parts import MeasuredBatch
from hicra.signal.products import EXECUTION, PLANNING
from hicra.signal.settings import LEAST_BATCHES, SignalSettings
from hicra.signal.totals import told
from hicra.signal.weights import load_model
from hicra.tasks.base import make_task
from machine import machine

MEASURING, TRAINING = 210, 210  # seconds; loading, evaluating on the CPU and writing take the rest of ten minutes
ARMS, FIRST = ("none", "hicra"), 3


@dataclass(frozen=True)
class Size:
    """What is measured and trained."""

    model: str = MODEL
    task: str = TASK
    given: dict[str, Any] = field(default_factory=lambda: dict(GIVEN))
    lexicons: tuple[str, ...] = LEXICONS
    signal: dict[str, Any] = field(
        default_factory=lambda: {
            "batches": 16, "prompts": 32, "group": 8, "max_new_tokens": 48, "parameters": "all", "project": 8192, "micro": 64,
        }
    )  # fmt: skip
    train: dict[str, Any] = field(
        default_factory=lambda: {
            "prompts_per_step": 32, "group_size": 8, "micro_batch": 64, "max_new_tokens": 48, "learning_rate": 1e-5,
            "signal_every": 5, "threads": min(8, os.cpu_count() or 1),
        }
    )  # fmt: skip
    most_steps: int = 200
    problems: int = 32


TINY = Size(
    model="plan-execute-strong", task="plan_execute", given={}, lexicons=("plan_execute", "paper"),
    signal={"batches": 3, "prompts": 6, "group": 4, "parameters": "all", "project": 512, "threads": 1},
    train={"prompts_per_step": 4, "group_size": 4, "learning_rate": 6e-4, "signal_every": 2}, most_steps=4, problems=8,
)  # fmt: skip


def lexicon_of(name: str, task: Any) -> Lexicon:
    """The lexicon of that name; the embedded task's own phrases by the task's name."""
    return Lexicon.from_phrases(task.phrases, name=name) if name == task.name else Lexicon.load(name)


def measured(size: Size) -> list[dict[str, Any]]:
    """The results of the meter, one for each lexicon."""
    began, task = time.monotonic(), make_task(size.task, **size.given)
    settings = SignalSettings(methods=METHODS, **size.signal)
    loaded = load_model(model_folder(size.model), settings)
    taggers = taggers_of({name: lexicon_of(name, task) for name in size.lexicons}, loaded[1], settings)
    parameters = chosen_parameters(loaded[0].eval(), settings.parameters)
    parts: dict[str, list[MeasuredBatch]] = {name: [] for name in size.lexicons}
    for number in range(settings.batches):
        spent = time.monotonic() - began
        if number >= LEAST_BATCHES and spent * (number + 1) / number > MEASURING:
            break
        for name, part in measure_batch(loaded, task, taggers, settings, parameters, number).items():
            parts[name].append(part)
        print(f"batch {number}: {time.monotonic() - began:.0f} s so far", flush=True)
    return [one_result(name, made, settings) for name, made in parts.items()]


def one_result(name: str, parts: list[MeasuredBatch], settings: SignalSettings) -> dict[str, Any]:
    """The result of one lexicon, with the keys of `hicra signal` that the tables read."""
    _, found = told(parts, list(read_methods(settings.methods)), (PLANNING, EXECUTION))
    return {"name": name, **found, "seconds": int(sum(part.about["seconds"] for part in parts))}


def trained(size: Size, out: Path) -> dict[str, Any]:
    """Trains both arms for as many steps as fit."""
    began = time.monotonic()
    first = _train(size, ARMS[0], out / "first", FIRST, problems=0)
    step = first[-1] - first[-2]
    start = first[0] - began - step  # loading, which every run pays
    left = TRAINING - (time.monotonic() - began) - len(ARMS) * start
    steps = max(FIRST, min(size.most_steps, int(left / (len(ARMS) * step))))
    arms = {}
    for arm in ARMS:
        _train(size, arm, out / arm, steps, size.problems)
        run = RunFolder.open(out / arm)
        arms[arm] = {"evaluation": read_evaluation(run), "steps": run.metrics()}
    return {"steps": steps, "seconds_a_step": step, "seconds_to_start": start, "arms": arms}


def _train(size: Size, arm: str, out: Path, steps: int, problems: int) -> list[float]:
    """Trains one arm; gives the time at the end of each step."""
    ends: list[float] = []
    given = {"train": dict(size.train, steps=steps, save_steps=steps, warmup_steps=0), "eval": {"problems": problems}}
    task = {"name": size.task, "settings": size.given}
    words = size.lexicons[0]
    if words == size.task:
        write_text(out.parent / "phrases.txt", "\n".join(make_task(size.task).phrases) + "\n")  # type: ignore[attr-defined]
        words = str(out.parent / "phrases.txt")
    base = given | {"task": task, "model": {"name": size.model}, "lexicon": words, "log": {"rollouts_every": 10}}
    config, _ = load_config(None, method=arm, base=base)
    train(
        config, out, resume=False, overwrite=True, say=print, progress=lambda step, values: ends.append(time.monotonic())
    )  # fmt: skip
    return ends


def main() -> int:
    """Measures, trains and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--tiny", action="store_true", help="the embedded model and a few steps, on a CPU")
    options = parser.parse_args()
    if missing_gpu(options.tiny, "--tiny"):
        return 2
    began, size = time.monotonic(), TINY if options.tiny else Size()
    options.output.mkdir(parents=True, exist_ok=True)
    results = measured(size)
    training = trained(size, options.output)
    report = {
        **machine("torch", "transformers", "trl"), **card(), "model": size.model, "task": size.task,
        "signal_settings": size.signal, "train_settings": size.train, "results": results, "training": training,
        "seconds": time.monotonic() - began,
    }  # fmt: skip
    if torch.cuda.is_available():
        report["gpu_peak_bytes"] = torch.cuda.max_memory_allocated()
    write_text(options.output / "gpu.json", canonical_json(rounded(report)))
    write_text(options.output / "gpu.svg", picture(results, f"Where the learning signal of {size.model} is ({card})"))
    build_report([options.output / arm for arm in ARMS], options.output / "report.html", extra={"signal": results})
    print(f"{options.output}/gpu.json, gpu.svg and report.html, {report['seconds']:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
