"""Run folders with made-up numbers and texts, for the tests of the report alone."""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Any

import polars as pl

from hicra.runs import RunFolder

PLANS = ("let us keep adding", "we can fill drain", "i will scale drop", "let us stack upwards", "we can dip climb")
REFLECT = ("that works", "all good", "that fails", "not there")
NOUNS = ("coins", "shells", "beads", "stones", "feathers")


def response(rng: random.Random, right: bool) -> tuple[str, list[str], list[tuple[int, int, str]]]:
    """Text, a label a word, and the spans of planning phrases."""
    text, labels, spans = "", [], []

    def add(words: str, label: str, planning: bool = False) -> None:
        nonlocal text
        start = len(text) + bool(text)
        text += (" " if text else "") + words
        labels.extend([label] * len(words.split()))
        if planning:
            spans.append((start, len(text), words))

    for attempt in range(1 if right and rng.random() < 0.6 else 2):
        a, b, c = (rng.randrange(20) for _ in range(3))
        add(rng.choice(PLANS), "plan", True)
        add(f"{a} + {b} = {(a + b) % 20} ; {(a + b) % 20} - {c} = {(a + b - c) % 20} ; 17 - 17 = 0 ;", "execute")
        good = right and (attempt or rng.random() < 0.5)
        add(rng.choice(REFLECT[:2] if good else REFLECT[2:]), "reflect", True)
        if not good:
            add("try another way", "reflect", True)
    add(f"answer {rng.randrange(20)}" if right else "answer none", "format")
    return text, labels, spans


def rollout_rows(step: int, method: str, seed: int, n: int, accuracy: float) -> list[dict[str, Any]]:
    """n rollouts of one step, four a prompt; prompts depend on the step alone, so that arms share them."""
    rng = random.Random(f"{step} {method} {seed}")
    rows = []
    for i in range(n):
        noun = NOUNS[(step + i // 4) % len(NOUNS)]
        right = rng.random() < accuracy
        text, labels, spans = response(rng, right)
        ends = [j for j, c in enumerate(text) if c == " "] + [len(text)]
        starts = [0, *ends[:-1]]
        mask = [any(s < end and start < e for s, e, _ in spans) for start, end in zip(starts, ends, strict=True)]
        advantage = 0.5 if right else -0.5
        gain = 0.2 * abs(advantage) if method == "hicra" else 0.0
        entropy = [rng.expovariate(1 / (0.9 if on else 0.15)) for on in mask]
        rows.append(
            {
                "step": step,
                "id": f"s{step}-{i // 4}-{i % 4}",
                "prompt": f"{noun} 10 {step % 20} {i // 4} goal 17 :",
                "response": text,
                "answer": str(17),
                "group_id": f"{step}-{i // 4}",
                "reward": float(right),
                "correct": right,
                "spans": [{"start": s, "end": e, "gram": g} for s, e, g in spans],
                "planning_chars": sum(e - s for s, e, _ in spans),
                "token_ids": list(range(len(ends))),
                "token_ends": ends,
                "planning_mask": [int(on) for on in mask],
                "entropies": entropy,
                "logprobs": [-x * rng.uniform(0.4, 1.6) for x in entropy],
                "advantage": advantage,
                "advantages": [advantage + gain * on for on in mask],
                "labels": labels,
            }
        )
    return rows


def metric_row(step: int, steps: int, method: str, rng: random.Random) -> dict[str, float | None]:
    """Curves of about the shape that a run has."""
    hicra = method == "hicra"
    share = step / steps
    accuracy = 0.28 + (0.6 if hicra else 0.52) * (1 - math.exp(-3.2 * share)) + rng.gauss(0, 0.025)
    planning = 0.62 - 0.12 * share + (0.04 if hicra else 0) * math.sin(3 * share) + rng.gauss(0, 0.015)
    execution = 0.02 + 0.05 * share * math.exp(-2 * share) * 4 + abs(rng.gauss(0, 0.004))
    entropy = 2.1 + (0.55 if hicra else 0.35) * (1 - math.exp(-4 * share)) + rng.gauss(0, 0.03)
    return {
        "hicra/accuracy": accuracy,
        "hicra/reward": accuracy,
        "hicra/length": 38 + 12 * math.exp(-(((share - 0.25) / 0.2) ** 2)) - 2 * share + rng.gauss(0, 0.6),
        "hicra/planning_share": 0.29 - 0.02 * share + rng.gauss(0, 0.004),
        "hicra/changed_share": 0.22 - 0.1 * share + rng.gauss(0, 0.008) if hicra else 0.0,
        "hicra/entropy_planning": planning,
        "hicra/entropy_execution": execution,
        "hicra/ppl_planning": math.exp(planning),
        "hicra/ppl_execution": math.exp(execution),
        "hicra/semantic_entropy": entropy + 0.2,
        "hicra/semantic_entropy_rarefied": entropy if step % 9 else None,
        "hicra/conditional_entropy": 1.1 - 0.05 * share + rng.gauss(0, 0.02),
        "hicra/advantage_mean_before": rng.gauss(0, 0.003),
        "hicra/advantage_mean_after": rng.gauss(0.015 if hicra else 0, 0.003),
        "hicra/pass_at_4": min(1.0, accuracy + 0.2),
        "hicra/pass_at_8": min(1.0, accuracy + 0.28),
        "hicra/mixed_groups": 0.7 - 0.4 * share,
        "hicra/gram_hits": 400 + 60 * share,
        "hicra/plan_right": 0.2 + 0.5 * share,
    }


def fake_run(
    path: Path,
    method: str = "none",
    seed: int = 0,
    steps: int = 24,
    per_step: int = 16,
    *,
    metrics: bool = True,
    rollouts: bool = True,
    config: dict[str, Any] | None = None,
) -> Path:
    """Writes a run folder."""
    base: dict[str, Any] = {
        "model": {"name": "toy-llama"},
        "task": {"name": "plan_execute"},
        "method": {"name": method, "settings": {"alpha": 0.2} if method == "hicra" else {}},
        "train": {"steps": steps, "seed": seed, "save_steps": 10},
    }
    folder = RunFolder.create(
        path,
        method=method,
        seed=seed,
        config={**base, **(config or {})},
        inputs={"train.jsonl": "0" * 64},
        versions={"torch": "2.13", "trl": "1.16"},
    )
    rng = random.Random(f"{method} {seed}")
    for step in range(1, steps + 1):
        row = metric_row(step, steps, method, rng)
        if metrics:
            folder.log(step, row)
        if rollouts:
            rows = rollout_rows(step, method, seed, per_step, row["hicra/accuracy"] or 0.0)
            folder.write_rollouts(step, pl.DataFrame(rows))
    return path
