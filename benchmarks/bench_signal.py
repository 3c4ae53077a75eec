"""Claim: in `hicra signal` a further component costs less than the forward and backward pass of a training step, and the random
projection errs by what its formula says.

    python benchmarks/bench_signal.py -o benchmarks/baselines/bench_signal.json

One batch of the embedded task is sampled at the weak warm start. In turns, one thread, CPU seconds: the forward and backward
pass of a training step (one row of advantages, in the same micro-batches), and the gradients of all components of the default
methods. The projection is compared with whole gradients of the same batch, over seeds: the error of inner products of kinds and
methods, relative to the product of their norms.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ |= {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}

import numpy as np

from hicra.generation import models
from hicra.lexicon import Lexicon
from hicra.signal.batch import SampledBatch, make_batch
from hicra.signal.components import components
from hicra.signal.gradients import batch_gradients, policy_values
from hicra.signal.keys import kind_key, method_key
from hicra.signal.methods import read_baseline, read_methods
from hicra.signal.parameters import chosen_parameters
from hicra.signal.settings import SignalSettings
from hicra.signal.weights import load_model
from hicra.tagging import Tagger
from hicra.tasks.base import make_task
from machine import finish, machine

MODEL, SIZES, SEEDS = "plan-execute-weak", (1024, 4096, 16384), 12
MOST_ERROR = 1.25  # of the root of the mean square over the formula


def cpu(work: Callable[[], Any]) -> tuple[float, Any]:
    """CPU seconds of some work, and what it gives."""
    began = time.process_time()
    made = work()
    return time.process_time() - began, made


def errors(rows: np.ndarray[Any, Any], projected: np.ndarray[Any, Any], size: int) -> tuple[float, float]:
    """Root of the mean square of the error of all inner products, relative to the norms; and what the formula bounds it by."""
    true, made = (one.astype(np.float64) @ one.astype(np.float64).T for one in (rows, projected))
    norms = np.sqrt(np.outer(np.diag(true), np.diag(true)))
    cosine = true / norms
    return float(np.sqrt((((made - true) / norms) ** 2).mean())), float(np.sqrt(((1 + cosine**2) / size).mean()))


def main() -> int:
    """Measures, prints and writes the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    settings, task = SignalSettings(), make_task("plan_execute")
    lexicon = Lexicon.from_phrases(task.phrases)  # type: ignore[attr-defined]
    model, tokenizer = load_model(models.resolve(MODEL), settings)
    parameters = chosen_parameters(model.eval(), "all")
    methods, baseline = read_methods(settings.methods), read_baseline(settings.baseline)
    tagger = Tagger(lexicon, tokenizer)
    sampling, batch = cpu(lambda: make_batch(model, tokenizer, task, tagger, settings, baseline, methods, 0))
    assert isinstance(batch, SampledBatch)
    splitting, split = cpu(lambda: components(batch.advantages, batch.encoded.live))
    step = batch.advantages[method_key("none")][None]

    def gradients(basis: Any, **more: Any) -> Any:
        return batch_gradients(model, batch.encoded, basis, parameters=parameters, **more)

    training, every, projecting, policy = [], [], [], []
    for _ in range(options.repeats):
        training.append(cpu(lambda: gradients(step))[0])
        every.append(cpu(lambda: gradients(split.basis))[0])
        projecting.append(cpu(lambda: gradients(split.basis, project=4096))[0])
        policy.append(cpu(lambda: policy_values(model, batch.encoded))[0])
    one, whole = statistics.median(training), statistics.median(every)
    further = (whole - one) / (len(split.basis) - 1)
    table = np.stack(
        [split.coefficients[name] for name in batch.advantages if not name.startswith(kind_key("label:other"))]
    )
    rows = table @ gradients(split.basis)
    error = {}
    for size in SIZES:
        found = [errors(rows, table @ gradients(split.basis, project=size, seed=seed), size) for seed in range(SEEDS)]
        made, bound = np.sqrt((np.array(found) ** 2).mean(axis=0))
        error[size] = {"rms": float(made), "formula": float(bound), "ratio": float(made / bound)}
    report = {
        "claim": __doc__.split("\n\n")[0].replace("\n", " "),
        **machine("torch", "transformers"),
        "model": MODEL, "rollouts": len(batch.encoded.prompts), "mixed_groups": batch.about["mixed_groups"],
        "components": len(split.basis), "methods": list(methods),
        "cpu_s": {
            "sample_score_tag_shape": sampling, "components": splitting, "forward_backward_of_a_step": one,
            "gradients_of_all_components": whole, "the_same_projected_to_4096": statistics.median(projecting),
            "further_component": further, "entropies_and_logprobs": statistics.median(policy),
        },
        "a_batch_over_a_step": (sampling + splitting + whole) / (sampling + one),
        "projection_error": error,
        "holds": bool(further < one and all(one["ratio"] < MOST_ERROR for one in error.values())),
    }  # fmt: skip
    return finish(report, options.output)


if __name__ == "__main__":
    sys.exit(main())
