"""The task "math", with questions and answers from files that the user gives, and `read_benchmark` for evaluation.

Training and evaluation questions come from two settings, or from one file that is split by a seeded hash of the folded question.
In both cases they may not share a question.

Deviations (the paper trains on DAPO and DeepScaleR questions with a 0/1 reward; sizes and filters are not given):
    MATHS-1. The reward is 1 for the right final answer, else 0, and None for an unjudged answer.
    MATHS-2. Files that come without a split are split by a hash.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Mapping, Sequence
from typing import Any

from hicra.errors import ConfigError, did_you_mean
from hicra.tasks import answers, judge, questions
from hicra.tasks.base import Row
from hicra.tasks.benchmarks import benchmark_of
from hicra.tasks.prompts import Template, plain, template_of
from hicra.tasks.questions import Question, QuestionSet

SPLITS = ("train", "eval")
DEFAULTS: dict[str, Any] = {
    "train_file": None, "eval_file": None, "eval_share": 0.0, "split_seed": 0, "benchmark": "math", "question_column": None,
    "answer_column": None, "id_column": None, "max_question_chars": None, "cut_at": (), "prompt": "boxed", "chat": True,
    "answer_mode": "boxed", "on_bad_gold": "stop", "network": False, "workers": judge.WORKERS, "timeout": judge.TIMEOUT_S,
}  # fmt: skip


class MathTask(answers.ByAnswer):
    """The task "math".

    Args:
        train_file, eval_file: a path or a list of paths (`.jsonl`, `.jsonl.gz`, `.jsonl.zst`, `.parquet`), or `hub:` names.
        eval_share: the share of the training questions that is held out if there is no eval_file, 0 to 0.5.
        split_seed: decides which questions are held out.
        benchmark: how rows are read, a name in `benchmarks.BENCHMARKS`.
        question_column, answer_column, id_column: columns to use instead of the benchmark's own.
        max_question_chars: longer questions are left out; None keeps all.
        cut_at: a question ends before the first of these texts.
        prompt: a name in `prompts.TEMPLATES`, or a text that holds `{question}`.
        chat: False writes prompts as plain text, for a model without a chat template.
        answer_mode: "boxed", "strict" or "lenient".
        on_bad_gold: "stop", or "skip" to leave out rows whose gold answer cannot be an answer (`bad_gold` lists them).
        network: whether `hub:` names are allowed.
        workers, timeout: number of the verifier's processes, and seconds for each answer.

    Raises:
        ConfigError: a setting is unknown or out of its range; `rows` raises what `questions.load` raises.
    """

    name = "math"
    defaults = DEFAULTS

    def __init__(self, **settings: Any) -> None:
        answers.refuse_unknown(
            self.name, {key: None for key in settings if key not in self.defaults}, list(self.defaults)
        )
        given = {**self.defaults, **settings}
        self._files = {split: _files(given[f"{split}_file"], f"task.settings.{split}_file") for split in SPLITS}
        self._share = _number(given, "eval_share", float, 0, 0.5)
        self._split_seed = _number(given, "split_seed", int, 0, 2**63)
        benchmark = benchmark_of(given["benchmark"], "task.settings.benchmark")
        columns = [_text_or_none(given, f"{which}_column") for which in ("question", "answer", "id")]
        self._benchmark = questions.with_columns(benchmark, *columns)
        longest = given["max_question_chars"]
        self._longest = None if longest is None else _number(given, "max_question_chars", int, 1, 2**31)
        self._cut_at = _texts(given["cut_at"], "task.settings.cut_at")
        self._template = self._prompt(given)
        self._chat, self._network = _flag(given, "chat"), _flag(given, "network")
        self._mode = judge.mode_of(given["answer_mode"], "task.settings.answer_mode")
        if given["on_bad_gold"] not in ("stop", "skip"):
            raise ConfigError(
                f"task.settings.on_bad_gold is {given['on_bad_gold']!r}",
                did_you_mean(str(given["on_bad_gold"]), ("stop", "skip")),
            )
        self._on_bad_gold: questions.OnBadGold = given["on_bad_gold"]
        if self._benchmark.images and not self._chat:
            raise ConfigError(
                "task.settings.chat is false for a benchmark with images",
                "set it to true, since images need chat messages",
            )
        self._verifier = {
            "workers": _number(given, "workers", int, 1, 256),
            "timeout": float(_number(given, "timeout", float, 0.05, 3600)),
        }

    def _prompt(self, given: Mapping[str, Any]) -> Template:
        return template_of(given["prompt"], "task.settings.prompt")

    @property
    def bad_gold(self) -> list[dict[str, Any]]:
        """The rows of all files that on_bad_gold "skip" left out: [{file, line, answer, reason}]."""
        return [row for loaded in self._loaded.values() for row in loaded.bad_gold]

    def questions(self, split: str) -> list[Question]:
        """Returns a split's questions in the order of their files, or none if no setting gives any; raises as `rows` does."""
        return self._of(split) if self._files[split] or (self._share and self._files["train"]) else []

    @property
    def files(self) -> dict[str, tuple[str, ...]]:
        """The files of each split; a split that has none of its own has an empty tuple."""
        return dict(self._files)

    def rows(self, split: str, n: int | None = None, seed: int = 0) -> list[Row]:
        """Returns at most n questions of a split, in an order fixed by `seed`.

        The columns are `id`, `prompt` (messages, or a text), `question`, `answer`, and if the benchmark has them `answers`,
        `error`, `is_multiple_answer`, `also` and `images` (bytes). Every row has the same columns.
        """
        if split not in SPLITS:
            raise ConfigError(f"no split {split!r}", did_you_mean(split, SPLITS))
        kept = [one for one in self._of(split) if self._longest is None or len(one.text) <= self._longest]
        if not kept:
            raise ConfigError(
                f"task.settings.max_question_chars: no {split} question has at most {self._longest}",
                "give a larger number",
            )
        random.Random(seed).shuffle(kept)
        return _uniform([_row(one, self._template, self._chat) for one in kept[:n]])

    def _of(self, split: str) -> list[Question]:
        if self._files[split]:
            own = self._loaded[split].questions
            if split == "train" and not self._files["eval"] and self._share:
                return [one for one in own if not questions.in_eval(one, self._share, self._split_seed)]
            return list(own)
        if split == "eval" and self._share and self._files["train"]:
            found = [
                one for one in self._loaded["train"].questions if questions.in_eval(one, self._share, self._split_seed)
            ]
            if not found:
                raise ConfigError(
                    f"task.settings.eval_share {self._share} holds out no question", "give a larger share"
                )
            return found
        also = " or task.settings.eval_share" if split == "eval" else ""
        raise ConfigError(f"task.settings.{split}_file is not set", f"give a file of questions with answers{also}")

    @functools.cached_property
    def _loaded(self) -> dict[str, QuestionSet]:
        """The questions of the given files, which are read once and refused if they share a question."""
        read = {
            split: questions.load(
                files, self._benchmark, setting=f"task.settings.{split}_file", on_bad_gold=self._on_bad_gold,
                cut_at=self._cut_at, network=self._network,
            )
            for split, files in self._files.items()
            if files
        }  # fmt: skip
        if len(read) == 2:
            questions.refuse_shared(read["train"].questions, read["eval"].questions)
        return read


def read_benchmark(name: str, file: str | None = None, prompt: str = "boxed", **settings: Any) -> list[Row]:
    """Reads the rows of a benchmark in the order of its file, for evaluation.

    Args:
        name: a name in `benchmarks.BENCHMARKS`.
        file: a path, or a `hub:` name; None takes the benchmark's data set on the hub (with `network=True`).
        prompt: a template's name or a text that holds `{question}`.
        settings: `on_bad_gold`, `cut_at`, `network` of `questions.load`.
    """
    template = template_of(prompt, "prompt")
    loaded = questions.load([file or questions.HUB], benchmark_of(name, "benchmark"), setting="eval_file", **settings)
    return _uniform([_row(one, template, True) for one in loaded.questions])


def _row(question: Question, template: Template, chat: bool) -> Row:
    messages = template.messages(question.text, len(question.images))
    row: Row = {"id": question.id, "prompt": messages if chat else plain(messages), "question": question.text}
    row |= question.gold
    return row | {"images": list(question.images)} if question.images else row


def _uniform(rows: list[Row]) -> list[Row]:
    """Gives all rows the same columns, since tables are built from the first row."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    return [{key: row.get(key) for key in columns} for row in rows]


def _files(value: Any, key: str) -> tuple[str, ...]:
    return () if value is None else _texts([value] if isinstance(value, str) else value, key)


def _texts(value: Any, key: str) -> tuple[str, ...]:
    if (
        not isinstance(value, Sequence)
        or isinstance(value, str)
        or not all(isinstance(one, str) and one for one in value)
    ):
        raise ConfigError(f"{key} is {value!r}", "give a text or a list of texts")
    return tuple(value)


def _text_or_none(given: Mapping[str, Any], key: str) -> str | None:
    value = given[key]
    if value is not None and (not isinstance(value, str) or not value):
        raise ConfigError(f"task.settings.{key} is {value!r}", "give the name of a column")
    return value


def _flag(given: Mapping[str, Any], key: str) -> bool:
    if not isinstance(given[key], bool):
        raise ConfigError(f"task.settings.{key} is {given[key]!r}", "give true or false")
    return bool(given[key])


def _number(given: Mapping[str, Any], key: str, kind: type, low: float, high: float) -> Any:
    value = given[key]
    fits = isinstance(value, int | float if kind is float else int) and not isinstance(value, bool)
    if not fits or not low <= value <= high:
        what = "whole number" if kind is int else "number"
        raise ConfigError(f"task.settings.{key} is {value!r}", f"give a {what} from {low:g} to {high:g}")
    return value
