"""Grade-school word problems (GSM8K) from files the user gives; hicra neither ships nor downloads them.

A file is JSON Lines (`.jsonl` or `.jsonl.gz`), one object a line with `question` and `answer`; the answer is what
follows the last `####`, or all of it where there is no mark. Training and evaluation questions come from two files,
which may not share a question (compared by letters and digits alone, in lower case).

Deviations (the paper trains on competition problems):
    D1  reward 1 for the right final answer, else 0.
    D2  a worked example by default, so that a small model writes its answer where it is found.
"""

from __future__ import annotations

import functools
import gzip
import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hicra.errors import ConfigError, DataError, did_you_mean
from hicra.tasks import answers
from hicra.tasks.base import Row

SYSTEM = "Think step by step briefly. End with \\boxed{answer}."
EXAMPLES = (
    (
        "A farmer has 3 baskets of 4 eggs and sells 5 of the eggs. How many eggs are left?",
        "First, we need to find the number of eggs: 3 * 4 = 12. He sells 5, so 12 - 5 = 7 are left. "
        "The answer is \\boxed{7}.",
    ),
)
SETTINGS = ("train_file", "eval_file", "max_question_chars", "shots", "answer_mode")
UPSTREAM = "github.com/openai/grade-school-math, grade_school_math/data"  # MIT


@dataclass(frozen=True)
class Question:
    """One line of a file: its number (from 1), id, text and bare answer."""

    line: int
    id: str
    text: str
    answer: str

    @property
    def key(self) -> str:
        """Letters and digits of the text in lower case: equal keys are the same question."""
        return "".join(letter for letter in self.text.lower() if letter.isalnum())


def read_questions(path: Path, setting: str) -> list[Question]:
    """Reads a file of questions, strictly.

    Args:
        path: `.jsonl` or `.jsonl.gz`, UTF-8.
        setting: name of the setting that gave the path, for messages.

    Raises:
        ConfigError: no such file.
        DataError: a line is not a JSON object with a `question` and a non-blank `answer`; it names file and line.
    """
    if not path.is_file():
        raise ConfigError(f"{setting}: no file {path}", "check the path; relative ones start at the current folder")
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        lines = data.decode("utf-8").split("\n")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}", "give UTF-8 JSON Lines, plain or gzip-compressed") from None
    found = [_question(text, path, number) for number, text in enumerate(lines, start=1) if text.strip()]
    if not found:
        raise DataError(f"{path} holds no question", "give one JSON object a line with question and answer")
    return found


def _question(text: str, path: Path, number: int) -> Question:
    fix = "each line is an object with the strings question and answer"
    try:
        row = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise DataError(f"{path}:{number} is not JSON: {error}", fix) from None
    if not isinstance(row, dict):
        raise DataError(f"{path}:{number} is {type(row).__name__}, not an object", fix)
    for key in ("question", "answer"):
        if not isinstance(row.get(key), str) or not row[key].strip():
            raise DataError(f"{path}:{number} has no text in {key!r}", fix)
    answer = row["answer"].rpartition("####")[2].strip()
    if not answers.normalise(answer):
        raise DataError(f"{path}:{number} has a blank answer", "write the answer after ####, or remove the line")
    return Question(number, str(row.get("id", f"{path.name}:{number}")), row["question"].strip(), answer)


class Gsm8k(answers.ByAnswer):
    """The task "gsm8k".

    Args:
        train_file: path of the training questions, needed for split "train".
        eval_file: path of the evaluation questions, needed for split "eval".
        max_question_chars: leaves out longer questions, in characters; None keeps all.
        shots: worked examples before the question, 0 or 1.
        answer_mode: "boxed", or "boxed_or_last_number", which also pays for the last number of one without a box.

    Raises:
        ConfigError: a setting is unknown or out of its range. `rows` raises ConfigError for a file that is not given
            or not there, and DataError for bad lines or a question that both files share.
    """

    name = "gsm8k"

    def __init__(
        self,
        *,
        train_file: str | None = None,
        eval_file: str | None = None,
        max_question_chars: int | None = None,
        shots: int = 1,
        answer_mode: answers.AnswerMode = "boxed_or_last_number",
        **unknown: Any,
    ) -> None:
        answers.refuse_unknown(self.name, unknown, SETTINGS)
        for key, file in (("train_file", train_file), ("eval_file", eval_file)):
            if file is not None and not isinstance(file, str):
                raise ConfigError(f"task.settings.{key} is {file!r}", "give the path of a file")
        if max_question_chars is not None and (type(max_question_chars) is not int or max_question_chars < 1):
            raise ConfigError(
                f"task.settings.max_question_chars is {max_question_chars!r}", "give a positive number or null"
            )
        if type(shots) is not int or shots not in range(len(EXAMPLES) + 1):
            raise ConfigError(f"task.settings.shots is {shots!r}", f"give a whole number from 0 to {len(EXAMPLES)}")
        answers.check_mode(answer_mode, "task.settings.answer_mode")
        self._files = {"train": train_file, "eval": eval_file}
        self._longest, self._shots, self._mode = max_question_chars, shots, answer_mode

    def rows(self, split: str, n: int | None = None, seed: int = 0) -> list[Row]:
        """Questions of a split in an order fixed by `seed`: `id`, `prompt` (messages), `question`, `answer`."""
        if split not in self._files:
            raise ConfigError(f"no split {split!r}", did_you_mean(split, self._files))
        if self._files[split] is None:
            upstream = {"train": "train", "eval": "test"}[split]
            raise ConfigError(
                f"task.settings.{split}_file is not set", f"give a JSON Lines file, as in {UPSTREAM}/{upstream}.jsonl"
            )
        kept = [one for one in self._checked[split] if self._longest is None or len(one.text) <= self._longest]
        if not kept:
            raise ConfigError(
                f"task.settings.max_question_chars: no question of {self._files[split]} has at most {self._longest}",
                "give a larger number",
            )
        random.Random(seed).shuffle(kept)
        return [self._row(one) for one in kept[:n]]

    @functools.cached_property
    def _checked(self) -> dict[str, list[Question]]:
        """The files that are given, read once; refused where they share a question."""
        read = {
            split: read_questions(Path(path), f"task.settings.{split}_file")
            for split, path in self._files.items()
            if path
        }
        if len(read) == 2:
            known = {one.key: one.line for one in read["train"]}
            shared = [one for one in read["eval"] if one.key in known]
            if shared:
                first = shared[0]
                raise DataError(
                    f"{len(shared)} questions of {self._files['eval']} are in {self._files['train']} too, "
                    f"the first on line {first.line} (there line {known[first.key]})",
                    "evaluate on questions that are not trained on: remove them from one file",
                )
        return read

    def _row(self, question: Question) -> Row:
        messages = [{"role": "system", "content": SYSTEM}]
        for text, answer in EXAMPLES[: self._shots]:
            messages += [{"role": "user", "content": text}, {"role": "assistant", "content": answer}]
        messages.append({"role": "user", "content": question.text})
        return {"id": question.id, "prompt": messages, "question": question.text, "answer": question.answer}
