"""Claim: with a projection the peak memory of `hicra signal` does not grow with the number of batches; with whole gradients it
grows by no more than the bytes that the command counts before it starts.

    python benchmarks/bench_signal_memory.py -o benchmarks/baselines/bench_signal_memory.json       # the embedded model
    python benchmarks/bench_signal_memory.py --smollm2 -o benchmarks/baselines/bench_signal_memory.json      # SmolLM2-135M too

Each figure is the peak of a process of its own, as the kernel counts it for that process alone (VmHWM; ru_maxrss of a child would
hold the peak of its parent too). With few and with many batches of the embedded task: what a further batch takes. With SmolLM2: a
batch of arithmetic that fills a micro-batch, with four whole gradients of the last two layers, four projected ones of them, and
four projected ones of all parameters. Their size does not depend on the advantages, so random ones serve.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

os.environ |= {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}

import numpy as np

from hicra.generation import models
from hicra.lexicon import Lexicon
from hicra.signal.batch import sample_rollouts
from hicra.signal.gradients import batch_gradients
from hicra.signal.measure import measure
from hicra.signal.parameters import chosen_parameters
from hicra.signal.settings import SignalSettings
from hicra.signal.weights import load_model
from hicra.tasks.base import make_task
from machine import finish, machine

FEW, MANY, PROJECT = 3, 18, 4096
MARGIN = 1.1
TOY = {"model": "plan-execute-weak", "task": "plan_execute"}
SMOLLM2 = {"model": "smollm2-135m-instruct", "task": "arithmetic", "given": {"answer_mode": "boxed"}}
SMALL = {"prompts": 2, "group": 2, "max_new_tokens": 48, "threads": 1}
GRADIENTS = 4


def peak(what: dict[str, Any], **settings: Any) -> dict[str, Any]:
    """Runs a process that measures (with `batches` 0 it only loads); gives its peak in MiB, and what it kept."""
    command = [sys.executable, __file__, "--measure", json.dumps(what | {"settings": settings})]
    made = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(made.stdout.splitlines()[-1])
    print(f"{what['model']} {settings}: {found['peak_mib']:.0f} MiB", file=sys.stderr)
    return found


def measured(what: dict[str, Any]) -> dict[str, Any]:
    """Works here; gives the most MiB that this process has taken, and those of the gradients that were kept."""
    settings = what["settings"]
    if not settings.get("batches", 1):
        load_model(models.resolve(what["model"]), SignalSettings(threads=1))
        found = {}
    elif what["model"] == SMOLLM2["model"]:
        found = one_batch(what, SignalSettings(**settings))
    else:
        task = make_task(what["task"])
        lexicon = Lexicon.from_phrases(task.phrases)  # type: ignore[attr-defined]
        result = measure(SignalSettings(**settings), model=what["model"], task=task, lexicon=lexicon)
        found = kept(sum(result["components"]), result["numbers"])
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return {"peak_mib": int(re.findall(r"VmHWM:\s*(\d+)", status)[0]) / 1024, **found}


def one_batch(what: dict[str, Any], settings: SignalSettings) -> dict[str, Any]:
    """Samples one batch and makes its gradients."""
    model, tokenizer = load_model(models.resolve(what["model"]), settings)
    parameters = chosen_parameters(model.eval(), settings.parameters)
    encoded = sample_rollouts(model, tokenizer, make_task(what["task"], **what["given"]), settings, 0).encoded
    basis = np.random.default_rng(0).normal(size=(GRADIENTS, *encoded.live.shape))
    made = batch_gradients(model, encoded, basis, parameters=parameters, project=settings.project)
    return kept(*made.shape)


def kept(gradients: int, numbers: int) -> dict[str, Any]:
    """What is kept of the gradients, in float32."""
    return {"gradients": gradients, "numbers": numbers, "counted_mib": gradients * numbers * 4 / 2**20}


def main() -> int:
    """Measures, prints and writes the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--smollm2", action="store_true", help="measure SmolLM2-135M too: two CPU-minutes, 3 GB")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure is not None:
        print(json.dumps(measured(json.loads(options.measure))))
        return 0
    toy: dict[str, Any] = {"loaded": peak(TOY, batches=0)}
    for name, project in (("whole", 0), ("projected", PROJECT)):
        few, many = (peak(TOY, batches=number, prompts=32, group=8, project=project) for number in (FEW, MANY))
        toy[name] = {
            "few": few, "many": many, "a_further_batch_mib": (many["peak_mib"] - few["peak_mib"]) / (MANY - FEW),
            "a_further_batch_counted_mib": (many["counted_mib"] - few["counted_mib"]) / (MANY - FEW),
        }  # fmt: skip
    whole = toy["whole"]
    report: dict[str, Any] = {
        "claim": __doc__.split("\n\n")[0].replace("\n", " "), **machine("torch", "transformers"),
        "batches": {"few": FEW, "many": MANY, "prompts": 32, "group": 8}, "projection": PROJECT, "embedded": toy,
    }  # fmt: skip
    if options.smollm2:
        report["smollm2"] = {
            "settings": SMALL, "loaded": peak(SMOLLM2, batches=0),
            "last_2_whole": peak(SMOLLM2, **SMALL, parameters="last:2"),
            "last_2_projected": peak(SMOLLM2, **SMALL, parameters="last:2", project=PROJECT),
            "all_projected": peak(SMOLLM2, **SMALL, parameters="all", project=PROJECT),
        }  # fmt: skip
    report["holds"] = bool(
        whole["a_further_batch_mib"] < MARGIN * whole["a_further_batch_counted_mib"]
        and toy["projected"]["a_further_batch_mib"] < whole["a_further_batch_counted_mib"] / 4
    )
    return finish(report, options.output)


if __name__ == "__main__":
    sys.exit(main())
