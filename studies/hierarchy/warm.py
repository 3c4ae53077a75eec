"""Makes the warm starts of the study by the shipped recipe, and mines a lexicon from each: `python warm.py`

The seeds are 1 to 8 (strong) and 1 to 6 (weak); the shipped warm starts, which pilots used, have seed 0. results/warmstarts.json
says what came out.
"""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from loop import evaluate, sampled
from network import Network
from plan import WARM

from hicra.artifacts import canonical_json, sha256_file, write_text
from hicra.lexicon import Lexicon
from hicra.mining.mine import mine_paths
from hicra.mining.settings import preset
from hicra.tasks.plan_execute.task import PlanExecute

HERE = Path(__file__).resolve().parent
FOLDER = HERE / "work" / "warmstarts"
RECIPE = HERE.parents[1] / "recipes" / "plan-execute"
STARTS, MINED, PROBLEMS = ("strong", "weak"), 2048, 2048


def folder(start: str, warm: int) -> Path:
    """Returns where a warm start lies."""
    return FOLDER / f"{start}-{warm}"


def make(start: str, warm: int) -> None:
    """Trains a warm start and mines its lexicon, where they are not there yet; one process at a time makes one."""
    made = folder(start, warm)
    lexicon = made.with_name(f"{made.name}-lexicon")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with open(FOLDER / f"{made.name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            command = [sys.executable, str(RECIPE / "warmstart.py"), start, "--seed", str(warm), "-o", str(made)]
            subprocess.run(command, check=True, cwd=RECIPE)
        if not lexicon.exists():
            mine(Network.load(made), warm, warm).save(lexicon)


def mine(network: Network, problems: int, seed: int) -> Lexicon:
    """Mines a lexicon from the correct ones among 2048 rollouts of a policy, with the settings of `hicra demo`.

    Args:
        network: the policy.
        problems: the seed of the problems' order.
        seed: of the responses, and of the mining.
    """
    task = PlanExecute()
    found = sampled(network, task, task.rows("train", MINED, problems), torch.Generator().manual_seed(seed))
    rows = [
        {"id": row["id"], "question": row["prompt"], "response": text, "correct": bool(reward)}
        for row, text, reward in zip(found.rows, found.texts, found.rewards, strict=True)
    ]
    with tempfile.TemporaryDirectory() as room:
        corpus = Path(room) / "corpus.jsonl"
        write_text(corpus, "".join(json.dumps(row) + "\n" for row in rows))
        return mine_paths([corpus], preset("paper", {"embedder": "hashing", "seed": seed}), name="mined")[0]


def described(start: str, warm: int) -> dict[str, Any]:
    """Says what a warm start can do on held-out problems, and what its mined lexicon holds."""
    made = folder(start, warm)
    lexicon = Lexicon.load(made.with_name(f"{made.name}-lexicon"))
    return {
        "start": start, "warm": warm, "sha256": sha256_file(made / "model.safetensors"), "problems": PROBLEMS,
        **evaluate(Network.load(made), PlanExecute(), PROBLEMS), "mined": lexicon.phrases,
    }  # fmt: skip


def main() -> None:
    torch.set_num_threads(1)
    every = [(start, warm) for start in STARTS for warm in WARM[start]]
    for start, warm in every:
        make(start, warm)
    write_text(HERE / "results" / "warmstarts.json", canonical_json([described(*one) for one in every]))


if __name__ == "__main__":
    main()
