"""Measures where the learning signal of a fixed policy is, batch by batch, in memory or in a folder that can be resumed.

settings, model, task, lexicon -> batches (batch.py) -> components -> gradients -> inner products -> result
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hicra.arrays import Floats
from hicra.artifacts import check_output
from hicra.credit.assignment import Picked, code_hashes
from hicra.drawing.readable import duration
from hicra.errors import ArtifactError, ConfigError, DataError, EngineError
from hicra.install import install_command
from hicra.lexicon import Lexicon
from hicra.runs.lock import one_writer
from hicra.signal.components import components
from hicra.signal.keys import kind_key, method_key
from hicra.signal.methods import read_baseline, read_methods
from hicra.signal.parts import MeasuredBatch
from hicra.signal.products import EXECUTION, PLANNING, analyse, products
from hicra.signal.result import text_of
from hicra.signal.room import check_room, free_bytes
from hicra.signal.settings import SignalSettings
from hicra.signal.store import SignalStore
from hicra.tagging import Tagger
from hicra.tasks.base import Task, files_read

Say = Callable[[str], None]
Progress = Callable[[int, int, str], None]
PACKAGES = ("torch", "transformers")
SMALL = 1_000_000  # weights; below this, several threads of torch are slower than one


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
            run = _Measurement(
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


def told(
    parts: Sequence[MeasuredBatch], methods: Sequence[str], kinds: Sequence[str] = ()
) -> tuple[Floats, dict[str, Any]]:
    """Returns the inner products of measured batches, and what they tell.

    Args:
        parts: the batches, all of the same methods.
        methods: their names; `none` is among them.
        kinds: planning, execution and further kinds; by default every kind that occurs in a batch.

    Returns:
        [N,P,N,P] as `products.products` gives them, kinds first, and {kinds, methods, warnings} as `products.analyse` gives them
        with the counts of all batches.
    """
    kinds = kinds or _kinds(parts)
    keys = [*map(kind_key, kinds), *map(method_key, methods)]
    inner = products([(part.vectors, {key: _row(part, key) for key in keys}) for part in parts], keys)
    return inner, analyse(inner, kinds, methods) | _totals(parts, kinds)


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


def load_model(folder: Path, settings: SignalSettings) -> tuple[Any, Any]:
    """Loads (model in float32, tokenizer) onto the device of the settings, ready to sample.

    Raises:
        ConfigError: the folder cannot be loaded, its tokenizer has no end token, or there is no such device.
    """
    model, tokenizer = load_weights(folder, settings.device, settings.threads)
    from transformers import GenerationConfig

    if tokenizer.eos_token_id is None:
        raise ConfigError(f"the tokenizer of {folder} has no end token", "set eos_token in its tokenizer_config.json")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    # the folder's own settings (repetition penalty, top-k ...) would sample from another policy than the one that is measured
    model.generation_config = GenerationConfig(eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id)
    return model, tokenizer


def load_weights(folder: Path, device: str = "auto", threads: int = 0, verb: str = "hicra signal") -> tuple[Any, Any]:
    """Loads (model in float32, tokenizer) onto a device.

    Args:
        folder: the model folder.
        device: cpu, cuda, cuda:N, or auto for a GPU if there is one.
        threads: of torch; 0 takes one for a model of less than a million weights, else torch's default.
        verb: who asks, for messages.

    Raises:
        ConfigError: torch is not installed, the folder cannot be loaded, or there is no such device.
    """
    try:
        import torch

        from hicra.generation.sampling import load
    except ImportError as error:
        raise ConfigError(f"{verb} needs {error.name}, which is not installed", install_command("train")) from None
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device != "cpu" and not torch.cuda.is_available():
        raise ConfigError(f"device is {device!r}, and torch sees no GPU here", "give --device cpu, or `hicra doctor`")
    model, tokenizer = load(folder, threads or torch.get_num_threads())
    if not threads and sum(one.numel() for one in model.parameters()) < SMALL:
        torch.set_num_threads(1)
    return model.to(device), tokenizer


@dataclass
class _Measurement:
    """Measures the batches of one model."""

    model: Any
    tokenizer: Any
    task: Task
    tagger: Tagger
    settings: SignalSettings
    parameters: list[Any]

    def __post_init__(self) -> None:
        self.methods = read_methods(self.settings.methods)
        self.baseline = read_baseline(self.settings.baseline)
        self.size = sum(one.numel() for one in self.parameters)
        if self.settings.project >= self.size:
            raise ConfigError(
                f"project is {self.settings.project}, and a whole gradient has {self.size} numbers",
                "keep whole gradients with --project 0, or give a smaller number",
            )
        self.numbers = self.settings.project or self.size
        self.free = free_bytes()
        self._check_room(2)  # planning and execution are the fewest

    def parts(self, store: SignalStore | None, progress: Progress) -> list[MeasuredBatch]:
        """Returns all batches, those of earlier starts from the store."""
        import torch

        total, fresh, began = self.settings.batches, 0, time.monotonic()
        found: list[MeasuredBatch] = []
        for number in range(total):
            part = store.read_part(number, self.methods, self.numbers) if store else None
            if part is None:

                def say(text: str, done: int = number, new: int = fresh) -> None:
                    progress(done, total, f"{text}{_left(total - done, new, time.monotonic() - began)}")

                try:
                    part = self._part(number, say)
                except torch.cuda.OutOfMemoryError as error:
                    raise EngineError(
                        f"the memory of the GPU is too small for batch {number}: {str(error).splitlines()[0]}",
                        "take fewer rollouts at once (--micro 4), the last layers alone (--parameters last:2), or --device cpu",
                    ) from None
                fresh += 1
                if store:
                    store.write_part(number, part)
            found.append(part)
        progress(total, total, "")
        return found

    def _part(self, number: int, say: Say) -> MeasuredBatch:
        from hicra.signal.batch import make_batch
        from hicra.signal.gradients import batch_gradients

        began, settings = time.monotonic(), self.settings
        rollouts = settings.prompts * settings.group
        batch = make_batch(
            self.model, self.tokenizer, self.task, self.tagger, settings, self.baseline, self.methods, number,
            lambda done: say(f"sampled {done} of {rollouts}"),
        )  # fmt: skip
        if number == 0:
            _refuse_useless(batch.about, settings, self.tagger.lexicon, self.task)
        split = components(batch.advantages, batch.encoded.live)
        if number == 0:
            self._check_room(len(split.basis))
        say(f"{len(split.basis)} gradients")
        vectors = batch_gradients(
            self.model, batch.encoded, split.basis, parameters=self.parameters, project=settings.project,
            seed=settings.seed, micro=settings.micro, temperature=settings.temperature,
        )  # fmt: skip
        if not np.isfinite(vectors).all():
            raise DataError(
                f"a gradient of batch {number} is not finite", "look for what overflows in the model's forward pass"
            )
        return MeasuredBatch(vectors, split.coefficients, batch.about | {"seconds": time.monotonic() - began})

    def _check_room(self, rows: int) -> None:
        most = 2 + len(self.methods)  # a method has one row of its own at most, beside the two kinds
        check_room(self.settings.batches, rows, self.numbers, bool(self.settings.project), self.free, most)


def _refuse_useless(about: Mapping[str, Any], settings: SignalSettings, lexicon: Lexicon, task: Task) -> None:
    for kind, other in ((PLANNING, EXECUTION), (EXECUTION, PLANNING)):
        if not about["tokens"][kind]:
            raise ConfigError(
                f"none of the {about['all_tokens']} tokens of the first batch is of the kind {kind}: by the lexicon "
                f"{lexicon.name!r} all are {other} tokens",
                "choose another lexicon (--lexicon); `hicra lexicon show LEXICON` lists the grams of one",
            )
    if not about["mixed_groups"]:
        right = f"{about['right']} of {about['judged']} rollouts are right"
        rarely = about["right"] * 2 < about["judged"]
        fix = (
            "easier problems, a stronger model, or larger groups (--group)"
            if rarely
            else "harder problems, or larger groups"
        )
        raise ConfigError(
            f"the first batch has no mixed group among {about['groups']}: {right}, and rewards differ within no group, so there "
            "is no gradient at all",
            f"take {fix}{_more_prompts(settings.prompts, task)}",
        )


def _kept(store: SignalStore, settings: SignalSettings) -> str:
    return f"{min(store.kept(), settings.batches)} of {settings.batches} batches are kept"


def _more_prompts(prompts: int, task: Task) -> str:
    """Proposes larger batches, as far as the task has problems for them."""
    there = len(task.rows("train", 4 * prompts, 0))
    if there > prompts:
        return f"; --prompts {there} looks at more problems"
    return f"; all {there} problems are in use already, so more prompts take a file or a task with more of them"


def _kinds(parts: Sequence[MeasuredBatch]) -> list[str]:
    """Returns planning, execution, then the labels that occur in any batch."""
    labels = {name for part in parts for name in part.about["tokens"]} - {PLANNING, EXECUTION}
    return [PLANNING, EXECUTION, *sorted(labels)]


def _row(part: MeasuredBatch, key: str) -> Any:
    """Returns the coefficients of a kind or method in a batch; a label that does not occur there has the gradient 0."""
    return part.coefficients.get(key, np.zeros(len(part.vectors)))


def _totals(parts: Sequence[MeasuredBatch], kinds: Sequence[str]) -> dict[str, Any]:
    def total(key: str) -> int:
        return int(sum(part.about[key] for part in parts))

    judged = total("judged")
    return {
        "batches": len(parts), "rollouts": total("rollouts"), "accuracy": total("right") / judged if judged else None,
        "reward": sum(part.about["reward"] for part in parts) / len(parts), "unscorable": total("unscorable"),
        "groups": total("groups"), "mixed_groups": total("mixed_groups"),
        "tokens": {kind: sum(part.about["tokens"].get(kind, 0) for part in parts) for kind in kinds},
        "all_tokens": total("all_tokens"), "components": [len(part.vectors) for part in parts],
    }  # fmt: skip


def _left(batches: int, fresh: int, seconds: float) -> str:
    return f", about {duration(batches * seconds / fresh)} left" if fresh else ""


def package_versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            raise ConfigError(f"hicra signal needs {name}, which is not installed", install_command("train")) from None
    return found
