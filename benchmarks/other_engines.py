"""Claim: with alpha 0 hicra leaves the advantages of eight engines as they are, bit for bit, and with another one it changes
exactly those of planning tokens.

    python benchmarks/other_engines.py FOLDER -o benchmarks/baselines/other_engines.json

FOLDER holds a checkout of each repository that `ENGINES` names, as owner+name, at that commit; absent ones are left out by name,
and so are those whose packages are absent (`pip install omegaconf codetiming jaxtyping loguru tinker chz 'mlx[cpu]'`). Each runs
in a process of its own: the engine's own functions on its own types, with the adapter or the code block of docs/engines/ as it
stands. What needs a GPU, a service or a cluster is replaced by empty modules (other_engines_own.py).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from machine import finish, machine

ENGINES = {
    "slime": ("THUDM+slime", "624b824"),
    "rllm": ("rllm-org+rllm", "9beb6e0"),
    "skyrl": ("NovaSky-AI+SkyRL", "a956457"),
    "tinker": ("thinking-machines-lab+tinker-cookbook", "9dfcc3a"),
    "prime_rl": ("PrimeIntellect-ai+prime-rl", "559b447"),
    "openrlhf": ("OpenRLHF+OpenRLHF", "3c3be62"),
    "nemo_rl": ("NVIDIA-NeMo+RL", "7ea279a"),
    "mlx": ("Goekdeniz-Guelmez+mlx-lm-lora", "dfaaaed"),
}


def run(name: str, checkout: Path) -> dict[str, object]:
    """What one engine's process found: {alpha_0_is_its_own, changed_tokens, exactly_the_planning_tokens}, or {left_out: why}."""
    if not checkout.is_dir():
        return {"left_out": f"no checkout {checkout.name}"}
    script = Path(__file__).with_name("other_engines_own.py")
    done = subprocess.run(
        [sys.executable, str(script), name, str(checkout)], capture_output=True, text=True, check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    try:
        found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        return {"failed": (done.stderr.strip().splitlines() or ["it printed nothing"])[-1]}
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("-o", "--output", type=Path)
    args = parser.parse_args()
    engines = {name: {"commit": commit} | run(name, args.folder / where) for name, (where, commit) in ENGINES.items()}
    ran = [one for one in engines.values() if "left_out" not in one]
    holds = bool(ran) and all(one.get("alpha_0_is_its_own") and one.get("exactly_the_planning_tokens") for one in ran)
    return finish(
        {
            "claim": " ".join(str(__doc__).split("\n\n")[0].split()).removeprefix("Claim: "),
            **machine("torch"),
            "engines": engines,
            "holds": holds,
        },
        args.output,
    )


if __name__ == "__main__":
    sys.exit(main())
