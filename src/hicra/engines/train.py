"""`hicra train`: a config becomes a run folder. The engine does the training; what any engine needs stands here."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hicra.artifacts import canonical_json, sha256_bytes, sha256_file, write_text
from hicra.errors import ArtifactError, ConfigError
from hicra.generation import models
from hicra.lexicon import Lexicon
from hicra.runs import RunFolder, checkpoints
from hicra.runs.config import RunConfig
from hicra.tasks.base import Row, Task, make_task
from hicra.tasks.overlap import task_warning
from hicra.version import installed

if TYPE_CHECKING:
    from hicra.generation.sampling import Sample

Say = Callable[[str], None]
PACKAGES = ("torch", "transformers", "trl", "numpy", "polars")
HASHED_ROWS = 64  # problems of each split that stand for its data and prompts
INTERVAL_Z = 1.959963984540054


def train(
    config: RunConfig, out: Path, *, resume: bool, say: Say, progress: Callable[[int, dict[str, Any]], None]
) -> dict[str, Any]:
    """Runs the training of a config.

    Args:
        out: the run folder; must be new, or with `resume` one of the same config (train.steps may grow).
        say: gets one-line messages for the user.
        progress: called after every step with (step, its metrics).

    Returns:
        run_dir, steps, final {metric: value}, interrupted (signal number or None).

    Raises:
        ConfigError, ArtifactError: anything wrong with config, model, task or folder, before anything is written.
    """
    os.environ.setdefault("OMP_NUM_THREADS", str(config.train.threads))
    task = make_task(config.task.name, **config.task.settings)
    folder = models.resolve(config.model.name)
    config = _fitting(config, task)
    if warning := task_warning(task):
        say(f"warning: {warning}")
    lexicon = Lexicon.load(config.lexicon)
    try:
        from hicra.engines.trl import run as trl_run
    except ImportError as error:
        raise ConfigError(
            f"training needs {error.name}, which is not installed", "pip install 'hicra[train]'"
        ) from None
    inputs = {"lexicon": lexicon.content_hash, "model": sha256_file(folder / "model.safetensors"), **_hashes(task)}
    run, checkpoint = _open(config, out, inputs, resume, say)
    if checkpoint is None:
        _evaluate(config, folder, task, run, "start", say)
    try:
        trl_run.train(config, run, folder, task, checkpoint[1] if checkpoint else None, progress)
        interrupted = None
    except trl_run.Interrupted as stop:
        interrupted = stop.number
        say(f"interrupted at step {stop.step}, saved in {run.checkpoints}")
    if interrupted is None:
        _evaluate(config, run.path / "final", task, run, "final", say)
    rows = run.metrics()
    last = {key: value for key, value in rows[-1].items() if key != "step" and value is not None} if rows else {}
    evaluation = read_evaluation(run)
    if "final" in evaluation:
        last["eval/accuracy"] = evaluation["final"]["accuracy"]
    return {"run_dir": str(run.path), "steps": len(rows), "final": last, "interrupted": interrupted}


def read_evaluation(run: RunFolder) -> dict[str, Any]:
    """{"start": {...}, "final": {...}} as far as they exist."""
    path = run.path / "evaluation.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return found


def evaluation_of(samples: Sequence[Sample], task: Task) -> dict[str, Any]:
    """Accuracy with its 95 % Wilson interval over problems, and the task's own figures."""
    right = [bool(sample.score.correct) for sample in samples]
    n, p = len(right), sum(right) / max(1, len(right))
    centre, spread = p + INTERVAL_Z**2 / (2 * n), INTERVAL_Z * ((p * (1 - p) + INTERVAL_Z**2 / (4 * n)) / n) ** 0.5
    scale = 1 + INTERVAL_Z**2 / n
    texts, rows, ended = ([getattr(s, name) for s in samples] for name in ("text", "row", "ended"))
    return {
        "problems": n,
        "accuracy": p,
        "ci": [(centre - spread) / scale, (centre + spread) / scale],
        "unscorable": sum(sample.score.reward is None for sample in samples),
        "mean_length": sum(len(sample.ids) for sample in samples) / n,
        **task.summary(texts, rows, ended),
    }


def _fitting(config: RunConfig, task: Task) -> RunConfig:
    """The config with the task's own bound on response length, where it has a lower one."""
    most = getattr(task, "max_new_tokens", None)
    if most and most < config.train.max_new_tokens:
        return config.model_copy(update={"train": config.train.model_copy(update={"max_new_tokens": most})})
    return config


def _hashes(task: Task) -> dict[str, str]:
    """What runs must share to be compared: the problems as they are asked (data and prompts), and what judges answers."""
    asked = [task.rows(split, HASHED_ROWS, seed=0) for split in ("train", "eval")]
    judges = {name: installed(name) for name in ("hicra", "math-verify", "sympy")}
    return {
        "rows": sha256_bytes(canonical_json(asked).encode()),
        "verifier": sha256_bytes(canonical_json(judges).encode()),
    }


def _open(
    config: RunConfig, out: Path, inputs: dict[str, str], resume: bool, say: Say
) -> tuple[RunFolder, tuple[int, Path] | None]:
    settings = config.model_dump(mode="json")
    if not (resume and (out / "hicra.json").exists()):
        versions = {name: importlib.metadata.version(name) for name in PACKAGES} | {"python": platform.python_version()}
        run = RunFolder.create(
            out, method=config.method.name, seed=config.train.seed, config=settings, inputs=inputs, versions=versions
        )
        return run, None
    run = RunFolder.open(out)
    if difference := _difference(run.manifest["config"], settings):
        key, old, new = difference
        raise ArtifactError(
            f"{out} was made with {key} = {old!r}, this run has {new!r}",
            "resume with the same config, or choose another -o",
        )
    if changed := [name for name, value in inputs.items() if run.manifest["inputs"].get(name) != value]:
        raise ArtifactError(f"{out} was made with another {changed[0]}", "restore it, or choose another -o")
    run.manifest["config"] = settings
    write_text(run.path / "hicra.json", canonical_json(run.manifest))
    checkpoint = checkpoints.newest(run, say)
    step = checkpoint[0] if checkpoint else 0
    run.rewind(step)
    say(f"resuming {out} from step {step}" if step else f"{out} has no checkpoint that verifies: starting afresh")
    return run, checkpoint


def _difference(old: Any, new: Any, key: str = "") -> tuple[str, Any, Any] | None:
    """The first key in which two configs differ; train.steps may grow."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name in sorted({*old, *new}):
            inner = f"{key}.{name}" if key else name
            if found := _difference(old.get(name), new.get(name), inner):
                return found
        return None
    grown = key == "train.steps" and isinstance(old, int) and isinstance(new, int) and new >= old
    return None if old == new or grown else (key, old, new)


def _evaluate(config: RunConfig, folder: Path, task: Task, run: RunFolder, stage: str, say: Say) -> None:
    if not config.eval.problems:
        return
    from hicra.generation.sampling import load, sample

    model, tokenizer = load(folder, config.train.threads)
    rows: list[Row] = task.rows("eval", config.eval.problems, 0)
    say(f"evaluating ({stage}) on {len(rows)} held-out problems")
    samples = sample(
        model, tokenizer, task, rows,
        max_new_tokens=config.train.max_new_tokens, temperature=config.eval.temperature, seed=config.train.seed,
    )  # fmt: skip
    evaluation = read_evaluation(run) | {stage: evaluation_of(samples, task)}
    write_text(run.path / "evaluation.json", canonical_json(evaluation))
    say(f"accuracy {evaluation[stage]['accuracy']:.3f} on {len(rows)} held-out problems ({stage})")
