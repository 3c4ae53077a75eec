"""Makes the table of samples from sampled texts, with question, gold answer and verdicts for each.

Token ids stay inside the frames, because those of a large evaluation would not fit into memory as Python lists.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import polars as pl

from hicra.evaluate.checkers import ByTask, Checker, in_batches
from hicra.evaluate.questions import EvalBenchmark, EvalQuestion
from hicra.evaluate.result import SCHEMA
from hicra.tasks.images import kept_name
from hicra.verify.reward import UNJUDGED

Progress = Callable[[int, int, str], None]


def judged(
    benchmark: EvalBenchmark,
    questions: Sequence[EvalQuestion],
    made: pl.DataFrame,
    verifier: Checker,
    progress: Progress,
) -> pl.DataFrame:
    """Judges the samples of one benchmark and makes their table, with the columns of `SCHEMA`.

    Args:
        benchmark: the benchmark, whose task judges if it has one.
        questions: the question of each sample.
        made: the samples, with the columns of `store.PART_SCHEMA`.
        verifier: judges if the benchmark has no task.
        progress: is called with (samples judged, number of all samples, "verifying").
    """
    checker: Checker = ByTask(benchmark.task) if benchmark.task else verifier
    checked = in_batches(
        checker, made["response"].to_list(), questions, made["ended"].to_list(),
        lambda done: progress(done, made.height, "verifying"),
    )  # fmt: skip
    golds = [question.golds[0] for question in questions]
    columns: dict[str, list[Any]] = {
        "file": [benchmark.name] * made.height,
        "id": [f"{one.id}/{sample}" for one, sample in zip(questions, made["sample"].to_list(), strict=True)],
        "group_id": [one.id for one in questions],
        "question": [one.text for one in questions],
        "answer": [", ".join(gold.answers) or None for gold in golds],
        "error": [None if gold.tolerance is None else str(float(gold.tolerance)) for gold in golds],
        "is_multiple_answer": [gold.multiple or len(gold.answers) > 1 for gold in golds],
        "verdict": [one.boxed for one in checked],
        "verdict_strict": [one.strict for one in checked],
        "verdict_lenient": [one.lenient for one in checked],
        "extracted": [one.extracted for one in checked],
        "extracted_lenient": [one.extracted_lenient for one in checked],
        "seconds": [one.seconds for one in checked],
        "correct": [None if one.boxed in UNJUDGED else one.boxed == "correct" for one in checked],
        "images": [[kept_name(image) for image in question.images] or None for question in questions],
    }
    series = [pl.Series(name, values, SCHEMA[name]) for name, values in columns.items()]
    table = made.with_columns(*series, truncated=~pl.col("ended"), prompt_too_long=pl.col("too_long"))
    return table.select(list(SCHEMA))
