"""Trains by ETPO: `python -m hicra.related.critics.train --config recipes/etpo/config.yaml -o RUN [--set KEY=VALUE ...]`

The config has the sections of any run, with `system: {name: etpo, settings: ...}`; keys that ETPO has no use for are refused.
The run folder is one that the report and `hicra compare` read: a line of metrics a step, the evaluation, and the trained
model in `final/`.

Deviations:
ETPO-10. A run has no checkpoints, since it takes minutes: one that was stopped is begun anew.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from hicra.credit.relatives import elsewhere
from hicra.errors import ConfigError
from hicra.generation import models
from hicra.generation.ruined import refuse_ruined
from hicra.generation.sampling import load
from hicra.metrics import with_nulls
from hicra.related.agents.flat import GRPO
from hicra.related.critics.etpo import ETPO, ETPOSettings
from hicra.related.environments.open import open_environment
from hicra.related.named import checked
from hicra.related.policy.network import save_network
from hicra.related.policy.sample import NetworkPolicy
from hicra.related.policy.words import TokenizerCodec
from hicra.related.script import ended
from hicra.related.system import Arena
from hicra.related.task import EnvironmentTask
from hicra.runs import RunFolder
from hicra.runs.config import load_config
from hicra.runs.difference import flat
from hicra.runs.sections import RunConfig
from hicra.stats import wilson_interval

USED = (
    "engine", "task.", "system.", "model.name", "train.steps", "train.seed", "train.learning_rate", "train.max_grad_norm",
    "train.prompts_per_step", "train.max_new_tokens", "train.threads", "eval.problems",
)  # fmt: skip
Say = Callable[[str], None]


class CriticTraining:
    """One run: its models, its seeds, and the ETPO that trains them.

    Args:
        given: the config.

    Attributes:
        config: with all settings of the environment and of ETPO.
        etpo: trains the model.
        task: the environment.
        step: number of the last step that was taken.
        spent: number of actions that environments took in training.

    Raises:
        ConfigError: the config is of another system, or a key or a setting is refused.
        ArtifactError, DataError: the start model cannot be read.
    """

    def __init__(self, given: RunConfig) -> None:
        refuse_unused(given)
        environment, of_environment = open_environment(given.task.name, given.task.settings)
        settings = checked(ETPO, given.system.settings, "etpo", "system.settings")
        self.config = given.model_copy(update={
            "task": given.task.model_copy(update={"settings": of_environment}),
            "system": given.system.model_copy(update={"settings": settings}),
            "method": given.method.model_copy(update={"name": "none", "settings": {}}),
        })  # fmt: skip
        train = given.train
        folder = models.resolve(given.model.name)
        self.model, self.tokenizer = load(folder, train.threads)
        reference, _ = load(folder, train.threads)
        self.codec = TokenizerCodec(self.tokenizer)
        self.task = EnvironmentTask(given.task.name, environment)
        policy = NetworkPolicy(self.model, self.codec, seed=train.seed)
        place = Arena(environment, self.codec, policy, train.max_new_tokens)
        self.etpo = ETPO(self.model, reference, place, ETPOSettings(**settings), train)
        self.step, self.spent = 0, 0.0
        self._seeds = self.task.seeds("train", train.steps * train.prompts_per_step, train.seed)

    def take(self) -> dict[str, float]:
        """Takes the next step; returns its figures by name."""
        begin = self.step * self.config.train.prompts_per_step
        figures = self.etpo.take(self._seeds[begin : begin + self.config.train.prompts_per_step])
        self.step += 1
        self.spent += figures["hicra/interactions"]
        return figures

    def success(self, problems: int) -> list[float]:
        """Plays the first held-out episodes by the policy as it is, with the same draws at each call, each to 1.0 or 0.0."""
        policy = NetworkPolicy(self.model, self.codec, seed=self.config.train.seed)
        place = Arena(self.task.environment, self.codec, policy, self.config.train.max_new_tokens)
        return GRPO().play(place, self.task.seeds("eval", problems)).success


def train(given: RunConfig, out: Path, say: Say = print, overwrite: bool = False) -> RunFolder:
    """Trains one run into a folder.

    Args:
        given: the config.
        out: the run folder; absent or empty unless `overwrite`.
        say: is told of every step.

    Raises:
        ConfigError, ArtifactError, DataError: as for `CriticTraining`, or the folder exists.
        EngineError: a loss, a gradient or the trained model is not finite.
    """
    training = CriticTraining(given)
    config, problems = training.config, training.config.eval.problems
    run = RunFolder.create(
        out, method="etpo", seed=config.train.seed, config=config.model_dump(mode="json"), overwrite=overwrite,
        versions={"torch": str(torch.__version__)},
    )  # fmt: skip
    if problems:
        say(told("start", training.success(problems)))
    for _ in range(config.train.steps):
        began = time.monotonic()
        values: dict[str, float | None] = {**training.take()}
        values |= {"learning_rate": config.train.learning_rate, "step_time": time.monotonic() - began}
        run.log(training.step, with_nulls({name: one for name, one in values.items() if one == one}))
        say(
            f"step {training.step}: "
            + ", ".join(f"{name} {one:.4g}" for name, one in values.items() if one is not None)
        )
    if problems:
        say(told("end", training.success(problems)))
    refuse_ruined(training.model, "at the end, so final/ is not written")
    save_network(training.model, training.tokenizer, run.path / "final")
    return run


def told(when: str, success: Sequence[float]) -> str:
    """Says how many of the held-out episodes reached their goal, with the 95 % interval."""
    right = success.count(1.0)
    low, high = wilson_interval(right, len(success))
    return f"{when}: {right} of {len(success)} held-out episodes reach the goal, 95 % {low:.3f} to {high:.3f}"


def refuse_unused(config: RunConfig) -> None:
    """Raises ConfigError where the config is of another system, or sets a key that would do nothing."""
    if config.engine != "related" or config.system.name != "etpo":
        raise ConfigError(
            f"the config is of the engine {config.engine} and the system {config.system.name}, and this trains etpo",
            elsewhere(str(config.system.name))
            or "set engine=related and system.name=etpo, or train it with `hicra train`",
        )
    usual, allowed = flat(RunConfig().model_dump()), {("method.name", "none")}
    for key, value in flat(config.model_dump()).items():
        if not key.startswith(USED) and value != usual.get(key) and (key, value) not in allowed:
            raise ConfigError(f"{key} is {value!r}, and ETPO has no use for it", f"leave out {key}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; exit code 0, or 1 where an input is wrong."""
    parser = argparse.ArgumentParser(prog="python -m hicra.related.critics.train", description="Trains by ETPO.")
    parser.add_argument("--config", type=Path, required=True, help="a YAML file")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the run folder")
    parser.add_argument("--overwrite", action="store_true", help="replace the folder where it is there")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="replaces a key of the file")
    options = parser.parse_args(arguments)

    def work() -> None:
        config, _ = load_config(options.config, options.set, names={"model.name": models.MODELS})
        train(config, options.output, lambda text: print(text, flush=True), options.overwrite)

    return ended(work)


if __name__ == "__main__":
    raise SystemExit(main())
