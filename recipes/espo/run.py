"""Pre-trains a small masked-diffusion model on a puzzle and trains it by ESPO: `python recipes/espo/run.py countdown -o DIR`

The start model has read valid texts, most of which do not solve their problem, so it solves some and has the rest to learn.
DIR then holds the start model, `metrics.jsonl` with a line for each step, `recipe.json` with what was asked for, and the training
as it was last saved: the same command with `--resume` goes on from there. One thread, fp32.
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

from hicra.artifacts import canonical_json, check_output, new_dir, read_json, refuse_both, write_text
from hicra.errors import ArtifactError, ConfigError, did_you_mean
from hicra.related.likelihoods.denoiser import Denoiser, load_denoiser, save_denoiser
from hicra.related.likelihoods.loss import Objective
from hicra.related.likelihoods.pretrain import pretrain
from hicra.related.likelihoods.puzzle import Puzzle, open_puzzle
from hicra.related.likelihoods.train import ESPO, ESPOSettings, resume_training, save_training
from hicra.related.script import ended, seed, whole
from hicra.runs.difference import difference


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
METRICS, ASKED, TRAINING = "metrics.jsonl", "recipe.json", "training"
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


def forget_from(step: int, metrics: Path) -> None:
    """Removes the lines of steps that will be taken again, and a last line that was not written whole."""
    lines = metrics.read_text(encoding="utf-8").splitlines(keepends=True)
    whole_lines = (line for line in lines if line.endswith("\n"))
    write_text(metrics, "".join(line for line in whole_lines if json.loads(line)["step"] < step))


def begin(options: argparse.Namespace, recipe: Recipe, asked: dict[str, Any], puzzle: Puzzle) -> Denoiser:
    """Makes the start model and the folder of a run; what is there is replaced only when the model is ready."""
    check_output(options.output, "the run", overwrite=options.overwrite, folder=True, resume=True)
    model = start_model(puzzle, recipe, options.seed)
    with new_dir(options.output, options.overwrite) as folder:
        save_denoiser(model, folder / "start")
        write_text(folder / METRICS, "")
        write_text(folder / ASKED, canonical_json(asked))  # the last one: a folder that has it can be gone on with
    return model


def check_resumed(folder: Path, asked: dict[str, Any]) -> None:
    """Checks that a folder holds a run, and that the same is asked for as when it began.

    Raises:
        ArtifactError: there is no run.
        ConfigError: an option is another one; the message names it with both values.
    """
    if not (folder / ASKED).exists():
        fix = "begin it anew with --overwrite" if folder.exists() else "leave --resume out"
        raise ArtifactError(f"{folder} holds no run to go on with", fix)
    for key, before, now in difference(read_json(folder / ASKED, "begin it anew with --overwrite"), asked):
        raise ConfigError(
            f"the run in {folder} has {key} {before!r}, and {now!r} is asked for now",
            "give --resume the options that the run began with, or choose another -o",
        )


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
                save_training(training, folder / TRAINING)
            if training.step < steps:
                line |= training.take()
            out.write(json.dumps(line) + "\n")
            out.flush()
            if line["step"] >= steps:
                return held_out


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; exit code 0, 1 where an input is wrong, 2 for wrong usage."""
    parser = argparse.ArgumentParser(
        prog="python recipes/espo/run.py", description="Trains a masked-diffusion model on a puzzle by ESPO."
    )
    parser.add_argument("puzzle", help=", ".join(RECIPES))
    parser.add_argument("-o", "--output", type=Path, required=True, help="new folder for the run")
    parser.add_argument("--overwrite", action="store_true", help="replace the folder where it is there")
    parser.add_argument("--resume", action="store_true", help="go on with the training in the folder")
    parser.add_argument("--seed", type=seed, default=0, help="of the start model and the training (default 0)")
    parser.add_argument("--steps", type=whole(1), help="of the training, in place of the recipe's")
    parser.add_argument("--updates", type=whole(1), help="of pre-training, in place of the recipe's")
    parser.add_argument("--level", default="sequence", help="sequence (ESPO) or token")
    parser.add_argument("--masks", default="coupled", help="coupled (ESPO), plain or mean_field")
    parser.add_argument("--kl", default="k2", help="k2 (ESPO), k1 or k3")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)

    def work() -> None:
        began = time.process_time()
        if options.puzzle not in RECIPES:
            raise ConfigError(f"no recipe for {options.puzzle!r}", did_you_mean(options.puzzle, RECIPES))
        refuse_both(options.resume, options.overwrite)
        given = {name: getattr(options, name) for name in ("steps", "updates") if getattr(options, name) is not None}
        recipe = Recipe(**{**vars(RECIPES[options.puzzle]), **given})
        settings = settings_of(recipe, options)
        asked = {
            "puzzle": options.puzzle, "updates": recipe.updates, "batch": recipe.batch,
            "settings": settings.model_dump(mode="json"),
        }  # fmt: skip
        if options.resume:
            check_resumed(options.output, asked)
        puzzle, start = open_puzzle(options.puzzle, {}), options.output / "start"
        model = load_denoiser(start) if options.resume else begin(options, recipe, asked, puzzle)
        training = ESPO(model, puzzle, settings)
        if options.resume and (options.output / TRAINING).exists():
            resume_training(training, options.output / TRAINING)
            if training.step > recipe.steps:
                raise ConfigError(
                    f"the run in {options.output} has taken {training.step} steps, and --steps is {recipe.steps}",
                    f"give --steps {training.step} or more",
                )
            forget_from(training.step, options.output / METRICS)
        before = ESPO(load_denoiser(start), puzzle, settings).held_out()
        after = train(training, recipe.steps, options.output)
        print(
            f"{options.output}: held-out solved {before['solved']:.3f} -> {after['solved']:.3f}, "
            f"reward {before['reward']:.3f} -> {after['reward']:.3f}, {time.process_time() - began:.0f} cpu-s"
        )

    return ended(work)


if __name__ == "__main__":
    raise SystemExit(main())
