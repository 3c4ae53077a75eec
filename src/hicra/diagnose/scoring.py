"""Scores the responses of a dump with a model: the entropy and the log-probability of every token, where the dump lacks them.

    Scoring   what is asked for: a model, how many rows, whether also the signal
    Scorer    the loaded model; it adds columns to the rows of a step, and counts what it did and what it had to leave out

What is measured is the model's own uncertainty when it reads the response after its prompt, at temperature 1. It is that of the
policy that sampled the response only where the model is that policy; `surprise.py` says how far off the responses are.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from hicra.corpus.turns import WALL
from hicra.diagnose import attention as of_attention
from hicra.diagnose.attention import AttentionReader
from hicra.diagnose.measure import PER_TOKEN, StepMetrics
from hicra.diagnose.meter import METRICS, RolloutMeter, save
from hicra.diagnose.prompts import UnusablePrompt, prompt_ids, prompts_of
from hicra.diagnose.response_tokens import ResponseReader, ResponseTokens
from hicra.diagnose.score_order import batches_of, spread
from hicra.diagnose.score_words import NO_PROMPT, gap_sentence
from hicra.diagnose.surprise import Surprise
from hicra.drawing.readable import duration
from hicra.errors import ConfigError
from hicra.tagging import Tagger

Progress = Callable[[int, int, str], None]
TURNS, EMPTY = "it has several turns", "it has no token"
TOO_LONG = "with its prompt it is longer than the model's context of {} tokens"
NOT_FINITE = "the model gives one of its tokens no probability"


@dataclass(frozen=True)
class Scoring:
    """What is asked of a model.

    Attributes:
        model: a folder, or a name that `generation.models.resolve` knows.
        limit: rows of a step that are scored, at most; 0 for all.
        again: whether rows that have entropies and log-probabilities of their own are scored, too, and take the model's.
        signal: whether the learning signal is measured.
        attention: whether it is read how much attention tokens receive.
        progress: is called with (rows done, all rows, time left).
    """

    model: str
    limit: int = 0
    again: bool = False
    signal: bool = False
    attention: bool = False
    progress: Progress = lambda done, total, text: None

    def folder(self) -> Path:
        """Returns the folder of the model; nothing is loaded.

        Raises:
            ConfigError: there is no such model, its folder lacks weights or tokenizer.json, or `limit` is below 0.
        """
        from hicra.generation.folder import model_folder

        if self.limit < 0:
            raise ConfigError(
                f"--model-limit {self.limit} is no number of rows", "give 0 for all rows, or a number above"
            )
        folder = model_folder(self.model)
        if not (folder / "tokenizer.json").is_file():
            raise ConfigError(
                f"model folder {folder} has no tokenizer.json, from which responses are cut and their tokens placed in the text",
                "AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER) writes it where transformers can convert",
            )
        return folder


class Scorer:
    """Scores rows with a model that is loaded once.

    Args:
        asked: what is asked for.
        tagger: marks planning tokens, with the model's own tokenizer.
        steps: the number of steps of each arm.
        rows: the number of all rows, for the time that is left.

    Raises:
        ConfigError: torch is not installed, or the model cannot be loaded.
    """

    def __init__(self, asked: Scoring, tagger: Tagger, steps: Mapping[str, int], rows: int) -> None:
        from hicra.generation.folder import model_hash
        from hicra.signal.weights import load_weights

        folder = asked.folder()
        self.asked, self.total, self.done, self.began = asked, rows, 0, time.monotonic()
        self.model, self.tokenizer = load_weights(folder, verb="hicra diagnose --model")
        self.model.eval()
        self.identity = {"name": asked.model, "sha256": model_hash(folder)}
        self.reader = ResponseReader(folder, tagger)
        config = self.model.config.get_text_config()
        self.context = getattr(config, "max_position_embeddings", None)
        embedded = self.model.get_input_embeddings().num_embeddings
        if self.reader.largest >= embedded:
            raise ConfigError(
                f"the tokenizer in {folder} has token {self.reader.largest}, and the model knows {embedded} tokens",
                "give the folder the tokenizer that its model was trained with",
            )
        self.meter = RolloutMeter(self.model, tagger, steps) if asked.signal else None
        self.attention = AttentionReader(self.model, tagger, list(steps)) if asked.attention else None
        self.surprise = Surprise()  # of all rows
        self.apart = {arm: Surprise() for arm in steps}
        self.counts: Counter[str] = Counter()
        self.left_out: Counter[str] = Counter()
        self.written: Counter[str] = Counter()
        self.kept: Counter[str] = Counter()
        self.unfit: Counter[str] = Counter()

    # ---- what diagnosing calls, for each step of each arm
    def filled(self, steps: Iterable[tuple[str, int]], frames: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """Yields `fill` of the rows of each step (arm, step)."""
        for (arm, step), rows in zip(steps, frames, strict=True):
            yield self.fill(arm, step, rows)

    def fill(self, arm: str, step: int, rows: pl.DataFrame) -> pl.DataFrame:
        """Returns the rows of a step with token_ids, token_ends, entropies and logprobs.

        A list is null where a row could not be scored, or was not among those that `limit` lets through.

        Args:
            arm, step: whose rows they are.
            rows: rows as `measure.measure` takes them, with `reward`.
        """
        tokens = self.reader.read(rows["response"].to_list(), rows["token_ids"].to_list())
        self.counts.update(rows=rows.height, recorded=sum(tokens.recorded), others=tokens.others)
        own = {name: self._own(rows, name, tokens) for name in PER_TOKEN}
        chosen = spread(rows, self.asked.limit)
        self.counts["drawn"] += len(chosen)
        every = self.asked.signal or self.asked.attention
        lacking = [at for at in chosen if every or any(own[name][at] is None for name in PER_TOKEN)]
        prompts = self._prompts(rows, tokens, lacking)
        scored = self._score(rows, tokens, prompts, self.apart[arm])
        columns: dict[str, list[list[float] | None]] = {}
        for number, name in enumerate(PER_TOKEN):
            columns[name] = [
                one if one is not None else scored[at][number] if at in scored else None
                for at, one in enumerate(own[name])
            ]
        usable = sorted(scored)
        read = [prompts[at] for at in usable], [tokens.ids[at] for at in usable]
        if self.meter is not None:
            self.meter.add(arm, step, rows.filter(pl.Series(np.isin(np.arange(rows.height), usable))), *read)
        if self.attention is not None:
            self.attention.add(arm, step, [rows["question"][at] for at in usable], *read)
        self.done += rows.height - len(prompts)
        self._say()
        return rows.with_columns(
            pl.Series("token_ids", tokens.ids, pl.List(pl.Int64)),
            pl.Series("token_ends", tokens.ends, pl.List(pl.Int64)),
            *(pl.Series(name, values, pl.List(pl.Float64)) for name, values in columns.items()),
        )

    def measured(self, arm: str, step: int, one: StepMetrics) -> StepMetrics:
        """Returns the metrics of a step with what was measured in it: signal and noise, attention received."""
        for reader, names in ((self.meter, METRICS), (self.attention, of_attention.METRICS)):
            if reader is not None:
                values, rows = reader.values(arm, step)
                counted_rows = {name: 0 if values[name] is None else rows for name in names}
                one = replace(one, values=one.values | values, coverage=one.coverage | counted_rows)
        return one

    # ---- what is known when all steps are done
    def signal(self, arm: str) -> dict[str, Any] | None:
        """Returns the measurement of the signal of an arm (see `RolloutMeter.result`), with what is said of the rollouts."""
        found = None if self.meter is None else self.meter.result(arm)
        if found is None:
            return None
        apart = self.apart[arm].figures()
        if apart["ci"] and not apart["ci"][0] <= 0 <= apart["ci"][1]:
            found["warnings"].append(
                "these rollouts are not what the model samples at temperature 1, so this is the gradient at the model on these "
                f"rollouts, and no policy gradient of it: {gap_sentence(apart)}"
            )
        return found

    def save_signal(self, arm: str, folder: Path, found: Mapping[str, Any], inputs: Mapping[str, Any]) -> None:
        """Writes a measurement of the signal into a new folder."""
        assert self.meter is not None
        save(folder, found, self.meter.settings(arm), self.identity, inputs)

    def recorded(self) -> dict[str, Any]:
        """Returns what decides the scores, as the config of a run folder holds it."""
        return {"model": self.identity, "limit": self.asked.limit, "again": self.asked.again}

    def about(self) -> dict[str, Any]:
        """Returns what was scored, how, and what was left out, as JSON values."""
        return {
            "model": self.identity["name"], "sha256": self.identity["sha256"], "limit": self.asked.limit,
            "rows": self.counts["scored"], "tokens": self.counts["tokens"], "drawn": self.counts["drawn"],
            "prompts": dict(sorted(self.written.items())), "left_out": dict(sorted(self.left_out.items())),
            "kept": {name: self.kept[name] for name in PER_TOKEN}, "unfit": {name: self.unfit[name] for name in PER_TOKEN},
            "token_ids": {
                "recorded": self.counts["recorded"], "from_text": self.counts["rows"] - self.counts["recorded"],
                "of_another_tokenizer": self.counts["others"],
            },
            "surprise": self.surprise.figures(),
            "surprise_of_arms": {arm: one.figures() for arm, one in self.apart.items()} if len(self.apart) > 1 else {},
            "seconds": time.monotonic() - self.began,
        }  # fmt: skip

    # ---- the parts
    def _own(self, rows: pl.DataFrame, name: str, tokens: ResponseTokens) -> list[list[float] | None]:
        """Returns the row's own values of its tokens, None where it has none, where they do not fit, or all are scored again."""
        dtype = rows.schema.get(name)
        if self.asked.again or not isinstance(dtype, pl.List) or not dtype.inner.is_numeric():
            return [None] * rows.height
        found = [
            values if values is None or len(values) == len(ids) else []
            for values, ids in zip(rows[name].cast(pl.List(pl.Float64)).to_list(), tokens.ids, strict=True)
        ]
        self.unfit[name] += sum(values == [] and bool(ids) for values, ids in zip(found, tokens.ids, strict=True))
        kept = [values or None for values in found]
        self.kept[name] += sum(values is not None for values in kept)
        return kept

    def _prompts(self, rows: pl.DataFrame, tokens: ResponseTokens, wanted: Sequence[int]) -> dict[int, list[int]]:
        """Returns the ids of the prompts of those rows that can be scored, and counts why others cannot."""
        found: dict[int, list[int]] = {}
        made: dict[str, tuple[list[int], str] | str] = {}
        prompts = prompts_of(rows)
        for at in wanted:
            prompt, ids = prompts[at], tokens.ids[at]
            if WALL in rows["response"][at]:
                self.left_out[TURNS] += 1
            elif not ids:
                self.left_out[EMPTY] += 1
            elif prompt is None:
                self.left_out[NO_PROMPT] += 1
            else:
                key = repr(prompt)
                if key not in made:
                    try:
                        made[key] = prompt_ids(self.tokenizer, prompt)
                    except UnusablePrompt as reason:
                        made[key] = str(reason)
                one = made[key]
                if isinstance(one, str):
                    self.left_out[one] += 1
                elif self.context and len(one[0]) + len(ids) > self.context:
                    self.left_out[TOO_LONG.format(self.context)] += 1
                else:
                    found[at] = one[0]
                    self.written[one[1]] += 1
        return found

    def _score(
        self, rows: pl.DataFrame, tokens: ResponseTokens, prompts: Mapping[int, list[int]], apart: Surprise
    ) -> dict[int, tuple[list[float], list[float]]]:
        """Returns row -> its entropies and log-probabilities, in the order of `PER_TOKEN`."""
        from hicra.signal.gradients import encode, policy_values

        found: dict[int, tuple[list[float], list[float]]] = {}
        for members in batches_of({at: len(prompts[at]) + len(tokens.ids[at]) for at in prompts}):
            encoded = encode([prompts[at] for at in members], [tokens.ids[at] for at in members])
            logprobs, entropies = policy_values(self.model, encoded)
            for row, at in enumerate(members):
                size = len(tokens.ids[at])
                logs, own = logprobs[row, :size].astype(np.float64), entropies[row, :size].astype(np.float64)
                if not (np.isfinite(logs).all() and np.isfinite(own).all()):
                    self.left_out[NOT_FINITE] += 1
                    continue
                found[at] = (own.tolist(), logs.tolist())
                self.counts.update(scored=1, tokens=size)
                question = rows["question"][at]
                prompt = hash(question) if question is not None else ("row", self.counts["scored"])
                for into in (self.surprise, apart):
                    into.add(prompt, -float(logs.sum()), float(own.sum()), size)
            self.done += len(members)
            self._say()
        return found

    def _say(self) -> None:
        spent = time.monotonic() - self.began
        left = duration(spent * (self.total - self.done) / self.done) if self.done else ""
        self.asked.progress(self.done, self.total, f"about {left} left" if left and self.done < self.total else "")
