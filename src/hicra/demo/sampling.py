"""Samples a warm start, writes its rollouts as a corpus, and scores the mined lexicon's mask against the task's exact labels."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hicra.artifacts import write_text
from hicra.lexicon import Lexicon
from hicra.tagging.tagger import Tagger
from hicra.tasks.plan_execute.task import PlanExecute

if TYPE_CHECKING:
    from hicra.generation.sampling import Sample

MINED = "strong"  # the start whose right rollouts are mined, and from which the arms are trained


def sample_start(start: str, seed: int, n: int) -> list[Sample]:
    """Samples one response of a warm start to each of n training problems, and scores them."""
    from hicra.generation.sampling import load, sample

    task = PlanExecute()
    model, tokenizer = load(task.warm_start(start), threads=1)  # more threads slow so small a model down
    rows = task.rows("train", n, seed)
    return sample(model, tokenizer, task, rows, max_new_tokens=task.max_new_tokens, seed=seed)


def write_corpus(out: Path, start: str, seed: int, samples: Sequence[Sample]) -> Path:
    """Writes the rollouts as rows that `hicra mine` reads; returns the file."""
    path = out / ("corpus.jsonl" if start == MINED else f"corpus-{start}.jsonl")
    lines = [
        {
            "id": one.row["id"], "question": one.row["prompt"], "response": one.text, "correct": one.score.correct,
            "source": f"plan-execute-{start}, seed {seed}",
        }
        for one in samples
    ]  # fmt: skip
    write_text(path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
    return path


def mask_score(samples: Sequence[Sample], lexicon: Lexicon, start: str) -> dict[str, Any]:
    """Scores the lexicon's planning mask against the task's exact plan and reflection tokens: precision and recall by token."""
    task = PlanExecute()
    tagger = Tagger(lexicon, task.warm_start(start))
    width = max(len(one.ids) for one in samples)
    ids, live = np.zeros((len(samples), width), np.int64), np.zeros((len(samples), width), bool)
    for row, one in enumerate(samples):
        ids[row, : len(one.ids)], live[row, : len(one.ids)] = one.ids, True
    mask, exact = tagger.mask(ids, live), task.planning_mask(ids) & live
    hit = int((mask & exact).sum())
    return {
        "precision": hit / max(1, int(mask.sum())), "recall": hit / max(1, int(exact.sum())),
        "base_rate": int(exact.sum()) / int(live.sum()), "mask_share": int(mask.sum()) / int(live.sum()),
        "tokens": int(live.sum()),
    }  # fmt: skip
