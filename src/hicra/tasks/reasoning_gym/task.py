"""The task "reasoning_gym", with generated problems of the package reasoning-gym.

Deviations (the paper does not use it):
    GYM-1. Problems are generated in the worker with a fixed hash seed, because five of the generators depend on it.
    GYM-2. A hash of its folded question decides whether an item is for training or evaluation (one in five), so that equal
        questions are always on the same side.
    GYM-3. The answer is the text in the last complete, non-empty `<answer>...</answer>`.
    GYM-4. The reward is 1 for a score of 1, else 0; with `partial` it is the score itself.
    GYM-5. If an answer makes the scorer run out of time or fail, its reward is None.
    GYM-6. Data sets whose scorers run what a model wrote are refused (refused.py).
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hicra.errors import ConfigError, EngineError, did_you_mean
from hicra.tasks.answers import refuse_unknown
from hicra.tasks.base import Row, Score
from hicra.tasks.prompts import template_of
from hicra.tasks.questions import folded
from hicra.tasks.reasoning_gym.process import GENERATE_S, GYM
from hicra.tasks.reasoning_gym.refused import refuse_unsafe

SETTINGS = ("dataset", "config", "size", "partial", "prompt", "timeout")
PROMPT = (
    "{question}\n\nThink step by step, and write the final answer between <answer> and </answer>, nothing else there."
)
OPEN, CLOSE = "<answer>", "</answer>"
EVAL_PERCENT = 20
CHUNK = 16  # number of items generated at a time
MAX_ANSWER = 8_192  # characters; a longer answer is wrong
MAX_TEXT = 1_000_000
DEFAULT_ROWS = 500
CHECKED = 8  # number of rows on which the scorer is tried before rows are used
NONSENSE = "there is no answer"
WALL_FACTOR = 5  # seconds of elapsed time allowed per CPU second of scoring


class ReasoningGym:
    """The task "reasoning_gym".

    Args:
        dataset: name of a data set of reasoning-gym.
        config: its configuration, as {key: value}, without `seed` and `size`.
        size: how many items there are; rows are drawn from them.
        partial: whether the reward is the score, 0 to 1, and not only 1 for a full score.
        prompt: a template's name, or a text that holds `{question}`.
        timeout: CPU seconds for scoring an answer.

    Raises:
        ConfigError: a setting is unknown or out of its range, or the data set's scorer runs what a model wrote. `rows` and
            `score` raise EngineError if the package is missing. `rows` raises ConfigError if the data set is unknown or
            refuses its configuration, or if its scorer accepts nonsense or does not accept its own answer.
    """

    name = "reasoning_gym"

    def __init__(
        self,
        *,
        dataset: str | None = None,
        config: Mapping[str, Any] | None = None,
        size: int = 10_000,
        partial: bool = False,
        prompt: str = PROMPT,
        timeout: float = 2.0,
        **unknown: Any,
    ) -> None:
        refuse_unknown(self.name, unknown, SETTINGS)
        if not isinstance(dataset, str) or not dataset:
            raise ConfigError(f"task.settings.dataset is {dataset!r}", "name a data set, as in dataset: leg_counting")
        refuse_unsafe(dataset)
        if config is not None and (not isinstance(config, Mapping) or {"seed", "size"} & config.keys()):
            raise ConfigError(f"task.settings.config is {config!r}", "give {key: value} without seed and size")
        if type(size) is not int or not 10 <= size <= 10**7:
            raise ConfigError(f"task.settings.size is {size!r}", "give a whole number from 10 to 10,000,000")
        if not isinstance(partial, bool):
            raise ConfigError(f"task.settings.partial is {partial!r}", "give true or false")
        if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 1 <= timeout <= 600:
            raise ConfigError(f"task.settings.timeout is {timeout!r}", "give seconds from 1 to 600")
        self._template = template_of(prompt, "task.settings.prompt")
        self._request = {"dataset": dataset, "config": {**(config or {}), "seed": 0, "size": size}}
        self._dataset, self._size, self._partial, self._timeout = dataset, size, partial, float(timeout)

    def rows(self, split: str, n: int | None = None, seed: int = 0) -> list[Row]:
        """Returns at most n different problems of a split (500 if n is None), in an order fixed by `seed`.

        The columns are `id`, `prompt` (messages), `question`, `answer` and `index`.
        """
        if split not in ("train", "eval"):
            raise ConfigError(f"no split {split!r}", did_you_mean(split, ("train", "eval")))
        wanted = DEFAULT_ROWS if n is None else n
        found: dict[str, Row] = {}
        for index, question, gold in self._items(seed):
            if len(found) >= wanted:
                break
            key = folded(question)
            held_out = int(hashlib.sha256(key.encode()).hexdigest()[:8], 16) % 100 < EVAL_PERCENT
            if held_out == (split == "eval") and key not in found:
                found[key] = {
                    "id": f"{self._dataset}/{index}", "prompt": self._template.messages(question), "question": question,
                    "answer": gold, "index": index,
                }  # fmt: skip
        rows = list(found.values())[:wanted]
        self._sound(rows[:CHECKED])
        return rows

    def _sound(self, rows: Sequence[Row]) -> None:
        """Refuses a data set whose scorer accepts nonsense, or does not accept its own gold answer (if there is one)."""
        for row in rows:
            for text, right in ((row["answer"], True), (NONSENSE, False)):
                score = self.score(f"{OPEN}{text}{CLOSE}", row, True)
                if text.strip() and bool(score.correct) != right:
                    raise ConfigError(
                        f"task.settings.dataset {self._dataset!r}: its scorer "
                        + ("does not accept its own answer" if right else f"pays for {NONSENSE!r}"),
                        "choose another data set; training on this one would learn noise",
                    )

    def _items(self, seed: int) -> Iterator[tuple[int, str, str]]:
        order = random.Random(seed).sample(range(self._size), self._size)
        for start in range(0, self._size, CHUNK):
            part = order[start : start + CHUNK]
            try:
                reply = self._ask({"what": "items", "indices": part}, GENERATE_S)
            except (EOFError, TimeoutError):
                raise EngineError(
                    f"reasoning_gym {self._dataset}: its generator died or took too long", "choose another data set"
                ) from None
            if "failed" in reply:
                known = reply.get("known")
                raise ConfigError(
                    f"task.settings.dataset {self._dataset!r}: {reply['failed']}",
                    did_you_mean(self._dataset, known) if known else "check task.settings.config and size",
                )
            yield from ((index, *item) for index, item in zip(part, reply["items"], strict=True))

    def score(self, response: str, row: Mapping[str, Any], ended: bool) -> Score:
        """Scores the last answer between tags, in a process of its own; `ended` does not matter."""
        answer = answer_of(response)
        if answer is None:
            return Score(0.0, False, None, "no_answer")
        if len(answer) > MAX_ANSWER:
            return Score(0.0, False, answer[:MAX_ANSWER], "wrong")
        request = {"what": "score", "index": row["index"], "answer": answer, "timeout": self._timeout}
        try:
            reply = self._ask(request, self._timeout * WALL_FACTOR + GENERATE_S)
        except TimeoutError:
            return Score(None, None, answer, "timeout")
        except EOFError:
            return Score(None, None, answer, "error")
        if "score" not in reply:
            return Score(None, None, answer, "error")
        right = reply["score"] >= 1.0
        paid = min(1.0, max(0.0, reply["score"])) if self._partial else float(right)
        return Score(paid, right, answer, "correct" if right else "wrong")

    def labels(self, response: str, row: Mapping[str, Any], ended: bool) -> list[str] | None:
        """Returns None, because it is not known which words plan."""
        return None

    def summary(
        self, responses: Sequence[str], rows: Sequence[Mapping[str, Any]], ended: Sequence[bool]
    ) -> dict[str, float]:
        """Computes `answered_share`, the share of responses with an answer between tags."""
        return (
            {"answered_share": sum(answer_of(one) is not None for one in responses) / len(responses)}
            if responses
            else {}
        )

    def _ask(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        return GYM.ask(self._request | request, seconds)


def answer_of(response: str) -> str | None:
    """Returns the stripped text of the last complete, non-blank `<answer>...</answer>`, or None, in linear time."""
    text = response[-MAX_TEXT:]
    end = text.rfind(CLOSE)
    while end >= 0:
        start = text.rfind(OPEN, 0, end)
        if start < 0:
            return None
        if found := text[start + len(OPEN) : end].strip():
            return found
        end = text.rfind(CLOSE, 0, start)
    return None
