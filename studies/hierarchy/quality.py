"""Credit quality on the plan-execute task: `python studies/hierarchy/quality.py` writes results/quality.json and the page.

For each start, the true advantage of every token of two responses of each mixed group is estimated from 100 continuations a
prefix. Against it stand every credit method with the exact mask, and HICRA's family with better and worse lexicons. With
`--data DIR` (the folder with function_labels/) the sentences of real traces are asked the same. It can be killed and started
again: what was estimated stands in work/quality/. Seeds from 5000; about two CPU-minutes a policy.

    --model NAME=FOLDER   a further policy (a model folder of the task), beside strong and weak
    --page                makes the page alone, from results/quality.json
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from anchors import anchors
from network import Network
from quality_lists import lexicons
from quality_page import PAGE, page
from truth import Array, Batch, examined, kinds

from hicra import credit
from hicra.artifacts import canonical_json, write_text
from hicra.lexicon import Lexicon
from hicra.metrics import TrueAdvantages, kind_shares, reliability
from hicra.metrics.credit_quality import credit_quality
from hicra.signal.quality import SLACK, STANDARD_ERROR, continuations_for
from hicra.tagging.tagger import Tagger
from hicra.tasks.plan_execute.language import EOS, ID_OF, VOCABULARY
from hicra.tasks.plan_execute.task import PlanExecute

HERE = Path(__file__).parent
RESULT = HERE / "results" / "quality.json"
GROUPS, SEED = 55, 5000
FURTHER: dict[str, tuple[str, dict[str, Any]]] = {
    "hicra@alpha=0.8": ("hicra", {"alpha": 0.8}),
    "forking_tokens@normalise=selected": ("forking_tokens", {"normalise": "selected"}),
    "random_tokens@mode=keep": ("random_tokens", {"mode": "keep"}),
    "placebo@seed=1": ("placebo", {"seed": 1}),
    "placebo@seed=2": ("placebo", {"seed": 2}),
}
BY_LEXICON = ("none", "hicra", "hicra@alpha=0.8", "hicra_difficulty", "hicra_bonus", "planning_only", "placebo")
KEPT = (
    "cosine",
    "cosine_ci",
    "cosine_difference",
    "cosine_difference_ci",
    "focus",
    "focus_ci",
)  # of methods by lexicon
ALL = {**{name: (name, {}) for name in credit.METHODS}, **FURTHER}


def shaped_by(name: str, batches: list[Batch], masks: list[Array]) -> Array:
    """A method's advantages [B,T] of the examined responses; the method sees whole batches."""
    entry, settings = credit.METHODS[ALL[name][0]], ALL[name][1]
    parts = [
        entry(batch.advantages, batch.fields(mask), **settings) for batch, mask in zip(batches, masks, strict=True)
    ]
    parts = [
        np.broadcast_to(part.T, batch.live.T.shape).T if part.ndim == 1 else part
        for part, batch in zip(parts, batches, strict=True)
    ]
    return np.concatenate([part[batch.examined] for part, batch in zip(parts, batches, strict=True)])


def judged(names: Any, batches: list[Batch], masks: list[Array], truth: TrueAdvantages) -> dict[str, Any]:
    return credit_quality(truth, {name: shaped_by(name, batches, masks) for name in names})


def start(name: str, folder: Path, groups: int, continuations: int, work: Path) -> dict[str, Any]:
    """Everything about one policy."""
    begun = time.process_time()
    task, network = PlanExecute(), Network.load(folder)

    def say(line: str) -> None:
        print(f"{name}: {line} ({time.process_time() - begun:.0f} CPU s)", flush=True)

    batches, truth = examined(
        network, task, groups=groups, continuations=continuations, seed=SEED, work=work / name, say=say
    )
    exact = [task.planning_mask(batch.out.numpy()) for batch in batches]
    fields = set(batches[0].fields(exact[0]))
    judgeable = {m: set(credit.METHODS[entry].needs) - fields for m, (entry, _) in ALL.items()}
    methods = judged([m for m, lacks in judgeable.items() if not lacks], batches, exact, truth)
    say("methods judged")
    texts = [" ".join(VOCABULARY[i] for i in ids if i > ID_OF[EOS]) for batch in batches for ids in batch.out.tolist()]
    by_lexicon = {}
    for which, lexicon in lexicons(network, task, texts, SEED).items():
        by_lexicon[which] = of_lexicon(lexicon, folder, batches, exact, truth)
    say("lexicons judged")
    counted, matters = int(truth.live.sum()), truth.matters()
    return {
        "problems": len(np.unique(truth.problems)), "rollouts": len(truth.live), "tokens": counted,
        "sampled": sum(len(batch.rewards) for batch in batches), "batches": len(batches),
        "accuracy": float(np.mean([batch.rewards.mean() for batch in batches])),
        "asked": float(((truth.variance > 0) & truth.live).sum() / counted),
        "matters": float(matters.sum() / counted), "reliability": reliability(truth),
        "kinds": kind_shares(truth, kinds(batches)), "methods": methods,
        "not_judged": {m: sorted(lacks) for m, lacks in judgeable.items() if lacks}, "lexicons": by_lexicon,
    }  # fmt: skip


def of_lexicon(
    lexicon: Lexicon, folder: Path, batches: list[Batch], exact: list[Array], truth: TrueAdvantages
) -> dict[str, Any]:
    """What a lexicon marks, how much of the true advantage lies there, and what methods make of it."""
    tagger = Tagger(lexicon, str(folder))
    masks = [np.asarray(tagger.mask(batch.out.numpy(), batch.live)) for batch in batches]
    marked = sum(int(mask.sum()) for mask in masks)
    planning = sum(int((one & batch.live).sum()) for one, batch in zip(exact, batches, strict=True))
    hit = sum(int((one & mask).sum()) for one, mask in zip(exact, masks, strict=True))
    at = np.concatenate([mask[batch.examined] for mask, batch in zip(masks, batches, strict=True)])
    return {
        "phrases": len(lexicon), "recall": hit / planning, "precision": hit / marked if marked else None,
        "mask": kind_shares(truth, {"mask": at})["mask"],
        "methods": {
            method: {key: found[key] for key in KEPT} for method, found in judged(BY_LEXICON, batches, masks, truth).items()
        },
    }  # fmt: skip


def rounded(value: Any) -> Any:
    """Four decimals: the result is read by people, and differs in the last digits from machine to machine."""
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(one) for one in value]
    return round(value, 4) if isinstance(value, float) else value


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", type=Path, help="the folder with function_labels/")
    options.add_argument("--model", action="append", default=[], metavar="NAME=FOLDER", help="a further policy")
    options.add_argument("--groups", type=int, default=GROUPS, help="mixed groups of each policy")
    options.add_argument(
        "--page", action="store_true", help="make the page alone; with --data also its part on real traces"
    )
    given = options.parse_args()
    torch.set_num_threads(1)
    result = json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.exists() else {"starts": {}, "anchors": None}
    if not given.page:
        policies = {name: PlanExecute.warm_start(name) for name in ("strong", "weak")}
        policies |= {name: Path(folder) for name, _, folder in (one.partition("=") for one in given.model)}
        continuations = continuations_for(STANDARD_ERROR)
        result |= {"seed": SEED, "continuations": continuations, "standard_error": STANDARD_ERROR, "slack": SLACK}
        result["starts"] = {
            name: start(name, folder, given.groups, continuations, HERE / "work" / "quality")
            for name, folder in policies.items()
        }
    if given.data:
        result["anchors"] = anchors(given.data / "function_labels")
    RESULT.parent.mkdir(exist_ok=True)
    write_text(RESULT, canonical_json(rounded(result)))
    write_text(PAGE, page(json.loads(RESULT.read_text(encoding="utf-8"))))


if __name__ == "__main__":
    main()
