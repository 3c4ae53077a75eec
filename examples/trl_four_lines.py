"""A plain TRL script, trained with HICRA: the four lines that change are marked, what was there before stands beside them.

    python examples/trl_four_lines.py [RUN]         # RUN: a new folder for `hicra report RUN -o report.html`

Runs offline on a CPU in under a minute: the task and its small model ship inside the package.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer

from hicra.engines.trl import HicraGRPOConfig, HicraGRPOTrainer  # 1: from trl import GRPOConfig, GRPOTrainer
from hicra.tasks.plan_execute import PlanExecute

torch.set_num_threads(1)  # a model of 0.3M parameters is fastest on one
task = PlanExecute()
folder = task.warm_start("strong")
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModelForCausalLM.from_pretrained(folder)
dataset = Dataset.from_list(task.rows("train", 64))


def right(completion_ids: list[list[int]], **columns: list[object]) -> list[float | None]:
    """1 for a right answer, 0 for a wrong one; the dataset's own columns come in by name."""
    rewards = []
    for index, ids in enumerate(completion_ids):
        row = {name: columns[name][index] for name in dataset.column_names if name in columns}
        text = tokenizer.decode(ids, skip_special_tokens=True)
        rewards.append(task.score(text, row, ended=tokenizer.eos_token_id in ids).reward)
    return rewards


def main(output: Path, run_dir: str | None = None) -> HicraGRPOTrainer:
    args = HicraGRPOConfig(  # 2: args = GRPOConfig(
        lexicon="paper", method="hicra", method_settings={"alpha": 0.2},  # 3: (nothing)
        run_dir=run_dir,  # optional: a folder that gets what `hicra train` writes
        output_dir=str(output), max_steps=5, per_device_train_batch_size=32, num_generations=8, learning_rate=6e-4,
        max_completion_length=task.max_new_tokens, logging_steps=1, save_strategy="no", report_to="none",
        disable_tqdm=True, use_cpu=True, bf16=False,
    )  # fmt: skip
    trainer = HicraGRPOTrainer(  # 4: trainer = GRPOTrainer(
        model=model, reward_funcs=right, args=args, train_dataset=dataset, processing_class=tokenizer
    )
    trainer.train()
    return trainer


if __name__ == "__main__":
    run = sys.argv[1] if sys.argv[1:] else None
    with TemporaryDirectory() as temporary:
        history = main(Path(temporary), run).state.log_history
    print("\nstep  reward  planning share  changed share  entropy planning / execution")
    for step, entry in enumerate((entry for entry in history if "reward" in entry), start=1):
        print(
            f"{step:4d}  {entry['reward']:6.3f}  {entry['hicra/planning_share']:14.3f}  {entry['hicra/changed_share']:13.3f}"
            f"  {entry['hicra/entropy_planning']:16.3f} / {entry['hicra/entropy_execution']:.3f}"
        )
    if run:
        print(f"\nnext: hicra report {run} -o report.html")
