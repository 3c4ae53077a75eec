"""An environment as the task of a run: its problems are seeds, and a system plays them.

Deviations:
RELATED-1. Training seeds are even and drawn by the run's seed, held-out seeds are 1, 3, 5 and so on, so no episode is in both.
RELATED-2. An evaluation plays one episode of each held-out seed in the way of the system, sampled at `eval.temperature`, greedily
    where that is 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

from hicra.errors import ConfigError
from hicra.related.environments import Environment
from hicra.related.environments.open import ENVIRONMENTS, open_environment
from hicra.related.system import Arena
from hicra.related.systems import open_system
from hicra.runs.difference import flat
from hicra.runs.sections import BaselineConfig, RunConfig
from hicra.stats import wilson_interval
from hicra.tasks.base import TASKS, Row, Score

SHOWN = 4  # problems of a split whose texts tell one environment from another
# keys that this engine has no use for; another value than the default is refused
UNUSED = (
    "model.train_layers", "model.lora_rank", "reward.overlong_cache", "reward.tool_bonus", "train.dynamic_sampling",
    "train.signal_every",
)  # fmt: skip
MANY = 256  # episodes that an evaluation plays side by side


class EnvironmentTask:
    """An environment, asked for problems as a task is.

    Attributes:
        name: of the environment.
        environment: makes a new environment.
    """

    def __init__(self, name: str, environment: Callable[[], Environment]) -> None:
        self.name, self.environment = name, environment

    def rows(self, split: str, n: int | None = None, seed: int = 0) -> list[Row]:
        """Returns the problems of a split: `id`, `prompt` (the first text of the episode) and `seed` (of the episode).

        Args:
            split: "train" or "eval".
            n: how many; None gives a few, which tell this environment from others.
            seed: decides the training problems; a longer list begins as a shorter one does.
        """
        environment = self.environment()
        seeds = self.seeds(split, SHOWN if n is None else n, seed)
        return [{"id": f"{self.name}-{one}", "prompt": environment.reset(one), "seed": one} for one in seeds]

    def seeds(self, split: str, n: int, seed: int = 0) -> list[int]:
        """Returns the seeds of the first n problems of a split (RELATED-1)."""
        if split == "eval":
            return [2 * place + 1 for place in range(n)]
        random = Random(seed)
        return [2 * random.randrange(2**30) for _ in range(n)]

    def score(self, response: str, row: Mapping[str, Any], ended: bool) -> Score:
        """Returns no score: a text alone has none, the environment gives rewards to actions."""
        return Score(None, None)

    def labels(self, response: str, row: Mapping[str, Any], ended: bool) -> list[str] | None:
        """Returns None: what a token is for is known to the system, and stands in `level_ids`."""
        return None

    def summary(
        self, responses: Sequence[str], rows: Sequence[Mapping[str, Any]], ended: Sequence[bool]
    ) -> dict[str, float]:
        """Returns no further figures."""
        return {}

    def evaluation(self, config: RunConfig, model: Path, rows: Sequence[Row]) -> dict[str, Any]:
        """Plays the held-out episodes with a model's folder (RELATED-2).

        Returns:
            problems, accuracy (share of episodes that reached their goal), ci (its 95 % Wilson interval), unscorable (episodes
            that could not be scored; they count as not reached, as in any evaluation of a run), mean_length (actions of an
            episode) and interactions.
        """
        from hicra.generation.sampling import load
        from hicra.related.policy.sample import NetworkPolicy
        from hicra.related.policy.words import TokenizerCodec

        loaded, tokenizer = load(model, config.train.threads)
        system, _ = open_system(config.system.name, config.system.settings, config.train.group_size)
        greedy = config.eval.temperature == 0
        codec = TokenizerCodec(tokenizer)
        policy = NetworkPolicy(loaded, codec, temperature=config.eval.temperature or 1.0, seed=config.train.seed)
        place = Arena(self.environment, codec, policy, config.train.max_new_tokens)
        success, interactions = list[float](), 0
        for begin in range(0, len(rows), MANY):
            made = system.play(place, [row["seed"] for row in rows[begin : begin + MANY]], greedy)
            success, interactions = success + made.success, interactions + made.interactions
        right, n = success.count(1.0), len(success)
        return {
            "problems": n, "accuracy": right / n, "ci": list(wilson_interval(right, n)),
            "unscorable": sum(one != one for one in success), "mean_length": interactions / n, "interactions": interactions,
        }  # fmt: skip


def begin(config: RunConfig) -> tuple[RunConfig, EnvironmentTask]:
    """Returns the config with all settings of its environment and system and with the system's baseline, and the task.

    The baseline is the system's unless the config names another one. Its settings are what the system's settings say, such as the
    discount of HiPER, where the config says nothing of them.

    Raises:
        ConfigError: the environment, the system or a setting is refused, a package is missing, or a key is set that this engine
            has no use for.
    """
    _refuse_unused(config)
    name = config.task.name
    if name in TASKS and name not in ENVIRONMENTS:
        raise ConfigError(
            f"task.name: {name!r} is a task of single responses, and the engine related plays in an environment",
            f"name one of {', '.join(ENVIRONMENTS)}; the environment `task` asks for the answers of such a task",
        )
    try:
        environment, of_environment = open_environment(name, config.task.settings)
        environment()  # some settings are judged only where it is made
    except ConfigError as error:  # what this config calls a task, they call an environment
        raise ConfigError(error.message.replace("environment.", "task."), error.fix) from None
    system, of_system = open_system(config.system.name, config.system.settings, config.train.group_size)
    baseline, (of_it, settings) = config.baseline, system.baseline
    named = "baseline" in config.model_fields_set and "name" in baseline.model_fields_set
    if not named or baseline.name == of_it:
        baseline = BaselineConfig(name=of_it, settings={**settings, **baseline.settings})
    whole = config.model_copy(update={
        "task": config.task.model_copy(update={"settings": of_environment}),
        "system": config.system.model_copy(update={"settings": of_system}),
        "baseline": baseline,
    })  # fmt: skip
    return RunConfig.model_validate(whole.model_dump(mode="json")), EnvironmentTask(name, environment)


def _refuse_unused(config: RunConfig) -> None:
    """Raises ConfigError for a key that would do nothing, and for a precision that is not there."""
    given, usual = flat(config.model_dump()), flat(RunConfig().model_dump())
    for key in UNUSED:
        if given[key] != usual[key]:
            raise ConfigError(f"{key} is {given[key]!r}, and the engine related has no use for it", f"leave out {key}")
    if config.train.precision == "bf16":
        raise ConfigError(
            "train.precision is 'bf16', and the engine related trains in fp32", "set train.precision=fp32"
        )
