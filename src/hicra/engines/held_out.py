"""Measures accuracy on held-out problems before and after training, for evaluation.json of a run folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hicra.artifacts import canonical_json, write_text
from hicra.engines.interface import Prepared, Say
from hicra.errors import ArtifactError
from hicra.runs import RunFolder
from hicra.stats import wilson_interval
from hicra.tasks.base import Row, Task

if TYPE_CHECKING:
    from hicra.generation.sampling import Sample

FILE = "evaluation.json"
FIX = "`hicra train -o RUN --resume` makes it again"


def evaluate(prepared: Prepared, model: Path, run: RunFolder, stage: str, say: Say) -> None:
    """Samples one response to each held-out problem that the config asks for, and records how many are right.

    Args:
        prepared: what the run needs.
        model: folder of the model that is sampled.
        run: the run folder; its evaluation.json gets the result.
        stage: "start" or "final".
        say: is called with one line for the user.
    """
    config, task = prepared.config, prepared.task
    if not config.eval.problems:
        return
    rows: list[Row] = task.rows("eval", config.eval.problems, 0)
    say(f"evaluating ({stage}) on {len(rows)} held-out problems")
    own = getattr(task, "evaluation", None)
    found = own(config, model, rows) if own else _sampled(prepared, model, rows)
    evaluation = read_evaluation(run) | {stage: found}
    write_text(run.path / FILE, canonical_json(evaluation))
    say(f"accuracy {evaluation[stage]['accuracy']:.3f} on {len(rows)} held-out problems ({stage})")


def _sampled(prepared: Prepared, model: Path, rows: Sequence[Row]) -> dict[str, Any]:
    """Samples one response to each problem, and returns what `evaluation_of` says of them."""
    from hicra.generation.sampling import load, sample

    config = prepared.config
    samples = sample(
        *load(model, config.train.threads), prepared.task, rows,
        max_new_tokens=config.train.max_new_tokens, temperature=config.eval.temperature, seed=config.train.seed,
    )  # fmt: skip
    return evaluation_of(samples, prepared.task)


def read_evaluation(run: RunFolder) -> dict[str, Any]:
    """Reads evaluation.json: {"start": {...}, "final": {...}}, as far as they exist.

    Raises:
        ArtifactError: the file is no JSON object of objects.
    """
    path = run.path / FILE
    if not path.exists():
        return {}
    try:
        found: Any = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ArtifactError(f"{path} is not readable JSON: {error}", FIX) from None
    if not isinstance(found, dict) or not all(isinstance(stage, dict) for stage in found.values()):
        raise ArtifactError(f"{path} is no JSON object of evaluations", FIX)
    return found


def repair_evaluation(run: RunFolder, say: Say) -> None:
    """Removes an evaluation.json that is not readable, since the same evaluation can be made again."""
    try:
        read_evaluation(run)
    except ArtifactError as error:
        say(f"{error.message}: it is removed, and the evaluation is made again")
        (run.path / FILE).unlink()


def forget_evaluation(run: RunFolder, stage: str) -> None:
    """Takes the evaluation of a stage out of evaluation.json, where it is of a run that goes on from there."""
    evaluation = read_evaluation(run)
    if evaluation.pop(stage, None) is not None:
        write_text(run.path / FILE, canonical_json(evaluation))


def evaluation_of(samples: Sequence[Sample], task: Task) -> dict[str, Any]:
    """Computes the accuracy with its 95 % Wilson interval over problems, and the task's own figures."""
    right = [bool(sample.score.correct) for sample in samples]
    n = len(right)
    texts, rows, ended = ([getattr(s, name) for s in samples] for name in ("text", "row", "ended"))
    return {
        "problems": n,
        "accuracy": sum(right) / n,
        "ci": list(wilson_interval(sum(right), n)),
        "unscorable": sum(sample.score.reward is None for sample in samples),
        "mean_length": sum(len(sample.ids) for sample in samples) / n,
        **task.summary(texts, rows, ended),
    }
