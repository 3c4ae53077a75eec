"""Benchmarks by name: what their columns hold, how the gold answer is written, and how answers are compared with it.

hicra neither ships nor downloads benchmarks; the user gives the files. `math` is any file with a question and an answer.

Deviations (the paper names benchmarks, not files):
    BENCHMARK-1. A file may hold the columns of the upstream release or this project's plain `question`, `answer`, `id`.
    BENCHMARK-2. OlympiadBench: `error` is an absolute tolerance. The answer needs no unit of measure (the verifier drops it).
    BENCHMARK-3. MathVista: a float gold answer of `precision` p allows a difference of half of its last place, as if the answer
        were rounded to p places and then compared.
    BENCHMARK-4. Multiple choice: right is the letter of the right option, or the text of that option if no other option has
        the same text.
    BENCHMARK-5. Images stand before the text of a question, in the order of their columns; marks such as `<image_1>` stay in the
        text. Evaluations that put each image in the place of its mark may give other figures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from hicra.errors import ConfigError, DataError, did_you_mean
from hicra.tasks.choices import choices_of, gold_of_choice, listed
from hicra.verify import last_box

Extras = Callable[[Mapping[str, Any]], dict[str, Any]]


class NoAnswer(DataError):
    """A row has no usable answer."""


@dataclass(frozen=True)
class Hub:
    """The name of a data set on the hub and the split that is the benchmark, as public code has them."""

    name: str
    config: str | None
    split: str


@dataclass(frozen=True)
class BenchmarkSpec:
    """How to read the rows of a benchmark.

    Attributes:
        name, title: its name here, and its name in the paper.
        question, answer, id: columns; the first one that a row has is used.
        mark: the text before the answer inside the answer column ("####" in GSM8K); None takes the whole column.
        boxed: if there is no answer column, the last box in one of these columns is the answer.
        images: columns of images; empty for a benchmark in text.
        options: columns of answer options (multiple choice).
        samples: number of samples per question in the paper's evaluation.
        hub: the data set on the hub; None if it is not there.
    """

    name: str
    title: str
    question: tuple[str, ...] = ("question", "problem")
    answer: tuple[str, ...] = ("answer",)
    id: tuple[str, ...] = ("id",)
    mark: str | None = None
    boxed: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    samples: int = 1
    hub: Hub | None = field(default=None, repr=False)

    def golds(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Reads the gold answer: `answer`, and if present `answers`, `error`, `is_multiple_answer`, `also` (`judge.golds_of`).

        Raises:
            NoAnswer: the row has no answer.
            DataError: the answer has a wrong type, or is none of the options. Neither message says where the row is.
        """
        value = self._answer(row)
        out: dict[str, Any] = {}
        if isinstance(value, list | tuple):
            out["answers"] = [_text(one) for one in value]
            value = ", ".join(out["answers"])
        elif row.get("answers"):
            out["answers"] = [_text(one) for one in row["answers"]]
        out["answer"] = _text(value)
        if self.mark:
            out["answer"] = out["answer"].rpartition(self.mark)[2].strip()
        if not out["answer"]:
            raise NoAnswer("the answer is blank", "write the answer, or leave the row out")
        if row.get("error") not in (None, ""):
            out["error"] = str(row["error"])
        if row.get("is_multiple_answer"):
            out["is_multiple_answer"] = True
        if self.options and (choices := choices_of(row, self.options)):
            out |= gold_of_choice(out["answer"], choices, letter_first=self.name != "mathvista")
        elif self.name == "mathvista" and row.get("answer_type") == "float" and row.get("precision") is not None:
            out["error"] = f"5e-{int(row['precision']) + 1}"
        return out

    def text(self, row: Mapping[str, Any], question: str) -> str:
        """Adds the options to a question that does not list them itself, each on a line of its own as `(A) ...`."""
        choices = choices_of(row, self.options) if self.options else []
        return question + listed(choices) if choices and "(A)" not in question else question

    def _answer(self, row: Mapping[str, Any]) -> Any:
        found = next((row[name] for name in self.answer if row.get(name) not in (None, "", [])), None)
        if isinstance(found, dict):  # verl's form, reward_model.ground_truth
            found = found.get("ground_truth")
        if found is not None:
            return found
        for name in self.boxed:
            text = row.get(name)
            text = text[0] if isinstance(text, list) and text else text
            if isinstance(text, str) and (box := last_box(text)) is not None:
                return box
        there = [name for name in (*self.answer, *self.boxed) if name in row]
        raise NoAnswer(
            f"{' and '.join(there)} of the row {'are' if len(there) > 1 else 'is'} empty or without a box",
            "give every row its right answer, or leave the row out",
        )


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise DataError(f"the answer is {type(value).__name__}", "give a text or a number")
    return str(value).strip()


_IDS = ("id", "unique_id", "ID")
_ALL = (
    BenchmarkSpec("math", "questions with answers", ("question", "problem", "prompt"),
              ("answer", "final_answer", "ground_truth", "reward_model"), _IDS, boxed=("solution",)),
    BenchmarkSpec("gsm8k", "GSM8K", mark="####", hub=Hub("openai/gsm8k", "main", "test")),
    BenchmarkSpec("math_train", "MATH", ("problem", "question"), id=_IDS, boxed=("solution",)),
    BenchmarkSpec("math500", "MATH-500", ("problem", "question"), id=_IDS, boxed=("solution",),
              hub=Hub("HuggingFaceH4/MATH-500", None, "test")),
    BenchmarkSpec("aime24", "AIME 2024", ("problem", "question", "Problem"), ("answer", "Answer"), _IDS, samples=32,
              hub=Hub("HuggingFaceH4/aime_2024", None, "train")),
    BenchmarkSpec("aime25", "AIME 2025", ("problem", "question", "Problem"), ("answer", "Answer"), _IDS, samples=32,
              hub=Hub("math-ai/aime25", None, "test")),
    BenchmarkSpec("amc23", "AMC 2023", ("question", "problem"), samples=4, hub=Hub("math-ai/amc23", None, "test")),
    BenchmarkSpec("minerva", "Minerva", ("question", "problem"), boxed=("solution",),
              hub=Hub("math-ai/minervamath", None, "test")),
    BenchmarkSpec("olympiadbench", "OlympiadBench", ("question", "problem"), ("answer", "final_answer"),
              hub=Hub("Hothan/OlympiadBench", "OE_TO_maths_en_COMP", "train")),
    BenchmarkSpec("mathvista", "MathVista", ("question",), ("answer",), ("pid", "id"), images=("decoded_image", "image"),
              options=("choices",), hub=Hub("AI4Math/MathVista", None, "testmini")),
    BenchmarkSpec("mathverse", "MathVerse", ("question",), ("answer",), ("sample_index", "id"), images=("image",),
              options=("options",), hub=Hub("AI4Math/MathVerse", "testmini", "testmini")),
    BenchmarkSpec("mathvision", "MathVision", ("question",), ("answer",), ("id",), images=("decoded_image", "image"),
              options=("options",), hub=Hub("MathLLMs/MathVision", None, "test")),
    BenchmarkSpec("emma", "EMMA", ("question",), ("answer",), ("pid", "id"),
              images=("image_1", "image_2", "image_3", "image_4", "image_5"), options=("options",),
              hub=Hub("luckychao/EMMA", "Math", "test")),
)  # fmt: skip
BENCHMARKS: Mapping[str, BenchmarkSpec] = MappingProxyType({one.name: one for one in _ALL})


def benchmark_of(name: Any, key: str) -> BenchmarkSpec:
    """Returns the benchmark of that name.

    Raises:
        ConfigError: there is none; the message names the setting `key` and the nearest benchmark.
    """
    if isinstance(name, str) and name in BENCHMARKS:
        return BENCHMARKS[name]
    raise ConfigError(f"{key}: no benchmark {name!r}", did_you_mean(str(name), BENCHMARKS))


def named_file(name: str) -> tuple[str, str]:
    """Splits `KIND=PATH` into (kind, path); gives ("", path) for anything else and if a file has the whole name."""
    kind, mark, file = name.partition("=")
    return (kind, file) if mark and kind in BENCHMARKS and not Path(name).exists() else ("", name)
