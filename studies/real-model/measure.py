"""Measures the signal of a real model by two lexicons at once: `python measure.py -o DIR`, again after any kill.

Each batch is sampled once and split by every lexicon, and all splits share the forward pass and the backward passes that they
have in common. What is left in DIR/LEXICON is what `hicra signal` with the same settings leaves there, so that the verb can show
it, and go on with it to more batches:

    hicra signal --model smollm2-135m-instruct --task arithmetic --task-set answer_mode=boxed --lexicon paper \\
        --methods hicra,hicra_difficulty,hicra_bonus,planning_only,execution_only,placebo --batches 24 --prompts 8 --group 4 \\
        --max-new-tokens 48 --parameters last:2 --project 8192 -o DIR/paper --resume
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import time
from pathlib import Path
from typing import Any

os.environ |= {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}

from hicra.generation.folder import model_folder, model_hash
from hicra.lexicon import Lexicon
from hicra.runs.lock import one_writer
from hicra.signal.batch import sample_rollouts, split_rollouts
from hicra.signal.components import components
from hicra.signal.gradients import batch_gradients
from hicra.signal.measure import refuse_before
from hicra.signal.methods import read_baseline, read_methods
from hicra.signal.parameters import chosen_parameters
from hicra.signal.parts import MeasuredBatch
from hicra.signal.settings import SignalSettings
from hicra.signal.source import find_task
from hicra.signal.store import SignalStore
from hicra.signal.weights import load_model
from hicra.tagging import Tagger

MODEL, TASK, GIVEN = "smollm2-135m-instruct", "arithmetic", {"answer_mode": "boxed"}
LEXICONS = ("paper", "planning")
METHODS = ("hicra", "hicra_difficulty", "hicra_bonus", "planning_only", "execution_only", "placebo")
SETTINGS: dict[str, Any] = {
    "methods": METHODS, "batches": 8, "prompts": 8, "group": 4, "max_new_tokens": 48, "parameters": "last:2", "project": 8192,
    "threads": 1,
}  # fmt: skip


def measure_batch(
    loaded: tuple[Any, Any],
    task: Any,
    taggers: dict[str, Tagger],
    settings: SignalSettings,
    parameters: Any,
    number: int,
) -> dict[str, MeasuredBatch]:
    """Samples one batch and measures it by every lexicon."""
    began, (model, tokenizer) = time.monotonic(), loaded
    baseline, methods = read_baseline(settings.baseline), read_methods(settings.methods)
    rollouts = sample_rollouts(model, tokenizer, task, settings, number)
    batches = {
        name: split_rollouts(model, task, tagger, settings, baseline, methods, rollouts)
        for name, tagger in taggers.items()
    }
    live = rollouts.encoded.live
    joint = components(
        {f"{name}/{key}": value for name, batch in batches.items() for key, value in batch.advantages.items()}, live
    )
    vectors = batch_gradients(
        model, rollouts.encoded, joint.basis, parameters=parameters, project=settings.project, seed=settings.seed,
        micro=settings.micro, temperature=settings.temperature,
    )  # fmt: skip
    seconds = {"seconds": time.monotonic() - began}
    return {
        name: MeasuredBatch(
            vectors, {key: joint.coefficients[f"{name}/{key}"] for key in batch.advantages}, batch.about | seconds
        )
        for name, batch in batches.items()
    }


def taggers_of(lexicons: dict[str, Lexicon], tokenizer: Any, settings: SignalSettings) -> dict[str, Tagger]:
    """The taggers of lexicons, each with its own span type unless the settings name one, as the verb has them."""
    return {name: Tagger(lexicon, tokenizer, settings.unit or None) for name, lexicon in lexicons.items()}


def main() -> int:
    """Measures the batches that are not there yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--batches", type=int, default=SETTINGS["batches"])
    options = parser.parse_args()
    settings = SignalSettings(**SETTINGS | {"batches": options.batches})
    task, inputs = find_task(TASK, "", GIVEN)
    refuse_before(settings, task)
    folder = model_folder(MODEL)
    lexicons = {name: Lexicon.load(name) for name in LEXICONS}
    with contextlib.ExitStack() as locks:
        stores = {}
        for name, lexicon in lexicons.items():
            asked = {
                "settings": settings.recorded(), "model": {"name": MODEL, "sha256": model_hash(folder)},
                "inputs": {"lexicon": lexicon.content_hash, **inputs},
            }  # fmt: skip
            locks.enter_context(one_writer(options.output / name))
            stores[name] = SignalStore.open(options.output / name, asked, {}, resume=True)
        loaded = load_model(folder, settings)
        taggers = taggers_of(lexicons, loaded[1], settings)
        parameters = chosen_parameters(loaded[0].eval(), settings.parameters)
        names = read_methods(settings.methods)
        for number in range(settings.batches):
            if all(store.read_part(number, names, settings.project) for store in stores.values()):
                continue
            for name, part in measure_batch(loaded, task, taggers, settings, parameters, number).items():
                stores[name].write_part(number, part)
                print(number, name, f"{part.about['seconds']:.0f} s, {len(part.vectors)} gradients", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
