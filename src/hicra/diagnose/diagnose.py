"""Computes every metric that the rollouts of a run allow, step by step, and writes run folders that `hicra report` reads."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from hicra.artifacts import atomic_dir, check_output
from hicra.diagnose.arm import MeasuredArm
from hicra.diagnose.arms import folders
from hicra.diagnose.images import keep_images
from hicra.diagnose.lacking import lacking, left_out, repeated_steps
from hicra.diagnose.measure import StepMetrics, measure
from hicra.diagnose.own_tokens import OwnTokensTagger
from hicra.diagnose.pairs import NEEDED, arm_named, not_paired, pairs
from hicra.diagnose.saved_pairs import save_pairs
from hicra.diagnose.scores import READ, open_scorer, scores_of
from hicra.diagnose.scoring import Scoring
from hicra.diagnose.shelf import Shelf
from hicra.diagnose.spool import Spool
from hicra.diagnose.taken import JUDGED, Taken, frames, take_in, told_of, whole_arm
from hicra.diagnose.told import Progress, Told
from hicra.diagnose.write import hashes
from hicra.drawing.readable import counted
from hicra.errors import ConfigError
from hicra.findings import Finding, look, told
from hicra.findings.finding import STEPLESS
from hicra.findings.judged_errors import COLUMNS as OF_JUDGE
from hicra.findings.judged_errors import Judge, judged_errors
from hicra.lexicon import Lexicon
from hicra.lexicon.check import nothing_found
from hicra.tagging import RowTagger
from hicra.tagging.rows import other_tokenizer
from hicra.text.byte_tables import label
from hicra.text.decode import decoder
from hicra.text.scripts import letters_by_script
from hicra.workers.backends import backend as open_backend
from hicra.workers.backends import check_backend
from hicra.workers.signals import ends_on_sigterm

MOST_COMPARED = 8  # arms; more take long, and are rarely meant to be compared with the first


def diagnose(
    paths: Sequence[Path], lexicon: Lexicon, *, tokenizer: Any, unit: str | None = None, out: Path | None, on_bad: Any,
    max_bad: float, by: str | None = None, mapping: Mapping[str, str] | None = None, quarantine: Path | None = None,
    overwrite: bool = False, read_too: Sequence[Path | str] = (), judge: Judge | None = None, workers: int = 1,
    backend: str = "local", apart: bool = False, baseline: str | None = None, scoring: Scoring | None = None,
    progress: Progress | None = None,
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
        backend: where they are, "local" or "ray"; the result does not depend on it. This process reads the rows, and
            holds those of the steps under way; the others lie in temporary files (see `Shelf`).
        scoring: a model that scores the tokens of the responses, in this process, or None to load none. Its tokenizer is the one
            that counts.
        progress: is called with (rows measured, all rows, what is under way).

    Returns:
        steps: a list of {step, rows, metric: value or None}, with `by` also {arm}; findings: a list of {name, text, figures,
        alarm}, the alarms first, and not_seen: the same of what was looked for and not seen, both with `by` also {arm};
        unlooked: what could not be looked for, a list of {name, why}, with `by` also {arm}; intervals: a list of {step, metric:
        [low, high]} over prompts (METRIC-7), with `by` also {arm}; left_out: metric that no row allows -> what it needs;
        coverage: metric -> number of rows that it counts; warnings; counts: what lengths and shares are counted in; run_dir,
        with `by` also arms, a list of {arm, rows, run_dir}, and pairs, the arms compared by question (see `pairs.pairs`). With
        `scoring` also scores, what the model scored and what not (see `Scorer.about`), and, where it asks for it, signal: a list
        of measurements with the keys of `hicra signal --json`, one an arm, with `by` also {arm}, and attention: a list of what
        tokens receive (`attention.ReceivedSums.figures`), one an arm, with `by` also {arm}.

    Raises:
        DataError: the input is bad; nothing has been written then.
        ConfigError: the settings are wrong, or Ray does not start.
        WorkerDied: a worker process ended early.
        ArtifactError: `out` exists.
    """
    if out is not None:
        check_output(out, "the run folder", overwrite=overwrite, inputs=[*paths, *read_too], folder=True)
    check_backend(backend, workers)
    if scoring is not None:
        if tokenizer is not None:
            raise ConfigError("--model counts by its own tokenizer, and --tokenizer names one", "leave out --tokenizer")
        tokenizer = str(scoring.folder())
    by_text = RowTagger(lexicon, tokenizer, unit)
    decode = None if tokenizer is None else decoder(tokenizer)
    if apart and by is not None:
        raise ConfigError("--apart makes each path an arm, and --by each value of a column", "take one of the two")
    if baseline is not None and by is None and not apart:
        raise ConfigError(f"--baseline {baseline}: one run has no other arms", "add --apart, or --by COLUMN")
    reading: dict[str, Any] = {"mapping": mapping, "decode": decode, "quarantine": quarantine}
    with contextlib.ExitStack() as stack:
        stack.enter_context(ends_on_sigterm())
        shelf = stack.enter_context(Shelf())
        more = (*(JUDGED if judge else ()), *(READ if scoring else ()))
        taken = take_in(paths, on_bad, max_bad, Spool(shelf), by=by, apart=apart, more=more, **reading)
        if baseline is not None:
            arm_named(baseline, taken.arms)
        own_tokens = tokenizer is None and taken.own_tokens
        tagger = OwnTokensTagger(by_text) if own_tokens else by_text
        tasks = taken.tasks()
        scorer = (
            None if scoring is None else open_scorer(scoring, by_text.tagger, tasks, frames(taken, tasks), taken.height)
        )
        config = {
            "lexicon": lexicon.name, "unit": tagger.tagger.unit, "tokenizer": label(tokenizer), "counts": tagger.counts,
            **({} if scorer is None else {"scores": scorer.recorded()}),
        }  # fmt: skip
        configs = {arm: {**config, **({STEPLESS: True} if taken.stepless(arm) else {})} for arm in taken.arms}
        several = by is not None or apart
        judged = (
            {} if judge is None else {arm: judged_errors(whole_arm(taken, arm, OF_JUDGE), judge) for arm in taken.arms}
        )
        names = folders(taken.arms) if several else [""]
        places = [out / name if out else None for name in names]
        temporary = None
        if out is not None:
            temporary = stack.enter_context(atomic_dir(out, overwrite))
        inputs = {"lexicon": lexicon.content_hash} | hashes(taken.files) if out is not None else {}
        arms = {
            arm: MeasuredArm(arm, None if temporary is None else temporary / name, configs[arm], inputs, stack)
            for arm, name in zip(taken.arms, names, strict=True)
        }
        processes = min(workers, len(tasks))
        with open_backend(backend, processes) as ordered:
            rows = frames(taken, tasks) if scorer is None else scorer.filled(tasks, frames(taken, tasks))
            told_rows = Told(progress, taken.height)
            here = backend == "local" and processes < 2  # a part of a step can be told only where it is measured here
            how = (lexicon, tokenizer, unit, own_tokens, told_rows.add if here else None)
            for (name, step), measured in zip(tasks, ordered(_measurer, how, rows, processes), strict=True):
                arms[name].add(step, measured if scorer is None else scorer.measured(name, step, measured))
                told_rows.add(0 if here else measured.rows)
        told_rows.findings()
        scores = scores_of(scorer, taken.arms)
        found = [one for arm in arms.values() for one in arm.steps.values()]
        warnings = told_of(taken, by, apart) + scores.warnings
        warnings += [] if several else repeated_steps(arms[taken.arms[0]].steps)
        warnings += lacking(found, taken.height, taken.known, tagger.counts)
        marked = [sum(one.having[name] for one in found) for name in ("spanned", "unmarked")]
        if foreign := other_tokenizer(marked[0], marked[1], label(tokenizer)):
            warnings.append(foreign)
        elif not any(one.values["hicra/planning_share"] for one in found):
            warnings.append(nothing_found(lexicon, taken.height, _letters(taken)))
        for name, arm in arms.items():
            arm.finish(judged.get(name))
            if arm.place is not None:
                scores.save(name, arm.place, inputs)
                if missing := keep_images(taken.files, arm.place):
                    warnings.append(
                        f"{counted(len(missing), 'image')} that rollouts name cannot be found beside the input"
                    )
        coverage = {name: sum(one.coverage.get(name, 0) for one in found) for one in found for name in one.coverage}
        result: dict[str, Any] = {
            "steps": [
                {**({"arm": arm.name} if several else {}), "step": step, "rows": one.rows, **one.values}
                for arm in arms.values()
                for step, one in arm.steps.items()
            ],
            "intervals": [
                {**({"arm": arm.name} if several else {}), "step": step, **one.intervals}
                for arm in arms.values()
                for step, one in arm.steps.items()
            ],
            **_findings(arms.values(), configs, judged, several, scores.signals),
            "coverage": coverage, "left_out": left_out(coverage),
            "run_dir": str(out) if out else None, "rows": taken.height, "counts": tagger.counts, "skipped": taken.skipped,
            "duplicates": taken.duplicates, "warnings": warnings, **scores.told(several),
        }  # fmt: skip
        if several:
            result["arms"] = [
                {"arm": arm, "rows": taken.rows_of(arm), "run_dir": str(place) if place else None}
                for arm, place in zip(taken.arms, places, strict=True)
            ]
            compared = baseline is not None or len(arms) <= MOST_COMPARED
            tables = {name: arm.prompts.read(NEEDED) for name, arm in arms.items()} if compared else {}
            result["pairs"] = pairs(tables, baseline) if compared else []
            warnings += not_paired(tables, baseline) if compared else []
            save_pairs({name: arm.place for name, arm in arms.items()}, result["pairs"])
            if not compared:
                warnings.append(
                    f"the {len(arms)} arms are not compared by question; --baseline ARM compares them with one"
                )
    return result


def _letters(taken: Taken) -> Counter[str]:
    """Counts the letters of all responses by their script."""
    counts: Counter[str] = Counter()
    for rows in frames(taken, taken.tasks()):
        counts.update(letters_by_script(rows["response"].to_list()))
    return counts


def _measurer(
    lexicon: Lexicon, tokenizer: Any, unit: str | None, own_tokens: bool, each: Callable[[int], None] | None
) -> Callable[[pl.DataFrame], StepMetrics]:
    """Returns the work of one process: it measures the rows of a step, whatever it measured before.

    `each` is as for `measure`.
    """
    by_text = RowTagger(lexicon, tokenizer, unit)
    tagger = OwnTokensTagger(by_text) if own_tokens else by_text

    def work(rows: pl.DataFrame) -> StepMetrics:
        by_text.number_anew()
        return measure(rows, tagger, each)

    return work


def _findings(
    arms: Iterable[MeasuredArm],
    configs: Mapping[str, Mapping[str, Any]],
    judged: Mapping[str, Finding],
    several: bool,
    signals: Mapping[str, Mapping[str, Any]],
) -> dict[str, list[dict[str, Any]]]:
    """Returns what the arms show, what a judge found in them, what was looked for and not seen, and what could not be; each run
    folder gets its own.
    """
    seen: list[dict[str, Any]] = []
    not_seen: list[dict[str, Any]] = []
    unlooked: list[dict[str, Any]] = []
    for arm in arms:
        looked = look(arm.evidence(configs[arm.name], judged.get(arm.name), signals.get(arm.name)))
        arm.keep(looked)
        named = {"arm": arm.name} if several else {}
        for entries, found in zip((seen, not_seen), told(looked.found), strict=True):
            entries += [named | one.as_json() for one in found]
        unlooked += [named | {"name": name, "why": why} for name, why in looked.unlooked.items()]
    return {"findings": sorted(seen, key=lambda one: not one["alarm"]), "not_seen": not_seen, "unlooked": unlooked}
