"""Runs the stages of `hicra demo` in their order.

sample both warm starts -> verify -> mine a lexicon from the strong one's correct rollouts -> score its mask against the exact
labels -> measure where the learning signal of each start is, and what a step of eight methods is worth -> train GRPO and HICRA
side by side -> evaluate on held-out problems -> compare -> one report.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hicra.artifacts import canonical_json, check_output, new_dir, write_text
from hicra.demo import arms, words
from hicra.demo.clock import Clock
from hicra.demo.meter import BATCHES, STARTS, measure_side_by_side
from hicra.demo.sampling import MINED, mask_score, sample_start, write_corpus
from hicra.engines.held_out import read_evaluation
from hicra.mining.mine import mine_paths
from hicra.mining.settings import preset
from hicra.report import build_report
from hicra.runs import RunFolder

SAMPLES, STEPS, HELD_OUT = 2048, 80, 1024
STAGES = 6


def run_demo(
    out: Path,
    *,
    seed: int,
    say: Callable[[str], None],
    overwrite: bool = False,
    steps: int = STEPS,
    samples: int = SAMPLES,
    held_out: int = HELD_OUT,
    batches: int = BATCHES,
) -> dict[str, Any]:
    """Runs the demo into a new folder.

    Args:
        out: gets corpus.jsonl and corpus-weak.jsonl, lexicon/, signal/, one run folder an arm, report.html and demo.json.
        seed: the seed of sampling, mining, measuring and training.
        say: is called with one line for the user.
        overwrite: whether `out` may be replaced where it exists.
        steps: number of training steps of each arm.
        samples: number of rollouts that are sampled of each warm start.
        held_out: number of problems of each evaluation.
        batches: number of batches in which the signal of each start is measured.

    Returns:
        run_dirs, report, signal {weak, strong} as `hicra signal` gives it, and the figures of each stage.

    Raises:
        ArtifactError, FileError: `out` exists and is not empty, or cannot be written.
        EngineError: a process that measures or trains failed.
    """
    check_output(out, "the demo folder", overwrite=overwrite, folder=True)
    with new_dir(out, overwrite):
        pass
    clock = Clock(say, STAGES)
    with clock.stage(f"sampling {samples} rollouts of each warm start, and verifying them"):
        sampled = {start: sample_start(start, seed, samples) for start in STARTS}
        corpora = {start: write_corpus(out, start, seed, sampled[start]) for start in STARTS}
        right = {start: sum(bool(one.score.correct) for one in sampled[start]) for start in STARTS}
        for start in STARTS:
            say(f"  {start}: {right[start]} of {samples} are right ({right[start] / samples:.1%})")
    with clock.stage(f"mining a lexicon from the correct ones of the {MINED} start"):
        settings = preset("paper", {"embedder": "hashing", "seed": seed})  # its solutions make a move several times
        lexicon, mined = mine_paths([corpora[MINED]], settings, name="demo")
        lexicon.save(out / "lexicon")
        say(f"  {mined['grams']} grams, for example: {', '.join(lexicon.phrases[:4])}")
    with clock.stage("tagging both with it, and scoring the mask against the exact labels"):
        scores = {start: mask_score(sampled[start], lexicon, start) for start in STARTS}
        for start in STARTS:
            say(f"  {start}: {words.mask_words(scores[start])}")
    with clock.stage(f"measuring where the learning signal of each start is, {batches} batches each, side by side"):
        signal = measure_side_by_side(out / "signal", seed, batches, say)
        for line in words.signal_lines(signal):
            say(f"  {line}")
    with clock.stage(f"training {' and '.join(arms.ARMS)} from the {MINED} start, {steps} steps each, side by side"):
        arms.train(out, arms.write_config(out, seed, steps, held_out), steps, say)
    with clock.stage("comparing, and building the report"):
        runs = [RunFolder.open(out / arm) for arm in arms.ARMS]
        evaluation = {run.method: read_evaluation(run) for run in runs}
        verdict = arms.compare(evaluation)
        extra = words.sections(lexicon, scores, signal, evaluation, verdict, out)
        report = build_report([run.path for run in runs], out / "report.html", lexicon=out / "lexicon", extra=extra)
    result = {
        "run_dirs": [str(run.path) for run in runs], "report": report["report"], "mask_score": scores[MINED],
        "starts": {start: {"rollouts": samples, "right": right[start], "mask_score": scores[start]} for start in STARTS},
        "mined": {key: mined[key] for key in ("solutions", "ngrams", "clusters", "grams", "content_hash")},
        "signal": signal, "evaluation": evaluation, "verdict": verdict, "stages": clock.stages,
    }  # fmt: skip
    write_text(out / "demo.json", canonical_json(result))
    return result | {"text": words.summary(result, out)}
