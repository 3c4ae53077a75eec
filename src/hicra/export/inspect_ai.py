"""Run folders as logs of Inspect, one for each saved step, which `inspect view` and its Python reader open.

They are called `RUN/TIME_TASK_step-000010.json`: Inspect lists no .json file whose name begins with another thing than a time.

A rollout is a sample: its prompt is the input, its gold answer (where the run has one) the target, its response the message of
the assistant. What hicra knows beside that stands in the sample's metadata: step, arm, seed, reward, advantage, spans. The
package of Inspect is not needed to write a log.

Deviations (the paper has none of this; the format is that of version 2, as inspect_ai 0.3.285 reads it):
EXPORT-3. Scores of a sample: `accuracy` (C or I) where it is known whether the response is right, `reward`, and `planning_share`
    where a planning mask was saved. What is not known has no score.
EXPORT-4. The id of a sample is that of the problem, or else of the group; rollouts of one problem are its epochs, in the order
    of the file. The time of a log is that of its file of rollouts.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from hicra.artifacts import canonical_json, finite
from hicra.errors import ArtifactError
from hicra.export.interface import READING, Source, Written, as_name, unreadable
from hicra.runs.arms import mapping
from hicra.runs.rollout_files import step_of

METRIC = {"accuracy": "accuracy", "reward": "mean", "planning_share": "mean"}  # by score, what Inspect calls its mean
ROLES = ("system", "user", "assistant")
_KEPT = ("step", "id", "group_id", "reward", "advantage", "spans", "truncated", "n_tool_calls")


def inspect_logs(sources: Sequence[Source], out: Path) -> Written:
    """Writes the logs into the folder `out`, which exists; one file of rollouts is in memory at a time.

    Raises:
        ArtifactError: a file of rollouts is damaged, or has no column `response`.
    """
    written = Written()
    for one in sources:
        files = one.run.rollout_files()
        if not files:
            written.warnings.append(f"{one.run.path} holds no rollouts, so it has no log")
        for file in files:
            log = log_of(one, file)
            time, task = log["eval"]["created"], log["eval"]["task"]
            path = out / one.name / f"{time[:19].replace(':', '-')}_{as_name(task)[:60]}_{as_name(file.stem)}.json"
            path.parent.mkdir(exist_ok=True)
            path.write_text(canonical_json(log, indent=None), encoding="utf-8")
            written.files[str(path.relative_to(out))] = len(log["samples"])
    return written


def log_of(one: Source, file: Path) -> dict[str, Any]:
    """Returns the log of a file of rollouts."""
    table = _read(file)
    step = step_of(file) or 0
    written_at = datetime.fromtimestamp(file.stat().st_mtime, UTC).isoformat("T", "seconds")
    manifest = one.run.manifest
    task = str(mapping(mapping(manifest.get("config")).get("task")).get("name") or "rollouts")
    model = f"{one.name}/step-{step}"
    epochs: Counter[str] = Counter()
    samples = []
    for row in table.to_dicts():
        name = _problem(row)
        epochs[name] += 1
        samples.append(_sample(row, name, epochs[name], one, model))
    scores = [_total(name, samples) for name in METRIC if any(name in sample["scores"] for sample in samples)]
    return {
        "version": 2, "status": "success",
        "eval": {
            "eval_id": _digest(one.name, file.name), "run_id": _digest(one.name), "created": written_at, "task": task,
            "task_id": _digest(one.name, task), "task_version": 0, "task_args": {}, "task_attribs": {},
            "dataset": {"name": task, "samples": len(epochs), "sample_ids": sorted(epochs), "shuffled": False},
            "model": model, "model_args": {}, "config": {"epochs": max(epochs.values(), default=1)},
            "packages": {"hicra": str(mapping(manifest.get("versions")).get("hicra") or "")},
            "metadata": {
                "hicra": {"run": one.name, "arm": one.arm, "method": one.run.method, "seed": one.run.seed, "step": step},
            },
        },
        "plan": {"name": "plan", "steps": [], "config": {}},
        "results": {"total_samples": len(samples), "completed_samples": len(samples), "scores": scores},
        "stats": {"started_at": written_at, "completed_at": written_at, "model_usage": {}},
        "samples": samples,
    }  # fmt: skip


def _read(file: Path) -> pl.DataFrame:
    try:
        table = pl.read_parquet(file, glob=False)
    except READING as error:
        raise unreadable(file, error) from None
    if "response" not in table.columns:
        raise ArtifactError(f"{file} has no column 'response'", "check what writes that folder")
    return table


def _sample(row: dict[str, Any], name: str, epoch: int, one: Source, model: str) -> dict[str, Any]:
    response, prompt = str(row.get("response") or ""), row.get("prompt")
    asked, cut = _conversation(prompt), row.get("truncated")
    said = {"role": "assistant", "content": response, "source": "generate", "model": model}
    reason = "unknown" if cut is None else "max_tokens" if cut else "stop"
    known = {key: row[key] for key in _KEPT if row.get(key) is not None}
    return {
        "id": name, "epoch": epoch, "input": asked or str(prompt or ""), "target": str(row.get("gold") or ""),
        "uuid": _digest(one.name, str(row.get("step")), name, str(epoch)),
        "messages": [*(asked or [{"role": "user", "content": str(prompt or ""), "source": "input"}]), said],
        "output": {"model": model, "choices": [{"message": said, "stop_reason": reason}], "completion": response},
        "scores": _scores(row), "metadata": finite({**known, "arm": one.arm, "seed": one.run.seed}),
    }  # fmt: skip


def _problem(row: dict[str, Any]) -> str:
    """Returns the name that rollouts of one problem share (EXPORT-4)."""
    return next((str(row[key]) for key in ("problem", "group_id", "id") if row.get(key) not in (None, "")), "rollout")


def _conversation(prompt: Any) -> list[dict[str, Any]]:
    """Returns a prompt that is a conversation, which a run folder holds as JSON, as messages; empty where it is plain text."""
    try:
        found = json.loads(prompt) if isinstance(prompt, str) and prompt.startswith("[") else None
    except (ValueError, RecursionError):  # a text that begins with a bracket
        return []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        return []
    if not all(one.get("role") in ROLES and isinstance(one.get("content"), str) for one in found):
        return []
    return [{"role": one["role"], "content": one["content"], "source": "input"} for one in found]


def _scores(row: dict[str, Any]) -> dict[str, dict[str, Any]]:
    scores: dict[str, dict[str, Any]] = {}
    if isinstance(row.get("correct"), bool):
        scores["accuracy"] = {"value": "C" if row["correct"] else "I"}
    if isinstance(row.get("reward"), float) and math.isfinite(row["reward"]):
        scores["reward"] = {"value": row["reward"]}
    mask = row.get("planning_mask")
    if isinstance(mask, list) and mask and all(value in (0, 1) for value in mask):
        scores["planning_share"] = {"value": sum(mask) / len(mask)}
    return scores


def _total(name: str, samples: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Returns the mean of a score, as Inspect sums one up; C counts 1 and I counts 0."""
    values = [sample["scores"][name]["value"] for sample in samples if name in sample["scores"]]
    mean = sum(value == "C" if isinstance(value, str) else value for value in values) / len(values)
    return {
        "name": name, "scorer": name, "params": {}, "scored_samples": len(values),
        "unscored_samples": len(samples) - len(values),
        "metrics": {METRIC[name]: {"name": METRIC[name], "value": mean, "params": {}}},
    }  # fmt: skip


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:22]
