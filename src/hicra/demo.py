"""Runs `hicra demo`: the whole method on the embedded task, with figures at every stage.

sample the warm start -> verify -> mine a lexicon from its own correct rollouts -> score the mask against the exact labels ->
train GRPO and HICRA side by side -> evaluate on held-out problems -> compare -> one report.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from hicra import stats
from hicra.artifacts import canonical_json, check_output, new_dir, write_text, writes
from hicra.drawing.readable import decimal, duration
from hicra.engines.held_out import read_evaluation
from hicra.errors import EngineError
from hicra.lexicon import Lexicon
from hicra.mining.mine import MineSettings, mine_paths
from hicra.report import build_report
from hicra.runs import RunFolder
from hicra.tagging.tagger import Tagger
from hicra.tasks.base import make_task

MODEL, SAMPLES, STEPS, HELD_OUT = "plan-execute-strong", 2048, 80, 1024
ARMS = ("none", "hicra")
POLL_S = 5.0
SAID_EVERY = 5  # steps between two lines of progress


def run_demo(
    out: Path,
    *,
    seed: int,
    say: Callable[[str], None],
    overwrite: bool = False,
    steps: int = STEPS,
    samples: int = SAMPLES,
    held_out: int = HELD_OUT,
) -> dict[str, Any]:
    """Runs the demo into a new folder.

    Args:
        out: gets corpus.jsonl, lexicon/, one run folder an arm, report.html and demo.json.
        seed: the seed of sampling, mining and training.
        say: is called with one line for the user.
        overwrite: whether `out` may be replaced where it exists.
        steps: number of training steps of each arm.
        samples: number of rollouts of the warm start that are mined.
        held_out: number of problems of each evaluation.

    Returns:
        run_dirs, report, and the figures of each stage.

    Raises:
        ArtifactError, FileError: `out` exists and is not empty, or cannot be written.
        EngineError: a training process failed.
    """
    check_output(out, "the demo folder", overwrite=overwrite, folder=True)
    with new_dir(out, overwrite):
        pass
    clock = _Clock(say)
    with clock.stage(f"sampling {samples} rollouts of the warm start, and verifying them"):
        sampled, corpus = _sample(out, seed, samples)
        right = sum(bool(sample.score.correct) for sample in sampled)
        say(f"  {right} of {len(sampled)} are right ({right / len(sampled):.1%})")
    with clock.stage("mining a lexicon from the correct ones"):
        settings = MineSettings(embedder="hashing", seed=seed)
        lexicon, mined = mine_paths([corpus], settings, name="demo")
        lexicon.save(out / "lexicon")
        say(f"  {mined['grams']} grams, for example: {', '.join(lexicon.phrases[:4])}")
    with clock.stage("scoring its mask against the exact labels"):
        score = mask_score(sampled, lexicon)
        say(
            f"  tokens: precision {score['precision']:.3f}, recall {score['recall']:.3f}, base rate {score['base_rate']:.3f}"
        )
    with clock.stage(f"training {' and '.join(ARMS)}, {steps} steps each, side by side"):
        config = _config(out, seed, steps, held_out)
        _train(out, config, steps, say)
    with clock.stage("comparing, and building the report"):
        runs = [RunFolder.open(out / arm) for arm in ARMS]
        evaluation = {run.method: read_evaluation(run) for run in runs}
        verdict = _compare(evaluation)
        extra = _sections(lexicon, mined, score, evaluation, verdict, out)
        report = build_report([run.path for run in runs], out / "report.html", lexicon=out / "lexicon", extra=extra)
    result = {
        "run_dirs": [str(run.path) for run in runs], "report": report["report"], "mask_score": score,
        "mined": {key: mined[key] for key in ("solutions", "ngrams", "clusters", "grams", "content_hash")},
        "evaluation": evaluation, "verdict": verdict, "stages": clock.stages,
    }  # fmt: skip
    write_text(out / "demo.json", canonical_json(result))
    return result | {"text": _summary(result, out)}


def mask_score(samples: list[Any], lexicon: Lexicon) -> dict[str, float]:
    """Scores the lexicon's planning mask against the task's exact plan and reflection tokens: precision and recall by token."""
    from hicra.generation import models

    task = make_task("plan_execute")
    tagger = Tagger(lexicon, models.resolve(MODEL))
    width = max(len(sample.ids) for sample in samples)
    ids, live = np.zeros((len(samples), width), np.int64), np.zeros((len(samples), width), bool)
    for row, sample in enumerate(samples):
        ids[row, : len(sample.ids)], live[row, : len(sample.ids)] = sample.ids, True
    mask, exact = tagger.mask(ids, live), task.planning_mask(ids) & live  # type: ignore[attr-defined]
    hit = int((mask & exact).sum())
    return {
        "precision": hit / max(1, int(mask.sum())), "recall": hit / max(1, int(exact.sum())),
        "base_rate": int(exact.sum()) / int(live.sum()), "mask_share": int(mask.sum()) / int(live.sum()),
        "tokens": int(live.sum()),
    }  # fmt: skip


class _Clock:
    """Measures elapsed and CPU seconds by stage, children included; `say` gets a line before and after each."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self.stages: list[dict[str, Any]] = []

    @contextmanager
    def stage(self, name: str) -> Any:
        self.say(f"[{len(self.stages) + 1}/5] {name}")
        wall, cpu = time.monotonic(), _cpu()
        yield
        used = {"stage": name, "wall_s": round(time.monotonic() - wall, 1), "cpu_s": round(_cpu() - cpu, 1)}
        self.stages.append(used)
        self.say(f"  {used['wall_s']} s elapsed, {used['cpu_s']} s of CPU")


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def _sample(out: Path, seed: int, n: int) -> tuple[list[Any], Path]:
    from hicra.generation import models
    from hicra.generation.sampling import load, sample

    task = make_task("plan_execute")
    model, tokenizer = load(models.resolve(MODEL), threads=1)  # more threads slow so small a model down
    rows = task.rows("train", n, seed)
    samples = sample(model, tokenizer, task, rows, max_new_tokens=task.max_new_tokens, seed=seed)  # type: ignore[attr-defined]
    corpus = out / "corpus.jsonl"
    lines = [
        {
            "id": s.row["id"],
            "question": s.row["prompt"],
            "response": s.text,
            "correct": s.score.correct,
            "source": f"{MODEL}, seed {seed}",
        }
        for s in samples
    ]
    write_text(corpus, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
    return samples, corpus


def _config(out: Path, seed: int, steps: int, held_out: int) -> Path:
    """Writes the config of both arms, so that a user can train with it again."""
    config = {
        "task": {"name": "plan_execute"}, "model": {"name": MODEL}, "lexicon": "lexicon", "method": {"name": "hicra"},
        "train": {"steps": steps, "save_steps": steps, "seed": seed, "learning_rate": 6e-4, "prompts_per_step": 32,
                  "group_size": 8, "threads": 1},
        "eval": {"problems": held_out}, "log": {"rollouts_every": 10},
    }  # fmt: skip
    import yaml

    path = out / "config.yaml"
    write_text(path, yaml.safe_dump(config, sort_keys=False))
    return path


def _train(out: Path, config: Path, steps: int, say: Callable[[str], None]) -> None:
    """Trains both arms as processes of one thread each; says how far they are, and shows the log of one that fails."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    jobs, logs = {}, {arm: out / f"{arm}.log" for arm in ARMS}
    try:
        for arm in ARMS:
            command = [sys.executable, "-m", "hicra.cli", "train", "--config", config, "--method", arm, "-o", out / arm]
            with writes(logs[arm]), open(logs[arm], "wb") as log:
                jobs[arm] = subprocess.Popen(
                    [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment
                )
        begun = said = None  # when the first step was seen, and how many there were when something was said
        while any(job.poll() is None for job in jobs.values()):
            time.sleep(POLL_S)
            latest = {arm: _latest(out / arm) for arm in ARMS}
            done = min(n for n, _ in latest.values())
            if done and begun is None:
                begun = done, time.monotonic()
            if begun and (said is None or done >= said + SAID_EVERY):
                say(f"  {_progress(latest, steps, done - begun[0], time.monotonic() - begun[1])}")
                said = done
    finally:
        for job in jobs.values():
            if job.poll() is None:
                job.terminate()
                job.wait()
    for arm, job in jobs.items():
        if job.returncode:
            raise _failed(arm, job.returncode, logs[arm])


def _latest(run: Path) -> tuple[int, float | None]:
    """Returns how many steps a run has logged, and the reward of the last one (None if there is none)."""
    path = run / "metrics.jsonl"
    lines = path.read_text(encoding="utf-8").split("\n")[:-1] if path.exists() else []
    return len(lines), json.loads(lines[-1]).get("hicra/reward") if lines else None


def _progress(latest: Mapping[str, tuple[int, float | None]], steps: int, fresh: int, seconds: float) -> str:
    """Says how far the arms are, and the time left by the speed of `fresh` steps that took so many seconds.

    >>> _progress({"none": (1, None), "hicra": (2, 0.25)}, 80, 0, 5.0)
    'none: step 1 of 80; hicra: step 2 of 80, reward 0.25'
    >>> _progress({"none": (60, 0.5), "hicra": (61, 0.25)}, 80, 10, 50.0)
    'none: step 60 of 80, reward 0.50; hicra: step 61 of 80, reward 0.25; about 2 min left of training'
    """
    parts = [
        f"{arm}: step {step} of {steps}" + ("" if reward is None else f", reward {reward:.2f}")
        for arm, (step, reward) in latest.items()
    ]
    left = steps - min(step for step, _ in latest.values())
    parts += [f"about {duration(left * seconds / fresh)} left of training"] if fresh and left else []
    return "; ".join(parts)


def _failed(arm: str, code: int, log: Path) -> EngineError:
    """Makes the error for an arm that failed: what `hicra train` said last, or the end of its log."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    said = [at for at, line in enumerate(lines) if line.startswith("error: ")]
    tail = " ".join(line.strip() for line in lines[said[-1] :]) if said else "\n" + "\n".join(lines[-15:])
    return EngineError(f"training {arm} ended with {code}: {tail}", f"the whole log is {log}")


def _compare(evaluation: dict[str, Any]) -> dict[str, Any]:
    """Compares HICRA with GRPO on held-out accuracy; with one seed the verdict can only be "inconclusive"."""
    treatment, baseline = (evaluation[arm]["final"]["accuracy"] for arm in ("hicra", "none"))
    found = stats.paired_comparison([treatment], [baseline])
    return {
        "metric": "held-out accuracy", "baseline": "none", "arm": "hicra", "n_seeds": found.n, "difference": found.difference,
        "verdict": found.verdict, "why": f"one seed; a verdict needs at least {stats.LEAST_SEEDS} paired seeds",
    }  # fmt: skip


def _sections(
    lexicon: Lexicon,
    mined: dict[str, Any],
    score: dict[str, float],
    evaluation: dict[str, Any],
    verdict: dict[str, Any],
    out: Path,
) -> dict[str, Any]:
    columns = ("gram", "n", "cluster", "cluster_df", "doc_freq")
    rows = [
        {"arm": arm, "stage": stage, **{key: found[stage][key] for key in ("accuracy", "ci", "problems")},
         **{key: found[stage][key] for key in ("first_plan_right", "equations_right", "strategy_entropy") if key in found[stage]}}
        for arm, found in evaluation.items() for stage in ("start", "final")
    ]  # fmt: skip
    return {
        "lexicon": lexicon.table.sort(["cluster", "gram"]).select(columns).to_dicts(),
        "mask_score": score, "evaluation": rows, "verdict": verdict, "next": _next(out),
    }  # fmt: skip


def _next(out: Path) -> list[str]:
    return [
        f"hicra lexicon show {out / 'lexicon'}",
        f"hicra train --config {out / 'config.yaml'} --method placebo -o {out / 'placebo'}",
        f"hicra report {out / 'none'} {out / 'hicra'} {out / 'placebo'} -o {out / 'three.html'}",
        "hicra mine YOUR_ROLLOUTS.jsonl -o lexicon",
    ]


def _summary(result: dict[str, Any], out: Path) -> str:
    lines = []
    for arm, found in result["evaluation"].items():
        start, final = found["start"], found["final"]
        low, high = final["ci"]
        lines.append(
            f"{arm:6} held-out accuracy {start['accuracy']:.3f} -> {final['accuracy']:.3f} (95 % {low:.3f} to {high:.3f})"
        )
    verdict, score = result["verdict"], result["mask_score"]
    lines.append(
        f"hicra against none: {decimal(verdict['difference'], 3, sign=True)}, {verdict['verdict']} ({verdict['why']})"
    )
    lines.append(
        f"mask of the mined lexicon: precision {score['precision']:.3f}, recall {score['recall']:.3f} by token"
    )
    lines.append(f"report: {result['report']}")
    return "\n".join([*lines, "what to do next:", *(f"  {command}" for command in _next(out))])
