"""Search for a warm start that GRPO can lift: snapshots of warm-start schedules, then GRPO from the ones in range.

    python studies/weak-start/search.py snapshots --drills 200 --traces 250 --first 250 --every 25 -o DIR
    python studies/weak-start/search.py grpo DIR/200-250-s0/325 --steps 200 --lr 2e-4 --seed 0

Both print one line a measurement and append it to `results.json` beside this script (`--results FILE` for another).
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import torch
from bare import GRPO, Bare, evaluate, plan_table, run
from safetensors.torch import save_file

from hicra.artifacts import canonical_json, sha256_file, write_text
from hicra.tasks.plan_execute.settings import PlanExecuteSettings
from hicra.tasks.plan_execute.task import PlanExecute

sys.path.insert(0, str(Path(__file__).parents[2] / "recipes" / "plan-execute"))
from warmstart import Recipe, train

RESULTS = Path(__file__).parent / "results.json"
TRACED = ("reward", "first_plan_right", "strategy_entropy", "mixed_groups")


def append(path: Path, entry: dict[str, Any]) -> None:
    """Adds one entry to the list in a JSON file."""
    entries = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    write_text(path, canonical_json([*entries, entry], indent=1))


def ten_step_means(lines: list[dict[str, Any]], name: str) -> list[float]:
    """Means of a figure over each full ten steps."""
    values = [line[name] for line in lines]
    return [round(sum(values[at : at + 10]) / 10, 3) for at in range(0, len(values) - 9, 10)]


def snapshots(options: argparse.Namespace) -> None:
    """Trains one schedule to its end and measures it every few updates; snapshots go below the output folder."""
    task, recipe = PlanExecute(), Recipe(options.drills, options.traces, options.stop, options.careless)
    folder: Path = options.output / f"{options.drills}-{options.traces}-s{options.seed}"
    measured: list[dict[str, Any]] = []

    def after(update: int, loss: float, model: Any) -> None:
        if update < options.first or (update - options.first) % options.every:
            return
        weights = {name: w.clone() for name, w in model.state_dict().items() if name != "lm_head.weight"}
        (folder / str(update)).mkdir(parents=True, exist_ok=True)
        save_file(weights, folder / str(update) / "model.safetensors")
        figures = {"update": update, "loss": round(loss, 3), **evaluate(Bare(weights), task, options.n)}
        measured.append(figures)
        print(json.dumps(figures), flush=True)

    train(recipe, PlanExecuteSettings(hint=options.hint), options.seed, after)
    entry = {name: getattr(options, name) for name in ("drills", "traces", "seed", "n")}
    demonstrator = {"hint": options.hint, "careless": options.careless}
    append(options.results, {"kind": "snapshots", "demonstrator": demonstrator, **entry, "measured": measured})


def grpo(options: argparse.Namespace) -> None:
    """GRPO from one folder of weights."""
    task, model = PlanExecute(attempts=options.attempts), Bare.load(options.start)
    settings = GRPO(options.steps, options.lr, seed=options.seed, evaluate_every=options.every, n=options.n)
    lines: list[dict[str, Any]] = []

    def log(line: dict[str, Any]) -> None:
        lines.append(line)
        if line["step"] % 10 == 0:
            means = {name: ten_step_means(lines[-10:], name) for name in TRACED} if line["step"] else {}
            print(line["step"], means, line.get("eval", ""), flush=True)

    before = plan_table(model, task.rows("eval", 1024))
    run(model, task, settings, log)
    entry = {
        "kind": "grpo",
        "start": options.name or "/".join(options.start.parts[-2:]),
        "start_sha256": sha256_file(options.start / "model.safetensors"),
        "settings": {**vars(settings), "attempts": options.attempts},
        "torch": torch.__version__,
        "plans_before": before,
        "plans_after": plan_table(model, task.rows("eval", 1024)),
        "greedy_after": evaluate(model, task, options.n, greedy=True)["accuracy"],
        "ten_step_means": {name: ten_step_means(lines[1:], name) for name in TRACED},
        "evaluations": [{"step": line["step"], **line["eval"]} for line in lines if "eval" in line],
        "cpu_s": lines[-1].get("cpu_s"),
    }
    append(options.results, entry)
    print("greedy", entry["greedy_after"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(required=True)
    verb = verbs.add_parser("snapshots")
    verb.set_defaults(run=snapshots)
    for name in ("drills", "traces", "first", "every"):
        verb.add_argument(f"--{name}", type=int, required=True)
    verb.add_argument("--stop", type=int)
    verb.add_argument("--hint", type=float, default=2.0)
    verb.add_argument("--careless", type=float, default=0.0)
    verb.add_argument("-o", "--output", type=Path, required=True)
    verb = verbs.add_parser("grpo")
    verb.set_defaults(run=grpo)
    verb.add_argument("start", type=Path)
    verb.add_argument("--name", help="what results.json calls the start; default: the last two parts of its path")
    verb.add_argument("--steps", type=int, default=200)
    verb.add_argument("--lr", type=float, default=2e-4)
    verb.add_argument("--attempts", type=int, default=2)
    verb.add_argument("--every", type=int, default=50)
    for verb in verbs.choices.values():
        verb.add_argument("--seed", type=int, default=0)
        verb.add_argument("--n", type=int, default=512)
        verb.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.run(options)


if __name__ == "__main__":
    main()
