"""`hicra train` turns a config into a run folder: it prepares what is needed, and the engine that the config names trains."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hicra.artifacts import check_output, refuse_both, writes
from hicra.engines.held_out import evaluate, forget_evaluation, read_evaluation, repair_evaluation
from hicra.engines.interface import Interrupted, Prepared, Progress, Say
from hicra.engines.prepare import open_run, prepare, refuse_run
from hicra.engines.ranks import rank
from hicra.runs import RunFolder
from hicra.runs.lock import one_writer
from hicra.runs.sections import RunConfig


def train(
    config: RunConfig,
    out: Path,
    *,
    resume: bool,
    overwrite: bool = False,
    read: Sequence[Path] = (),
    say: Say,
    progress: Progress,
) -> dict[str, Any]:
    """Runs the training of a config.

    Args:
        config: what to train.
        out: the run folder; it must be new, or with `resume` one of the same config (train.steps may grow).
        resume: whether to go on with the run in `out`, where there is one.
        overwrite: whether `out` may be replaced where it exists; nothing that the run reads is replaced.
        read: files that are read besides what the config names, such as the config's own.
        say: is called with one line for the user.
        progress: is called after every step with (step, its metrics).

    Returns:
        {run_dir, steps, final {metric: value}, interrupted (signal number or None)}; of several processes, rank 0 alone knows
        steps and final.

    Raises:
        ConfigError, ArtifactError: something is wrong with the config, model, task or folder, or another process writes the
            folder; nothing has been written then.
        FileError: the disk is full, or the system refuses another write; checkpoints are complete or absent, as ever.
        EngineError: the training cannot go on; the folder holds what was made until then.
    """
    refuse_both(resume, overwrite)
    prepared = prepare(config, say)
    if rank():
        return _joined(prepared, out, progress)
    if not resume:  # whether a run may be replaced is asked where no other process can write it
        inputs: list[Path | str | None] = [*read, prepared.model, config.lexicon, *_texts(config.task.settings)]
        check_output(out, "the run folder", overwrite=True, inputs=inputs, folder=True)
    with writes(out), one_writer(out):
        if not (resume or overwrite):
            refuse_run(out)
        return _train(prepared, *open_run(prepared, out, resume, say, overwrite), say, progress)


def _train(
    prepared: Prepared, run: RunFolder, checkpoint: tuple[int, Path] | None, say: Say, progress: Progress
) -> dict[str, Any]:
    repair_evaluation(run, say)
    forget_evaluation(run, "final")  # a run that has ended may go on to more steps, and be interrupted
    if "start" not in read_evaluation(run):
        evaluate(prepared, prepared.model, run, "start", say)
    interrupted = None
    try:
        prepared.engine(prepared, run, checkpoint[1] if checkpoint else None, progress)
        evaluate(prepared, run.path / "final", run, "final", say)
    except Interrupted as stop:
        interrupted = stop.number
        say(f"interrupted at step {stop.step}, saved in {run.checkpoints}")
    rows = run.metrics()
    last = {key: value for key, value in rows[-1].items() if key != "step" and value is not None} if rows else {}
    if final := read_evaluation(run).get("final"):
        last["eval/accuracy"] = final["accuracy"]
    return {"run_dir": str(run.path), "steps": len(rows), "final": last, "interrupted": interrupted}


def _joined(prepared: Prepared, out: Path, progress: Progress) -> dict[str, Any]:
    """Trains with rank 0, which has the run folder to itself: it alone opens it, evaluates, and knows what came of the run."""
    interrupted = None
    try:
        prepared.engine(prepared, RunFolder(out, {}), None, progress)
    except Interrupted as stop:
        interrupted = stop.number
    return {"run_dir": str(out), "interrupted": interrupted}


def _texts(value: Any) -> Iterator[str]:
    """Yields the strings of a value at any depth, some of which may be files."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list | tuple):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)
