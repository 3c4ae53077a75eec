"""Where the signal of trees and agents lies: `python studies/levels/measure.py` writes results.json, and then the page.

Each system plays from one start model a world, at a fixed policy: the chain of 20 choices for trees, the workshop of hcraft for
agents. The start models are those of the recipes carl-chain and agents; make them first as their pages say. A world without
its model is left out, and what stands in results.json is not measured again; about 10 CPU-minutes in all.

    --chain FOLDER, --hcraft FOLDER   the start models (default: runs/chain-start, runs/hcraft-start)
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from page import PAGE, PICTURE, RESULTS, page, picture

from hicra.artifacts import canonical_json, finite, sha256_file, write_text
from hicra.related.signal import measure
from hicra.runs.config import load_config

ROOT = Path(__file__).resolve().parents[2]
RECIPES = {"chain": "carl-chain", "hcraft": "agents"}
SYSTEMS: dict[str, dict[str, dict[str, Any]]] = {
    "chain": {"grpo": {"group_size": 16}, "carl": {}, "vineppo": {}, "spo_chain": {}, "spo_tree": {}},
    "hcraft": {
        "grpo": {"group_size": 16},
        "gigpo": {"group_size": 16},
        "himac": {"blueprints": 8, "group_size": 8},
        "hiper": {"group_size": 16},
    },
}
BATCHES, PROMPTS, SEED = 16, 4, 7000


def measured(world: str, system: str, model: Path) -> dict[str, Any]:
    """Measures one system in its world, at the start model of the recipe."""
    sets = [f"system.name={system}", f"system.settings={json.dumps(SYSTEMS[world][system])}"]
    config, _ = load_config(ROOT / "recipes" / RECIPES[world] / "config.yaml", sets)
    found = measure(config, model, batches=BATCHES, prompts=PROMPTS, seed=SEED)
    told = {key: found[key] for key in ("system", "kinds", "batches", "rows", "accuracy", "interactions")}
    return {"world": world, "model": sha256_file(model / "model.safetensors"), "prompts": PROMPTS, "seed": SEED} | told


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for world in SYSTEMS:
        options.add_argument(f"--{world}", type=Path, default=ROOT / "runs" / f"{world}-start")
    given = vars(options.parse_args())
    known = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else []
    for world, systems in SYSTEMS.items():
        for system in systems:
            if any((one["world"], one["system"]) == (world, system) for one in known):
                continue
            if not given[world].exists():
                print(f"{world}: there is no {given[world]}; recipes/{RECIPES[world]} makes it")
                break
            known.append(measured(world, system, given[world]))
            print(f"{world}, {system}: {known[-1]['interactions']} interactions", flush=True)
            write_text(RESULTS, canonical_json(finite(known)))
    write_text(PICTURE, picture(known))
    write_text(PAGE, page(known))


if __name__ == "__main__":
    main()
