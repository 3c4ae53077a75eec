"""Samples part by part: a part is a batch of questions with all their samples, and is written before the next one begins.

The parts follow from the settings alone, so that a resumed evaluation makes the same batches as an uninterrupted one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import polars as pl

from hicra.drawing.readable import duration
from hicra.evaluate.questions import EvalBenchmark, EvalQuestion
from hicra.evaluate.settings import EvalSettings
from hicra.evaluate.store import Store
from hicra.generation.interface import Generator, Made, Request, seed_of

Say = Callable[[str], None]
Progress = Callable[[int, int, str], None]
BATCH = {"transformers": 32, "endpoint": 64, "vllm": 1024}


def sample_all(
    store: Store,
    benchmarks: Sequence[EvalBenchmark],
    model: str,
    settings: EvalSettings,
    generator: Callable[[str, EvalSettings], Generator],
    say: Say,
    progress: Progress,
) -> list[pl.DataFrame]:
    """Returns the samples of every benchmark, including those of earlier starts, one frame per benchmark."""
    batch = settings.batch or BATCH[settings.engine]
    total = sum(len(benchmark.questions) * settings.samples(benchmark.kind) for benchmark in benchmarks)
    done, fresh, began = 0, 0, time.monotonic()
    source: Generator | None = None
    frames = []
    try:
        for number, benchmark in enumerate(benchmarks):
            n = settings.samples(benchmark.kind)
            size = max(1, batch // n)
            own = _fitting(settings.model_copy(update={"batch": batch, "n": n}), benchmark)
            parts = []
            for begin in range(0, len(benchmark.questions), size):
                questions = benchmark.questions[begin : begin + size]
                frame = store.read_part(number, begin // size, len(questions) * n)
                if frame is None:
                    if source is None:
                        if done:
                            say(f"going on: {done} of {total} samples are there already")
                        source = generator(model, settings)
                        began = time.monotonic()
                    rows = _part(source, questions, begin, own)
                    store.write_part(number, begin // size, rows)
                    frame = store.read_part(number, begin // size, len(rows))
                    assert frame is not None
                    fresh += frame.height
                parts.append(frame)
                done += frame.height
                progress(done, total, _left(done, total, fresh, time.monotonic() - began))
            frames.append(pl.concat(parts))
    except KeyboardInterrupt:
        say(f"interrupted: {done} of {total} samples are kept; the same command with --resume goes on")
        raise
    finally:
        if source is not None:
            source.close()
    return frames


def _fitting(settings: EvalSettings, benchmark: EvalBenchmark) -> EvalSettings:
    """Returns the settings with the task's own bound on response length if that is lower."""
    most = getattr(benchmark.task, "max_new_tokens", None) or settings.max_new_tokens
    return settings.model_copy(update={"max_new_tokens": min(most, settings.max_new_tokens)})


def _part(
    source: Generator, questions: Sequence[EvalQuestion], first: int, settings: EvalSettings
) -> list[dict[str, Any]]:
    wanted = [(at, sample) for at in range(len(questions)) for sample in range(settings.n)]
    requests = [
        Request(questions[at].prompt, seed_of(settings.seed, questions[at].id, sample), questions[at].images)
        for at, sample in wanted
    ]
    return [
        {"question": first + at, "sample": sample, "seed": request.seed, **columns_of(made)}
        for (at, sample), request, made in zip(wanted, requests, source.generate(requests, settings), strict=True)
    ]


def columns_of(made: Made) -> dict[str, Any]:
    """Returns the columns of `store.PART_SCHEMA` that a sampled text gives."""
    return {
        "prompt": made.prompt, "response": made.text, "token_ids": made.ids, "tokens": made.tokens, "ended": made.ended,
        "too_long": made.too_long,
    }  # fmt: skip


def _left(done: int, total: int, fresh: int, seconds: float) -> str:
    if not fresh or done == total:
        return ""
    return f"{duration((total - done) * seconds / fresh)} left"
