"""Computes every metric that the rollouts of a run allow, step by step, and writes run folders that `hicra report` reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from hicra import corpus
from hicra.artifacts import atomic_dir, check_output
from hicra.corpus.need_text import some_rows
from hicra.diagnose.apart import RUN, read_apart, run_names
from hicra.diagnose.arms import folders, split
from hicra.diagnose.images import keep_images
from hicra.diagnose.lacking import lacking, left_out, several_models, stepless
from hicra.diagnose.measure import StepMetrics, measure
from hicra.diagnose.own_tokens import OwnTokensTagger, have_own_tokens
from hicra.diagnose.pairs import arm_named, pairs
from hicra.diagnose.write import Steps, hashes, prompts_of, with_step, write_arm
from hicra.drawing.readable import counted
from hicra.errors import ConfigError
from hicra.findings import Evidence, Finding, look, told
from hicra.findings.finding import joined, save_judgement
from hicra.findings.judged_errors import Judge, judged_errors
from hicra.lexicon import Lexicon
from hicra.lexicon.check import nothing_found
from hicra.tagging import RowTagger, with_text
from hicra.tagging.rows import other_tokenizer
from hicra.text.byte_tables import label
from hicra.text.decode import decoder
from hicra.text.scripts import letters_by_script
from hicra.workers.backends import backend as open_backend
from hicra.workers.backends import check_backend
from hicra.workers.signals import ends_on_sigterm

METHOD = "observed"
MOST_COMPARED = 8  # arms; more take long, and are rarely meant to be compared with the first


def diagnose(
    paths: Sequence[Path], lexicon: Lexicon, *, tokenizer: Any, unit: str | None = None, out: Path | None, on_bad: Any,
    max_bad: float, by: str | None = None, mapping: Mapping[str, str] | None = None, quarantine: Path | None = None,
    overwrite: bool = False, read_too: Sequence[Path | str] = (), judge: Judge | None = None, workers: int = 1,
    backend: str = "local", apart: bool = False, baseline: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Measures the rollouts of one run, or of several: that a column tells apart, or that have a path each.

    Args:
        paths: files of rollouts with or without `step`, reward, group_id, token_ids, entropies, logprobs.
        lexicon: what marks the planning tokens.
        tokenizer: what reads token ids (see `RowTagger`), or None to count words.
        unit: the span type, "gram" or "sentence"; None takes what the lexicon is made for.
        out: a new run folder, which appears when it is complete, or None to write none; with `by` a new folder that holds a run
            folder for each arm, whose method is the name of the arm.
        on_bad, max_bad, mapping, quarantine: as for `corpus.read`.
        by: a column whose values are arms.
        apart: whether each path is an arm, named by the end of its path; what is said of `by` below holds for it as well.
        baseline: the arm that the others are compared with; None for the first.
        overwrite: whether `out` may be replaced where it exists.
        read_too: further files and folders that were read for it, such as the lexicon's; `out` replaces none of them.
        judge: what names the kinds of failures on real text, or None to ask nobody.
        workers: number of processes that tag and measure, a step at a time; the result does not depend on it.
        backend: where they are, "local" or "ray"; the result does not depend on it. This process reads and holds the rows.

    Returns:
        steps: a list of {step, rows, metric: value or None}, with `by` also {arm}; findings: a list of {name, text, figures,
        alarm}, the alarms first, and not_seen: the same of what was looked for and not seen, both with `by` also {arm};
        unlooked: what could not be looked for, a list of {name, why}, with `by` also {arm}; intervals: a list of {step, metric:
        [low, high]} over prompts (METRIC-7), with `by` also {arm}; left_out: metric that no row allows -> what it needs;
        coverage: metric -> number of rows that it counts; warnings; counts: what lengths and shares are counted in; run_dir,
        with `by` also arms, a list of {arm, rows, run_dir}, and pairs, the arms compared by question (see `pairs.pairs`).

    Raises:
        DataError: the input is bad; nothing has been written then.
        ConfigError: the settings are wrong, or Ray does not start.
        WorkerDied: a worker process ended early.
        ArtifactError: `out` exists.
    """
    if out is not None:
        check_output(out, "the run folder", overwrite=overwrite, inputs=[*paths, *read_too], folder=True)
    check_backend(backend, workers)
    by_text = RowTagger(lexicon, tokenizer, unit)
    decode = None if tokenizer is None else decoder(tokenizer)
    if apart and by is not None:
        raise ConfigError("--apart makes each path an arm, and --by each value of a column", "take one of the two")
    if baseline is not None and by is None and not apart:
        raise ConfigError(f"--baseline {baseline}: one run has no other arms", "add --apart, or --by COLUMN")
    reading: dict[str, Any] = {"mapping": mapping, "decode": decode, "quarantine": quarantine}
    read = (read_apart if apart else corpus.read)(paths, on_bad, max_bad, **reading)
    by = RUN if apart else by
    some_rows(read.rows.height, read.skipped)
    rows = with_text(read.rows)
    own_tokens = tokenizer is None and have_own_tokens(rows)
    tagger = OwnTokensTagger(by_text) if own_tokens else by_text
    warnings = stepless(rows) + (several_models(rows) if by is None else [])
    rows = rows.with_columns(pl.col("step").fill_null(1).cast(pl.Int64), _reward(rows), _groups())
    parts = {METHOD: rows} if by is None else split(rows, by, read.input_names)
    if apart:
        parts = {name: parts[name] for name in run_names(paths)}
    if baseline is not None:
        arm_named(baseline, parts)
    arms: dict[str, Steps] = {arm: {} for arm in parts}
    tasks = [(arm, step) for arm, part in parts.items() for step in sorted(part["step"].unique().to_list())]
    processes = min(workers, len(tasks))
    with open_backend(backend, processes) as ordered:
        frames = (parts[arm].filter(pl.col("step") == step) for arm, step in tasks)
        measured_steps = ordered(_measurer, (lexicon, tokenizer, unit, own_tokens), frames, processes)
        for (arm, step), measured in zip(tasks, measured_steps, strict=True):
            arms[arm][step] = measured
    found = [measured for steps in arms.values() for measured in steps.values()]
    warnings += lacking(found, read.rows, tagger.counts)
    marked = [sum(one.having[name] for one in found) for name in ("spanned", "unmarked")]
    if foreign := other_tokenizer(marked[0], marked[1], label(tokenizer)):
        warnings.append(foreign)
    elif not any(one.values["hicra/planning_share"] for one in found):
        warnings.append(nothing_found(lexicon, rows.height, letters_by_script(rows["response"].to_list())))
    judged = {} if judge is None else {arm: judged_errors(part, judge) for arm, part in parts.items()}
    places = [out] if by is None else [out / name if out else None for name in folders(list(arms))]
    config = {
        "lexicon": lexicon.name,
        "unit": tagger.tagger.unit,
        "tokenizer": label(tokenizer),
        "counts": tagger.counts,
    }
    if out is not None:
        inputs = {"lexicon": lexicon.content_hash} | hashes(read.files)
        with ends_on_sigterm(), atomic_dir(out, overwrite) as temporary:
            for (arm, steps), place in zip(arms.items(), places, strict=True):
                assert place is not None
                write_arm(temporary / place.relative_to(out), arm, steps, config, inputs)
                if missing := keep_images(read.files, temporary / place.relative_to(out)):
                    warnings.append(
                        f"{counted(len(missing), 'image')} that rollouts name cannot be found beside the input"
                    )
                if arm in judged:
                    save_judgement(temporary / place.relative_to(out), judged[arm])
    coverage = {name: sum(one.coverage.get(name, 0) for one in found) for one in found for name in one.coverage}
    result: dict[str, Any] = {
        "steps": [
            {**({} if by is None else {"arm": arm}), "step": step, "rows": one.table.height, **one.values}
            for arm, steps in arms.items()
            for step, one in steps.items()
        ],
        "intervals": [
            {**({} if by is None else {"arm": arm}), "step": step, **one.intervals}
            for arm, steps in arms.items()
            for step, one in steps.items()
        ],
        **_findings(arms, config, judged, by is not None),
        "coverage": coverage, "left_out": left_out(coverage),
        "run_dir": str(out) if out else None, "rows": rows.height, "counts": tagger.counts, "skipped": read.skipped,
        "duplicates": read.duplicates, "warnings": warnings,
    }  # fmt: skip
    if by is not None:
        result["arms"] = [
            {"arm": arm, "rows": parts[arm].height, "run_dir": str(place) if place else None}
            for arm, place in zip(arms, places, strict=True)
        ]
        compared = baseline is not None or len(arms) <= MOST_COMPARED
        result["pairs"] = pairs({arm: prompts_of(steps) for arm, steps in arms.items()}, baseline) if compared else []
        if not compared:
            warnings.append(f"the {len(arms)} arms are not compared by question; --baseline ARM compares them with one")
    return result


def _measurer(
    lexicon: Lexicon, tokenizer: Any, unit: str | None, own_tokens: bool
) -> Callable[[pl.DataFrame], StepMetrics]:
    """Returns the work of one process: it measures the rows of a step, whatever it measured before."""
    by_text = RowTagger(lexicon, tokenizer, unit)
    tagger = OwnTokensTagger(by_text) if own_tokens else by_text

    def work(rows: pl.DataFrame) -> StepMetrics:
        by_text.number_anew()
        return measure(rows, tagger)

    return work


def _findings(
    arms: Mapping[str, Steps], config: Mapping[str, Any], judged: Mapping[str, Finding], several: bool
) -> dict[str, list[dict[str, Any]]]:
    """Returns what the arms show, what a judge found in them, what was looked for and not seen, and what could not be."""
    seen: list[dict[str, Any]] = []
    not_seen: list[dict[str, Any]] = []
    unlooked: list[dict[str, Any]] = []
    for arm, steps in arms.items():
        metrics = [{"step": step, **one.values} for step, one in steps.items()]
        tables = [with_step(step, one) for step, one in steps.items()]
        intervals = {step: one.intervals for step, one in steps.items()}
        looked = look(Evidence(metrics, joined(tables), config, judged.get(arm), intervals))
        named = {"arm": arm} if several else {}
        for entries, found in zip((seen, not_seen), told(looked.found), strict=True):
            entries += [named | one.as_json() for one in found]
        unlooked += [named | {"name": name, "why": why} for name, why in looked.unlooked.items()]
    return {"findings": sorted(seen, key=lambda one: not one["alarm"]), "not_seen": not_seen, "unlooked": unlooked}


def _groups() -> pl.Expr:
    """[rows] one number a group, -1 where it is unknown: rollouts share it whose group id and question are the same."""
    name, question = pl.col("group_id").cast(pl.String), pl.col("question")
    number = pl.struct(name, question).rank("dense").cast(pl.Int64)
    return pl.when(name.is_null() & question.is_null()).then(-1).otherwise(number).alias("_group")


def _reward(rows: pl.DataFrame) -> pl.Expr:
    """[rows] the reward; where no row has one, right is 1 and wrong 0."""
    known = rows["reward"].null_count() < rows.height
    return pl.col("reward") if known else pl.col("correct").cast(pl.Float64).alias("reward")
