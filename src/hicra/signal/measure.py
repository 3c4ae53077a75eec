"""Measures where the learning signal of a fixed policy is, batch by batch, in memory or in a folder that can be resumed.

settings, model, task, lexicon -> batches (batch.py) -> components -> gradients -> inner products -> result
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hicra.artifacts import check_output
from hicra.credit.assignment import Picked, code_hashes
from hicra.errors import ArtifactError, ConfigError
from hicra.lexicon import Lexicon
from hicra.runs.lock import one_writer
from hicra.signal.measurement import BatchMeasurer, Progress, Say
from hicra.signal.methods import read_baseline, read_methods
from hicra.signal.result import text_of
from hicra.signal.settings import SignalSettings
from hicra.signal.store import SignalStore
from hicra.signal.totals import told
from hicra.signal.weights import load_model, package_versions
from hicra.tagging import Tagger
from hicra.tasks.base import Task, files_read


def measure(
    settings: SignalSettings,
    *,
    model: str,
    task: Task,
    lexicon: Lexicon,
    inputs: Mapping[str, Any] | None = None,
    read: Sequence[Path | str] = (),
    out: Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    say: Say = lambda text: None,
    progress: Progress = lambda done, total, figures: None,
    given: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Measures a model by its name or folder.

    Args:
        settings: how it is measured.
        model: a folder, or a name that `models.resolve` knows.
        task: asks and scores; its problems are those of the split "train".
        lexicon: marks the planning tokens.
        inputs: what decides the problems (name, settings, hashes of files), recorded in the folder and compared at a resume.
        read: files and folders that are never replaced, besides the model, the files of the task, and those of methods and
            baselines of one's own.
        out: the folder, which must be absent or empty, unless `resume` or `overwrite` says otherwise; None keeps nothing.
        resume: goes on with the same measurement in `out`, also to more batches, or returns its result if it is complete.
        overwrite: replaces what is in `out`, once the first batch has been measured.
        say: is called with one line for the user.
        progress: is called with (batches done, number of all batches, what is going on and the time left).
        given: names of task, files and lexicon as they were given, recorded in the folder so that it can go on by itself.

    Returns:
        The keys of `measure_model`, `model`, `settings`, `out` (null without a folder), and `text`, the tables for a terminal.

    Raises:
        ConfigError, DataError, ArtifactError: something is wrong with the settings, model, task, lexicon or folder, or another
            process writes the folder; what is there has not been touched then.
    """
    from hicra.generation.folder import model_folder, model_hash

    refuse_before(settings, task)
    if out is None and (resume or overwrite):
        raise ConfigError("there is no folder to go on with or to replace", "name it with -o DIR")
    folder = model_folder(model)
    methods, baseline = read_methods(settings.methods), read_baseline(settings.baseline)
    code = code_hashes({name: [one] for name, one in methods.items()})
    own = ({"methods": code} if code else {}) | code_hashes({"baseline": [baseline]})
    asked = {
        "settings": settings.recorded(), "model": {"name": model, "sha256": model_hash(folder)},
        "inputs": {"lexicon": lexicon.content_hash, **own, **(inputs or {})},
    }  # fmt: skip
    about = {"model": asked["model"], "settings": asked["settings"], "inputs": asked["inputs"]}
    asked["given"] = dict(given or {})
    if out is None:
        result = about | measure_model(
            *load_model(folder, settings), task, lexicon, settings, say=say, progress=progress
        )
        return result | {"out": None, "text": text_of(result)}
    _refuse_inside(out, folder)
    picked: list[Picked[Any]] = [*methods.values(), baseline]
    read = [folder, *read, *files_read(task), *(file for one in picked for file in one.files)]
    if not resume:  # whether a measurement may be replaced is asked where no other process can write it
        check_output(out, "the signal folder", overwrite=True, inputs=read, folder=True)
    with one_writer(out):
        store = SignalStore.open(out, asked, package_versions(), resume=resume, overwrite=overwrite, read=read)
        if (found := store.result()) is not None:
            say(f"{out} already holds this measurement, so nothing is sampled again")
        else:
            if resume:
                say(f"going on with {out}: {_kept(store, settings)}")
            try:
                found = about | measure_model(
                    *load_model(folder, settings), task, lexicon, settings, store=store, say=say, progress=progress
                )
            except (KeyboardInterrupt, SystemExit):
                again = (
                    f"hicra signal -o {shlex.quote(str(out))} --resume" if given else "the same call with resume=True"
                )
                say(
                    f"interrupted before the first batch was measured: nothing of this measurement is in {out}"
                    if store.fresh
                    else f"interrupted: {_kept(store, settings)} in {out}; go on: {again}"
                )
                raise
    return found | {"out": str(out), "text": text_of(found)}


def measure_model(
    model: Any,
    tokenizer: Any,
    task: Task,
    lexicon: Lexicon,
    settings: SignalSettings,
    *,
    store: SignalStore | None = None,
    say: Say = lambda text: None,
    progress: Progress = lambda done, total, figures: None,
) -> dict[str, Any]:
    """Measures a model that is loaded; it is left in the mode (training or evaluation) in which it was.

    Args:
        model: a transformers causal LM; which parameters have gradients is left as it was.
        tokenizer: the model's.
        store: keeps the batches; None keeps them in memory.
        task, lexicon, settings, say, progress: as for `measure`.

    Returns:
        {kinds, methods, warnings} as `products.analyse` gives them, and batches, rollouts, accuracy (null where nothing is
        judged), seconds, tokens {kind: number}, all_tokens, groups, mixed_groups, unscorable, reward, components (of each batch),
        parameters (number of values), numbers (of a gradient that is kept).

    Raises:
        EngineError: the memory of the GPU is too small.
        ConfigError: there is no mixed group in the first batch, planning or execution has no token there, the gradients do not
            fit into memory, or the model has no parameters that can have a gradient.
    """
    from hicra.signal.parameters import as_before, chosen_parameters

    refuse_before(settings, task)
    training = model.training
    with as_before(model):
        parameters = chosen_parameters(model, settings.parameters, settings.seed)
        model.eval()
        try:
            run = BatchMeasurer(
                model, tokenizer, task, Tagger(lexicon, tokenizer, settings.unit or None), settings, parameters
            )
            parts = run.parts(store, progress)
        finally:
            model.train(training)
    inner, found = told(parts, list(run.methods))
    seconds = sum(part.about["seconds"] for part in parts)
    result = found | {"parameters": run.size, "numbers": run.numbers}
    if store:
        about = {name: store.manifest[name] for name in ("model", "settings", "inputs")}
        store.finish(inner, [*found["kinds"], *found["methods"]], about | result, seconds)
    return result | {"seconds": seconds}


def refuse_before(settings: SignalSettings, task: Task) -> None:
    """Raises ConfigError for what can be known before a model is loaded: unknown methods, missing fields, too few problems."""
    read_methods(settings.methods)
    read_baseline(settings.baseline)
    rows = task.rows("train", settings.prompts, 0)
    if len(rows) < settings.prompts:
        raise ConfigError(
            f"a batch has {settings.prompts} prompts, and the task {task.name!r} has {len(rows)} problems",
            f"give --prompts {max(1, len(rows))} or fewer",
        )
    if rows and rows[0].get("images"):
        raise ConfigError(
            f"the problems of {task.name!r} have images",
            "give questions in text; `hicra signal` samples from text models",
        )
    if getattr(task, "tools", ()):
        raise ConfigError(
            f"the task {task.name!r} lets the model call tools, and `hicra signal` samples single turns",
            "measure it during training: signal_every in the config of `hicra train`",
        )


def _refuse_inside(out: Path, model: Path) -> None:
    if model.resolve() in Path(os.path.realpath(out)).parents:
        raise ArtifactError(
            f"the signal folder {out} would lie inside the model folder {model}", "choose another -o, outside the model"
        )


def _kept(store: SignalStore, settings: SignalSettings) -> str:
    return f"{min(store.kept(), settings.batches)} of {settings.batches} batches are kept"
