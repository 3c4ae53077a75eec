"""Pre-trains a small masked-diffusion model on a puzzle and trains it by ESPO: `python recipes/espo/run.py countdown -o DIR`

The start model has read valid texts, most of which do not solve their problem, so it solves some and has the rest to learn.
DIR then holds the start model, the settings, `metrics.jsonl` with a line for each step, and the training as it was last saved:
the same command with `--resume` goes on from there. One thread, fp32.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from hicra.artifacts import canonical_json, check_output, read_json, write_text
from hicra.errors import ArtifactError, ConfigError, HicraError, did_you_mean
from hicra.related.likelihoods.denoiser import Denoiser, load_denoiser, save_denoiser
from hicra.related.likelihoods.loss import Objective
from hicra.related.likelihoods.pretrain import pretrain
from hicra.related.likelihoods.puzzle import Puzzle, open_puzzle
from hicra.related.likelihoods.train import ESPO, ESPOSettings, resume_training, save_training
from hicra.runs.difference import flat


@dataclass(frozen=True)
class Recipe:
    """A start model and its training.

    Attributes:
        updates, batch: of pre-training.
        steps: of ESPO.
        denoising: steps in which a response is uncovered.
        learning_rate: of ESPO.
    """

    updates: int
    steps: int
    denoising: int
    batch: int = 64
    learning_rate: float = 3e-4


RECIPES = {"countdown": Recipe(800, 100, 5), "sudoku": Recipe(400, 40, 16)}
METRICS, SETTINGS = "metrics.jsonl", "settings.json"
EVERY = 10  # steps between two evaluations, after which the training is saved


def start_model(puzzle: Puzzle, recipe: Recipe, seed: int) -> Denoiser:
    """Returns a pre-trained model."""

    def told(update: int, loss: float) -> None:
        if update % 50 == 0:
            print(f"update {update}/{recipe.updates} loss {loss:.3f}", file=sys.stderr)

    model = Denoiser(puzzle.symbols, puzzle.prompt_length + puzzle.response_length, seed=seed)
    pretrain(model, puzzle.texts, updates=recipe.updates, batch=recipe.batch, seed=seed, after=told)
    return model


def settings_of(recipe: Recipe, options: argparse.Namespace) -> ESPOSettings:
    """Returns the settings of the training."""
    objective = Objective(level=options.level, kl=options.kl)
    return ESPOSettings(
        n_mc=1, masks=options.masks, objective=objective, learning_rate=recipe.learning_rate, steps=recipe.denoising,
        seed=options.seed,
    )  # fmt: skip


def refuse_others(settings: dict[str, Any], file: Path) -> None:
    """Raises ConfigError where a run in a folder was begun with other settings than those it is to go on with."""
    begun = read_json(file, "train anew into another folder")
    for key in sorted(settings.keys() | begun.keys()):
        if settings.get(key) != begun.get(key):
            raise ConfigError(
                f"{key} is {settings.get(key)}, and the run in {file.parent} was begun with {begun.get(key)}",
                "go on with the same options, or train into another folder",
            )


def forget_from(step: int, metrics: Path) -> None:
    """Removes the lines of steps that will be taken again."""
    lines = metrics.read_text(encoding="utf-8").splitlines(keepends=True)
    write_text(metrics, "".join(line for line in lines if json.loads(line)["step"] < step))


def train(training: ESPO, steps: int, folder: Path) -> dict[str, float]:
    """Takes the steps that are left, and returns the last evaluation."""
    held_out: dict[str, float] = {}
    with open(folder / METRICS, "a", encoding="utf-8") as out:
        while True:
            line: dict[str, Any] = {"step": training.step}
            if training.step % EVERY == 0 or training.step == steps:
                held_out = training.held_out()
                line |= {f"held_out_{name}": value for name, value in held_out.items()}
                print(f"step {training.step}: held-out solved {held_out['solved']:.3f}", file=sys.stderr)
                save_training(training, folder / "training")
            if training.step < steps:
                line |= training.take()
            out.write(json.dumps(line) + "\n")
            out.flush()
            if line["step"] >= steps:
                return held_out


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; exit code 0, or 1 where an input is wrong."""
    parser = argparse.ArgumentParser(prog="espo", description="Trains a masked-diffusion model on a puzzle by ESPO.")
    parser.add_argument("puzzle", help=", ".join(RECIPES))
    parser.add_argument("-o", "--output", type=Path, required=True, help="new folder for the run")
    parser.add_argument("--overwrite", action="store_true", help="replace the folder where it is there")
    parser.add_argument("--resume", action="store_true", help="go on with the training in the folder")
    parser.add_argument("--seed", type=int, default=0, help="of the start model and the training (default 0)")
    parser.add_argument("--steps", type=int, help="of the training, in place of the recipe's")
    parser.add_argument("--updates", type=int, help="of pre-training, in place of the recipe's")
    parser.add_argument("--level", default="sequence", help="sequence (ESPO) or token")
    parser.add_argument("--masks", default="coupled", help="coupled (ESPO), plain or mean_field")
    parser.add_argument("--kl", default="k2", help="k2 (ESPO), k1 or k3")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    began = time.process_time()
    try:
        if options.puzzle not in RECIPES:
            raise ConfigError(f"no recipe for {options.puzzle!r}", did_you_mean(options.puzzle, RECIPES))
        given = {name: getattr(options, name) for name in ("steps", "updates") if getattr(options, name) is not None}
        recipe = Recipe(**{**vars(RECIPES[options.puzzle]), **given})
        settings = settings_of(recipe, options)
        known = flat({"puzzle": options.puzzle, **settings.model_dump(mode="json")})
        puzzle = open_puzzle(options.puzzle, {})
        start = options.output / "start"
        if options.resume:
            if not start.exists():
                raise ArtifactError(f"{options.output} holds no run to go on with", "leave --resume out")
            refuse_others(known, options.output / SETTINGS)
            model = load_denoiser(start)
        else:
            check_output(options.output, "the run", overwrite=options.overwrite, folder=True)
            model = start_model(puzzle, recipe, options.seed)
            save_denoiser(model, start, True)
            write_text(options.output / METRICS, "")
            write_text(options.output / SETTINGS, canonical_json(known))
        training = ESPO(model, puzzle, settings)
        if options.resume and (options.output / "training").exists():
            resume_training(training, options.output / "training")
            forget_from(training.step, options.output / METRICS)
        before = ESPO(load_denoiser(start), puzzle, settings).held_out()
        after = train(training, recipe.steps, options.output)
    except HicraError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(
        f"{options.output}: held-out solved {before['solved']:.3f} -> {after['solved']:.3f}, reward {before['reward']:.3f} -> "
        f"{after['reward']:.3f}, {time.process_time() - began:.0f} cpu-s"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
