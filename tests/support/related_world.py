"""A small world for the tests of related systems: a corridor with a key at one end and a door at the other."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any

from hicra.errors import DataError
from hicra.related.environments import Reply

PLACES = ("zero", "one", "two", "three", "four")


class Corridor:
    """The agent starts at a place that the seed decides, and is done once it stands at the place `four`."""

    name = "corridor"
    words: Sequence[str] = ("at", "left", "right", *PLACES)

    def __init__(self, longest: int = 6, broken: bool = False) -> None:
        self.longest, self.broken = longest, broken
        self._at, self._taken, self._open = 0, 0, False

    def reset(self, seed: int) -> str:
        self._at, self._taken, self._open = seed // 2 % 4, 0, True
        return f"at {PLACES[self._at]}"

    def step(self, text: str) -> Reply:
        if not self._open:
            raise DataError("the episode has not begun, or has ended", "reset it")
        self._taken += 1
        move = {"left": -1, "right": 1}.get(text.strip())
        if move is not None:
            self._at = min(max(self._at + move, 0), 4)
        reached = self._at == 4
        self._open = not (reached or self._taken >= self.longest)
        reward = float("nan") if self.broken and reached else float(reached)
        return Reply(f"at {PLACES[self._at]}" if self._open else "", reward, not self._open, move is not None)

    def save(self) -> object:
        return self._at, self._taken, self._open

    def restore(self, state: object) -> None:
        self._at, self._taken, self._open = state  # type: ignore[misc]

    def state_id(self) -> Hashable:
        return self._at

    def expert(self) -> str:
        return "right"

    def subgoals(self) -> Sequence[str]:
        return PLACES[self._at + 1 :]


ENTRY = ("related_world:Corridor", None)


def start_model(folder: Path, updates: int = 30) -> Path:
    """Writes a model that walks to the right now and then, and returns its folder."""
    from hicra.related.policy.imitate import Example, imitate
    from hicra.related.policy.network import new_network, save_network
    from hicra.related.policy.words import TokenizerCodec, make_tokenizer

    tokenizer = make_tokenizer(Corridor.words, context=160)
    codec = TokenizerCodec(tokenizer)
    examples = []
    for at in PLACES[:4]:
        for action in ("right", "left"):
            for cue in ("", " act:"):
                ids = (*codec.encode(action), codec.end)
                examples.append(Example(tuple(codec.encode(f"at {at}{cue}")), ids, (True, True)))
    model = new_network(tokenizer, width=32, layers=2, heads=2, seed=0)
    imitate(model, examples, updates=updates, batch=16, pad=codec.pad)
    save_network(model, tokenizer, folder)
    return folder


def settings(model: Path, grams: Path, **more: Any) -> list[str]:
    """Returns the overrides of a small run in the corridor."""
    given = {
        "engine": "related", "task.name": "corridor", "model.name": model, "lexicon": grams, "method.name": "none",
        "train.steps": 4, "train.save_steps": 2, "train.prompts_per_step": 2, "train.group_size": 4,
        "train.learning_rate": "3e-3", "train.warmup_steps": 0, "train.max_new_tokens": 3, "log.rollouts_every": 1,
    } | {name.replace("__", "."): value for name, value in more.items()}  # fmt: skip
    return [f"{name}={value}" for name, value in given.items()]


def broken_loss(logps: Any, old_logps: Any, advantages: Any, mask: Any, batch: Any) -> Any:
    """Returns a loss that is not finite once a row is longer than the trial with which own entries are tried out."""
    return logps * (float("nan") if logps.shape[0] > 4 and logps.requires_grad else 1.0)
