"""Extending token computation, attention received, and preplan-and-anchor credit, on the embedded task: half a minute.

    python recipes/attention/look.py [--problems 64] [--alpha 0.2] [-o DIR]

The shipped model `plan-execute-strong` answers held-out problems greedily, without the patch, with it, and with its control. Then
it reads rollouts of its own: how much later tokens attend to planning tokens (the task knows them exactly), and which tokens the
shaper `preplan_anchor` would give more credit. With -o it leaves the rollouts for `hicra diagnose --attention`.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hicra.artifacts import check_output, new_dir, write_text
from hicra.credit import BASELINES, METHODS
from hicra.diagnose.attention import ReceivedSums, attention_lines
from hicra.generation.attention_reading import attention_of_tokens, attention_rhythm, head_distances, rhythm_heads
from hicra.generation.interface import Made, Request, SamplingSettings
from hicra.generation.local import LocalModel
from hicra.related.attention.extended import ALPHA, extended_attention
from hicra.related.script import ended, whole
from hicra.signal.gradients import encode
from hicra.stats import paired_comparison
from hicra.tasks.base import Task, make_task

MODEL, SAMPLES = "plan-execute-strong", 4


def answers(local: LocalModel, rows: list[dict[str, Any]], samples: int, **settings: Any) -> list[Made]:
    asked = [Request(row["prompt"], seed) for row in rows for seed in range(samples)]
    return local.generate(asked, SamplingSettings(max_new_tokens=57, threads=1, batch=64, top_p=1.0, **settings))


def right(task: Task, made: list[Made], rows: list[dict[str, Any]], samples: int) -> list[float]:
    wide = [row for row in rows for _ in range(samples)]
    return [float(task.score(one.text, row, bool(one.ended)).reward or 0) for one, row in zip(made, wide, strict=True)]


def compare(local: LocalModel, task: Task, rows: list[dict[str, Any]], alpha: float) -> None:
    """Prints the accuracy of each arm, and its paired difference to the plain model."""
    plain: list[float] = []
    arms = {
        "plain": {"alpha": 0.0},
        "extended": {"alpha": alpha},
        "everywhere": {"alpha": alpha, "everywhere": True},
    }
    for name, settings in arms.items():
        with extended_attention(local.model, **settings):
            found = right(task, answers(local, rows, 1, temperature=0.0), rows, 1)
        plain = plain or found
        one = paired_comparison(found, plain)
        print(
            f"{name:11} accuracy {100 * float(np.mean(found)):5.1f} %, difference {100 * one.difference:+.1f} points "
            f"(95 % {100 * one.low:+.1f} to {100 * one.high:+.1f})"
        )


def read(local: LocalModel, task: Any, rows: list[dict[str, Any]], made: list[Made]) -> None:
    """Prints what planning tokens receive, and which tokens preplan-and-anchor credit takes."""
    prompts = [local.tokenizer(row["prompt"])["input_ids"] for row in rows for _ in range(SAMPLES)]
    ids = [list(one.ids or ()) for one in made]
    encoded = encode(prompts, ids)
    planning = task.planning_mask(encoded.ids) & encoded.live
    sums = ReceivedSums()
    for at, received in enumerate(attention_of_tokens(local.model, prompts, ids)):
        sums.add(at // SAMPLES, received, planning[at, : len(received)])
    print(*attention_lines([sums.figures()]), sep="\n")

    heads = rhythm_heads(head_distances(local.model, prompts, ids))
    rewards, groups = np.array(right(task, made, rows, SAMPLES)), np.repeat(np.arange(len(rows)), SAMPLES)
    batch = {"response_mask": encoded.live, "planning_mask": planning, "rewards": rewards, "group_ids": groups}
    batch |= attention_rhythm(local.model, prompts, ids, heads)
    base = np.broadcast_to(BASELINES["dr_grpo"](rewards, groups)[:, None], encoded.ids.shape)
    share = planning.sum() / encoded.live.sum()
    for tokens in ("preplan", "anchor"):
        changed = METHODS["preplan_anchor"](base, batch, tokens=tokens) != base
        on_plan = (changed & planning).sum() / max(int(changed.sum()), 1)
        print(
            f"preplan_anchor, tokens={tokens}: changes {100 * changed.sum() / encoded.live.sum():.1f} % of the tokens; "
            f"{100 * on_plan:.1f} % of these are planning tokens, of all {100 * share:.1f} % are (lift {on_plan / share:.2f})"
        )


def save(folder: Path, rows: list[dict[str, Any]], made: list[Made], rewards: list[float]) -> None:
    """Writes the rollouts for `hicra diagnose`."""
    wide = [row for row in rows for _ in range(SAMPLES)]
    lines = [
        {"question": row["prompt"], "response": one.text, "token_ids": one.ids, "reward": reward, "group_id": row["id"]}
        for one, row, reward in zip(made, wide, rewards, strict=True)
    ]
    with new_dir(folder) as temporary:
        write_text(temporary / "rollouts.jsonl", "".join(json.dumps(line) + "\n" for line in lines))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=whole(2), default=64, help="held-out problems (default 64)")
    parser.add_argument("--alpha", type=float, default=ALPHA, help=f"strength of the patch (default {ALPHA})")
    parser.add_argument("-o", "--output", type=Path, help="a new folder for the rollouts")
    asked = parser.parse_args()
    torch.set_num_threads(1)

    def work() -> None:
        if asked.output:
            check_output(asked.output, "the folder of rollouts", folder=True, replaces=False)
        local, task = LocalModel(MODEL, SamplingSettings(threads=1)), make_task("plan_execute")
        rows = [dict(row) for row in task.rows("eval", asked.problems)]
        compare(local, task, rows, asked.alpha)
        made = answers(local, rows, SAMPLES, temperature=1.0)
        read(local, task, rows, made)
        if asked.output:
            save(asked.output, rows, made, right(task, made, rows, SAMPLES))

    return ended(work)


if __name__ == "__main__":
    sys.exit(main())
