"""An environment of one turn: a question, and a reward for the answer."""

from collections.abc import Sequence

from hicra.related.environments import Reply


class OneTurn:
    """Asks `prompt`, and pays what `reward` says of the answer."""

    name, longest = "question", 1
    words: Sequence[str] = ()
    prompt: str

    def reward(self, text: str) -> float:
        raise NotImplementedError

    def reset(self, seed: int) -> str:
        return self.prompt

    def step(self, text: str) -> Reply:
        return Reply("", self.reward(text), True)

    def save(self) -> int:
        return 0

    def restore(self, state: object) -> None:
        assert state == 0

    def state_id(self) -> int:
        return 0
