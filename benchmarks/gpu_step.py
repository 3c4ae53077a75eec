"""Claim: on a GPU, HICRA costs at most 1 % of a GRPO step on TRL.

    python benchmarks/gpu_step.py -o gpu_step.json            # one card, at most ten minutes; needs SmolLM2 (`make models`)
    python benchmarks/gpu_step.py --small -o small.json       # the same path at toy size, on a CPU too: shows that it works

One trainer is trained by TRL's own loop, and takes plain and HICRA steps in turns (plain, HICRA, HICRA, plain), so that a card
which slows down hits both. In a plain step every method that hicra overrides is TRL's own, and hicra's callbacks do nothing. The
learning rate is 0, and all responses have full length. A step is timed from its begin until it is logged.

Most rollouts are drawn and not sampled: pieces of a text that plans, of T tokens each. Sampling costs both kinds of steps the
same, so without it hicra's share of a step is larger than in a training, and more sizes fit into ten minutes. One size is
sampled too: by vLLM inside the process where it is installed, else by transformers.

The result is written after each size. At the time limit the script stops, also inside a step, and keeps the whole rounds that it
has. A size that would not fit into the time left or into the card, or that failed, is listed under `left_out`.
"""

from __future__ import annotations

import argparse
import gc
import importlib.util
import json
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ |= {"HF_HUB_OFFLINE": "1", "TRL_EXPERIMENTAL_SILENCE": "1", "TOKENIZERS_PARALLELISM": "false"}

import torch
import transformers
from datasets import Dataset

from gpu_card import card, missing_gpu
from gpu_models import PROSE, SMALL, WHOLE, Source
from gpu_turns import ROUND, WARM_UP, Switched, Turns
from hicra.engines.trl import HicraGRPOConfig
from hicra.errors import HicraError
from machine import machine

LIMIT, MOST_SHARE = 540.0, 0.01  # seconds, since imports and the end of a pass take some more; the claim
GROUP = 8
TOKENS_A_PASS = 16_384  # tokens of a forward pass, which says the micro-batch


@dataclass(frozen=True)
class Cell:
    """A size: whose model, rollouts of a step (B), tokens of a rollout (T), how they come about, and how many rounds."""

    source: Source
    rollouts: int
    length: int
    sampler: str = "drawn"
    rounds: int = 2

    def told(self) -> dict[str, Any]:
        return {"model": self.source.name, "B": self.rollouts, "T": self.length, "sampler": self.sampler}


def cells(small: bool) -> list[Cell]:
    """The sizes, the ones that say most first."""
    sampler = "vllm" if importlib.util.find_spec("vllm") else "transformers"
    first, second = SMALL if small else WHOLE
    if small:
        return [Cell(first, 16, 48), Cell(second, 16, 48, rounds=1), Cell(first, 16, 24, sampler, rounds=1)]
    drawn = [Cell(one, b, t) for b, t in ((64, 1024), (256, 1024), (64, 4096)) for one in (first, second)]
    return [*drawn, Cell(first, 64, 1024, sampler, rounds=1), Cell(first, 256, 4096), Cell(second, 256, 4096, rounds=1)]


class TimeUp(BaseException):
    """The time limit is over; no handler of ordinary errors takes it for one."""


def made(cell: Cell, folder: Path) -> Any:
    """The trainer of a cell."""
    model, tokenizer = cell.source.make(folder)
    micro = min(cell.rollouts, max(1, TOKENS_A_PASS // cell.length))
    more: dict[str, Any] = {}
    if cell.sampler == "transformers":
        more = {"generation_kwargs": {"min_new_tokens": cell.length}}
    elif cell.sampler == "vllm":
        os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
        os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")  # GiB, read by the build for a CPU alone
        more = {
            "generation_kwargs": {"min_tokens": cell.length, "ignore_eos": True}, "use_vllm": True, "vllm_mode": "colocate",
            "vllm_max_model_length": cell.length + 64, "vllm_gpu_memory_utilization": 0.2,
        }  # fmt: skip
    steps = len(WARM_UP) + cell.rounds * len(ROUND)
    args = HicraGRPOConfig(
        output_dir=str(folder / "out"), max_steps=steps, per_device_train_batch_size=micro, num_generations=GROUP,
        gradient_accumulation_steps=cell.rollouts // micro, learning_rate=0.0, max_completion_length=cell.length,
        logging_steps=1, save_strategy="no", report_to="none", disable_tqdm=True, use_cpu=not torch.cuda.is_available(),
        bf16=torch.cuda.is_available(), gradient_checkpointing=torch.cuda.is_available(), **more,
    )  # fmt: skip
    trainer = Switched(
        model=model, reward_funcs=reward, args=args, processing_class=tokenizer,
        rollout_func=drawn_by(tokenizer, cell.length) if cell.sampler == "drawn" else None,
        train_dataset=Dataset.from_list([{"prompt": f"Two plus {n} is"} for n in range(steps * cell.rollouts // GROUP)]),
    )  # fmt: skip
    trainer.remove_callback(transformers.PrinterCallback)
    return trainer


def reward(completion_ids: list[list[int]], **_: Any) -> list[float]:
    """A function of the tokens in steps of 1/6, so that groups are mixed."""
    return [sum(ids) % 7 / 6 for ids in completion_ids]


def drawn_by(tokenizer: Any, length: int) -> Any:
    """A rollout function of TRL that gives `length` tokens of a text which begins at another place each time."""
    text = tokenizer(" ".join(PROSE))["input_ids"]
    text, place = text * (2 + length // len(text)), random.Random(0)

    def drawn(prompts: list[str], trainer: Any) -> dict[str, Any]:
        starts = [place.randrange(len(text) - length) for _ in prompts]
        return {
            "prompt_ids": tokenizer(prompts)["input_ids"], "completion_ids": [text[at : at + length] for at in starts],
            "logprobs": None,
        }  # fmt: skip

    return drawn


@contextmanager
def limited(seconds: float) -> Iterator[Callable[[], float]]:
    """Raises TimeUp inside once the time is over; gives a function that says how many seconds are left.

    It is raised each second from then on: once could fall into a finaliser, where Python drops whatever is raised.
    """
    end = time.monotonic() + seconds

    def over(*_: Any) -> None:
        raise TimeUp

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield lambda: end - time.monotonic()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def measure(cell: Cell, left: Callable[[], float], done: list[dict[str, Any]]) -> None:
    """Trains a cell, and adds its result to `done` if it came to a whole round, whatever ended it."""
    with tempfile.TemporaryDirectory() as folder:
        trainer = made(cell, Path(folder))
        turns = Turns(trainer, left)
        trainer.add_callback(turns)
        try:
            trainer.train()
        finally:
            if found := turns.result():
                done.append(cell.told() | found)


def expected(cell: Cell, done: list[dict[str, Any]]) -> float:
    """Seconds that a cell will take by the slowest step a token of those that were measured like it; 0 where there is none."""
    alike = [one for one in done if (one["model"], one["sampler"]) == (cell.source.name, cell.sampler)]
    rates = [max(map(max, one["seconds"].values())) / (one["B"] * one["T"]) for one in alike]
    return max(rates, default=0.0) * cell.rollouts * cell.length * (len(WARM_UP) + len(ROUND))


def run(wanted: list[Cell], limit: float, keep: Any) -> None:
    """Measures the cells one after another until the time is over; `keep` gets (results, left out) after each."""
    done: list[dict[str, Any]] = []
    left_out: list[dict[str, Any]] = []
    with limited(limit) as left:
        try:
            for cell in wanted:
                needed = expected(cell, done)
                if needed > left():
                    left_out.append(cell.told() | {"why": f"would take {needed:.0f} s, and {left():.0f} s were left"})
                    continue
                print(f"{cell.told()}: {left():.0f} s left", file=sys.stderr, flush=True)
                try:
                    measure(cell, left, done)
                except torch.OutOfMemoryError as error:
                    left_out.append(cell.told() | {"why": f"does not fit into the card: {str(error).splitlines()[0]}"})
                except HicraError:
                    raise
                except Exception as error:  # one that vLLM ends, say, must not cost the sizes after it
                    traceback.print_exc()
                    left_out.append(cell.told() | {"why": f"failed: {type(error).__name__}: {error}"})
                gc.collect()
                if torch.cuda.is_available():
                    torch.cuda.empty_cache()
                keep(done, left_out)
        except TimeUp:
            known = [{name: one[name] for name in cell.told()} for one in (*done, *left_out)]
            left_out += [one.told() | {"why": "the time was over"} for one in wanted if one.told() not in known]
    keep(done, left_out)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", dest="output", type=Path, required=True, help="the JSON file")
    parser.add_argument("--limit", type=float, default=LIMIT, help="seconds after which it stops with what it has")
    parser.add_argument("--small", action="store_true", help="toy models and sizes; says nothing of the claim")
    given = parser.parse_args()
    if given.limit <= 0:
        parser.error("--limit is a number of seconds above 0")
    if missing_gpu(given.small, "--small"):
        return 2
    transformers.utils.logging.set_verbosity_error()
    began = time.monotonic()
    report: dict[str, Any] = {}

    def keep(done: list[dict[str, Any]], left_out: list[dict[str, Any]]) -> None:
        holds = None if given.small or not done else all(one["overhead"] <= MOST_SHARE for one in done)
        report.update({
            "claim": __doc__.splitlines()[0].removeprefix("Claim: "), "command": " ".join(["python", *sys.argv]),
            **machine("torch", "transformers", "trl"), **card(), "sizes": done, "left_out": left_out, "holds": holds,
            "seconds": round(time.monotonic() - began, 1),
        })  # fmt: skip
        given.output.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")

    try:
        run(cells(given.small), given.limit, keep)
    except HicraError as error:  # SmolLM2 is not installed
        print(error, file=sys.stderr)
        return 2
    print(given.output.read_text(encoding="utf-8"), end="")
    failed = any(one["why"].startswith("failed") for one in report["left_out"])
    return 0 if report["sizes"] and report["holds"] is not False and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
